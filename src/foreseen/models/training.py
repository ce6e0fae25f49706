"""The training loop: minibatches, AdamW, early stopping on later ratings, best weights kept."""

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
from foreseen.models.spec import SearchRange
from foreseen.progress import progress_bar

_EVALUATION_BATCH: Final = 1 << 16

Inputs = Mapping[str, Tensor]
"""Named inputs of a network; the first axis of each is that of the examples."""


class LoopSettings(Settings):
    """Settings of the training loop.

    Attributes:
        epochs: Maximum number of epochs.
        patience: Epochs without improvement on the validation examples before training stops.
        batch: Examples per step.
        learning_rate: Of Adam (Kingma and Ba, 2015).
        weight_decay: Of AdamW (Loshchilov and Hutter, 2019).
        one_cycle: Whether the learning rate rises to `learning_rate` and falls to zero over all
            epochs (Smith and Topin, 2018), without early stopping.
    """

    epochs: int = 20
    patience: int = 3
    batch: int = 1024
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    one_cycle: bool = False


LOOP_SEARCH_SPACE: Final = (
    SearchRange(("loop.learning_rate",), 5e-4, 8e-3, log=True),
    SearchRange(("loop.weight_decay",), 1e-4, 0.1, log=True),
)


@dataclass(frozen=True)
class TrainingResult:
    """The result of training a network.

    Attributes:
        epochs: Number of epochs whose weights were kept.
        validation: Mean squared error on the validation examples after each epoch; empty without
            them.
    """

    epochs: int
    validation: tuple[float, ...]


def train_network(
    network: nn.Module,
    inputs: Inputs,
    rating: NDArray[np.float64],
    settings: LoopSettings,
    seed: int,
    label: str,
    validation: tuple[Inputs, NDArray[np.float64]] | None = None,
    weight: NDArray[np.float64] | None = None,
) -> TrainingResult:
    """Fit a network to ratings by least squares, in place.

    Args:
        network: Called with the inputs by name; returns a prediction per example, of
            shape N.
        inputs: Named tensors of N examples.
        rating: Targets, of shape N.
        settings: Settings of the loop.
        seed: Random seed of the order of the examples and of dropout.
        label: Label of the progress bar.
        validation: Inputs and targets of later examples; with them training stops early and
            the best weights are kept.
        weight: Weight of each example, of shape N; None for equal weights.
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
    optimiser, schedule = make_optimiser(network, settings, settings.epochs * steps)
    with progress_bar(label, settings.epochs * steps) as advance:
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
            if validation is None:
                continue
            error = evaluate_network(network, validation[0]) - validation[1]
            history.append(float(np.mean(error**2)))
            if history[-1] == min(history):
                best = copy.deepcopy(network.state_dict())
            elif len(history) - int(np.argmin(history)) > settings.patience:
                break
    network.eval()
    if validation is None:
        return TrainingResult(settings.epochs, ())
    network.load_state_dict(best)
    return TrainingResult(int(np.argmin(history)) + 1, tuple(history))


def make_optimiser(
    network: nn.Module, settings: LoopSettings, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler | None]:
    """Return the optimiser and the schedule of its learning rate, if that changes."""
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    if not settings.one_cycle:
        return optimiser, None
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=max(steps, 2)
    )


def user_weights(ratings: NDArray[np.signedinteger]) -> NDArray[np.float64]:
    """Return the weight of an example from the number of ratings of its user.

    The n examples of a user weigh n^0.75 together, which limits the share of very active users.
    """
    return np.power(np.maximum(ratings, 1).astype(np.float64), -0.25)


def evaluate_network(network: nn.Module, inputs: Inputs) -> NDArray[np.float64]:
    """Return the predictions of a network in evaluation mode, of shape N, in batches."""
    network.eval()
    count = len(next(iter(inputs.values())))
    parts = [np.empty(0, dtype=np.float64)]
    with torch.inference_mode():
        for start in range(0, count, _EVALUATION_BATCH):
            rows = slice(start, start + _EVALUATION_BATCH)
            part: Tensor = network(**{name: values[rows] for name, values in inputs.items()})
            parts.append(part.numpy().astype(np.float64))
    return np.concatenate(parts)


def network_arrays(network: nn.Module) -> dict[str, NDArray[np.generic]]:
    """Return the weights of a network by name."""
    return {name: values.detach().numpy() for name, values in network.state_dict().items()}


def load_arrays(network: nn.Module, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Set the weights of a network.

    Raises:
        RuntimeError: If names or shapes differ.
    """
    network.load_state_dict({name: torch.from_numpy(np.array(a)) for name, a in arrays.items()})
    network.eval()
