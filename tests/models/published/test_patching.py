import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tec_zarr.models.published.config import BLOCK, TOKENS
from tec_zarr.models.published.patching import from_blocks, pad_to_blocks, to_blocks, to_windows

sizes = st.integers(1, 5)


def numbered(n, c, height, width):
    return torch.arange(n * c * height * width, dtype=torch.float64).reshape(n, c, height, width)


@given(sizes, sizes, sizes, sizes)
@settings(deadline=None, max_examples=60)
def test_from_blocks_inverts_to_blocks(n, c, down, across):
    y = numbered(n, c, BLOCK * down, BLOCK * across)
    blocks = to_blocks(y)
    assert blocks.shape == (n * down * across, TOKENS, c)
    assert torch.equal(from_blocks(blocks, *y.shape[-2:]), y)


def test_blocks_and_tokens_are_in_raster_order():
    y = numbered(2, 1, 8, 12)
    blocks = to_blocks(y)[..., 0].reshape(2, 2, 3, 4, 4)
    for n in range(2):
        for i in range(2):
            for j in range(3):
                assert torch.equal(blocks[n, i, j], y[n, 0, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4])


@given(sizes, sizes, sizes, sizes, st.sampled_from([4, 6, 8, 10]))
@settings(deadline=None, max_examples=60)
def test_the_centers_of_windows_are_the_blocks(n, c, down, across, side):
    y = numbered(n, c, BLOCK * down, BLOCK * across)
    windows = to_windows(y, side)
    assert windows.shape == (n * down * across, side * side, c)
    margin = (side - BLOCK) // 2
    center = slice(margin, margin + BLOCK)
    centers = windows.reshape(-1, side, side, c)[:, center, center].flatten(1, 2)
    assert torch.equal(centers, to_blocks(y))


def test_windows_see_their_neighbors_and_a_reflected_border():
    y = numbered(1, 1, 12, 12)
    windows = to_windows(y, 8)[..., 0].reshape(3, 3, 8, 8)
    assert torch.equal(windows[1, 1], y[0, 0, 2:10, 2:10])
    rows = torch.tensor([2, 1, 0, 1, 2, 3, 4, 5])
    assert torch.equal(windows[0, 0], y[0, 0][rows][:, rows])
    last = torch.tensor([6, 7, 8, 9, 10, 11, 10, 9])
    assert torch.equal(windows[2, 0], y[0, 0][last][:, rows])


@given(sizes, sizes, sizes, st.integers(0, 24), st.integers(0, 24))
@settings(deadline=None, max_examples=60)
def test_chosen_blocks_are_those_of_all_blocks(n, down, across, start, stop):
    y = numbered(n, 2, BLOCK * down, BLOCK * across)
    chosen = slice(start, stop)
    for each in (to_blocks, lambda y, b=slice(None): to_windows(y, 8, b)):
        everything = each(y).unflatten(0, (n, -1))
        assert torch.equal(each(y, chosen), everything[:, chosen].flatten(0, 1))


@pytest.mark.parametrize(
    ("size", "padded"), [((1, 1), (4, 4)), ((4, 8), (4, 8)), ((5, 7), (8, 8)), ((9, 3), (12, 4))]
)
def test_padding_appends_zeros(size, padded):
    y = 1 + numbered(2, 3, *size)
    out = pad_to_blocks(y)
    assert out.shape == (2, 3, *padded)
    assert torch.equal(out[..., : size[0], : size[1]], y)
    assert out.count_nonzero() == y.numel()
