"""The losses of the sequence network against direct computation."""

from contextlib import AbstractContextManager, nullcontext
from typing import Self

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from foreseen.models.sequence.events import Events, make_batch
from foreseen.models.sequence.loss import draw_windows, window_loss
from foreseen.models.sequence.network import SequenceNetwork, attention, fused_attention
from foreseen.models.sequence.optimiser import SequenceOptimiser
from foreseen.models.sequence.settings import SequenceSettings

MOVIES = 40
DAY = 86400


def network_of(**changes: float) -> SequenceNetwork:
    settings = SequenceSettings.model_validate({"width": 16, "dropout": 0.0, **changes})
    network = SequenceNetwork(settings, MOVIES, 3, 5)
    random = np.random.default_rng(0)
    vectors = random.standard_normal((MOVIES, 16)).astype(np.float32)
    network.initialise(0, random.integers(1, 9, MOVIES), vectors * 10)
    return network


@pytest.fixture(scope="module")
def events() -> Events:
    random = np.random.default_rng(1)
    starts = np.array([0, 30, 300, 312])
    movie, level = random.integers(0, MOVIES, 312), random.integers(0, 5, 312)
    parts = [np.sort(random.integers(0, 90 * DAY, n)) for n in (30, 270, 12)]
    time: NDArray[np.int64] = np.concatenate(parts)
    return Events.of(starts, movie, level, time)


def loss_of(network: SequenceNetwork, events: Events, seed: int, negatives: int) -> torch.Tensor:
    windows = draw_windows(network.settings, MOVIES, events, WINDOW, seed, negatives)
    return window_loss(network, ATTRIBUTES, windows)


ATTRIBUTES = torch.rand(MOVIES, 3, generator=torch.Generator().manual_seed(0))
WINDOW = (np.array([0, 30, 300]), np.array([30, 270, 12]))


def expected(network: SequenceNetwork, events: Events, horizon: bool = False) -> torch.Tensor:
    batch = make_batch(events, *WINDOW, 0.3, np.random.default_rng(3))
    inputs, outputs = network.movie_vectors(ATTRIBUTES)
    state = network(batch, inputs, None)
    if not horizon:
        target = torch.from_numpy(events.movie[batch.event + 1])
        scores = state @ outputs.T + network.bias
        return torch.nn.functional.cross_entropy(scores, target, reduction="sum")
    later = torch.log_softmax(network.horizon(state) @ outputs.T + network.bias, dim=1)
    total = torch.zeros(())
    for row, event in enumerate(batch.event.tolist()):
        stop = int(events.starts[np.searchsorted(events.starts, event, side="right")])
        limit = int(events.time[event]) + 30 * DAY
        near = [k for k in range(event + 1, min(stop, event + 201)) if events.time[k] <= limit]
        movies = events.movie[np.array(near or [event + 1])]
        total = total - later[row, torch.from_numpy(movies)].mean()
    return total


def test_the_loss_and_its_gradients_are_those_of_the_cross_entropy(events: Events) -> None:
    network = network_of(horizon_weight=0.0)
    parameters = [network.identity.weight, network.bias, network.level.weight]
    loss = loss_of(network, events, 3, 0)
    wanted = expected(network, events)
    torch.testing.assert_close(loss, wanted, rtol=1e-5, atol=0)
    found = torch.autograd.grad(loss, parameters)
    for mine, theirs in zip(found, torch.autograd.grad(wanted, parameters), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-3)


def test_drawing_every_movie_as_a_negative_is_the_loss_over_the_catalogue(events: Events) -> None:
    network = network_of(horizon_weight=0.0)
    whole, drawn = (loss_of(network, events, 3, count) for count in (0, MOVIES))
    torch.testing.assert_close(whole, drawn, rtol=1e-5, atol=0)


