"""What holds of every model in the package."""

import dataclasses

import numpy as np
import pytest
import torch

from tec_zarr.bitstream import container
from tec_zarr.bitstream.frame import Frame
from tec_zarr.codec import metrics, runtime
from tec_zarr.codec.chunk import decode_chunk, encode_chunk
from tec_zarr.codec.settings import Settings
from tec_zarr.errors import DamagedChunkError
from tec_zarr.models import registry
from tec_zarr.models.bands import L2A
from tec_zarr.models.config import TOKENS
from tec_zarr.models.tec_tt import TecTT
from tec_zarr.testing.synthetic import series
from tec_zarr.training.stages.image import RateCounter
from tec_zarr.training.stages.temporal import predict

MIB = 2**20


@pytest.fixture(params=sorted(registry.entries()))
def model(request) -> str:
    return request.param


def code(array, **settings) -> tuple[int, np.ndarray]:
    chunk = encode_chunk(array, Settings(**settings))
    return len(chunk), decode_chunk(chunk)


def test_all_weights_together_are_small():
    assert sum(entry.path.stat().st_size for entry in registry.entries().values()) < 16 * MIB


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 17, 23), (3, 64, 80)])
def test_any_size(model, shape):
    array = series(shape[0], shape[1:], seed=3).values
    _, decoded = code(array, model=model, quality=80)
    assert decoded.shape == array.shape
    assert metrics.rmse(array, decoded, array != 0) < 250


def test_quality_is_monotone_from_30_to_44_decibels(model, site):
    crop = np.ascontiguousarray(site[:, :, :128, :128])
    found = [code(crop, model=model, quality=q) for q in (1, 25, 50, 75, 100)]
    sizes, psnr = [size for size, _ in found], [metrics.psnr(crop, decoded, crop != 0) for _, decoded in found]
    assert sizes == sorted(sizes)
    assert psnr == sorted(psnr)
    assert psnr[-1] > 43.5


@pytest.mark.parametrize("bands", [("B02", "B03", "B04", "B08"), tuple(b for b in L2A if b not in ("B01", "B09"))])
def test_subsets_cost_less_than_all_bands_at_equal_error(model, site, bands):
    crop = np.ascontiguousarray(site[:, :, :128, :128])
    chosen = [L2A.index(b) for b in bands]
    subset = np.ascontiguousarray(crop[:, chosen])
    size, decoded = code(subset, model=model, quality=60, bands=bands)
    error = metrics.rmse(subset, decoded, subset != 0)
    whole = [code(crop, model=model, quality=q) for q in (80, 60, 40, 20)]
    errors = [metrics.rmse(subset, d[:, chosen], subset != 0) for _, d in whole]
    assert errors[0] < error < errors[-1]
    assert size < np.exp(np.interp(np.log(error), np.log(errors), np.log([n for n, _ in whole])))


STATE_BYTES = 6
"""What the coder leaves at the end of each stream."""


def streams(chunk: bytes) -> list[bytes]:
    return [Frame.parse(section).latents.stream for section in container.parse(chunk)[1]]


def promised_bytes(chunk: bytes) -> float:
    """What the latents of a chunk should take by the probabilities that training counts with."""
    header, sections = container.parse(chunk)
    frames = [[Frame.parse(section).latents for section in sections]]
    loaded = runtime.load(header.model, "cpu")
    condition = loaded.condition(header)[None]
    decoder = loaded.exact.decoder(condition, *(-(-n // loaded.stride) for n in header.shape[2:]))
    y = torch.stack([decoder.decompress(list(latents))[0] for latents in zip(*frames, strict=True)], 1).float()
    if isinstance(loaded.model, TecTT):
        kept = torch.full((1,), TOKENS)
        return predict(loaded.model, y, condition.float(), kept).rate(y)[0].sum().item() / 8
    counter = RateCounter(exact=True)
    for frame in y[0]:
        prior, condition = loaded.model.prior, condition.float()
        prior.walk(counter, loaded.model.unit(condition), condition, tuple(frame.shape[1:]), frame[None])
    return counter.bits.item() / 8


@pytest.mark.parametrize("quality", [20, 50, 90])
def test_real_bytes_are_those_that_the_probabilities_promise(model, site, quality):
    chunk = encode_chunk(np.ascontiguousarray(site[:, :, :256, :256]), Settings(model=model, quality=quality))
    found = sum(len(stream) - STATE_BYTES for stream in streams(chunk))
    assert len(chunk) > 2000
    assert found == pytest.approx(promised_bytes(chunk), abs=0.01 * len(chunk))


def test_damage_raises(model):
    array = series(2, 20, seed=5).values
    chunk = encode_chunk(array, Settings(model=model, quality=30))
    reference = decode_chunk(chunk)
    random = np.random.default_rng(0)
    for position in random.choice(len(chunk), 60, replace=False):
        damaged = bytearray(chunk)
        damaged[position] ^= 1 << random.integers(8)
        with pytest.raises(DamagedChunkError):
            decode_chunk(bytes(damaged))
    np.testing.assert_array_equal(decode_chunk(chunk), reference)


def test_a_smaller_budget_of_tokens_is_smaller_and_less_faithful(site):
    crop = np.ascontiguousarray(site[:, :, :128, :128])
    found = [code(crop, model="flextec-s2", tokens=k) for k in range(1, 17)]
    sizes, psnr = [size for size, _ in found], [metrics.psnr(crop, decoded, crop != 0) for _, decoded in found]
    assert sizes == sorted(sizes)
    assert psnr == sorted(psnr)


def test_a_budget_for_each_date(site):
    crop = np.ascontiguousarray(site[:, :, :64, :64])
    budgets = ([16, 16, 16, 16], [16, 3, 3, 16], [3, 3, 3, 3])
    sizes = [code(crop, model="flextec-s2", tokens=each, quality=70)[0] for each in budgets]
    assert sizes[0] > sizes[1] > sizes[2]


def test_tokens_that_a_model_does_not_have_are_refused():
    """A chunk that says that some are left out, with all checksums right."""
    header, sections = container.parse(encode_chunk(series(1, 20, seed=5).values, Settings()))
    latents = dataclasses.replace(Frame.parse(sections[0]).latents, tokens=4)
    with pytest.raises(DamagedChunkError, match="a frame without all of its tokens, where tec-tt-s2 has none to drop"):
        decode_chunk(container.pack(header, [Frame(b"", latents).pack()]))
