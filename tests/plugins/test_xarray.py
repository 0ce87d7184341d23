"""The main job as users do it: xarray writes, a process that imports only xarray reads."""

import json
import subprocess
import sys

import numcodecs
import numpy as np
import pytest
import xarray as xr
import zarr

import tec_zarr
from tec_zarr import DamagedChunkError, InvalidInputError, TerraCodec, TerraCodecSerializer
from tec_zarr.codec import metrics
from tec_zarr.synthetic.observations import dataset

CHUNKS = {"time": 2, "band": -1, "y": 64, "x": 64}

READ = """
import sys, numpy as np, xarray as xr, zarr
path = sys.argv[1]
store = zarr.storage.ZipStore(path, mode="r") if path.endswith(".zip") else path
array = xr.open_zarr(store, consolidated=False, decode_cf=False)["B"]
np.save(sys.argv[2], array.values)
"""


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    return dataset(3, (100, 128), seed=3).chunk({**CHUNKS})


def read_in_fresh_process(store, tmp_path) -> np.ndarray:
    subprocess.run([sys.executable, "-c", READ, store, tmp_path / "read.npy"], check=True)
    return np.load(tmp_path / "read.npy")


def write(cube: xr.Dataset, store, zarr_format: int, **settings) -> None:
    codec = tec_zarr.encoding(zarr_format=zarr_format, **settings)
    cube.to_zarr(store, zarr_format=zarr_format, encoding={"B": codec}, consolidated=False)


@pytest.mark.slow
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_process_that_imports_only_xarray_reads_it(cube, tmp_path, zarr_format):
    store = tmp_path / "cube.zarr"
    write(cube, store, zarr_format, quality=40)
    decoded = read_in_fresh_process(store, tmp_path)
    original = cube["B"].values
    assert decoded.dtype == original.dtype
    assert metrics.psnr(original, decoded, original != 0) > 33
    size = sum(f.stat().st_size for f in (store / "B").rglob("*"))
    assert size < original.nbytes / 12
    np.testing.assert_array_equal(xr.open_zarr(store, consolidated=False)["SCL"], cube["SCL"])


@pytest.mark.parametrize(
    "codec", [TerraCodec(quality=40), [TerraCodec(quality=40)]], ids=["codec", "list"]
)
def test_format_2_takes_the_codec_as_compressors(cube, tmp_path, codec):
    cube.to_zarr(
        tmp_path / "a.zarr",
        zarr_format=2,
        encoding={"B": {"compressors": codec}},
        consolidated=False,
    )
    assert xr.open_zarr(tmp_path / "a.zarr", consolidated=False)["B"].encoding["compressors"] == (
        TerraCodec(quality=40),
    )


def test_both_formats_hold_the_same_chunks(cube, tmp_path):
    for zarr_format in (2, 3):
        write(cube, tmp_path / f"{zarr_format}.zarr", zarr_format, quality=30)
    for t, y, x in np.ndindex(2, 2, 2):
        two = (tmp_path / "2.zarr" / "B" / f"{t}.0.{y}.{x}").read_bytes()
        assert (
            two == (tmp_path / "3.zarr" / "B" / "c" / str(t) / "0" / str(y) / str(x)).read_bytes()
        )


@pytest.mark.slow
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_zip_and_memory_stores(cube, tmp_path, zarr_format):
    memory = zarr.storage.MemoryStore()
    write(cube, memory, zarr_format)
    with zarr.storage.ZipStore(tmp_path / "cube.zip", mode="w") as store:
        write(
            cube.compute(), store, zarr_format, chunks=(2, 12, 64, 64)
        )  # zip files written by Dask's threads are broken, with any codec
    from_memory = xr.open_zarr(memory, consolidated=False)["B"].values
    np.testing.assert_allclose(
        read_in_fresh_process(tmp_path / "cube.zip", tmp_path), from_memory, atol=1
    )


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_edge_chunks_and_slices(cube, tmp_path, zarr_format):
    write(cube, tmp_path / "a.zarr", zarr_format, quality=60)
    opened = xr.open_zarr(tmp_path / "a.zarr", consolidated=False, chunks=None)["B"]
    whole = opened.values.astype(int)
    window = opened.isel(time=2, band=[3, 7], y=slice(50, 100), x=slice(60, 70)).values
    assert np.abs(whole[2][[3, 7], 50:100, 60:70] - window).max() <= 1


