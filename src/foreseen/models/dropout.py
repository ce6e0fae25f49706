"""Dropout whose masks are cut from random bytes: drawing them otherwise takes half the training."""

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

_VALUES: Final = 256


class ByteDropout(nn.Module):
    """Dropout (Srivastava et al., 2014), its share rounded to one in 256, with a seed of its own.

    `share` is that of the inputs left out in training; those that stay are scaled to make up.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.left_out = round(share * _VALUES)
        self.reseed(0)

    def reseed(self, seed: int) -> None:
        """Draw from the beginning of a seed's masks on."""
        self._generator = np.random.default_rng(seed)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return inputs of the same shape, some of them zero while training."""
        if not self.training or not self.left_out:
            return inputs
        drawn = np.frombuffer(self._generator.bytes(inputs.numel()), dtype=np.uint8)
        scale = np.float32(_VALUES / (_VALUES - self.left_out))
        mask = (drawn >= self.left_out) * scale
        return inputs * torch.from_numpy(mask.reshape(inputs.shape))
