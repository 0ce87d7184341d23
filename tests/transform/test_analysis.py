import numpy as np
import pytest

from tec_zarr.transform.analysis import Spectrum
from tec_zarr.transform.repetition import find_repeats
from tec_zarr.transform.synthesis import synthesize


def random(bands, size, seed=0):
    rng = np.random.default_rng(seed)
    mix = rng.normal(0, 1, (bands, bands)) / bands
    dn = 1000 + np.einsum("ij,jyx->iyx", mix, rng.normal(0, 1000, (bands, *size)))
    return dn.astype(np.float32)


def come_back(dn, step=60.0):
    side, coefficients = Spectrum.of(dn).at(step, None)
    return synthesize(coefficients, side, dn.shape[1:]), side


@pytest.mark.parametrize("y", range(1, 41))
def test_all_sizes_come_back(y):
    for x in (1, 2, 15, 16, 17, 33, 40):
        dn = random(3, (y, x), seed=y)
        again, _ = come_back(dn)
        assert again.dtype == np.float32
        np.testing.assert_allclose(again, dn, atol=0.02)


@pytest.mark.parametrize("bands", [1, 4, 12, 13, 64])
@pytest.mark.parametrize("step", [0.5, 60.0, 8000.0])
def test_any_number_of_bands_comes_back(bands, step):
    dn = random(bands, (33, 20))
    np.testing.assert_allclose(come_back(dn, step)[0], dn, atol=0.02)


def test_large_numbers_come_back_as_well_as_float32_can_tell():
    dn = random(12, (32, 32))
    dn *= 65535 / np.abs(dn).max()
    np.testing.assert_allclose(come_back(dn)[0], dn, atol=0.1)


@pytest.mark.parametrize("phase", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_repeated_bands_come_back_repeated(phase):
    dn = random(4, (37, 22))
    samples = random(2, (20, 20), seed=1).repeat(2, axis=1).repeat(2, axis=2)
    dn[1:3] = samples[:, phase[0] : phase[0] + 37, phase[1] : phase[1] + 22]
    side, coefficients = Spectrum.of(dn).at(100.0, None)
    assert side.origin == phase
    assert side.native.tolist() == [False, True, True, False]
    again = synthesize(np.rint(coefficients), side, (37, 22))[1:3]
    assert find_repeats(again)[:, phase[0], phase[1]].all()


def test_squared_errors_of_coefficients_are_those_of_pixels():
    dn = random(12, (64, 64))
    side, coefficients = Spectrum.of(dn).at(300.0, None)
    symbols = np.rint(coefficients)
    error = float(((symbols - coefficients).astype(np.float64) ** 2).sum()) * 300.0**2
    found = float(((synthesize(symbols, side, (64, 64)) - dn).astype(np.float64) ** 2).sum())
    np.testing.assert_allclose(found, error, rtol=1e-3)


def test_the_basis_takes_nearly_as_much_as_that_of_karhunen_and_loeve():
    dn = random(12, (128, 128))
    spectrum = Spectrum.of(dn)
    side, _ = spectrum.at(10.0, None)
    basis = side.bases[3] / 2**30
    kept = np.log2(np.einsum("bc,bd,dc->c", basis, spectrum.covariances[3], basis)).sum()
    best = np.log2(np.linalg.eigvalsh(spectrum.covariances[3])).sum()
    assert (kept - best) / 2 / 12 < 0.003 * 8
