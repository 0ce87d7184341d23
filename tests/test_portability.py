"""Contract 1: a chunk decodes to the same integers whatever the kernels and the batch."""

import pytest
from portability import chunks_of, compare

from tec_zarr.models import registry


@pytest.fixture(scope="module")
def comparisons(val_folder):
    chunks = chunks_of(val_folder, registry.DEFAULT, 60.0)
    return compare(chunks, [("sse4", 1), ("avx2", 2), ("default", 7)])


def test_every_latent_of_val_is_the_same(comparisons):
    assert {c.latents_differ for c in comparisons} == {0}
    assert comparisons[0].latents > 1_000_000


def test_dn_differ_by_one_at_most(comparisons):
    assert max(c.dn_differ_at_most for c in comparisons) <= 1


def test_the_kernels_really_differ(comparisons):
    """In float32 the same prior would have chosen other table rows somewhere, so the test can tell machines apart."""
    assert comparisons[0].rows32_differ > 0


@pytest.mark.parametrize("model", sorted(set(registry.entries()) - {registry.DEFAULT}))
def test_other_models_decode_the_same_too(val_folder, model):
    (found,) = compare(chunks_of(val_folder, model, 60.0), [("sse4", 2)])
    assert found.latents_differ == 0
    assert found.dn_differ_at_most <= 1
