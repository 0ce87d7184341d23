"""Cubes of every kind through a store and back."""

import affine
import numpy as np
import pytest
import rioxarray  # noqa: F401 (it registers .rio)
import xarray as xr
from zarr.storage import MemoryStore

from tec_zarr.cubes.bands import band_name
from tec_zarr.cubes.convert import to_cube
from tec_zarr.cubes.restore import from_cube
from tec_zarr.cubes.terms import NAME
from tec_zarr.errors import InvalidInputError
from tec_zarr.models.bands import L2A
from tec_zarr.synthetic.observations import dataset

BANDS = ("B02", "B03", "B04", "B08")
SIZE = 40


def scene(times: int = 2) -> xr.Dataset:
    return dataset(times, SIZE, seed=4).sel(band=list(BANDS))


def objects(*values) -> np.ndarray:
    out = np.empty(len(values), object)
    out[:] = values
    return out


def stackstac_cube() -> xr.DataArray:
    """As stackstac.stack gives it: scaled float64, NaN, a coordinate for each STAC property,
    objects among them."""
    made = (scene()["B"] * 1e-4 - 0.1).astype("float64")
    made = made.where(made > -0.095).assign_coords(band=["blue", "green", "red", "nir"])
    raster = {
        "nodata": 0,
        "data_type": "uint16",
        "spatial_resolution": 10,
        "scale": 0.0001,
        "offset": -0.1,
    }
    made = made.assign_coords(
        id=("time", np.array(["S2B_33UXP_20210101_0_L2A", "S2A_33UXP_20210106_0_L2A"])),
        epsg=32633,
        gsd=("band", [10, 10, 10, 10]),
        full_width_half_max=((), None),
        center_wavelength=0.5,
        **{
            "proj:bbox": ((), None),
            "raster:bands": ("band", objects(raster, raster, {"nodata": 0}, None)),
            "eo:cloud_cover": ("time", [1.5, np.nan]),
            "earthsearch:boa_offset_applied": True,
            "s2:processing_baseline": "05.09",
            "title": ("band", np.array(["blue (B02)", "green (B03)", "red (B04)", "nir (B08)"])),
        },
    )
    made.coords["proj:bbox"] = xr.Variable((), np.array({600000, 5340000}, object))
    attrs = {
        "spec": object(),
        "crs": "epsg:32633",
        "transform": affine.Affine(10, 0, 6e5, 0, -10, 5e6),
        "resolution": 10.0,
    }
    return made.assign_attrs(attrs).rename("stackstac-1").chunk({"time": 1, "band": 1})


def odc_dataset() -> xr.Dataset:
    """As odc.stac.load gives it: a uint16 variable a band, nodata in attributes, spatial_ref, a
    chunk a date."""
    parts = {
        n: scene()["B"].sel(band=b, drop=True)
        for n, b in zip(("blue", "green", "red", "nir"), BANDS, strict=True)
    }
    made = xr.Dataset(
        {n: v.assign_attrs({"nodata": 0, "units": "1", "offset_dn": 0}) for n, v in parts.items()}
    )
    made["red"].attrs["wavelength"] = 665
    made["scl"] = scene()["SCL"].drop_attrs()
    made.attrs = {}
    for dim, resolution in (("y", -10.0), ("x", 10.0)):
        made[dim].attrs = {"units": "metre", "resolution": resolution, "crs": "EPSG:32633"}
    made = made.rio.write_crs("EPSG:32633").chunk({"time": 1})
    for variable in made.data_vars.values():
        variable.encoding = {"grid_mapping": "spatial_ref"}
    return made


def rioxarray_array() -> xr.DataArray:
    """As rioxarray.open_rasterio gives it: (band, y, x), numbered bands, names in `long_name`,
    `_FillValue` among attrs."""
    made = scene(1)["B"].isel(time=0, drop=True).assign_coords(band=[1, 2, 3, 4])
    made.attrs = {
        "_FillValue": 0,
        "scale_factor": 1.0,
        "add_offset": 0.0,
        "long_name": BANDS,
        "AREA_OR_POINT": "Area",
    }
    return made.rename(None).rio.write_crs("EPSG:32633")


