"""Published checkpoints in use: fetched from a file, in codecs and stores, and missing. The
models are small ones."""

import subprocess
import sys

import numpy as np
import pytest
import torch
import xarray as xr

import tec_zarr
from tec_zarr import folders
from tec_zarr.codec.chunk import decode_chunk, encode_chunk
from tec_zarr.codec.settings import Settings
from tec_zarr.command.main import main
from tec_zarr.errors import DamagedChunkError, DesyncError, InvalidInputError, WeightsError
from tec_zarr.models import registry
from tec_zarr.models.bands import L2A, LEVELS
from tec_zarr.models.published.checkpoints.catalog import catalog
from tec_zarr.models.published.checkpoints.fetch import fetch
from tec_zarr.runtime import loading
from tec_zarr.synthetic.observations import dataset, series
from tests.oracle.states import published_state

NAMES = {
    "tec-fp": "tec-fp-s2l2a@10",
    "tec-elic": "tec-elic-s2l2a@40",
    "tec-tt": "tec-tt-s2l2a@5",
    "flextec": "flextec-s2l2a@800",
}

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A cache folder with a small model under the name of a published one of each family."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(folders.CACHE_VARIABLE, str(cache))
        patch.setattr(loading, "_loaded", {})
        for family, name in NAMES.items():
            torch.save(published_state(family), cache / f"{family}.pt")
            fetch(name, cache / f"{family}.pt")
        yield cache


@pytest.fixture(scope="module")
def cube(folder):
    return np.ascontiguousarray(series(3, (40, 72), seed=3).values)


@pytest.fixture(params=NAMES.values())
def name(request, folder):
    return request.param


def test_catalog_names_what_is_published():
    assert len(catalog()) == 22
    assert catalog()["tec-tt-s2l1c@20"].file == "TerraCodec_v1_TT_S2L1C_lambda-20.pt"
    assert (
        catalog()["flextec-s2l2a@800-lronly"].repository
        == "embed2scale/TerraCodec-1.0-FlexTEC-S2L2A"
    )


def test_chunks_decode_to_the_same_again(name, cube):
    data = encode_chunk(cube, Settings(name), "cpu")
    assert encode_chunk(cube, Settings(name), "cpu") == data
    once = decode_chunk(data, "cpu")
    assert (once.shape, once.dtype) == (cube.shape, cube.dtype)
    np.testing.assert_array_equal(once, decode_chunk(data, "cpu"))


def test_nodata_and_offset_are_the_codec_s(name, cube):
    holed = cube.copy()
    holed[1, :, 5:20, 7:30] = 0
    decoded = decode_chunk(encode_chunk(holed, Settings(name), "cpu"), "cpu")
    np.testing.assert_array_equal(decoded == 0, holed == 0)
    shifted = decode_chunk(
        encode_chunk(holed + np.uint16(1000), Settings(name, offset_dn=-1000, nodata=1000), "cpu"),
        "cpu",
    )
    valid = (
        (holed != 0) & (decoded > 1) & (decoded < 60_000)
    )  # drawn weights give DN too that only one of the two can hold
    assert np.abs(shifted[valid].astype(int) - 1000 - decoded[valid].astype(int)).max() <= 1


def test_bands_come_in_any_order(name, cube):
    order = np.random.default_rng(0).permutation(len(L2A))
    straight = decode_chunk(encode_chunk(cube, Settings(name), "cpu"), "cpu")
    mixed = Settings(name, bands=tuple(L2A[i] for i in order))
    np.testing.assert_array_equal(
        decode_chunk(encode_chunk(np.ascontiguousarray(cube[:, order]), mixed, "cpu"), "cpu"),
        straight[:, order],
    )


def test_all_bands_are_needed(name):
    with pytest.raises(InvalidInputError, match="codes all of its 12 bands"):
        Settings(name, bands=("B02", "B03"))
    with pytest.raises(InvalidInputError, match="codes all of its 12 bands"):
        Settings(name, bands=LEVELS["s2l1c"].bands)


@pytest.mark.parametrize("chosen", [{"quality": 60}, {"psnr": 40}, {"ratio": 20}])
def test_one_quality_is_no_choice(folder, chosen):
    with pytest.raises(InvalidInputError, match="has one quality"):
        Settings("tec-tt-s2l2a@5", **chosen)


def test_settings_survive_a_store(name):
    settings = Settings(name)
    assert Settings(**settings.to_dict()) == settings


