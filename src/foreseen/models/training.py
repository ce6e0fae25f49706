"""The one training loop: minibatches, Adam, early stopping on later ratings, best weights kept."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foreseen.models.dropout import ByteDropout
from foreseen.models.predictor import Settings
from foreseen.progress import progress_bar

_EVALUATION_BATCH: Final = 1 << 16

Inputs = Mapping[str, Tensor]
"""Named inputs of a network; the first axis of each is that of the examples."""


class LoopSettings(Settings):
    """How a network is trained.

    Attributes:
        epochs: Passes over the data, at most.
        patience: Passes without improvement on the later ratings before it stops.
        batch: Examples per step.
        learning_rate: Adam's (Kingma and Ba, 2015).
        weight_decay: AdamW's (Loshchilov and Hutter, 2019).
        one_cycle: Whether the rate rises to `learning_rate` and falls to nothing over all passes
            (Smith and Topin, 2018). Then there is no stopping early.
    """

    epochs: int = 20
    patience: int = 3
    batch: int = 1024
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    one_cycle: bool = False


@dataclass(frozen=True)
class Trained:
    """What came of training.

    Attributes:
        epochs: Passes whose weights were kept.
        validation: Mean squared error on the later ratings after each pass; empty without them.
    """

    epochs: int
    validation: tuple[float, ...]


def train_network(
    network: nn.Module,
    inputs: Inputs,
    rating: NDArray[np.float64],
    settings: LoopSettings,
    seed: int,
    what: str,
    later: tuple[Inputs, NDArray[np.float64]] | None = None,
    weight: NDArray[np.float64] | None = None,
) -> Trained:
    """Fit a network to ratings by least squares, in place.

    Args:
        network: Called with the inputs by name; returns a prediction per example, while training
            perhaps those of several networks, of shape K x N.
        inputs: Named tensors of N examples.
        rating: Targets, of shape N.
        settings: How to train.
        seed: Of the order of the examples and of all chance in the network.
        what: Shown beside the progress bar.
        later: Inputs and targets that come later in time; with them training stops early and
            the best weights are kept.
        weight: How much each example counts, of shape N; None for all alike.
    """
    torch.manual_seed(seed)
    for number, part in enumerate(network.modules()):
        if isinstance(part, ByteDropout):
            part.reseed(seed + number)
    order = torch.Generator().manual_seed(seed)
    target = torch.from_numpy(rating.astype(np.float32))
    share = np.ones(len(rating)) if weight is None else weight / weight.mean()
    weights = torch.from_numpy(share.astype(np.float32))
    history: list[float] = []
    best = copy.deepcopy(network.state_dict())
    steps = -(-len(target) // settings.batch)
    optimiser, schedule = descent(network, settings, settings.epochs * steps)
    with progress_bar(what, settings.epochs * steps) as advance:
        for _ in range(settings.epochs):
            network.train()
            shuffled = torch.randperm(len(target), generator=order)
            for start in range(0, len(target), settings.batch):
                rows = shuffled[start : start + settings.batch]
                optimiser.zero_grad(set_to_none=True)
                predicted = network(**{name: values[rows] for name, values in inputs.items()})
                (weights[rows] * (predicted - target[rows]) ** 2).mean().backward()
                optimiser.step()
                if schedule is not None:
                    schedule.step()
                advance(1)
            if later is None:
                continue
            history.append(float(np.mean((evaluate_network(network, later[0]) - later[1]) ** 2)))
            if history[-1] == min(history):
                best = copy.deepcopy(network.state_dict())
            elif len(history) - int(np.argmin(history)) > settings.patience:
                break
    network.eval()
    if later is None:
        return Trained(settings.epochs, ())
    network.load_state_dict(best)
    return Trained(int(np.argmin(history)) + 1, tuple(history))


def descent(
    network: nn.Module, settings: LoopSettings, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler | None]:
    """Return what takes the steps, and what sets their size, if it changes."""
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    if not settings.one_cycle:
        return optimiser, None
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=max(steps, 2)
    )


def weigh_users(ratings: NDArray[np.signedinteger]) -> NDArray[np.float64]:
    """Return how much an example counts whose user has so many ratings.

    A user's n count as n^0.75 in all, so that the few who rate most do not rule.
    """
    return np.power(np.maximum(ratings, 1).astype(np.float64), -0.25)


def evaluate_network(network: nn.Module, inputs: Inputs) -> NDArray[np.float64]:
    """Return a network's predictions, of shape N, in batches and without chance."""
    network.eval()
    count = len(next(iter(inputs.values())))
    answers = [np.empty(0, dtype=np.float64)]
    with torch.inference_mode():
        for start in range(0, count, _EVALUATION_BATCH):
            rows = slice(start, start + _EVALUATION_BATCH)
            part: Tensor = network(**{name: values[rows] for name, values in inputs.items()})
            answers.append(part.numpy().astype(np.float64))
    return np.concatenate(answers)


def network_arrays(network: nn.Module) -> dict[str, NDArray[np.generic]]:
    """Return a network's weights by name."""
    return {name: values.detach().numpy() for name, values in network.state_dict().items()}


def load_arrays(network: nn.Module, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Put weights into a network.

    Raises:
        RuntimeError: If names or shapes differ.
    """
    network.load_state_dict({name: torch.from_numpy(np.array(a)) for name, a in arrays.items()})
    network.eval()