def test_floats_with_nan(cube, tmp_path):
    reflectance = (cube["B"] * 1e-4).astype("float32").where(cube["SCL"] != 9).to_dataset(name="B")
    write(reflectance, tmp_path / "a.zarr", 3)
    decoded = xr.open_zarr(tmp_path / "a.zarr", consolidated=False)["B"]
    assert decoded.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(decoded), np.isnan(reflectance["B"]))
    assert float(abs(decoded - reflectance["B"]).mean()) < 0.02


def test_shards_of_chunks(cube, tmp_path):
    codec = tec_zarr.encoding(chunks=(1, 12, 64, 64))
    cube[["B"]].chunk({"time": 2, "y": 128, "x": 128}).to_zarr(
        tmp_path / "a.zarr",
        encoding={"B": {**codec, "shards": (2, 12, 128, 128)}},
        consolidated=False,
    )
    original = cube["B"].values
    decoded = xr.open_zarr(tmp_path / "a.zarr", consolidated=False)["B"].values
    assert metrics.psnr(original, decoded, original != 0) > 31


@pytest.mark.parametrize(
    ("keywords", "error"),
    [
        ({"compressors": TerraCodec()}, InvalidInputError),
        ({"compressors": (TerraCodec(),)}, TypeError),
        ({"serializer": TerraCodec()}, TypeError),
    ],
    ids=["compressors", "tuple", "serializer"],
)
def test_the_format_2_codec_in_format_3_says_what_to_write(cube, tmp_path, keywords, error):
    with pytest.raises(error, match=r"encoding=\{name: tec_zarr\.encoding\(quality=\.\.\.\)\}"):
        cube.to_zarr(tmp_path / "a.zarr", encoding={"B": keywords}, consolidated=False)


def test_the_format_3_codec_in_a_wrong_place_says_what_to_write(cube, tmp_path):
    with pytest.raises(TypeError, match=r"serializer=, with compressors=None"):
        cube.to_zarr(
            tmp_path / "a.zarr",
            encoding={"B": {"compressors": TerraCodecSerializer()}},
            consolidated=False,
        )
    with pytest.raises(ValueError, match=r"tec_zarr\.encoding\(zarr_format=2"):
        cube.to_zarr(
            tmp_path / "b.zarr",
            zarr_format=2,
            encoding={"B": {"compressors": TerraCodecSerializer()}},
        )


@pytest.mark.parametrize(
    ("chunks", "said"),
    [
        ({"time": 2, "band": 6, "y": 64, "x": 64}, "do not hold the 12 bands"),
        ({"time": 1, "band": 1}, "rechunk|chunk the result"),
    ],
)
def test_chunks_that_split_the_bands_leave_no_array_behind(cube, tmp_path, chunks, said):
    with pytest.raises(InvalidInputError, match=said):
        cube[["B"]].chunk(chunks).to_zarr(
            tmp_path / "a.zarr", encoding={"B": tec_zarr.encoding()}, consolidated=False
        )
    assert not (tmp_path / "a.zarr" / "B").exists()


def test_three_dimensional_variables_say_how_to_stack(cube, tmp_path):
    with pytest.raises(InvalidInputError, match="to_dataarray"):
        cube[["SCL"]].to_zarr(
            tmp_path / "a.zarr", encoding={"SCL": tec_zarr.encoding()}, consolidated=False
        )


