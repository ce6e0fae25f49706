"""The optimiser of the sequence network: Muon for the matrices of the layers, AdamW for the rest.

Muon (Jordan et al., 2024) replaces the momentum of a matrix by an approximately orthogonal one.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final, cast

import torch
from torch import Tensor

from foreseen.models.sequence.network import SequenceNetwork
from foreseen.models.sequence.settings import SequenceSettings

_MOMENTUM: Final = 0.95
_BETAS: Final = (0.9, 0.98)
_ITERATIONS: Final = 5
_NEWTON_SCHULZ: Final = (3.4445, -4.7750, 2.0315)
_TINY: Final = 1e-7
_AT_ONCE: Final = 4
"""Matrices that are multiplied at once; more do not stay in the cache."""


class SequenceOptimiser:
    """The state of the optimisation of a network."""

    def __init__(self, network: SequenceNetwork, settings: SequenceSettings) -> None:
        self._settings = settings
        named = list(network.named_parameters())
        within = [(n, p) for n, p in named if n.startswith("layers") and n.endswith("weight")]
        self._matrices = [parameter for _, parameter in within if parameter.ndim > 1]
        rest = [(n, p) for n, p in named if not any(p is matrix for matrix in self._matrices)]
        plain = [p for n, p in rest if p.ndim == 1 or n.startswith("layers")]
        decayed = [p for n, p in rest if p.ndim > 1 and not n.startswith("layers")]
        self._adam = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": settings.weight_decay},
                {"params": plain, "weight_decay": 0.0},
            ],
            lr=settings.learning_rate,
            betas=_BETAS,
            eps=1e-9,
            foreach=True,
        )
        self._momentum = [torch.zeros_like(matrix) for matrix in self._matrices]

    def state(self) -> dict[str, Any]:
        """Return the state, for `load_state`; later steps change it."""
        return {"adam": self._adam.state_dict(), "momentum": self._momentum}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from a state that `state` returned."""
        self._adam.load_state_dict(state["adam"])
        for momentum, saved in zip(self._momentum, state["momentum"], strict=True):
            momentum.copy_(saved)

    @torch.no_grad()
    def step(self, scale: float) -> None:
        """Update the weights by their gradients, at a share of the learning rates."""
        settings = self._settings
        for group in self._adam.param_groups:
            group["lr"] = settings.learning_rate * scale
        self._adam.step()
        rate = settings.muon_rate * scale
        mixed: list[Tensor] = []
        for matrix, momentum in zip(self._matrices, self._momentum, strict=True):
            gradient = cast("Tensor", matrix.grad)
            momentum.lerp_(gradient, 1 - _MOMENTUM)
            mixed.append(torch.lerp(gradient, momentum, _MOMENTUM))
        for matrix, update in zip(self._matrices, self._updates(mixed), strict=True):
            matrix.mul_(1 - rate * settings.weight_decay)
            matrix.add_(update, alpha=-rate)

    def _updates(self, mixed: list[Tensor]) -> list[Tensor]:
        """Return the orthogonal factors of matrices, those of several blocks of a shape at once."""
        # Query, key and value, and the two halves of the gate, are matrices of their own.
        width = self._settings.width
        blocks = [cast("tuple[Tensor, ...]", matrix.split(width)) for matrix in mixed]
        by_shape: dict[torch.Size, list[Tensor]] = {}
        for block in chain.from_iterable(blocks):
            by_shape.setdefault(block.shape, []).append(block)
        found: dict[torch.Size, Iterator[Tensor]] = {}
        for shape, of_shape in by_shape.items():
            parts = cast("tuple[Tensor, ...]", torch.stack(of_shape).split(_AT_ONCE))
            found[shape] = chain.from_iterable(orthogonal(part).unbind() for part in parts)
        return [torch.cat([next(found[block.shape]) for block in matrix]) for matrix in blocks]


def orthogonal(matrices: Tensor) -> Tensor:
    """Return approximately orthogonal factors of N matrices of one shape, of shape N x R x C.

    By Newton-Schulz iterations.
    """
    tall = matrices.shape[1] > matrices.shape[2]
    wide = matrices.transpose(1, 2) if tall else matrices
    found: Tensor = wide / (wide.square().sum(dim=(1, 2), keepdim=True).sqrt() + _TINY)
    first, third, fifth = _NEWTON_SCHULZ
    for _ in range(_ITERATIONS):
        square = found @ found.transpose(1, 2)
        found = first * found + (third * square + fifth * square @ square) @ found
    return found.transpose(1, 2) if tall else found
