"""ds.tec.estimate and ds.tec.rd_curve."""

import numpy as np
import pytest
import xarray as xr

from tec_zarr.codec import metrics
from tec_zarr.errors import InvalidInputError
from tec_zarr.models.bands import L2A
from tec_zarr.synthetic.observations import dataset
from tests.stores.scenes import SMALL, opened


@pytest.mark.slow
def test_an_estimate_is_what_writing_gives(scene, tmp_path):
    guess = scene.tec.estimate(quality=60, chunks=SMALL, sample=6, precision=np.inf)
    scene.tec.to_zarr(tmp_path / "a.zarr", chunks=SMALL, quality=60, progress=False)
    back = opened(tmp_path / "a.zarr")
    assert (guess.sampled, guess.chunks) == (6, 12)
    assert guess.bytes == pytest.approx(back.tec.info()["bytes"], rel=0.1)
    assert guess.rmse == pytest.approx(
        metrics.rmse(scene["B"].values, back["B"].values, scene["B"].values != 0), rel=0.1
    )
    whole = scene.tec.estimate(quality=60, chunks=SMALL, sample=None)
    assert whole.bytes == back.tec.info()["bytes"]
    assert whole.psnr == pytest.approx(
        metrics.psnr(scene["B"].values, back["B"].values, scene["B"].values != 0), abs=0.01
    )


@pytest.mark.slow
def test_an_estimate_codes_more_chunks_where_they_differ_more(tmp_path):
    """Twenty-seven calm chunks and nine busy ones of several grids; none is coded twice."""
    rng = np.random.default_rng(1)
    values = np.full((1, 12, 100, 100), 1000, np.uint16)
    values[..., :40, :] += rng.integers(0, 3000, values[..., :40, :].shape, dtype=np.uint16)
    busy = xr.DataArray(
        values, dims=("time", "band", "y", "x"), coords={"band": list(L2A)}, attrs={"offset_dn": 0}
    )
    options = {"quality": 30, "chunks": {"y": 18, "x": 18}}
    rough = busy.tec.estimate(**options, sample=4, precision=np.inf)
    good = busy.tec.estimate(**options, sample=4)
    busy.tec.to_zarr(tmp_path / "a.zarr", **options, progress=False)
    size = opened(tmp_path / "a.zarr").tec.info()["bytes"]
    assert (rough.chunks, good.chunks) == (36, 36)
    assert rough.sampled < good.sampled
    assert good.spread <= 0.03 < rough.spread
    assert good.bytes == pytest.approx(size, rel=0.1)


def test_the_curve_rises(scene):
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    curve = scene.tec.rd_curve([10, 50, 90], chunks=SMALL, sample=3, ax=axes)
    assert (np.diff(curve["psnr"]) > 0).all()
    assert (np.diff(curve["bppb"]) > 0).all()
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), curve["bppb"])


@pytest.mark.parametrize("sample", [0, -1, 2.5, True])
def test_a_sample_is_a_number_of_chunks(sample):
    with pytest.raises(InvalidInputError, match="sample must be a number of chunks, 1 or more"):
        dataset(1, (24, 24), seed=1).tec.estimate(sample=sample)


def test_a_curve_has_several_qualities():
    with pytest.raises(InvalidInputError, match="qualities must be several numbers"):
        dataset(1, (24, 24), seed=1).tec.rd_curve(50)
