"""What is not coded is said."""

import logging
import warnings

import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

from tec_zarr import InvalidInputError
from tec_zarr.cubes.convert import to_cube

FAST = {"context": "none", "progress": False}


def scene(*names: str, dtype: str = "u2", **others) -> xr.Dataset:
    out = xr.Dataset(coords={"y": np.arange(16.0), "x": np.arange(16.0)})
    for number, name in enumerate(names):
        out[name] = (("time", "y", "x"), np.full((1, 16, 16), 100 + number, dtype))
        out[name].attrs = {"offset_dn": 0, "units": "DN"}
    for name, (dims, kind) in others.items():
        out[name] = (dims, np.ones([16 if dim in "yx" else 1 for dim in dims], kind))
    return out


def warned(data, **options) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data.tec.to_zarr(MemoryStore(), **FAST, **options)
    return [str(one.message) for one in caught if one.category is UserWarning]


PLANE = ("time", "y", "x")


def test_variables_left_beside_are_listed_in_one_line(caplog):
    data = scene("B02", "B03", SCL=(PLANE, "u1"), ndvi=(PLANE, "f4"), tile=((), "i4"))
    with caplog.at_level(logging.INFO, "tec_zarr"):
        assert warned(data) == []
    [line] = [record.getMessage() for record in caplog.records if record.name == "tec_zarr"]
    assert "SCL (uint8, 256 bytes), ndvi (float32, 1,024 bytes), tile (int32, 4 bytes)" in line
    caplog.clear()
    with caplog.at_level(logging.INFO, "tec_zarr"):
        warned(scene("B02"))
    assert not [record for record in caplog.records if record.name == "tec_zarr"]


def test_nothing_is_set_up_of_logging():
    logger = logging.getLogger("tec_zarr")
    assert logger.handlers == []
    assert logger.level == logging.NOTSET
    assert logger.propagate


@pytest.mark.parametrize(
    "name", ["B10", "B13", "b8b", "S2_B04_toa", "nir_broad", "red-edge-9", "reflectance_1", "VV"]
)
def test_names_like_those_of_bands_get_those_that_are_understood(name):
    for kind in ("u2", "f4"):
        [said] = warned(scene("B02", "B03", **{name: (PLANE, kind)}))
        assert name in said
        assert "B8A" in said
        assert "nir08" in said
        assert "bands=[" in said


def test_a_variable_just_like_the_bands_is_told_whatever_it_is_called():
    [said] = warned(scene("B02", "B03", oa08=(PLANE, "u2")))
    assert "oa08 may be bands" in said


@pytest.mark.parametrize(
    ("name", "kind"),
    [("SCL", "u2"), ("QA60", "u2"), ("cloud_mask", "u2"), ("MSK_CLDPRB", "u1"), ("ndvi", "f4")],
)
def test_masks_and_indices_get_none(name, kind):
    assert warned(scene("B02", "B03", **{name: (PLANE, kind)})) == []


@pytest.mark.parametrize(
    "names",
    [
        ("nbart_blue", "nbart_red_edge_1", "nbart_nir_1", "nbart_swir_3", "nbart_coastal_aerosol"),
        ("s2_B02", "l8_B02"),
        ("s2_B02", "s2_blue"),
        ("sur_refl_b01", "sur_refl_b07"),
        ("FRE_B2", "FRE_B8A"),
        ("SR_B2", "SR_B7"),
        ("BROADNIR", "SWIR1"),
        ("Nadir_Reflectance_Band1", "Nadir_Reflectance_Band2"),
    ],
)
def test_bands_of_other_products_keep_their_names(names):
    data = scene(*names, oa_fmask=(PLANE, "u1"), s2_mask=(PLANE, "u2"), s2_ndvi=(PLANE, "f4"))
    assert warned(data) == []
    cube = to_cube(data)
    assert tuple(cube["band"].values) == names
    xr.testing.assert_identical(cube.tec.from_cube(), data)


