"""A cube of nothing is refused everywhere by one rule, and leaves nothing behind."""

import pytest

from tec_zarr.errors import InvalidInputError
from tec_zarr.synthetic.observations import dataset

CALLS = {
    "to_zarr": lambda empty, whole, path: empty.tec.to_zarr(path / "a.zarr", progress=False),
    "psnr": lambda empty, whole, path: empty.tec.to_zarr(path / "a.zarr", psnr=40, progress=False),
    "ratio": lambda empty, whole, path: empty.tec.to_zarr(path / "a.zarr", ratio=9, progress=False),
    "estimate": lambda empty, whole, path: empty.tec.estimate(),
    "rd_curve": lambda empty, whole, path: empty.tec.rd_curve(),
    "encoding": lambda empty, whole, path: empty.tec.encoding(),
    "compare": lambda empty, whole, path: empty.tec.compare(empty),
    "inpaint": lambda empty, whole, path: empty.tec.inpaint(),
}


@pytest.mark.parametrize("dim", ["time", "y", "x"])
@pytest.mark.parametrize("call", CALLS)
def test_nothing(call, dim, tmp_path):
    whole = dataset(2, (24, 24), seed=1)
    empty = whole.isel({dim: slice(0, 0)})
    advice = "Begin a store" if dim == "time" else "against the coordinates"
    with pytest.raises(InvalidInputError, match=f"the cube is empty along {dim}: .* {advice}"):
        CALLS[call](empty, whole, tmp_path)
    assert not list(tmp_path.iterdir())
