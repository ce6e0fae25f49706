"""Processes that train one network together and add up their gradients."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from torch import Tensor


class Checkpoint(NamedTuple):
    """What a training is resumed from.

    Attributes:
        steps: Number of completed steps.
        state: Of the network and its optimiser, by name.
    """

    steps: int
    state: Mapping[str, Any]


class TrainingGroup(Protocol):
    """The processes that train a network together, as one of them sees them."""

    @property
    def rank(self) -> int:
        """Number of this process, from zero."""
        ...

    @property
    def size(self) -> int:
        """Number of processes."""
        ...

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their sums over the processes, which are the same in each of them."""
        ...

    def checkpoint(self) -> Checkpoint | None:
        """Return the last checkpoint of the training; None at its beginning."""
        ...

    def completed(self, steps: int, state: Callable[[], Mapping[str, Any]]) -> None:
        """Report a number of completed steps, with a function that returns the state to save."""
        ...


class _Alone:
    @property
    def rank(self) -> int:
        return 0

    @property
    def size(self) -> int:
        return 1

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        del tensors

    def checkpoint(self) -> None:
        return None

    def completed(self, steps: int, state: Callable[[], Mapping[str, Any]]) -> None:
        del steps, state


ALONE: Final[TrainingGroup] = _Alone()
"""The group of a single process, which saves nothing."""
