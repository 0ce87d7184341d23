"""Cubes that stackstac and odc-stac make of STAC items, with the packages themselves: `pip
install "tec_zarr[stac]"`."""

import datetime
import pathlib

import numpy as np
import pytest
import xarray as xr

from tec_zarr.cubes.terms import NAME
from tec_zarr.errors import InvalidInputError
from tests.cubes.test_convert import same

pystac = pytest.importorskip("pystac", reason="needs the extra `stac`: pystac is missing")
stackstac = pytest.importorskip("stackstac", reason="needs the extra `stac`: stackstac is missing")
odc_stac = pytest.importorskip("odc.stac", reason="needs the extra `stac`: odc-stac is missing")
rasterio = pytest.importorskip("rasterio", reason="needs the extra `stac`: rasterio is missing")

BANDS = {
    "blue": ("B02", 10),
    "green": ("B03", 10),
    "red": ("B04", 10),
    "nir": ("B08", 10),
    "swir16": ("B11", 20),
}
EXTENSIONS = [
    f"https://stac-extensions.github.io/{name}/v1.1.0/schema.json"
    for name in ("projection", "raster", "eo")
]

pytestmark = [
    pytest.mark.filterwarnings("ignore:no attribute tells the offset"),
    pytest.mark.filterwarnings("ignore:Use `@` matmul"),
]


def asset(
    path: pathlib.Path, values: np.ndarray, step: int, name: str, band: str
) -> "pystac.Asset":
    """A GeoTIFF and the asset that Earth Search would describe it as."""
    size, transform = len(values), rasterio.transform.from_origin(600_000, 5_340_000, step, step)
    profile = {
        "width": size,
        "height": size,
        "count": 1,
        "dtype": values.dtype,
        "crs": "EPSG:32633",
        "nodata": 0,
    }
    with rasterio.open(path, "w", driver="GTiff", transform=transform, **profile) as file:
        file.write(values, 1)
    packing = {} if band == "SCL" else {"scale": 0.0001, "offset": 0}
    fields = {
        "proj:shape": [size, size],
        "proj:transform": [step, 0, 600_000, 0, -step, 5_340_000],
        "eo:bands": [{"name": band.lower(), "common_name": name}],
        "raster:bands": [
            {"nodata": 0, "data_type": str(values.dtype), "spatial_resolution": step, **packing}
        ],
        "gsd": step,
    }
    return pystac.Asset(
        str(path), title=f"{name} ({band})", media_type=pystac.MediaType.COG, extra_fields=fields
    )


@pytest.fixture(scope="module")
def items(tmp_path_factory) -> list:
    folder, made = tmp_path_factory.mktemp("items"), []
    rng = np.random.default_rng(0)
    for day in (3, 8):
        time = datetime.datetime(2023, 6, day, 10, 5, tzinfo=datetime.UTC)
        properties = {
            "proj:epsg": 32633,
            "proj:code": "EPSG:32633",
            "platform": "sentinel-2a",
            "eo:cloud_cover": 1.5 * day,
            "s2:processing_baseline": "05.09",
            "earthsearch:boa_offset_applied": True,
            "instruments": ["msi"],
        }
        square = {
            "type": "Polygon",
            "coordinates": [[[15, 48], [15.01, 48], [15.01, 48.01], [15, 48.01], [15, 48]]],
        }
        item = pystac.Item(
            f"S2A_33UXP_202306{day:02}_0_L2A", square, [15, 48, 15.01, 48.01], time, properties
        )
        item.stac_extensions = EXTENSIONS
        for name, (band, step) in {**BANDS, "scl": ("SCL", 20)}.items():
            size = 600 // step
            values = rng.integers(500, 4000, (size, size)).astype(np.uint16)
            values = (values % 12).astype(np.uint8) if band == "SCL" else values
            values[:3, :4] = 0
            item.add_asset(name, asset(folder / f"{day}{band}.tif", values, step, name, band))
        made.append(item)
    return made


def stacked(items, **options) -> xr.DataArray:
    return stackstac.stack(items, assets=list(BANDS), epsg=32633, resolution=10, **options)


KINDS = {
    "stackstac, scaled": stacked,
    "stackstac, DN": lambda items: stacked(
        items, rescale=False, dtype="uint16", fill_value=np.uint16(0)
    ),
    "odc-stac": lambda items: odc_stac.load(
        items, bands=[*BANDS, "scl"], crs="EPSG:32633", resolution=10, chunks={}
    ),
    "odc-stac, one date, loaded": lambda items: odc_stac.load(items[:1], bands=list(BANDS)),
    "odc-stac, one array": lambda items: odc_stac.load(
        items, bands=list(BANDS), chunks={}
    ).to_dataarray("band"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip(kind, items, tmp_path):
    """Losslessly, so that values can be compared too."""
    original = KINDS[kind](items)
    original.tec.to_zarr(tmp_path / "a.zarr", progress=False, max_error=0)
    opened = xr.open_zarr(tmp_path / "a.zarr", consolidated=False)
    assert opened[NAME].sizes == {"time": original.sizes["time"], "band": 5, "y": 60, "x": 60}
    assert list(opened["band"].values) == [band for band, _ in BANDS.values()]
    back = opened.tec.from_cube()
    same(original, back)
    assert back.odc.crs == original.odc.crs
    if isinstance(original, xr.Dataset):
        assert opened[NAME].attrs["grid_mapping"] == "spatial_ref"


def test_a_mask_among_the_bands_is_named(items, tmp_path):
    cube = stackstac.stack(items, epsg=32633, resolution=20)
    with pytest.raises(
        InvalidInputError, match=r"'scl' is unknown.*leave out what is no band with \.sel\(band="
    ):
        cube.tec.to_zarr(tmp_path / "a.zarr")
    cube.sel(band=list(BANDS)).tec.to_zarr(tmp_path / "a.zarr", progress=False, quality=5)
