import numpy as np
import pytest
import torch

from tec_zarr.prior.channels import GROUP_SIZES, group_frequencies
from tec_zarr.prior.regression import (
    BASIS_ONE,
    FRACTION,
    BandRegression,
    group_channels,
    limit_bands,
)
from tec_zarr.transform.spread import network_channels

BANDS = 12
SIZE = (8, 8)
POSITIONS = 64


def made(seed: int, dates: int = 2):
    """Symbols (1, B, 256, P) of today, bands of earlier dates (1, J, 256, P) in eighths, and
    their mixing (B, J)."""
    rng = np.random.default_rng(seed)
    earlier = np.rint(rng.normal(0, 200, (1, dates * BANDS, 256, POSITIONS)))
    mixing = rng.normal(0, 0.3, (BANDS, dates * BANDS))
    today = np.rint(np.einsum("bj,njfp->nbfp", mixing, earlier) / FRACTION)
    return today, earlier, mixing


def regression_of(earlier: np.ndarray) -> BandRegression:
    identity = np.eye(BANDS)[None, None].repeat(4, 1) * BASIS_ONE
    channels = group_channels(torch.from_numpy(network_channels()), GROUP_SIZES)
    live = torch.ones(1, sum(GROUP_SIZES), dtype=torch.float64)
    return BandRegression(
        torch.from_numpy(earlier), torch.from_numpy(identity), channels, live, SIZE
    )


def picked(today: np.ndarray, group: int) -> torch.Tensor:
    """Symbols (1, h, w, n) of a group's channels."""
    begin = sum(GROUP_SIZES[:group])
    channels = network_channels()[begin : begin + GROUP_SIZES[group]]
    values = today[:, channels // 256, channels % 256]
    return torch.from_numpy(values).transpose(1, 2).unflatten(1, SIZE)


@pytest.mark.parametrize("group", [2, 5, 8])
def test_a_linear_map_of_the_groups_below_is_found(group):
    today, earlier, _ = made(0)
    regression = regression_of(earlier)
    for below in range(group):
        regression.add(below, picked(today, below))
    predicted, fit = regression.predict(group)
    truth = picked(today, group)
    assert float((predicted - truth).abs().mean()) < 0.05 * float(truth.abs().mean())
    assert float(fit.max()) < -3


def test_dates_that_have_nothing_in_common_say_so():
    today, earlier, _ = made(1)
    rng = np.random.default_rng(5)
    regression = regression_of(np.rint(rng.normal(0, 200, earlier.shape)))
    for group in range(5):
        regression.add(group, picked(today, group))
    _, fit = regression.predict(5)
    assert float(fit.min()) > -0.3


def test_a_group_that_nobody_added_counts_as_zero():
    _, earlier, _ = made(2)
    predicted, fit = regression_of(earlier).predict(4)
    assert float(predicted.abs().max()) == 0
    assert float(fit.abs().max()) == 0


def test_sums_are_exact_in_any_order():
    """Values at their limits, in another order of positions and in one of dates: the same
    prediction to the last bit."""
    today, earlier, _ = made(3)
    earlier = limit_bands(torch.from_numpy(earlier * 1e5), torch.arange(256)).numpy()
    order = np.random.default_rng(0).permutation(POSITIONS)
    found = []
    for positions in (np.arange(POSITIONS), order):
        regression = regression_of(np.ascontiguousarray(earlier[..., positions]))
        for group in range(3):
            regression.add(group, picked(np.ascontiguousarray(today[..., positions]), group))
        predicted, _ = regression.predict(3)
        back = np.empty(POSITIONS, np.int64)
        back[positions] = np.arange(POSITIONS)
        found.append(predicted.flatten(1, 2)[:, back])
    assert torch.equal(found[0], found[1])


def test_frequencies_of_all_groups_are_all_there_are():
    every = np.concatenate([group_frequencies(group) for group in range(len(GROUP_SIZES))])
    np.testing.assert_array_equal(np.sort(every), np.arange(256))
