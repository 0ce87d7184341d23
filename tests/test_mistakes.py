"""Natural mistakes in the calls that README and docs show: each error says what was wrong, what
was got, what is allowed and what to do."""

import pathlib

import numpy as np
import pytest
import xarray as xr

import tec_zarr
from tec_zarr.synthetic.observations import dataset

CHUNKS = {"time": 2, "band": -1, "y": 16, "x": 16}


@pytest.fixture
def ds() -> xr.Dataset:
    made = dataset(2, 16, seed=6)
    made["B"].attrs["offset_dn"] = 0
    return made


@pytest.fixture
def stored(ds, tmp_path) -> pathlib.Path:
    """A store of these dates."""
    path = tmp_path / "stored.zarr"
    ds.tec.to_zarr(path, context="none", chunks={"time": 2}, progress=False)
    return path


def later(ds, days: int = 900) -> xr.Dataset:
    return ds.assign_coords(time=ds["time"] + np.timedelta64(days, "D"))


WRITING = {
    "a keyword misspelt": (
        {"qualty": 35},
        ["to_zarr", "'qualty'", "did you mean quality"],
    ),
    "no such keyword": (
        {"zlib": True},
        ["no keyword 'zlib'", "there are", "quality", "max_error"],
    ),
    "quality of 0": ({"quality": 0}, ["quality must be 1", "to 100", "got 0"]),
    "quality of 101": ({"quality": 101}, ["quality must be 1", "to 100", "got 101"]),
    "quality in words": ({"quality": "high"}, ["quality must be 1", "to 100", "got 'high'"]),
    "two targets": (
        {"psnr": 40, "rmse": 20},
        ["exactly one of quality, psnr, rmse", "psnr=40, rmse=20"],
    ),
    "a target and a quality": (
        {"psnr": 40, "quality": 20},
        ["exactly one of quality, psnr, rmse", "quality=20, psnr=40"],
    ),
    "two budgets": (
        {"bppb": 1, "ratio": 20},
        ["one of total_bytes, bppb and ratio", "'bppb': 1", "'ratio': 20"],
    ),
    "a budget and a quality": (
        {"ratio": 20, "quality": 35},
        ["a budget of the whole cube decides on quality", "leave out quality"],
    ),
    "chunks that split bands": (
        {"chunks": {"band": 1}},
        ["all 12 bands", "band=1", "leave band out, or give -1"],
    ),
    "chunks as a number": (
        {"chunks": 256},
        ["chunks must be a mapping", '"time": 4', "got 256"],
    ),
    "chunks as a tuple": (
        {"chunks": (4, 12, 256, 256)},
        ["chunks must be a mapping", '"time": 4', "got (4, 12, 256, 256)"],
    ),
    "chunks of another dim": (
        {"chunks": {"lat": 256}},
        ["['lat']", "give sizes of time, y and x"],
    ),
    "a bound below 0": (
        {"max_error": -1},
        ["max_error must be 0 (lossless) or a positive number", "got -1"],
    ),
    "a bound on no band": (
        {"max_error": {"B99": 5}},
        ["max_error names 'B99'", "the bands are B01, B02"],
    ),
    "a band's name alone": (
        {"bands": "B02"},
        ["bands must be a list of names", "['B02']", "got the text 'B02'"],
    ),
    "too few names of bands": (
        {"bands": ["B02", "B03"]},
        ["('B02', 'B03') names 2 bands", "there are 12", "B8A"],
    ),
    "nodata in words": (
        {"nodata": "zero"},
        ["nodata must be a number, None", '"auto"', "got 'zero'"],
    ),
    "nodata beyond the dtype": (
        {"nodata": -9999},
        ["nodata=-9999 is no uint16 value", "0 to 65535", "None"],
    ),
    "an offset in reflectance": (
        {"offset_dn": -0.1},
        ["offset_dn must be a whole number of DN", "0 or -1000", "got -0.1"],
    ),
    "mode of xarray's append": (
        {"mode": "a"},
        ['mode must be "w-"', '"w" (replace it)', "got 'a'", "append()"],
    ),
    "a scale of integers": (
        {"scale": 0.5},
        ["scale=0.5 is the value of one DN in floats", "uint16", "offset_dn="],
    ),
    "a group that is no text": ({"group": 3}, ["group must be", "got 3"]),
    "a model that is no text": ({"model": 3}, ["3 cannot be the name", "models list"]),
    "no such format": ({"zarr_format": 4}, ["zarr_format must be 2 or 3", "got 4"]),
    "no such context": (
        {"context": "date s"},
        ['context must be "dates", "date" or "none"', "got 'date s'"],
    ),
}