def test_classifications_are_refused(cube, tmp_path):
    with pytest.raises(InvalidInputError, match="uint8"):
        cube[["B"]].astype("uint8").to_zarr(
            tmp_path / "a.zarr", encoding={"B": tec_zarr.encoding()}, consolidated=False
        )


def test_metadata_names_model_weights_and_settings_and_no_device(cube, tmp_path):
    write(cube, tmp_path / "2.zarr", 2, quality=33, offset_dn=-1000, device="cpu")
    write(cube, tmp_path / "3.zarr", 3, quality=33, offset_dn=-1000, device="cpu")
    two = json.loads((tmp_path / "2.zarr" / "B" / ".zarray").read_text())["compressor"]
    three = json.loads((tmp_path / "3.zarr" / "B" / "zarr.json").read_text())["codecs"]
    assert two.pop("id") == three[0]["name"] == "tec_zarr.terracodec"
    assert two == three[0]["configuration"]
    assert len(three) == 1
    assert set(two) == {"model", "weights", "quality", "offset_dn", "scale", "nodata"}
    assert (two["quality"], two["offset_dn"], len(two["weights"])) == (33, -1000, 64)


@pytest.mark.parametrize("nodata", [0, None, -9999, float("nan")])
def test_configurations_make_the_same_codec_again(nodata):
    codec = TerraCodec(quality=12.5, bands=["B02", "B08"], scale=1.0, nodata=nodata)
    again = numcodecs.get_codec(json.loads(json.dumps(codec.get_config())))
    assert again.get_config() == codec.get_config()
    serializer = TerraCodecSerializer(quality=12.5, bands=["B02", "B08"], scale=1.0, nodata=nodata)
    assert (
        TerraCodecSerializer.from_dict(json.loads(json.dumps(serializer.to_dict()))).to_dict()
        == serializer.to_dict()
    )


def test_numcodecs_alone(cube):
    codec, array = TerraCodec(quality=20), cube["B"].values
    decoded = codec.decode(codec.encode(array))
    out = np.empty_like(array)
    assert codec.decode(codec.encode(array), out=out) is out
    np.testing.assert_allclose(out, decoded, atol=1)
    with pytest.raises(InvalidInputError, match='order="F"'):
        codec.encode(np.asfortranarray(array))


def test_a_damaged_chunk_of_a_store_is_an_error(cube, tmp_path):
    write(cube, tmp_path / "a.zarr", 3)
    chunk = tmp_path / "a.zarr" / "B" / "c" / "0" / "0" / "0" / "0"
    data = bytearray(chunk.read_bytes())
    data[-3] ^= 4
    chunk.write_bytes(data)
    with pytest.raises(DamagedChunkError, match="checksum of date"):
        xr.open_zarr(tmp_path / "a.zarr", consolidated=False)["B"].load()


def test_a_chunk_of_another_array_is_an_error(cube, tmp_path):
    write(cube, tmp_path / "a.zarr", 3)
    chunk = tmp_path / "a.zarr" / "B" / "c" / "0" / "0" / "0" / "0"
    chunk.write_bytes(TerraCodec().encode(cube["B"].values[:1]))
    with pytest.raises(DamagedChunkError, match="in an array with chunks of"):
        xr.open_zarr(tmp_path / "a.zarr", consolidated=False)["B"].load()


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("dtype", [">u2", ">i2", ">f4"])
def test_other_byte_orders_come_back(cube, tmp_path, zarr_format, dtype):
    plain = cube.isel(time=[0]).compute()
    swapped = plain.assign(B=plain["B"].astype(dtype))
    write(swapped, tmp_path / "a.zarr", zarr_format, max_error=0, scale=1.0, chunks=(1, 12, 64, 64))
    opened = xr.open_zarr(tmp_path / "a.zarr", consolidated=False)["B"]
    np.testing.assert_array_equal(opened.values, swapped["B"].values)
