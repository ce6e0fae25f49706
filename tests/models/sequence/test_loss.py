"""The losses of the sequence network against direct computation."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from foreseen.models.sequence.events import Events, make_batch
from foreseen.models.sequence.loss import window_loss
from foreseen.models.sequence.network import SequenceNetwork
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
    loss = window_loss(network, ATTRIBUTES, events, WINDOW, 3, 0)
    wanted = expected(network, events)
    torch.testing.assert_close(loss, wanted, rtol=1e-5, atol=0)
    found = torch.autograd.grad(loss, parameters)
    for mine, theirs in zip(found, torch.autograd.grad(wanted, parameters), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-3)


def test_drawing_every_movie_as_a_negative_is_the_loss_over_the_catalogue(events: Events) -> None:
    network = network_of(horizon_weight=0.0)
    whole, drawn = (
        window_loss(network, ATTRIBUTES, events, WINDOW, 3, count) for count in (0, MOVIES)
    )
    torch.testing.assert_close(whole, drawn, rtol=1e-5, atol=0)


def test_the_mean_loss_over_drawn_movies_is_near_that_over_the_catalogue(events: Events) -> None:
    network = network_of(horizon_weight=0.0, moment_unknown=0.0)
    whole = window_loss(network, ATTRIBUTES, events, WINDOW, 3, 0).item()
    drawn = [
        window_loss(network, ATTRIBUTES, events, WINDOW, seed, 20).item() for seed in range(30)
    ]
    assert np.mean(drawn) == pytest.approx(whole, rel=0.02)


def test_the_second_loss_is_that_of_the_movies_of_the_next_thirty_days(events: Events) -> None:
    both, first = (
        window_loss(network_of(horizon_weight=weight), ATTRIBUTES, events, WINDOW, 3, 0)
        for weight in (1.0, 0.0)
    )
    # It is computed for one event in eight: the sum over all is met within the sampling error.
    wanted = expected(network_of(), events, horizon=True).item()
    assert (both - first).item() == pytest.approx(wanted, rel=0.05)