@pytest.mark.parametrize("mistake", WRITING)
def test_mistakes_in_writing(ds, tmp_path, mistake):
    keywords, words = WRITING[mistake]
    with pytest.raises(tec_zarr.errors.TecError) as error:
        ds.tec.to_zarr(tmp_path / "a.zarr", **keywords)
    for word in words:
        assert word in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_store_that_is_there(ds, stored, tmp_path):
    with pytest.raises(FileExistsError, match=r'is there already; mode="w" replaces it, append'):
        ds.tec.to_zarr(stored)
    picture = tmp_path / "picture.tif"
    picture.write_text("a picture")
    with pytest.raises(FileExistsError, match=r"picture.tif is no Zarr store.*another path"):
        ds.tec.to_zarr(picture, mode="w")
    assert picture.read_text() == "a picture"


DATA = {
    "an array of numpy": (
        lambda ds: xr.DataArray(ds["B"].values),
        ["(time, band, y, x)", "got ('dim_0', 'dim_1'", ".rename("],
    ),
    "integers of 32 bits": (
        lambda ds: ds.astype("i4"),
        ["int32", "uint16 or int16", "float32 or float64"],
    ),
    "a variable that is no cube": (
        lambda ds: ds[["SCL"]],
        ["one variable with the dims (time, band, y, x)", "found {'SCL'", "B8A"],
    ),
    "a variable that is no band": (
        lambda ds: ds[["SCL"]].rename(SCL="ndvi").astype("f4"),
        ["found {'ndvi': ('time', 'y', 'x')}", "name the variables that are bands with bands=["],
    ),
    "texts": (lambda ds: ds["B"].astype(str), ["dtype <U", "uint16 or int16"]),
    "no dates": (
        lambda ds: ds.isel(time=slice(0, 0)),
        ["empty along time", "first date", "append()"],
    ),
    "a tree": (
        lambda ds: xr.DataTree.from_dict({"/r10m": ds}),
        ["a group at a time", 'tree["/r10m"].to_dataset().tec.to_zarr', "/r10m with B"],
    ),
    "bands of two grids": (
        lambda ds: xr.Dataset(
            {"B02": (("y", "x"), np.ones((4, 4), "u2")), "B05": (("y2", "x2"), np.ones((2, 2)))}
        ),
        ["share dims, shape and dtype", "B05", "Select those of one grid"],
    ),
    "floats that nobody describes": (
        lambda ds: (ds["B"] * 0.0123).astype("f4").drop_attrs(),
        ["nothing tells what these floats are", "give scale=", "1e-4 for reflectance", "percent"],
    ),
}


@pytest.mark.parametrize("mistake", DATA)
def test_mistakes_in_what_is_written(ds, tmp_path, mistake):
    make, words = DATA[mistake]
    with pytest.raises(tec_zarr.InvalidInputError) as error:
        make(ds).tec.to_zarr(tmp_path / "a.zarr")
    for word in words:
        assert word in str(error.value)
    assert not list(tmp_path.iterdir())


PLAIN = {
    "chunks that split bands": (
        lambda ds: ds.chunk({**CHUNKS, "band": 1}),
        {"encoding": {"B": tec_zarr.encoding(quality=35)}},
        ["(2, 1, 16, 16) do not hold the 12 bands", '"band": -1', ".chunk("],
    ),
    "the codec of format 2 with format 3": (
        lambda ds: ds.chunk(CHUNKS),
        {"encoding": {"B": {"compressors": tec_zarr.TerraCodec(quality=35)}}},
        ["TerraCodec is a codec of Zarr format 2", "tec_zarr.encoding(", "zarr_format=2"],
    ),
    "the codec of format 3 as a compressor": (
        lambda ds: ds.chunk(CHUNKS),
        {"encoding": {"B": {"compressors": tec_zarr.TerraCodecSerializer(quality=35)}}},
        ["TerraCodecSerializer", "keyword serializer=", "tec_zarr.encoding("],
    ),
    "the codec on a mask": (
        lambda ds: ds.chunk(CHUNKS),
        {"encoding": {"SCL": tec_zarr.encoding(quality=35)}},
        ["3-D array", "(time, band, y, x)", "to_dataarray"],
    ),
}


@pytest.mark.parametrize("mistake", PLAIN)
def test_mistakes_with_xarray_s_own_to_zarr(ds, tmp_path, mistake):
    make, keywords, words = PLAIN[mistake]
    with pytest.raises((tec_zarr.InvalidInputError, TypeError)) as error:
        make(ds).to_zarr(tmp_path / "a.zarr", zarr_format=3, **keywords)
    for word in words:
        assert word in str(error.value)