def test_a_flextec_has_budgets_of_tokens(cube):
    sizes = [
        len(encode_chunk(cube, Settings("flextec-s2l2a@800", tokens=k), "cpu"))
        for k in (1, 4, 10, 16)
    ]
    assert sizes == sorted(set(sizes))
    for tokens in (1, (16, 3, 10)):
        data = encode_chunk(cube, Settings("flextec-s2l2a@800", tokens=tokens), "cpu")
        assert decode_chunk(data, "cpu").shape == cube.shape


def test_others_have_none(folder):
    with pytest.raises(InvalidInputError, match="needs a published FlexTEC"):
        Settings("tec-tt-s2l2a@5", tokens=4)


def test_errors_can_be_bounded(name, cube):
    decoded = decode_chunk(encode_chunk(cube, Settings(name, max_error=40), "cpu"), "cpu")
    assert np.abs(decoded.astype(int) - cube)[cube != 0].max() <= 40


@pytest.mark.parametrize("family", ["tec-tt", "flextec"])
def test_clouds_are_taken_out_by_the_same_call(folder, family):
    scene = dataset(3, (64, 80), seed=3)
    hidden = xr.zeros_like(scene["SCL"], bool)
    hidden[1, 20:50, 10:40] = True
    clear = scene.tec.inpaint(hidden, model=NAMES[family])
    np.testing.assert_array_equal(clear["B"].where(~hidden), scene["B"].where(~hidden))
    assert (clear["B"] != scene["B"]).any("band").where(hidden).mean() > 0.9
    with pytest.raises(InvalidInputError, match="a published TEC-TT or FlexTEC"):
        scene.tec.inpaint(hidden, model=NAMES["tec-fp"])


def test_damage_is_told(name, cube):
    data = bytearray(encode_chunk(cube, Settings(name), "cpu"))
    data[-9] ^= 4
    with pytest.raises((DamagedChunkError, DesyncError)):
        decode_chunk(bytes(data), "cpu")


