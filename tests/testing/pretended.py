"""A GPU that is made up: tensors that say that they lie there, and everything that torch refuses to
do with some tensors there and others here.

All is computed on the CPU. What a GPU rounds in another way does not show; code that forgets to
bring a tensor to the other device does.
"""

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.weak import WeakIdKeyDictionary

CPU = torch.device("cpu")
GPU = torch.device("cuda", 0)

INDEXING = (Tensor.__getitem__, Tensor.__setitem__)
ACROSS = (Tensor.copy_, torch._has_compatible_shallow_copy_type)
TO_NUMPY = (Tensor.numpy, Tensor.__array__)


class PretendedGpu(TorchFunctionMode):
    """While it is active, `GPU` can be asked for in this thread."""

    def __init__(self):
        super().__init__()
        self._there = WeakIdKeyDictionary()

    def device_of(self, tensor: Tensor) -> torch.device:
        return GPU if tensor in self._there else CPU

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function == Tensor.device.__get__:
            return self.device_of(args[0])
        if function in (Tensor.to, Tensor.cpu):
            return self._moved(function, args, kwargs)
        if function == Tensor.data.__set__:
            # By this a network is moved.
            function(*args)
            return self._put(args[0]) if self.device_of(args[1]) == GPU else None
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        if function not in ACROSS:
            self._check_together(function, args, tensors)
        is_there = any(self.device_of(tensor) == GPU for tensor in tensors)
        if function in TO_NUMPY and is_there:
            raise TypeError("a tensor on the GPU is not made an array: bring it to the CPU first")
        asked = kwargs.pop("device", None)
        result = function(*args, **kwargs)
        if function == Tensor.__iter__:
            return iter([self._put(part) if is_there else part for part in result])
        if asked == GPU or (asked is None and is_there):
            tree_map_only(Tensor, self._put, result)
        return result

    def _put(self, tensor: Tensor) -> Tensor:
        self._there[tensor] = True
        return tensor

    def _moved(self, function, args, kwargs):
        """`to` or `cpu`: a copy where the device is another one."""
        before = self.device_of(args[0])
        after = CPU if function == Tensor.cpu else before
        for leaf in tree_leaves((args[1:], kwargs)):
            if isinstance(leaf, Tensor):
                after = self.device_of(leaf)
            if isinstance(leaf, torch.device):
                after = leaf
        args, kwargs = tree_map_only(torch.device, lambda _: CPU, (args, kwargs))
        result = function(*args, **kwargs)
        if after != before:
            result = result.clone()
        if after == GPU:
            self._put(result)
        return result

    def _check_together(self, function, args, tensors):
        """Raise where torch would: only numbers, and indices of what is on the GPU, may lie on the
        CPU."""
        if function in INDEXING and self.device_of(args[0]) == GPU:
            indices = tree_leaves(args[1])
            tensors = [tensor for tensor in tensors if not any(tensor is one for one in indices)]
        places = {self.device_of(tensor) for tensor in tensors if tensor.dim()}
        if len(places) > 1:
            shapes = [(tuple(tensor.shape), str(self.device_of(tensor))) for tensor in tensors]
            raise RuntimeError(f"{function.__name__} of tensors on two devices: {shapes}")
