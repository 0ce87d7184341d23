import pytest
import xarray as xr

from tec_zarr.synthetic.observations import dataset


@pytest.fixture(scope="session")
def scene() -> xr.Dataset:
    """Four dates of all bands with SCL, 64 x 80 pixels."""
    return dataset(4, (64, 80), seed=6)
