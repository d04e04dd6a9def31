"""A GPU that is not there: tensors without values on a device, where each wait of the processor for it is found."""

from contextlib import nullcontext

import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

DEVICE = torch.device("lazy", 0)  # the one beside "meta" whose gradients torch computes without a driver
READS = ("_local_scalar_dense", "nonzero", "equal", "is_nonzero", "unique", "masked_select", "item")
INDEXED = ("index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index", "_unsafe_index_put")


class WaitedError(AssertionError):
    """The processor waited for the device."""


class FakeGPU(TorchDispatchMode):
    """Let tensors on the CPU compute, and tensors on the GPU have shapes alone.

    A value that the processor reads of the GPU is a wait, and so is a copy to it or an index for it that is made
    without ``non_blocking``, since torch then waits for all that the device still has to do.

    Attributes:
        strict: Whether a copy that waits is refused; a value that is read always is, as there is none.
    """

    def __init__(self):
        super().__init__()
        self.fake = FakeTensorMode(allow_non_fake_inputs=True)
        self.strict = False

    def __enter__(self):
        self.autocast, torch.autocast = torch.autocast, self._autocast
        return super().__enter__()

    def __exit__(self, *error):
        torch.autocast = self.autocast
        return super().__exit__(*error)

    def _autocast(self, device_type, *args, **kwargs):
        return nullcontext() if device_type == DEVICE.type else self.autocast(device_type, *args, **kwargs)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        there = [tensor for tensor in given if isinstance(tensor, FakeTensor)]
        device = kwargs.get("device")
        if not there and (device is None or torch.device(device).type != DEVICE.type):
            return func(*args, **kwargs)
        name = func.overloadpacket.__name__
        if name == "is_set_to":  # of memory, which the processor knows
            return args[0] is args[1]
        if there and name in READS:
            raise WaitedError(f"{func} reads what the device has computed")
        self._copies(func, name, args, kwargs, given)
        if there or name != "_to_copy":
            with self.fake:
                return func(*args, **kwargs)
        return self.empty_like(args[0].to(kwargs.get("dtype") or args[0].dtype))

    def _copies(self, func, name, args, kwargs, given):
        onto = [tensor for tensor in given if tensor.device.type == "cpu"]
        if name == "_to_copy" and onto and not kwargs.get("non_blocking"):
            self._refuse(f"{func} of {tuple(onto[0].shape)} waits; give non_blocking")
        if name == "_to_copy" and not onto and torch.device(kwargs.get("device") or DEVICE).type == "cpu":
            raise WaitedError(f"{func} reads what the device has computed")
        if name == "copy_" and onto and args[0].device.type == DEVICE.type and not (len(args) > 2 and args[2]):
            self._refuse(f"{func} of {tuple(onto[0].shape)} waits; give non_blocking")
        if name == "copy_" and args[0].device.type == "cpu":
            raise WaitedError(f"{func} reads what the device has computed")
        if name in INDEXED and args[0].device.type == DEVICE.type:
            for index in (part for part in args[1] if part is not None):
                if index.dtype in (torch.bool, torch.uint8):
                    raise WaitedError(f"{func} by a mask reads how many it marks")
                if index.device.type == "cpu" and index.ndim:
                    self._refuse(f"{func} by an index on the CPU waits for its copy")

    def _refuse(self, message):
        if self.strict:
            raise WaitedError(message)

    def empty_like(self, tensor):
        """Return a tensor of the same shape on the GPU."""
        with self.fake:
            return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=DEVICE)

    def take(self, module):
        """Move a network's weights."""
        for part in module.modules():
            for name, weight in part._parameters.items():
                if weight is not None:
                    part._parameters[name] = torch.nn.Parameter(self.empty_like(weight), weight.requires_grad)
            for name, buffer in part._buffers.items():
                if buffer is not None:
                    part._buffers[name] = self.empty_like(buffer)


class FakeFabric:
    """What a step asks of Lightning's Fabric, for one fake GPU."""

    device, world_size, global_rank, is_global_zero = DEVICE, 1, 0, True

    def __init__(self):
        self.strategy = self
        self.precision = None

    def autocast(self):
        return nullcontext()

    def backward(self, loss):
        loss.backward()

    def setup_optimizers(self, optimizer):
        return optimizer