def eopf_product(**open_options) -> xr.DataTree:
    """As xr.open_datatree opens an EOPF product: packed uint16 in Zarr format 2, groups of 10
    and 20 m, SCL apart."""
    packed = {"_FillValue": 0, "scale_factor": 1e-4, "add_offset": -0.1, "dtype": "<u2"}
    frame = scene(1)["B"].isel(time=0, drop=True)
    store = MemoryStore()
    for group, bands, step in (("r10m", BANDS, 1), ("r20m", ("B05", "B11"), 2)):
        source = (
            frame
            if step == 1
            else frame.isel(band=[0, 1], y=slice(0, None, 2), x=slice(0, None, 2))
        )
        values = (source.values * 1e-4 - 0.1).astype("f8")
        named = {
            b.lower(): (("y", "x"), v, {"long_name": b}) for b, v in zip(bands, values, strict=True)
        }
        made = xr.Dataset(named, {"y": source["y"].drop_attrs(), "x": source["x"].drop_attrs()})
        made.to_zarr(
            store,
            group=f"measurements/reflectance/{group}",
            zarr_format=2,
            consolidated=False,
            encoding={b.lower(): packed for b in bands},
        )
    scl = xr.Dataset({"scl": (("y", "x"), np.ones((SIZE // 2, SIZE // 2), np.uint8))})
    scl.to_zarr(
        store, group="conditions/mask/l2a_classification/r20m", zarr_format=2, consolidated=False
    )
    return xr.open_datatree(store, engine="zarr", chunks={}, consolidated=False, **open_options)


def eopf_group() -> xr.Dataset:
    return eopf_product(mask_and_scale=False)["measurements/reflectance/r10m"].to_dataset()


def eopf_reflectance() -> xr.Dataset:
    return eopf_product()["measurements/reflectance/r20m"].to_dataset()


def stacked_array() -> xr.DataArray:
    """As ds.to_dataarray("band") gives it."""
    return odc_dataset()[["blue", "green", "red", "nir"]].to_dataarray("band")


def variable_among_others() -> xr.Dataset:
    return scene().rename(B="reflectance").transpose("band", "y", "x", "time")


KINDS = [
    stackstac_cube,
    odc_dataset,
    rioxarray_array,
    eopf_group,
    eopf_reflectance,
    stacked_array,
    variable_among_others,
]


def same(original, back) -> None:
    assert type(back) is type(original)
    assert back.sizes == original.sizes
    assert set(back.coords) == set(original.coords)
    for name, coord in original.coords.items():
        if name not in ("proj:bbox",):
            assert coord.dims == back[name].dims, name
            if coord.dtype.kind == "O":
                assert coord.values.tolist() == back[name].values.tolist(), name
            else:
                np.testing.assert_array_equal(coord.values, back[name].values, err_msg=name)
    pairs = [(original, back)]
    if isinstance(original, xr.Dataset):
        assert list(back.data_vars) == list(original.data_vars) or set(back.data_vars) == set(
            original.data_vars
        )
        pairs = [(original[n], back[n]) for n in original.data_vars]
    for one, other in pairs:
        assert (one.dtype, one.dims, one.name) == (other.dtype, other.dims, other.name)
        np.testing.assert_array_equal(one.values, other.values)
        assert other.encoding.get("grid_mapping") == one.encoding.get("grid_mapping")
        kept = {k: v for k, v in one.attrs.items() if k not in ("spec", "transform", "long_name")}
        assert kept == {
            k: v for k, v in other.attrs.items() if k not in ("spec", "transform", "long_name")
        }


@pytest.mark.filterwarnings("ignore:no attribute tells the offset")
@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_every_kind_comes_back_as_it_was(kind, zarr_format, tmp_path):
    """Losslessly, so that values can be compared too."""
    original = kind()
    original.tec.to_zarr(tmp_path / "a.zarr", zarr_format=zarr_format, progress=False, max_error=0)
    opened = xr.open_zarr(tmp_path / "a.zarr", consolidated=False)
    assert opened[NAME].dims == ("time", "band", "y", "x")
    assert opened[NAME].dtype == (
        original.dtype if isinstance(original, xr.DataArray) else opened[NAME].dtype
    )
    assert sorted(opened["band"].values) == (
        ["B05", "B11"] if kind is eopf_reflectance else list(BANDS)
    )
    same(original, opened.tec.from_cube())
    if "spatial_ref" in original.coords:
        assert opened[NAME].attrs.get("grid_mapping") == (
            None if kind is stacked_array else "spatial_ref"
        )
        assert opened.tec.from_cube().rio.crs == original.rio.crs


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_without_a_store_too_and_the_original_stays(kind):
    original, again = kind(), kind()
    same(original, from_cube(to_cube(original)))
    assert (
        original.drop_attrs()
        .drop_vars(["proj:bbox", "raster:bands"], errors="ignore")
        .identical(again.drop_attrs().drop_vars(["proj:bbox", "raster:bands"], errors="ignore"))
    )


def test_a_cube_is_a_cube_already():
    cube = to_cube(odc_dataset())
    assert to_cube(cube).identical(cube)


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("B02", "B02"),
        ("b2", "B02"),
        ("B8A", "B8A"),
        ("b08a", "B8A"),
        ("B02_10m", "B02"),
        ("Blue", "B02"),
        ("nir08", "B8A"),
        ("rededge1", "B05"),
        ("red_edge_1", "B05"),
        ("swir22", "B12"),
        ("band_4", "B04"),
        ("B10", None),
        ("scl", None),
        ("B1x", None),
        (4, None),
        ("visual", None),
    ],
)
def test_aliases_of_bands(alias, name):
    assert band_name(alias) == name


def test_all_bands_are_their_own_names():
    assert [band_name(b) for b in L2A] == list(L2A)


def test_unknown_bands_say_what_was_understood():
    with pytest.raises(InvalidInputError, match="'blue' is B02, 'B02' is B02"):
        to_cube(scene()["B"].isel(band=[0, 1]).assign_coords(band=["blue", "B02"]))
    with pytest.raises(InvalidInputError, match="1 is unknown, 2 is unknown"):
        to_cube(rioxarray_array().drop_attrs())
    assert list(to_cube(rioxarray_array().drop_attrs(), bands=BANDS)["band"].values) == list(BANDS)


def test_bands_of_other_sensors_keep_their_names():
    radar = scene()["B"].isel(band=[0, 1]).assign_coords(band=["VV", "VH"])
    assert list(to_cube(radar)["band"].values) == ["VV", "VH"]
    xr.testing.assert_identical(from_cube(to_cube(radar)), radar)
    apart = radar.to_dataset(dim="band")
    assert list(to_cube(apart, bands=["VV", "VH"])["band"].values) == ["VV", "VH"]
    xr.testing.assert_identical(from_cube(to_cube(apart, bands=["VV", "VH"])), apart)


def test_bands_twice_on_two_grids_or_of_two_dtypes_are_listed():
    ds = odc_dataset()
    with pytest.raises(InvalidInputError, match=r"blue \(B02\).*B2 \(B02\)"):
        to_cube(ds.assign(B2=ds["blue"]))
    with pytest.raises(InvalidInputError, match="float32"):
        to_cube(ds.assign(nir=ds["nir"].astype("float32")))
    coarse = (
        ds["nir"]
        .isel(y=slice(None, None, 2), x=slice(None, None, 2))
        .rename(y="y2", x="x2")
        .drop_vars(["y2", "x2"])
    )
    with pytest.raises(
        InvalidInputError,
        match=r"swir16 \(B11\): \('time', 'y2', 'x2'\) .* Select those of one grid",
    ):
        to_cube(ds.assign(swir16=coarse))


def test_a_product_of_several_grids_says_how_to_store_each():
    tree = eopf_product()
    said = (
        r'tree\["/measurements/.*to_dataset\(\)\.tec\.to_zarr.*found .*r10m with b02, b03, b04, b08'
        r".*r20m with b05, b11"
    )
    with pytest.raises(InvalidInputError, match=said):
        tree.tec.to_zarr("nowhere.zarr")


def test_no_cube_says_what_was_found():
    with pytest.raises(InvalidInputError, match=r"found \{'SCL'"):
        to_cube(scene()[["SCL"]])
    with pytest.raises(InvalidInputError, match=r"got \('time', 'z'\)"):
        to_cube(xr.DataArray(np.zeros((2, 2)), dims=("time", "z")))
    with pytest.raises(InvalidInputError, match="no variable 'B'"):
        from_cube(scene()[["SCL"]])


def test_names_of_the_cube_s_own_are_refused_beside_it():
    for name in ("B", "band"):
        with pytest.raises(InvalidInputError, match=rf"{name} are called like .*\.rename\({name}="):
            to_cube(odc_dataset().assign({name: 3}))
    openeo = odc_dataset().rename(time="t").assign(time=("orbit", [1, 2]))
    with pytest.raises(InvalidInputError, match=r"time are called like parts of a cube"):
        to_cube(openeo)


def test_objects_beside_the_bands_are_refused():
    with pytest.raises(InvalidInputError, match="the variable items holds objects of Python"):
        to_cube(odc_dataset().assign(items=("time", objects({"id": 1}, None))))
    texts = to_cube(odc_dataset().assign(items=("time", objects("a", "b"))))
    assert list(texts["items"].values) == ["a", "b"]


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_numbers_in_the_other_order_of_bytes_come_back(zarr_format):
    original = scene()["B"].astype(">u2").assign_attrs(offset_dn=0)
    store = MemoryStore()
    original.tec.to_zarr(store, max_error=0, zarr_format=zarr_format, progress=False)
    np.testing.assert_array_equal(xr.open_zarr(store).tec.from_cube(), original)


@pytest.mark.parametrize(
    ("dims", "advice"),
    [
        (("date", "band", "y", "x"), r'\.rename\(date="time"\)'),
        (("time", "band", "row", "col"), r'\.rename\(row="y", col="x"\)'),
        (("dim_0", "dim_1", "dim_2"), r'\.rename\(dim_0="band", dim_1="y", dim_2="x"\)'),
    ],
)
def test_other_dims_get_the_names_that_they_need(dims, advice):
    values = np.ones([2] * len(dims), "u2")
    with pytest.raises(InvalidInputError, match=advice):
        to_cube(xr.DataArray(values, dims=dims))


def test_a_dim_too_many_is_to_be_selected_from():
    with pytest.raises(InvalidInputError, match=r"Select one of the others.*isel\(tile=0\)"):
        to_cube(scene()["B"].expand_dims(tile=["33UXP"]))


@pytest.mark.parametrize(
    ("dtype", "advice"),
    [
        ("object", r"dtype object cannot.*astype\(\"float32\"\)"),
        ("complex64", r"dtype complex64 cannot.*astype\(\"float32\"\)"),
        ("float16", r"float16 cannot be coded.*astype\(\"float32\"\)"),
        ("int32", r"int32 cannot be coded.*from 0 to 65535.*astype\(\"uint16\"\)"),
        ("int64", r"int64 cannot be coded.*-32768 to 32767.*astype\(\"int16\"\)"),
        ("uint64", r"uint64 cannot be coded.*from 0 to 65535.*astype\(\"uint16\"\)"),
        ("uint8", r"uint8 cannot be coded.*variable of their own.*astype\(\"uint16\"\)"),
        ("bool", r"bool cannot be coded.*variable of their own"),
    ],
)
def test_other_dtypes_get_the_way_to_one_that_can_be_coded(dtype, advice):
    cube = (scene()["B"] % 100).astype(dtype).assign_attrs(offset_dn=0, units="DN")
    with pytest.raises(InvalidInputError, match=advice):
        cube.tec.to_zarr(MemoryStore(), progress=False)