def test_over_drawn_movies_alone_both_losses_become_those_over_the_catalogue(
    events: Events,
) -> None:
    whole, drawn = (
        loss_of(network_of(horizon_weight=1.0, negatives_alone=alone), events, 3, count)
        for alone, count in ((False, MOVIES), (True, MOVIES))
    )
    torch.testing.assert_close(whole, drawn, rtol=1e-5, atol=0)


def test_over_drawn_movies_alone_no_other_movie_is_read(events: Events) -> None:
    network = network_of(negatives_alone=True)
    window = (WINDOW[0][2:], WINDOW[1][2:])
    windows = draw_windows(network.settings, MOVIES, events, window, 3, 5)
    assert windows.rows is not None
    others = torch.ones(MOVIES, dtype=torch.bool)
    others[windows.rows] = False
    assert others.any()
    damaged = ATTRIBUTES.clone()
    damaged[others] = torch.nan
    loss = window_loss(network, damaged, windows)
    torch.testing.assert_close(loss, window_loss(network, ATTRIBUTES, windows))
    gradient = torch.autograd.grad(loss, [network.identity.weight])[0]
    assert not gradient[others].any()
    assert gradient[windows.rows[windows.target[0]]].any()


@pytest.mark.parametrize("alone", [False, True])
def test_the_mean_loss_over_drawn_movies_is_near_that_over_the_catalogue(
    events: Events, alone: bool
) -> None:
    network = network_of(horizon_weight=0.0, moment_unknown=0.0, negatives_alone=alone)
    whole = loss_of(network, events, 3, 0).item()
    drawn = [loss_of(network, events, seed, 20).item() for seed in range(30)]
    assert np.mean(drawn) == pytest.approx(whole, rel=0.02)


def test_the_second_loss_is_that_of_the_movies_of_the_next_thirty_days(events: Events) -> None:
    both, first = (
        loss_of(network_of(horizon_weight=weight), events, 3, 0) for weight in (1.0, 0.0)
    )
    # It is computed for one event in eight: the sum over all is met within the sampling error.
    wanted = expected(network_of(), events, horizon=True).item()
    assert (both - first).item() == pytest.approx(wanted, rel=0.05)


def test_the_fused_attention_of_other_devices_reads_what_that_of_the_cpu_reads() -> None:
    random = torch.Generator().manual_seed(0)
    shapes = [(6, 9, 8)] * 3 + [(6, 9, 9)]
    parts = [torch.randn(shape, generator=random, requires_grad=True) for shape in shapes]
    found, wanted = fused_attention(*parts), attention(*parts)
    torch.testing.assert_close(found, wanted)
    gradients = [torch.autograd.grad(read.square().sum(), parts) for read in (found, wanted)]
    torch.testing.assert_close(*gradients)


class CpuGenerator(torch.Generator):
    """A generator of the CPU, whatever the device."""

    def __new__(cls, device: torch.device | None = None) -> Self:
        del device
        return super().__new__(cls)

    def __init__(self, device: torch.device | None = None) -> None:
        del device
        super().__init__()


def no_autocast(kind: str, dtype: torch.dtype, enabled: bool) -> AbstractContextManager[None]:
    del kind, dtype, enabled
    return nullcontext()


@pytest.mark.parametrize("negatives", [0, 20])
def test_a_step_on_another_device_mixes_no_tensors_of_the_cpu(
    events: Events, negatives: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    meta, network = torch.device("meta"), network_of()
    network.to(meta)

    # Tensors of this device have shapes only; it has no generator and no autocast.
    monkeypatch.setattr(torch, "Generator", CpuGenerator)
    monkeypatch.setattr(torch, "autocast", no_autocast)
    optimiser = SequenceOptimiser(network, network.settings)
    windows = draw_windows(network.settings, MOVIES, events, WINDOW, 3, negatives)
    parameters = list(network.parameters())
    loss = window_loss(network, ATTRIBUTES.to(meta), windows)
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    optimiser.step(1.0)
    assert {value.device for value in (loss, *parameters)} == {meta}
