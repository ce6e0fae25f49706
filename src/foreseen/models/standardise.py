"""Standardisation of network inputs, as a layer whose statistics are saved with the weights."""

from typing import Final

import torch
from torch import Tensor, nn

_LIMIT: Final = 5.0
_LEAST_SCALE: Final = 1e-3


class Standardise(nn.Module):
    """Subtract the mean, divide by the standard deviation, clip at five deviations."""

    mean: Tensor
    scale: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))

    def set_statistics(self, mean: Tensor, scale: Tensor) -> None:
        """Set mean and standard deviation, both of shape F."""
        self.mean.copy_(mean)
        self.scale.copy_(scale.clamp(min=_LEAST_SCALE))

    def fit(self, inputs: Tensor) -> None:
        """Set the statistics to those of inputs of shape B x F."""
        self.set_statistics(inputs.mean(dim=0), inputs.std(dim=0))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return standardised inputs, of the same shape B x F."""
        return ((inputs - self.mean) / self.scale).clamp(-_LIMIT, _LIMIT)
