"""What encodings tell of the store that data came from."""

import warnings

import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

from tec_zarr.cubes.stale import is_lossy, without_storage
from tec_zarr.synthetic import series

CUBE = series(2, 24, seed=3).isel(band=slice(0, 3)).assign_attrs(offset_dn=0)


def stored(zarr_format: int = 3, **options) -> xr.Dataset:
    store = MemoryStore()
    CUBE.tec.to_zarr(store, zarr_format=zarr_format, progress=False, **options)
    return xr.open_zarr(store)


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize(
    ("options", "lossy"),
    [
        ({"quality": 20}, True),
        ({"max_error": 20}, True),
        ({"max_error": {"B02": 0}, "quality": 20}, True),
        ({"max_error": 0}, False),
        ({"max_error": {"B01": 0, "B02": 0, "B03": 0}}, False),
    ],
)
def test_writing_again_what_lost_something_is_told(zarr_format, options, lossy):
    opened = stored(zarr_format, context="none", **options)
    assert is_lossy(opened["B"]) == lossy
    for again in (opened, opened["B"], opened.isel(time=[1]), opened.tec.from_cube()):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            again.tec.to_zarr(MemoryStore(), offset_dn=0, max_error=0, progress=False)
        said = [str(one.message) for one in caught if "coding it again" in str(one.message)]
        assert len(said) == lossy
        assert all("tec_zarr.decompress" in text for text in said)


def test_appending_what_lost_something_is_told():
    opened = stored(context="none", chunks={"time": 2})
    later = opened.assign_coords(time=opened["time"] + np.timedelta64(900, "D"))
    store = MemoryStore()
    CUBE.tec.to_zarr(store, max_error=0, chunks={"time": 2}, progress=False)
    with pytest.warns(UserWarning, match="B came out of a store .* with a loss"):
        later.tec.append(store, progress=False)


def test_what_is_computed_is_new():
    opened = stored(context="none")
    assert not is_lossy(opened["B"] + 1)
    assert not is_lossy(CUBE)


def test_units_of_times_and_names_stay():
    opened = stored(max_error=0)
    clean = without_storage(opened)
    assert clean["time"].encoding["units"] == "microseconds since 1970-01-01"
    assert clean["B"].encoding["dtype"] == np.dtype("u2")
    assert not {"serializer", "chunks", "compressors", "filters"} & set(clean["B"].encoding)
    assert not {"chunks", "compressors"} & set(clean["time"].encoding)
    assert "serializer" in opened["B"].encoding
