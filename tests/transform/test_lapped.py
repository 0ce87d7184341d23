import numpy as np
import pytest

from tec_zarr.transform import lapped


def dense_matrix(samples, block):
    """The transform of a line, (samples, samples): each border's filter, then each block's
    cosine transform."""
    half = block // 2
    border = lapped.border_filter(block)
    filters = np.eye(samples)
    cosines = np.zeros((samples, samples))
    for start in range(0, samples, block):
        cosines[start : start + block, start : start + block] = lapped.cosine_matrix(block)
        if start:
            filters[start - half : start + half, start - half : start + half] = border
    return cosines @ filters


def dense(x, block):
    """Coefficients (B, block * block, h, w)."""
    bands, height, width = x.shape
    y = dense_matrix(height, block) @ x @ dense_matrix(width, block).T
    y = y.reshape(bands, height // block, block, width // block, block)
    return y.transpose(0, 2, 4, 1, 3).reshape(bands, block * block, height // block, width // block)


def random(shape):
    return np.random.default_rng(3).normal(0, 1000, shape).astype(np.float32)


@pytest.mark.parametrize("block", [8, 16])
@pytest.mark.parametrize("blocks", [1, 2, 5])
def test_a_line_is_transformed_orthonormally(block, blocks):
    matrix = dense_matrix(blocks * block, block)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(blocks * block), atol=1e-12)


@pytest.mark.parametrize("size", [(16, 16), (16, 48), (64, 32)])
@pytest.mark.parametrize("bands", [1, 4, 12, 13, 64])
def test_it_is_the_dense_transform_and_comes_back(size, bands):
    x = random((bands, *size))
    coefficients = lapped.forward(x)
    np.testing.assert_allclose(coefficients, dense(x.astype(np.float64), 16), atol=0.01)
    np.testing.assert_allclose(lapped.inverse(coefficients), x, atol=0.01)


@pytest.mark.parametrize("size", [(16, 16), (48, 16), (32, 64)])
def test_repeated_bands_fill_low_frequencies_only(size):
    samples = random((3, size[0] // 2, size[1] // 2))
    x = samples.repeat(2, axis=1).repeat(2, axis=2)
    coefficients = lapped.forward_native(x).reshape(3, 16, 16, size[0] // 16, size[1] // 16)
    low = coefficients[:, :8, :8]
    expected = 2 * dense(samples.astype(np.float64), 8)
    np.testing.assert_allclose(low.reshape(expected.shape), expected, atol=0.01)
    assert np.count_nonzero(coefficients) == np.count_nonzero(low)
    energy = float((coefficients.astype(np.float64) ** 2).sum())
    np.testing.assert_allclose(energy, float((x.astype(np.float64) ** 2).sum()), rtol=1e-5)
    again = lapped.inverse_native(coefficients.reshape(3, 256, *coefficients.shape[3:]))
    np.testing.assert_allclose(again, x, atol=0.01)
    np.testing.assert_array_equal(again[:, ::2, ::2], again[:, 1::2, 1::2])
