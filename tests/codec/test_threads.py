"""Chunks of many threads share batches: what one thread codes must not hang on the others."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tec_zarr.codec.chunk import decode_chunk, encode_chunk
from tec_zarr.codec.settings import Settings
from tec_zarr.models.bands import L2A
from tec_zarr.synthetic import series

pytestmark = pytest.mark.slow


MIXES = {
    "qualities": [{"quality": quality} for quality in (1, 12, 25, 37, 50, 66, 80, 100)],
    "targets": [{"psnr": psnr} for psnr in (30, 34, 36, 38, 40, 44, 50, 60)],
    "bounds": [{"max_error": bound} for bound in (0, 1, 5, 20, 60, 200, 600, 2000)],
    "budgets": [{"quality": 45, "groups": groups} for groups in (1, 2, 3, 5, 7, 9, 10, 11)],
    "contexts": [{"quality": 45, "key_interval": key} for key in (1, 2, 3, None)] * 2,
}


@pytest.mark.parametrize("mix", MIXES)
def test_threads_give_the_bytes_that_each_chunk_has_alone(mix):
    values = series(4, (64, 80), seed=6).values
    chunks = []
    for number in range(8):
        y, x = divmod(number, 4)
        chunk = values[:3, :, 32 * y : 32 * y + 32, 16 * x : 16 * x + 32]
        chunks.append(np.ascontiguousarray(chunk))
    settings = [Settings(bands=L2A, **keywords) for keywords in MIXES[mix]]
    alone = [encode_chunk(*both) for both in zip(chunks, settings, strict=True)]
    decoded = [decode_chunk(data) for data in alone]
    for _ in range(3):
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(encode_chunk, chunks, settings))
            again = list(pool.map(decode_chunk, alone))
        assert together == alone
        for one, other in zip(decoded, again, strict=True):
            np.testing.assert_allclose(one, other, atol=1)
