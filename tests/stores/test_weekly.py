"""An archive that gets a date a week, in chunks of many dates. `benchmarks/weekly.py` has a
year."""

import numpy as np
import pytest
import xarray as xr

import tec_zarr
from tec_zarr.bitstream import container
from tec_zarr.runtime.cache import CACHE
from tec_zarr.synthetic.observations import dataset

WEEKS = 11
CHUNKS = {"time": 8, "y": 48, "x": 48}


def chunks(store):
    return [path for path in (store / "B" / "c").rglob("*") if path.is_file()]


def sections(store):
    """Bytes of each date of each chunk."""
    found = {}
    for path in chunks(store):
        for section in container.parse(path.read_bytes()).sections:
            found[path.relative_to(store), section.time] = section.data
    return found


@pytest.fixture(scope="module")
def year():
    return dataset(WEEKS, (48, 60), seed=4)


@pytest.mark.parametrize(
    "settings",
    [
        {"key_interval": 4},
        {"context": "none"},
        pytest.param({"psnr": 40, "key_interval": 4}, marks=pytest.mark.slow),
        pytest.param({"max_error": 30}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_a_date_a_week(year, settings, tmp_path):
    grown = tmp_path / "grown.zarr"
    year.isel(time=[0]).tec.to_zarr(grown, chunks=CHUNKS, progress=False, **settings)
    kept = sections(grown)
    for week in range(1, WEEKS):
        CACHE.reset()  # each week in a process of its own
        before = sum(path.stat().st_size for path in chunks(grown))
        year.isel(time=week).tec.append(grown, progress=False)
        now = sections(grown)
        assert {place: now[place] for place in kept} == kept
        added = sum(path.stat().st_size for path in chunks(grown)) - before
        own = tec_zarr.TerraCodec(**settings).encode(year["B"].values[week : week + 1])
        assert added < 1.5 * len(own)
        kept = now
    at_once = tmp_path / "at_once.zarr"
    year.tec.to_zarr(at_once, chunks=CHUNKS, progress=False, **settings)
    size = sum(path.stat().st_size for path in chunks(grown))
    assert size < 1.1 * sum(path.stat().st_size for path in chunks(at_once))
    opened = xr.open_zarr(grown)
    np.testing.assert_array_equal(opened["time"], year["time"])
    np.testing.assert_array_equal(opened["SCL"], year["SCL"])
    if "max_error" in settings:
        difference = opened["B"].values.astype(int) - year["B"].values
        assert np.abs(difference[year["B"].values != 0]).max() <= settings["max_error"]
    elif "psnr" not in settings:
        np.testing.assert_array_equal(opened["B"], xr.open_zarr(at_once)["B"])