@pytest.mark.parametrize("names", [("s2_B02", "s2_B8A"), ("S2A_L2A_B2", "S2A_L2A_nir08")])
def test_bands_that_are_said_to_be_of_sentinel_2_get_its_names(names):
    """As GreenEarthNet has them, beside the variables of other sensors."""
    data = scene(*names, s2_mask=(PLANE, "f4"), s1_vv=(PLANE, "f4"), eobs_tg=(("time",), "f4"))
    cube = to_cube(data)
    assert list(cube["band"].values) == ["B02", "B8A"]
    xr.testing.assert_identical(cube.tec.from_cube(), data)


def test_bounds_go_by_the_names_that_bands_have_on_either_side():
    data = scene("s2_B02", "s2_B8A")
    data = data + np.arange(16, dtype="u2") * 37 % 29
    for name in data.data_vars:
        data[name].attrs = {"offset_dn": 0}
    for bounds in ({"s2_B02": 0, "s2_B8A": 9}, {"B02": 0, "s2_B8A": 9}, {"blue": 0, "nir08": 9}):
        store = MemoryStore()
        data.tec.to_zarr(store, max_error=bounds, **FAST)
        back = xr.open_zarr(store).tec.from_cube()
        np.testing.assert_array_equal(back["s2_B02"], data["s2_B02"])
        assert np.abs(back["s2_B8A"].astype(int) - data["s2_B8A"].astype(int)).max() <= 9
    with pytest.raises(InvalidInputError, match="names B02 twice"):
        data.tec.to_zarr(MemoryStore(), max_error={"s2_B02": 0, "B02": 9}, **FAST)


@pytest.mark.parametrize("name", ["vv", "gamma0_VH", "red_index", "s2_mask_B02", "dem"])
def test_what_may_be_anything_is_no_band_of_another_product(name):
    with pytest.raises(InvalidInputError, match=r"understood as bands: \{\}.*bands=\["):
        to_cube(scene(name))


def test_who_names_the_bands_is_not_asked_again():
    assert warned(scene("B02", "B03", B10=(PLANE, "u2")), bands=["B02", "B03"]) == []


def test_one_unknown_name_that_keeps_others_from_being_known_is_told():
    data = scene("blue", "green", "veg5").to_dataarray("band").assign_attrs(offset_dn=0)
    [said] = warned(data)
    assert "the bands veg5 are not known" in said
    assert "blue (B02), green (B03)" in said
    assert warned(scene("B02", "B03", "B10").to_dataarray("band").assign_attrs(offset_dn=0)) == []


@pytest.mark.parametrize("form", ["band_{}", "band{}", "Band {}"])
def test_numbered_variables_go_by_their_long_names(form):
    """As rioxarray.open_rasterio(band_as_variable=True) gives them."""
    numbers = [form.format(number) for number in (1, 2, 3, 4)]
    data = scene(*numbers, SCL=(PLANE, "u1"))
    with pytest.raises(InvalidInputError, match=r"only count bands, and no long_name .*rename\("):
        to_cube(data)
    for name, told in zip(numbers, ("B04", "B03_10m", "blue", "nir"), strict=True):
        data[name].attrs["long_name"] = told
    cube = to_cube(data)
    assert list(cube["band"].values) == ["B04", "B03", "B02", "B08"]
    assert cube["B"].sel(band="B04").max() == 100
    xr.testing.assert_identical(cube.tec.from_cube(), data)


def test_numbered_labels_go_by_long_names_too():
    data = scene("band_1", "band_2").to_dataarray("band")
    with pytest.raises(InvalidInputError, match="bands need distinct names"):
        to_cube(data)
    told = to_cube(data.assign_attrs(long_name=("nir", "red")))
    assert list(told["band"].values) == ["B08", "B04"]
    assert list(told.tec.from_cube()["band"].values) == ["band_1", "band_2"]
    one = data.isel(band=[0]).assign_attrs(long_name="swir16")
    assert list(to_cube(one)["band"].values) == ["B11"]


def test_numbers_that_are_those_of_bands_stay_names():
    data = scene("band_2", "band_3", "band_8")
    assert list(to_cube(data)["band"].values) == ["B02", "B03", "B08"]
