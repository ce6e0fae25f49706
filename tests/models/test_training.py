"""The training loop on a small linear network."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foreseen.models.dropout import ByteDropout
from foreseen.models.training import (
    Inputs,
    LoopSettings,
    TrainingResult,
    evaluate_network,
    load_arrays,
    make_optimiser,
    network_arrays,
    train_network,
    user_weights,
)


class Linear(nn.Module):
    """A linear network, with dropout of its inputs."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = ByteDropout(dropout)
        self.layer = nn.Linear(3, 1)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.dropout(x)).squeeze(1)


def examples(seed: int, count: int = 400) -> tuple[Inputs, NDArray[np.float64]]:
    """Return inputs and targets that are linear in them, with noise."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(count, 3))
    target = 3 + x @ np.array([0.5, -0.3, 0.1]) + 0.1 * generator.normal(size=count)
    return {"x": torch.from_numpy(x.astype(np.float32))}, target


SETTINGS = LoopSettings(epochs=30, batch=50, learning_rate=0.05, weight_decay=0.0)


def test_a_linear_network_is_fitted() -> None:
    inputs, target = examples(0)
    network = Linear()
    result = train_network(network, inputs, target, SETTINGS, 0, "test")
    assert result == TrainingResult(30, ())
    assert not network.training
    assert np.std(evaluate_network(network, inputs) - target) < 0.12


def test_early_stopping_keeps_the_weights_of_the_best_epoch() -> None:
    inputs, target = examples(0)
    # The targets differ: on the way to three, the network passes the validation targets of one.
    validation = examples(1)[0], np.full(400, 1.0)
    settings = SETTINGS.model_copy(update={"patience": 2, "learning_rate": 0.01})
    network = Linear()
    result = train_network(network, inputs, target, settings, 0, "test", validation)
    best = int(np.argmin(result.validation))
    assert result.epochs == best + 1
    assert len(result.validation) == result.epochs + settings.patience < settings.epochs
    kept = float(np.mean((evaluate_network(network, validation[0]) - validation[1]) ** 2))
    assert kept == pytest.approx(min(result.validation))


def test_the_kept_weights_are_those_of_training_for_that_many_epochs() -> None:
    inputs, target = examples(0)
    validation = examples(1)[0], np.full(400, 1.0)
    settings = SETTINGS.model_copy(update={"patience": 2, "learning_rate": 0.01})
    stopped, fixed = Linear(dropout=0.2), Linear(dropout=0.2)
    result = train_network(stopped, inputs, target, settings, 0, "test", validation)
    fewer = settings.model_copy(update={"epochs": result.epochs})
    train_network(fixed, inputs, target, fewer, 0, "test")
    assert torch.equal(stopped.layer.weight, fixed.layer.weight)


def test_one_cycle_runs_all_epochs_and_ends_with_a_learning_rate_near_zero() -> None:
    inputs, target = examples(0)
    settings = SETTINGS.model_copy(update={"one_cycle": True, "epochs": 8})
    assert train_network(Linear(), inputs, target, settings, 0, "test").epochs == 8
    network = Linear()
    optimiser, schedule = make_optimiser(network, settings, 64)
    assert schedule is not None
    rates: list[float] = []
    for _ in range(64):
        rates.append(float(optimiser.param_groups[0]["lr"]))
        optimiser.step()
        schedule.step()
    assert max(rates) == pytest.approx(settings.learning_rate, rel=0.01)
    assert rates[0] < 0.1 * settings.learning_rate
    assert rates[-1] < 0.01 * settings.learning_rate


def test_without_one_cycle_the_learning_rate_is_constant() -> None:
    _, schedule = make_optimiser(Linear(), SETTINGS, 64)
    assert schedule is None


def test_a_seed_repeats_the_training_bit_for_bit() -> None:
    inputs, target = examples(0)
    weights: list[Tensor] = []
    for seed in (1, 1, 2):
        network = Linear(dropout=0.3)
        train_network(network, inputs, target, SETTINGS, seed, "test")
        weights.append(network.layer.weight.detach())
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_weights_decide_between_contradicting_examples() -> None:
    inputs = {"x": torch.zeros(400, 3)}
    target = np.repeat([1.0, 5.0], 200)
    weight = np.repeat([3.0, 1.0], 200)
    network = Linear()
    settings = SETTINGS.model_copy(update={"one_cycle": True})
    train_network(network, inputs, target, settings, 0, "test", None, weight)
    assert evaluate_network(network, inputs)[0] == pytest.approx(2.0, abs=0.1)


def test_only_the_ratio_of_the_weights_counts() -> None:
    inputs, target = examples(0)
    weight = np.random.default_rng(0).uniform(1, 2, 400)
    networks = Linear(), Linear()
    for network, factor in zip(networks, (1, 8), strict=True):
        train_network(network, inputs, target, SETTINGS, 0, "test", None, factor * weight)
    torch.testing.assert_close(networks[0].layer.weight, networks[1].layer.weight)


def test_users_weigh_with_the_power_of_three_quarters_of_their_ratings() -> None:
    counts = np.array([1, 16, 10_000, 0])
    total = user_weights(counts) * counts
    np.testing.assert_allclose(total, [1, 8, 1000, 0])


def test_no_examples_have_no_predictions() -> None:
    assert evaluate_network(Linear(), {"x": torch.empty(0, 3)}).shape == (0,)


def test_weights_are_restored_from_arrays_and_other_shapes_are_refused() -> None:
    network, other = Linear(), Linear()
    nn.init.normal_(network.layer.weight)
    arrays = network_arrays(network)
    load_arrays(other, arrays)
    assert torch.equal(network.layer.weight, other.layer.weight)
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_arrays(other, {**arrays, "layer.weight": np.zeros((1, 4), np.float32)})
    with pytest.raises(RuntimeError, match="Missing key"):
        load_arrays(other, {"layer.bias": arrays["layer.bias"]})