@pytest.mark.parametrize(("name", "zarr_format"), [("tec-elic-s2l2a@40", 2), ("tec-tt-s2l2a@5", 3)])
def test_a_store_opens_in_another_process(name, cube, tmp_path, zarr_format):
    path, chunks = tmp_path / "cube.zarr", (3, 12, 40, 72)
    ds = xr.Dataset({"B": (("time", "band", "y", "x"), cube)})
    encoding = {"B": tec_zarr.encoding(zarr_format, chunks, model=name)}
    ds.to_zarr(path, zarr_format=zarr_format, encoding=encoding, consolidated=False)
    values = tmp_path / "values.npy"
    program = (
        f"import numpy as np, xarray as xr; np.save({str(values)!r}, xr.open_zarr({str(path)!r}, "
        "consolidated=False, mask_and_scale=False)['B'].values)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    here = xr.open_zarr(path, consolidated=False, mask_and_scale=False)["B"].values
    np.testing.assert_allclose(np.load(values).astype(int), here.astype(int), atol=1, rtol=0)


def test_weights_that_are_not_here_are_named_with_a_remedy(name, cube, tmp_path, monkeypatch):
    settings = Settings(name)
    data = encode_chunk(cube, settings, "cpu")
    monkeypatch.setenv(folders.CACHE_VARIABLE, str(tmp_path))
    with pytest.raises(WeightsError, match=f"tec-zarr models fetch {name}.*copy.*{tmp_path}"):
        Settings(name)
    reopened = Settings(**settings.to_dict())
    assert reopened.weights == settings.weights
    for attempt in (lambda: decode_chunk(data, "cpu"), lambda: encode_chunk(cube, reopened, "cpu")):
        with pytest.raises(WeightsError, match="not on this machine"):
            attempt()


def test_a_changed_file_is_refused(name, folder, tmp_path, monkeypatch):
    entry = registry.find(name)
    data = bytearray(entry.path.read_bytes())
    data[-1] ^= 1
    (tmp_path / entry.path.name).write_bytes(data)
    monkeypatch.setenv(folders.CACHE_VARIABLE, str(tmp_path))
    with pytest.raises(WeightsError, match=f"remove it and run `tec-zarr models fetch {name}`"):
        registry.find(name).read()


def test_a_file_of_another_level_is_refused(folder):
    with pytest.raises(
        WeightsError, match="holds a tec-tt of 12 bands, where tec-tt-s2l1c@5 is a tec-tt of 13"
    ):
        fetch("tec-tt-s2l1c@5", folder / "tec-tt.pt")


def test_a_file_of_another_family_is_refused(folder):
    with pytest.raises(
        WeightsError, match="holds a tec-fp of 12 bands, where tec-tt-s2l2a@5 is a tec-tt of 12"
    ):
        fetch("tec-tt-s2l2a@5", folder / "tec-fp.pt")


def test_what_is_no_state_dict_is_refused(folder, tmp_path):
    (tmp_path / "text.pt").write_text("no weights")
    torch.save([1, 2], tmp_path / "list.pt")
    for file in ("text.pt", "list.pt", "missing.pt"):
        with pytest.raises(WeightsError, match=file):
            fetch("tec-fp-s2l2a@10", tmp_path / file)


class Evil:
    def __reduce__(self):
        return (print, ("unpickled",))


def test_nothing_is_unpickled(folder, tmp_path, capsys):
    torch.save({"a": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(WeightsError):
        fetch("tec-fp-s2l2a@10", tmp_path / "evil.pt")
    assert capsys.readouterr().out == ""


def test_without_a_network_the_way_out_is_said(folder, monkeypatch):
    client = type(sys)("huggingface_hub")

    def hf_hub_download(repository, file):
        raise ConnectionError("no route")

    client.hf_hub_download = hf_hub_download
    monkeypatch.setitem(sys.modules, "huggingface_hub", client)
    with pytest.raises(
        WeightsError,
        match=r"no route.*tec-zarr models fetch tec-tt-s2l2a@20.*copy .*" + folder.name,
    ):
        fetch("tec-tt-s2l2a@20")


def test_without_the_extra_it_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(WeightsError, match=r"tec_zarr\[hub\]"):
        fetch("tec-tt-s2l2a@20")


def test_the_command(folder, capsys):
    assert main(["models", "list"]) == 0
    said = capsys.readouterr().out
    assert str(folder) in said
    lines = dict(
        line.split(maxsplit=1)
        for line in said.splitlines()
        if "@" in line or line.startswith("tec-tt-s2 ")
    )
    assert lines["tec-tt-s2"].startswith("shipped")
    assert lines["tec-tt-s2l2a@5"].startswith("fetched")
    assert lines["tec-tt-s2l2a@700"] == "not on this machine"
    assert main(["models", "fetch", "tec-fp-s2l2a@2", "--file", str(folder / "tec-fp.pt")]) == 0
    assert registry.find("tec-fp-s2l2a@2").sha256 in capsys.readouterr().out
    assert main(["models", "info", "tec-fp-s2l2a@2"]) == 0
    assert "TerraCodec_v1_FP_S2L2A_lambda-2.pt" in capsys.readouterr().out
    assert main(["models", "info", "tec-xx"]) == 2
    assert "unknown model" in capsys.readouterr().err


@pytest.fixture
def hub(folder, tmp_path, monkeypatch):
    """Hugging Face with one small checkpoint for every name, and an empty cache folder; the
    calls."""
    calls = []
    client = type(sys)("huggingface_hub")

    def hf_hub_download(repository, file):
        calls.append((repository, file))
        return str(folder / "tec-fp.pt")

    client.hf_hub_download = hf_hub_download
    monkeypatch.setitem(sys.modules, "huggingface_hub", client)
    monkeypatch.setenv(folders.CACHE_VARIABLE, str(tmp_path / "cache"))
    return calls


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_codecs_download_only_where_that_is_allowed(hub, zarr_format):
    with pytest.raises(WeightsError, match="not on this machine"):
        tec_zarr.encoding(zarr_format, model="tec-fp-s2l2a@10")
    assert hub == []
    for _ in range(2):
        tec_zarr.encoding(zarr_format, model="tec-fp-s2l2a@10", allow_download=True)
    assert hub == [("embed2scale/TerraCodec-1.0-FP-S2L2A", "TerraCodec_v1_FP_S2L2A_lambda-10.pt")]
    codec = tec_zarr.TerraCodec("tec-fp-s2l2a@10")
    assert "allow_download" not in codec.get_config()


def test_a_download_of_other_weights_than_asked_for_is_refused(hub):
    with pytest.raises(WeightsError, match=f"but {'0' * 64} was asked for"):
        tec_zarr.TerraCodec("tec-fp-s2l2a@10", weights="0" * 64, allow_download=True)


def test_shipped_weights_need_no_download(hub):
    tec_zarr.TerraCodec(allow_download=True)
    assert hub == []
