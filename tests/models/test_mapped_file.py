import copy

import torch
from safetensors.torch import load_file, save_file

from tec_zarr.models.mapped_file import MappedFile


def test_tensors_are_those_of_the_file_before_and_after_their_memory_is_given_back(tmp_path):
    path = tmp_path / "weights.safetensors"
    drawn = torch.Generator().manual_seed(0)
    save_file(
        {
            "matrix": torch.randn(300, 50, generator=drawn),
            "number": torch.tensor(3.5),
            "integers": torch.arange(7, dtype=torch.int32),
            "nothing": torch.empty(4, 0),
        },
        path,
        metadata={"config": "{}"},
    )
    expected, file = load_file(path), MappedFile(path)
    assert file.metadata == {"config": "{}"}
    for _ in range(2):
        assert file.tensors.keys() == expected.keys()
        for name, tensor in file.tensors.items():
            assert tensor.dtype == expected[name].dtype
            assert torch.equal(tensor, expected[name])
        file.release()
    assert copy.deepcopy(file) is file
