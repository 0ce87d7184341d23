import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from tec_zarr.models.bands import L2A, NATIVE_METERS
from tec_zarr.models.published import checkpoint
from tec_zarr.synthetic import series
from tec_zarr.training.augment import Crops, resample_coarse
from tec_zarr.training.corpus import Location, load_folder
from tec_zarr.training.likelihood import bits

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A user's own Zarr cubes."""
    out = tmp_path_factory.mktemp("cubes")
    for seed in range(2):
        cube = series(3, 144, seed=seed, offset_dn=-1000)
        cube.to_dataset(name="B").to_zarr(out / f"{seed}.zarr", consolidated=False)
    return out


def train(folder, out, model: str, *options: object) -> None:
    command = [
        sys.executable,
        "-m",
        "tec_zarr.training",
        "--model",
        model,
        "--data",
        folder,
        "--out",
        out,
    ]
    command += ["--hold-out", "1", *options]
    subprocess.run(
        [*map(str, command)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def logged(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_all_stages_run_resume_and_leave_weights_that_load(folder, tmp_path):
    train(folder, tmp_path, "published-flextec", "--steps", 2, 2, 2)
    train(folder, tmp_path, "published-flextec", "--steps", 3, 2, 2)
    assert [line["step"] for line in logged(tmp_path / "transforms.jsonl")] == [2, 3]
    for stage in ("prior", "refine"):
        (line,) = logged(tmp_path / f"{stage}.jsonl")
        assert line["step"] == 2
        assert np.isfinite(line["loss"])
    model = checkpoint.parse((tmp_path / "published-flextec.safetensors").read_bytes())
    assert model.config.transforms.bands == L2A
    assert all(torch.isfinite(p).all() for p in model.parameters())


@pytest.mark.parametrize("family", ["tec-fp", "tec-elic"])
def test_image_codecs_train_in_bfloat16(folder, tmp_path, family):
    train(folder, tmp_path, f"published-{family}", "--bfloat16", "--steps", 2, 2)
    (line,) = logged(tmp_path / "image.jsonl")
    assert np.isfinite(line["loss"])
    model = checkpoint.parse((tmp_path / f"published-{family}.safetensors").read_bytes())
    assert model.config.family == family


def test_own_zarr_cubes_are_read_without_their_offset(folder):
    first, _ = load_folder(folder)
    stored = series(3, 144, seed=0, offset_dn=-1000).values
    np.testing.assert_array_equal(first.dn, stored.astype(int) - 1000)
    assert first.valid.all()


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"\*\.zip"):
        load_folder(tmp_path)


def test_crops_have_the_shape_asked_for_and_come_from_the_seed():
    dn = series(3, (120, 100), seed=2).values.astype(np.int16)
    place = Location("a", dn, np.ones((3, 120, 100), bool), interpolated=True)
    one, two = (Crops([place], seed=4).batch(3, 128, 4) for _ in range(2))
    assert one.shape == (3, 4, 12, 128, 128)
    assert torch.equal(one, two)
    assert torch.isfinite(one).all()


@pytest.mark.parametrize("kind", ["nearest", "bilinear", "bicubic"])
def test_resampling_leaves_the_10_m_bands_alone(kind):
    dn = torch.from_numpy(series(1, 96).values.astype(np.float32))
    made = resample_coarse(dn, kind)
    fine = [i for i, b in enumerate(L2A) if NATIVE_METERS[b] == 10]
    coarse = [i for i, b in enumerate(L2A) if NATIVE_METERS[b] == 60]
    assert torch.equal(made[:, fine], dn[:, fine])
    assert (made[:, coarse] != dn[:, coarse]).float().mean() > 0.5


def test_likelihood_is_that_of_the_shipped_tables():
    from tec_zarr.entropy import grid
    from tec_zarr.entropy.tables import shipped

    tables = shipped()
    for mean, scale in ((0.0, 0.5), (0.25, 2.0), (-3.5, 20.0)):
        placement = grid.place(np.array([mean]), np.array([scale]), 0)
        center, row = int(placement.centers[0]), int(placement.rows[0])
        symbols = np.arange(-1, 2) + round(mean)
        cumulative = tables.cumulative[tables.begin[row] :]
        index = symbols - center - tables.first[row]
        coded = 16 - np.log2(cumulative[index + 1] - cumulative[index])
        modeled = bits(
            torch.from_numpy(symbols).double(), torch.tensor(mean), torch.tensor(scale).double()
        )
        np.testing.assert_allclose(coded, modeled.numpy(), atol=0.12)
