import re
import zipfile

import numpy as np
import pytest
import xarray as xr

from tec_zarr.cubes.files import open_cube
from tec_zarr.errors import InvalidInputError

rioxarray = pytest.importorskip("rioxarray", reason="reads and writes images")

SIZE = 48
DATES = ("20240512T101021", "20240601T101021")


def write(path, seed, step=10, size=SIZE, dtype="uint16", bands=None, moved=(0, 0), **tags):
    """An image whose values are known from its seed; `moved` by meters to the south and east."""
    side = size * 10 // step
    values = np.random.default_rng(seed).integers(100, 4000, (len(bands or "x"), side, side))
    data = xr.DataArray(
        values.astype(dtype),
        dims=("band", "y", "x"),
        coords={
            "y": 5_000_000 - moved[0] - (np.arange(side) + 0.5) * step,
            "x": 600_000 + moved[1] + (np.arange(side) + 0.5) * step,
        },
    )
    if bands:
        data.attrs["long_name"] = tuple(bands)
    path.parent.mkdir(parents=True, exist_ok=True)
    lossless = {"QUALITY": "100", "REVERSIBLE": "YES"} if path.suffix == ".jp2" else {}
    data.rio.write_crs("EPSG:32632").rio.to_raster(path, tags=tags, **lossless)
    return values


def safe(folder, date=DATES[0], baseline="0500", has_picture=False):
    """A product with bands of three resolutions; what its bands hold by name."""
    name = f"S2B_MSIL2A_{date}_N{baseline}_R022_T32TQM_20240512T130000.SAFE"
    images = folder / name / "GRANULE" / "L2A_T32TQM" / "IMG_DATA"
    held = {}
    for seed, (band, step) in enumerate(
        [("B02", 10), ("B04", 10), ("B08", 10), ("B11", 20), ("SCL", 20), ("B01", 60)]
    ):
        path = images / f"R{step}m" / f"T32TQM_{date}_{band}_{step}m.jp2"
        kind = "uint8" if band == "SCL" else "uint16"
        held[band] = write(path, seed, step, dtype=kind)[0].astype(kind)
    write(images / "R20m" / f"T32TQM_{date}_B02_20m.jp2", 20, 20)
    if has_picture:
        write(images / "R10m" / f"T32TQM_{date}_TCI_10m.jp2", 21, dtype="uint8")
    write(folder / name / "GRANULE" / "L2A_T32TQM" / "QI_DATA" / "MSK_B02.jp2", 22)
    return folder / name, held


@pytest.mark.parametrize("is_zipped", [False, True])
def test_a_safe_product_on_its_finest_grid(tmp_path, is_zipped):
    product, held = safe(tmp_path, has_picture=True)
    if is_zipped:
        path = tmp_path / "product.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in product.rglob("*.jp2"):
                archive.write(file, file.relative_to(tmp_path))
        product = path
    with pytest.warns(UserWarning, match="left out as no bands: .*TCI_10m.jp2$"):
        cube = open_cube([product])
    assert sorted(cube["band"].values) == ["B01", "B02", "B04", "B08", "B11"]
    assert cube["B"].sizes == {"time": 1, "band": 5, "y": SIZE, "x": SIZE}
    assert cube["time"].values[0] == np.datetime64("2024-05-12T10:10:21")
    for band, factor in (("B02", 1), ("B11", 2), ("B01", 6)):
        repeated = held[band].repeat(factor, 0).repeat(factor, 1)
        np.testing.assert_array_equal(cube["B"].sel(band=band).values[0], repeated)
    assert cube["SCL"].dtype == "uint8"
    np.testing.assert_array_equal(cube["SCL"].values[0, ::2, ::2], held["SCL"])
    assert cube["B"].attrs["BOA_ADD_OFFSET"] == -1000


def test_one_resolution_of_a_safe_product(tmp_path):
    product, held = safe(tmp_path)
    cube = open_cube([product], resolution=20)
    assert sorted(cube["band"].values) == ["B02", "B11"]
    assert cube.sizes["y"] == SIZE // 2
    np.testing.assert_array_equal(cube["SCL"].values[0], held["SCL"])
    with pytest.raises(InvalidInputError, match=re.escape("there are 10, 20, 60")):
        open_cube([product], resolution=30)


def test_products_of_several_dates_are_sorted(tmp_path):
    late, _ = safe(tmp_path, DATES[1])
    early, _ = safe(tmp_path, DATES[0])
    cube = open_cube([late, early])
    assert cube.sizes["time"] == 2
    assert (np.diff(cube["time"].values) > np.timedelta64(0)).all()


def test_products_of_several_offsets_are_refused(tmp_path):
    products = [safe(tmp_path, DATES[0], "0301")[0], safe(tmp_path, DATES[1], "0510")[0]]
    with pytest.raises(InvalidInputError, match="one offset") as refused:
        open_cube(products)
    assert all(path.name in str(refused.value) for path in products)


def test_metadata_overrule_the_baseline(tmp_path):
    product, _ = safe(tmp_path)
    (product / "MTD_MSIL2A.xml").write_text('<BOA_ADD_OFFSET band_id="0">-500</BOA_ADD_OFFSET>')
    assert open_cube([product])["B"].attrs["BOA_ADD_OFFSET"] == -500


