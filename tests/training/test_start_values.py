"""Start values of side information: what they are measured from is what the codec asks for."""

import numpy as np
import pytest

from tec_zarr.models.bands import L2A
from tec_zarr.synthetic import series
from tec_zarr.training import start_values
from tec_zarr.training.corpus import Location
from tec_zarr.transform.basis import ONE
from tec_zarr.transform.live_table import LIVE_BUCKETS, LIVE_CONTEXTS

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def spectra():
    dn = series(3, (128, 112), seed=2, cloud_cover=0).values.astype(np.int16)
    place = Location("a", dn, np.ones((3, 128, 112), bool), interpolated=True)
    return start_values.spectra([place], np.random.default_rng(0))


def test_bases_are_orthonormal_and_begin_with_the_mean_of_the_bands(spectra):
    found = start_values.bases(spectra)
    assert set(found) == {"bands4", "bands10", "bands12", "bands13"}
    for name, basis in found.items():
        product = basis.astype(float).T @ basis / float(ONE) ** 2
        np.testing.assert_allclose(product, np.eye(len(basis)), atol=1e-8)
        same_sign = (basis[:, 0] >= 0).mean()
        assert same_sign > 0.8, name
    assert found["bands13"][10].tolist() == [0] * len(L2A) + [ONE]


def test_channels_are_the_likelier_live_the_stronger_they_are_expected(spectra):
    zeros = start_values.live_zeros(spectra, np.random.default_rng(0)).reshape(LIVE_BUCKETS, 3, 3)
    assert zeros.size == LIVE_CONTEXTS
    assert zeros[:4].min() > zeros[-4:].max()
    middle = zeros[LIVE_BUCKETS // 2 - 3 : LIVE_BUCKETS // 2].astype(int)
    assert middle[:, 1].mean() > middle[:, 2].mean()


def test_neighbors_are_those_that_the_map_looks_at():
    live = np.zeros((1, 256), bool)
    live[0, [0, 16, 33]] = True
    beside = start_values._neighbors(live).reshape(16, 16)
    assert beside[0, 0] == 2
    assert beside[0, 1] == 2
    assert beside[1, 1] == 1
    assert beside[2, 1] == 0
    assert beside[2, 2] == 1
