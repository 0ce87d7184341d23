import math
import subprocess
import sys

import numpy as np
import pytest

from tec_zarr.transform import basis as bases
from tec_zarr.transform.basis import FINENESS, ONE, RIGHT_ANGLE

PROGRAM = """
import hashlib, numpy as np
from tec_zarr.transform import basis
rotations = np.random.default_rng(5).integers(0, 6, (200, 3))
rotations[:, 1] += 6
rotations[:, 2] = np.random.default_rng(6).integers(-basis.RIGHT_ANGLE + 1, basis.RIGHT_ANGLE, 200)
made = basis.rotated(basis.default_basis(12), rotations, basis.FINENESS)
print(hashlib.sha256(made.astype(">i8").tobytes()).hexdigest())
"""
PINNED = "804c1df97960236743542831004339a5627c692fca6d98fee3601dcf4cc57ff4"


@pytest.mark.parametrize(
    "code", [0, 1, -1, 77, RIGHT_ANGLE // 2, -RIGHT_ANGLE // 2, RIGHT_ANGLE - 1, RIGHT_ANGLE]
)
def test_cosine_and_sine_are_rounded_right(code):
    cosine, sine = bases.rotation(code, FINENESS)
    angle = code * math.pi / 2**FINENESS
    assert abs(cosine - math.cos(angle) * ONE) < 0.51
    assert abs(sine - math.sin(angle) * ONE) < 0.51


@pytest.mark.parametrize("bands", [1, 2, 4, 10, 12, 13, 64])
def test_bases_stay_orthonormal(bands):
    rng = np.random.default_rng(bands)
    made = bases.default_basis(bands)
    for _ in range(5):
        rotations = np.zeros((300 if bands > 1 else 0, 3), np.int64)
        for rotation in rotations:
            rotation[:2] = np.sort(rng.choice(bands, 2, replace=False))
            rotation[2] = rng.integers(-RIGHT_ANGLE + 1, RIGHT_ANGLE + 1)
        made = bases.rotated(made, rotations, FINENESS)
    product = (made / ONE).T @ (made / ONE)
    np.testing.assert_allclose(product, np.eye(bands), atol=1e-7)
    assert (made.sum(0) >= 0).all()


def test_a_fresh_process_makes_the_same_basis():
    made = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True
    )
    assert made.stdout.strip() == PINNED


def test_the_basis_of_contexts_is_the_same_rounded():
    made = bases.default_basis(12)
    coarse = bases.context_basis(made)
    np.testing.assert_allclose(coarse / 2**14, made / ONE, atol=2**-15 + 1e-12)