def test_mistakes_in_appending(ds, stored):
    with pytest.raises(tec_zarr.InvalidInputError, match=r"already: leave out dates .*\.sel\(time"):
        ds.tec.append(stored)
    with pytest.raises(tec_zarr.InvalidInputError, match=r"would come after .* in their order"):
        later(ds, -900).tec.append(stored)
    with pytest.raises(tec_zarr.InvalidInputError, match=r"do not fit the store: band"):
        later(ds).isel(band=[0, 1]).tec.append(stored)
    with pytest.raises(tec_zarr.UnknownKeywordError, match=r"keyword 'quality': there are store"):
        later(ds).tec.append(stored, quality=35)


MASKS = {
    "a name that is missing": (
        {"mask": "scl"},
        ["mask='scl' names no variable", "it has ['B', 'SCL']", "DataArray (time, y, x)"],
    ),
    "an array of numpy": (
        {"mask": np.zeros((2, 16, 16), bool)},
        ["mask must be a DataArray (time, y, x)", "got ndarray", 'ds["SCL"].copy(data='],
    ),
    "one class": (
        {"mask": "SCL", "classes": 9},
        ["classes must be a list of the numbers that hide", "(8, 9)", "got 9"],
    ),
    "half a pixel": (
        {"mask": "SCL", "dilate": 1.5},
        ["dilate must be a number of pixels", "0 or more", "got 1.5"],
    ),
    "no such mode": (
        {"mask": "SCL", "mode": "both"},
        ['"bidirectional" or "causal"', "got 'both'"],
    ),
}


@pytest.mark.parametrize("mistake", MASKS)
def test_mistakes_in_masks(ds, mistake):
    keywords, words = MASKS[mistake]
    with pytest.raises(tec_zarr.InvalidInputError) as error:
        ds.tec.inpaint(**keywords)
    for word in words:
        assert word in str(error.value)


def test_mistakes_in_reading_and_comparing(ds, stored):
    opened = xr.open_zarr(stored)
    with pytest.raises(tec_zarr.InvalidInputError, match=r"a Dataset.*got a DataArray: take the"):
        opened["B"].tec.from_cube()
    with pytest.raises(tec_zarr.InvalidInputError, match=r"found \['B', 'SCL'\].*ds\.tec\.to_cube"):
        ds.tec.from_cube()
    for other in (str(stored), None, ds["B"].values):
        with pytest.raises(tec_zarr.InvalidInputError, match=r"got a .*xr\.open_zarr\(path\)"):
            ds.tec.compare(other)
    with pytest.raises(tec_zarr.InvalidInputError, match=r"other coordinates along time.*xr.align"):
        ds.tec.compare(opened.isel(time=[0]))
    with pytest.raises(tec_zarr.InvalidInputError, match=r"one of the 2 dates, 0 to 1; got 9.*sel"):
        ds.tec.plot_compare(opened, date=9)
    for pixels in (5, [(1, 2, 3)], ["a"]):
        with pytest.raises(tec_zarr.InvalidInputError, match=r"\(row, column\), such as"):
            ds.tec.report(stored / "r.html", opened, pixels=pixels)
    for qualities in ([], 50):
        with pytest.raises(tec_zarr.InvalidInputError, match=r"several numbers, 1 to 100"):
            ds.tec.rd_curve(qualities)
    with pytest.raises(tec_zarr.InvalidInputError, match=r"a path, a URL or a store.*got int"):
        tec_zarr.info(3)
    with pytest.raises(tec_zarr.InvalidInputError, match=r"call tec_zarr\.info\(store\)"):
        ds.tec.info()
    with pytest.raises(tec_zarr.InvalidInputError, match=r"no Zarr group. Give the path or URL"):
        tec_zarr.info("nowhere.zarr")


def test_a_part_of_an_opened_store_written_with_xarray_alone(stored, tmp_path):
    opened = xr.open_zarr(stored)
    for part in (opened.sel(band="B04"), opened.isel(time=0), opened.sel(band=["B04", "B08"])):
        with pytest.raises(tec_zarr.InvalidInputError, match=r"keeps its codec.*to_plain\(\)"):
            part.to_zarr(tmp_path / "part.zarr", mode="w")
        part.tec.to_plain().to_zarr(tmp_path / "plain.zarr", mode="w")


def test_mistakes_in_the_codec_s_own_keywords():
    with pytest.raises(tec_zarr.UnknownKeywordError, match=r"did you mean max_error"):
        tec_zarr.encoding(maxerror=3)
    with pytest.raises(tec_zarr.InvalidInputError, match=r"1 .smallest. to 100 .*got '35'"):
        tec_zarr.encoding(quality="35")
    with pytest.raises(
        tec_zarr.WeightsError, match=r"unknown model 'tec-xx'.*ships tec-tt.*models list"
    ):
        tec_zarr.encoding(model="tec-xx")
