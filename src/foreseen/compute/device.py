"""The device that sequence networks are trained on: the CPU, or a graphics processor."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import torch

from foreseen.errors import InputError

DEVICES: Final = ("auto", "cpu", "cuda", "mps")
"""Names of devices; `auto` is the first of cuda and mps that there is, else the CPU."""
_CPU: Final = torch.device("cpu")


class _InUse:
    device: torch.device = _CPU


@contextmanager
def training_on(name: str) -> Generator[torch.device]:
    """Train networks of this process on a device while the block runs.

    Args:
        name: One of `DEVICES`.

    Raises:
        InputError: If there is no device of that name.
    """
    device, before = find_device(name), _InUse.device
    precision = torch.get_float32_matmul_precision()
    if device.type == "cuda":
        # Products of 32-bit numbers on tensor cores (TF32).
        torch.set_float32_matmul_precision("high")
    _InUse.device = device
    try:
        yield device
    finally:
        _InUse.device = before
        torch.set_float32_matmul_precision(precision)


def training_device() -> torch.device:
    """Return the device of the innermost `training_on`; the CPU outside of any."""
    return _InUse.device


def find_device(name: str) -> torch.device:
    """Return the device of a name.

    Raises:
        InputError: If there is no device of that name.
    """
    found = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": _has_mps()}
    if name == "auto":
        name = next((kind for kind in ("cuda", "mps") if found[kind]), "cpu")
    if name not in found:
        raise InputError(f"a device should be one of {', '.join(DEVICES)}. Received: {name}")
    if not found[name]:
        raise InputError(
            f"there is no {name} device, or PyTorch {torch.__version__} was built without it; "
            "use --device cpu"
        )
    return torch.device(name)


def _has_mps() -> bool:
    return torch.backends.mps.is_built() and torch.backends.mps.is_available()
