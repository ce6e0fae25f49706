"""Examples that networks have learned from, kept to be learned again beside new ones.

A network trained on new ratings alone forgets the old (catastrophic interference: McCloskey and
Cohen, 1989). So a sample of what it has learned is kept with it and mixed into every later lesson
(rehearsal: Robins, 1995).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray

from foreseen.models.training import Inputs

_KEPT: Final = 20_000
_MIXED: Final = 3
"""Old examples for each new one, at most."""
_NUMBERS: Final = "numbers"
_RATING: Final = "rating"
_WEIGHT: Final = "weight"


@dataclass(frozen=True)
class Replay:
    """A sample of the examples learned from.

    Attributes:
        inputs: What the networks read, by name; the first axis is that of the R examples.
        rating: Stars, of shape R.
        weight: How much each counts, of shape R.
        until: First second that has not been learned from.
        size: Ratings that have been learned from.
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
        """Keep a sample of examples."""
        whole = cls.whole(inputs, rating, weight, until, size)
        return whole._sampled(_KEPT, np.random.default_rng(seed))

    @classmethod
    def whole(
        cls,
        inputs: Inputs,
        rating: NDArray[np.float64],
        weight: NDArray[np.float64],
        until: int,
        size: int,
    ) -> Self:
        """Keep all examples."""
        arrays = {name: values.numpy() for name, values in inputs.items()}
        return cls(arrays, rating.astype(np.float32), weight.astype(np.float32), until, size)

    def with_lesson(self, new: "Replay", seed: int) -> tuple["Replay", "Replay"]:
        """Return new examples mixed with old ones to learn from, and what is kept of both."""
        generator = np.random.default_rng(seed)
        lesson = self._sampled(_MIXED * len(new.rating), generator)._and(new)
        return lesson, self._and(new)._sampled(_KEPT, generator)

    def tensors(self) -> Inputs:
        """Return the inputs as networks take them."""
        return {name: torch.from_numpy(values) for name, values in self.inputs.items()}

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return everything by name."""
        numbers = np.array([self.until, self.size], dtype=np.int64)
        own = {_RATING: self.rating, _WEIGHT: self.weight, _NUMBERS: numbers}
        return {**{f"input.{name}": values for name, values in self.inputs.items()}, **own}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """Return what the arrays were taken from."""
        inputs = {
            name.removeprefix("input."): values.astype(np.float32)
            for name, values in arrays.items()
            if name.startswith("input.")
        }
        until, size = (int(value) for value in arrays[_NUMBERS].astype(np.int64))
        rating, weight = (arrays[name].astype(np.float32) for name in (_RATING, _WEIGHT))
        return cls(inputs, rating, weight, until, size)

    def _and(self, new: "Replay") -> "Replay":
        return Replay(
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
