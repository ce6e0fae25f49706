"""The replay buffer: earlier training examples, mixed with new ones in incremental training.

A network trained on new ratings alone loses accuracy on the old (catastrophic interference:
McCloskey and Cohen, 1989). A sample of its training examples is stored with it and mixed into each
incremental training (rehearsal: Robins, 1995).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray

from foreseen.models.training import Inputs

_CAPACITY: Final = 20_000
_OLD_PER_NEW: Final = 3
"""Maximum number of old examples per new one."""
_NUMBERS: Final = "numbers"
_RATING: Final = "rating"
_WEIGHT: Final = "weight"


@dataclass(frozen=True)
class ReplayBuffer:
    """A sample of R training examples.

    Attributes:
        inputs: Inputs of the network, by name; the first axis is that of the examples.
        rating: Stars, of shape R.
        weight: Weight of each example, of shape R.
        until: First second after the ratings the network was trained on.
        size: Number of those ratings.
    """

    inputs: Mapping[str, NDArray[np.float32]]
    rating: NDArray[np.float32]
    weight: NDArray[np.float32]
    until: int
    size: int

    @classmethod
    def of(
        cls,
        inputs: Inputs,
        rating: NDArray[np.float64],
        weight: NDArray[np.float64],
        until: int,
        size: int,
        seed: int,
    ) -> Self:
        """Return a buffer with a sample of the examples."""
        whole = cls.whole(inputs, rating, weight, until, size)
        return whole._sampled(_CAPACITY, np.random.default_rng(seed))

    @classmethod
    def whole(
        cls,
        inputs: Inputs,
        rating: NDArray[np.float64],
        weight: NDArray[np.float64],
        until: int,
        size: int,
    ) -> Self:
        """Return a buffer with all examples."""
        arrays = {name: values.numpy() for name, values in inputs.items()}
        return cls(arrays, rating.astype(np.float32), weight.astype(np.float32), until, size)

    def mixed_with(self, new: "ReplayBuffer", seed: int) -> tuple["ReplayBuffer", "ReplayBuffer"]:
        """Return new examples mixed with old ones to train on, and the buffer after it."""
        generator = np.random.default_rng(seed)
        mixed = self._sampled(_OLD_PER_NEW * len(new.rating), generator)._and(new)
        return mixed, self._and(new)._sampled(_CAPACITY, generator)

    def tensors(self) -> Inputs:
        """Return the inputs as tensors."""
        return {name: torch.from_numpy(values) for name, values in self.inputs.items()}

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return all arrays by name."""
        numbers = np.array([self.until, self.size], dtype=np.int64)
        examples = {_RATING: self.rating, _WEIGHT: self.weight, _NUMBERS: numbers}
        return {**{f"input.{name}": values for name, values in self.inputs.items()}, **examples}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """Return the buffer of these arrays."""
        inputs = {
            name.removeprefix("input."): values.astype(np.float32)
            for name, values in arrays.items()
            if name.startswith("input.")
        }
        until, size = (int(value) for value in arrays[_NUMBERS].astype(np.int64))
        rating, weight = (arrays[name].astype(np.float32) for name in (_RATING, _WEIGHT))
        return cls(inputs, rating, weight, until, size)

    def _and(self, new: "ReplayBuffer") -> "ReplayBuffer":
        return ReplayBuffer(
            {name: np.concatenate([self.inputs[name], new.inputs[name]]) for name in self.inputs},
            np.concatenate([self.rating, new.rating]),
            np.concatenate([self.weight, new.weight]),
            new.until,
            new.size,
        )

    def _sampled(self, most: int, generator: np.random.Generator) -> Self:
        if len(self.rating) <= most:
            return self
        rows = np.sort(generator.permutation(len(self.rating))[:most])
        return type(self)(
            {name: values[rows] for name, values in self.inputs.items()},
            self.rating[rows],
            self.weight[rows],
            self.until,
            self.size,
        )
