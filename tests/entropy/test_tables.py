import hashlib
import math

import numpy as np
import pytest

from tec_zarr.entropy import rans
from tec_zarr.entropy.distribution import (
    COMPONENTS,
    FRACTIONS,
    MAX_SCALE,
    MIN_SCALE,
    PRECISION,
    SCALES,
)
from tec_zarr.entropy.tables import PATH, Tables, shipped

TABLES = shipped()


def frequencies(row):
    return np.diff(TABLES.cumulative[TABLES.begin[row] : TABLES.begin[row + 1]])


def mean_and_scale(row):
    scale_index, fraction = divmod(row, FRACTIONS)
    scale = math.exp(
        np.interp(scale_index, [0, SCALES - 1], [math.log(MIN_SCALE), math.log(MAX_SCALE)])
    )
    return (fraction - FRACTIONS // 2) / FRACTIONS, scale


def test_the_shipped_file_is_the_one_of_format_version_1():
    assert (
        hashlib.sha256(PATH.read_bytes()).hexdigest()
        == "9337a65c6782c0c58159f0fcd5745ae7abd90c03f17a8e7a1497d5e0c6106979"
    )


def test_frequencies_add_up_and_none_is_zero():
    assert TABLES.rows == 2048 + 8
    for row in range(TABLES.rows):
        f = frequencies(row)
        assert len(f) >= 2
        assert f.min() >= 1
        assert f.sum() == 2**PRECISION
        assert TABLES.cumulative[TABLES.begin[row]] == 0


def test_the_most_probable_symbol_is_next_to_the_mean():
    for row in range(TABLES.rows):
        mean, scale = mean_and_scale(row)
        f = frequencies(row)[:-1]
        nearest = math.floor(mean + 0.5) - TABLES.first[row]
        assert f[nearest] >= f.max() - 1, row  # a symbol more or less where the row is flat
        if scale < 8:
            assert abs(f.argmax() + TABLES.first[row] - mean) <= 0.5 + 1 / FRACTIONS, row


def test_rows_of_opposite_means_mirror_each_other():
    for scale_index in range(0, SCALES, 7):
        for fraction in (1, 5, 15):
            high, low = (scale_index * FRACTIONS + FRACTIONS // 2 + s * fraction for s in (1, -1))
            a, b = frequencies(high)[:-1], frequencies(low)[:-1][::-1]
            assert len(a) == len(b)
            assert np.abs(a - b).max() <= 1


def normal_mixture_cdf(x, scale):
    return sum(w * 0.5 * (1 + math.erf(x / (s * scale * math.sqrt(2)))) for w, s in COMPONENTS)


@pytest.mark.parametrize(
    "row", [18 * 32 + 16, 22 * 32 + 3, 30 * 32 + 31, 45 * 32 + 9, 63 * 32 + 16]
)
def test_streams_are_within_a_percent_of_the_distribution_s_entropy(row):
    mean, scale = mean_and_scale(row)
    rng = np.random.default_rng(row)
    shares, spreads = zip(*COMPONENTS, strict=True)
    spread = rng.choice(spreads, size=40_000, p=shares)
    symbols = np.floor(mean + scale * spread * rng.standard_normal(40_000) + 0.5).astype(np.int32)
    values, counts = np.unique(symbols, return_counts=True)
    probability = [
        normal_mixture_cdf(v + 0.5 - mean, scale) - normal_mixture_cdf(v - 0.5 - mean, scale)
        for v in values
    ]
    ideal = -(counts * np.log2(probability)).sum()
    coded = 8 * len(rans.encode_symbols(symbols, np.full(symbols.shape, row), TABLES))
    assert coded == pytest.approx(ideal, rel=0.01)


def test_rows_that_do_not_add_up_are_refused():
    first, sizes = np.array([0, 0], np.int16), np.array([2, 3], np.uint16)
    good = np.array([65535, 1, 30000, 35535, 1], np.uint16)
    tables = Tables.from_frequencies(first, sizes, good)
    assert tables.rows == 2
    assert tables.cumulative.tolist() == [0, 65535, 65536, 0, 30000, 65535, 65536]
    for change in (
        np.array([-1, 0, 0, 0, 0]),
        np.array([-1, 0, 1, 0, 0]),
        np.array([0, 0, 0, 0, 1]),
    ):
        with pytest.raises(ValueError, match="65536"):
            Tables.from_frequencies(first, sizes, good + change)