def test_a_folder_of_a_file_a_band_and_date(tmp_path):
    held = {}
    for t, date in enumerate(("2024-06-01", "2024-05-12")):
        for b, band in enumerate(("red", "nir")):
            held[date, band] = write(tmp_path / f"{date}_{band}.tif", 10 * t + b)[0]
    cube = open_cube([tmp_path])
    assert cube["B"].sizes == {"time": 2, "band": 2, "y": SIZE, "x": SIZE}
    for (date, name), values in held.items():
        band = {"red": "B04", "nir": "B08"}[name]
        np.testing.assert_array_equal(cube["B"].sel(band=band, time=date).values.squeeze(), values)


def test_other_bands_by_what_dates_leave_of_names(tmp_path):
    held = {}
    for t, date in enumerate(("20240101", "20240113")):
        for b, band in enumerate(("vh", "vv")):
            path = tmp_path / f"S1_{band}_{date}.tif"
            held[date, band] = write(path, 10 * t + b, dtype="float32")[0]
    cube = open_cube([tmp_path])
    assert list(cube["band"].values) == ["S1_vh", "S1_vv"]
    np.testing.assert_array_equal(cube["B"].values[1, 1], held["20240113", "vv"])


def test_dates_of_tags(tmp_path):
    for t, day in enumerate(("2024:05:12 10:10:21", "2024:05:02 10:10:21")):
        write(tmp_path / f"{t}.tif", t, bands=("B02", "B03"), TIFFTAG_DATETIME=day)
    times = open_cube([tmp_path])["time"].values
    assert [str(time)[:10] for time in times] == ["2024-05-02", "2024-05-12"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"2024-05-12_B02.tif": {}, "2024-05-12_B03.tif": {}, "2024-06-01_B02.tif": {}},
         "2024-06-01T00:00:00 lacks B03"),
        ({"2024-05-12_B02.tif": {}, "x/2024-05-12_B02.tif": {}}, "are both B02 of 2024-05-12"),
        ({"2024-05-12_B02.tif": {}, "2024-05-12_ndvi.tif": {}}, "of which band is"),
        ({"2024-05-12.tif": {}, "2024-06-01.tif": {}}, "tells its band"),
        ({"2024-05-12_B02.tif": {}, "2024-05-12_B03.tif": {"size": 36}}, "one grid"),
        ({"2024-05-12_B02.tif": {}, "2024-06-01_B02.tif": {"dtype": "int16"}}, "one dtype"),
        ({"2024-05-12.tif": {"bands": "ab"}, "b.tif": {"bands": "ab"}}, "others do not"),
        ({"2024-05-12.tif": {"bands": "ab"}, "2024-06-01.tif": {"bands": "abc"}}, "no one cube"),
        ({"2024-05-12_TCI.tif": {}}, "none of these files is a band"),
    ],
    ids=["hole", "twice", "unknown", "nameless", "grids", "dtypes", "dates", "bands", "none"],
)  # fmt: skip
def test_what_makes_no_cube_is_told_with_what_was_understood(tmp_path, files, said):
    for seed, (name, how) in enumerate(files.items()):
        write(tmp_path / name, seed, **how)
    with pytest.raises(InvalidInputError, match=re.escape(said)) as refused:
        open_cube([tmp_path])
    assert any(name.split("/")[-1] in str(refused.value) for name in files) or "lacks" in said


@pytest.mark.parametrize("moved", [(0, 5), (5, 0), (40, 0), (0, -1), (10, 10)])
@pytest.mark.parametrize("bands", [None, ("B02", "B03")])
def test_dates_that_lie_beside_each_other_are_refused(tmp_path, moved, bands):
    name = "scene.tif" if bands else "B02.tif"
    write(tmp_path / f"2024-05-12_{name}", 1, bands=bands)
    write(tmp_path / f"2024-06-01_{name}", 2, bands=bands, moved=moved)
    with pytest.raises(InvalidInputError, match="one grid"):
        open_cube([tmp_path])


@pytest.mark.parametrize("bands", [None, ("B02", "B03")])
@pytest.mark.parametrize("other", ["B02", "B02_summer", "B02_12-05-2024"])
def test_files_with_and_without_a_date_are_refused(tmp_path, other, bands):
    write(tmp_path / "2024-05-12_B02.tif", 1, bands=bands)
    write(tmp_path / f"{other}.tif", 2, bands=bands)
    with pytest.raises(InvalidInputError, match=r"some of the files tell.*Name files like"):
        open_cube([tmp_path])


def test_bytes_that_are_no_image(tmp_path):
    path = tmp_path / "2024-05-12_B02.tif"
    path.write_bytes(b"no image")
    with pytest.raises(InvalidInputError, match="cannot be read as an image"):
        open_cube([path])
    assert not list(tmp_path.glob("*.xml"))


def test_nothing_is_read_before_it_is_needed(tmp_path):
    write(tmp_path / "2024-05-12_B02.tif", 1)
    assert open_cube([tmp_path])["B"].chunks is not None
