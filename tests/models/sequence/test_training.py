"""The training loop: its checkpoints, and the sums over a group of processes."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from foreseen.compute.training_group import ALONE, Checkpoint, TrainingGroup
from foreseen.models.sequence.events import Events, batches, windows
from foreseen.models.sequence.network import SequenceNetwork
from foreseen.models.sequence.settings import SequenceSettings
from foreseen.models.sequence.training import optimise

SETTINGS = SequenceSettings(width=8, layers=1, tokens=64, length=10, epochs=2)
MOVIES, USERS, SIZE = 12, 30, 8


class SavesAndEnds:
    """A group of one process that saves its state after some steps, and then ends."""

    rank, size = 0, 1

    def __init__(self, at: int) -> None:
        self._at = at
        self.saved: Checkpoint | None = None

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        del tensors

    def checkpoint(self) -> Checkpoint | None:
        return self.saved

    def completed(self, steps: int, state: Callable[[], Mapping[str, Any]]) -> None:
        if steps == self._at:
            self.saved = Checkpoint(steps, deepcopy(dict(state())))
            raise KeyboardInterrupt


def events() -> Events:
    random = np.random.default_rng(0)
    count = USERS * SIZE
    time = np.sort(random.integers(0, 10**7, (USERS, SIZE)), axis=1).ravel()
    movie, level = random.integers(0, MOVIES, count), random.integers(0, 3, count)
    return Events.of(np.arange(0, count + 1, SIZE), movie, level, time)


def trained(group: TrainingGroup) -> Mapping[str, Tensor]:
    """Return the weights of a network that is trained by a group."""
    rated, random = events(), np.random.default_rng(1)
    network = SequenceNetwork(SETTINGS, MOVIES, 2, 3)
    frequency = np.bincount(rated.movie, minlength=MOVIES)
    network.initialise(0, frequency, np.zeros((MOVIES, SETTINGS.width), np.float32))
    attributes = np.eye(MOVIES, 2, dtype=np.float32)
    passes = [
        batch
        for _ in range(SETTINGS.epochs)
        for batch in batches(*windows(rated.starts, SETTINGS.length, random), 64, random)
    ]
    optimise(network, rated, attributes, passes, len(passes), 0.0, random, "test", group=group)
    return network.state_dict()


def test_a_resumed_training_has_the_weights_of_an_uninterrupted_one() -> None:
    expected = trained(ALONE)
    group = SavesAndEnds(3)
    with pytest.raises(KeyboardInterrupt):
        trained(group)
    assert group.saved is not None
    for name, values in trained(group).items():
        torch.testing.assert_close(values, expected[name], rtol=0, atol=0, msg=name)
