"""The sequence network: causality, padding, dropout."""

from typing import cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from foreseen.models.sequence.events import Events, make_batch
from foreseen.models.sequence.network import AttentionLayer, SequenceNetwork, drop
from foreseen.models.sequence.settings import SequenceSettings

MOVIES, ATTRIBUTES, LEVELS = 12, 3, 5
SETTINGS = SequenceSettings(width=16)


@pytest.fixture(scope="module")
def network() -> SequenceNetwork:
    network = SequenceNetwork(SETTINGS, MOVIES, ATTRIBUTES, LEVELS)
    random = np.random.default_rng(0)
    vectors = random.standard_normal((MOVIES, 16)).astype(np.float32)
    network.initialise(0, np.arange(MOVIES), vectors)
    with torch.no_grad():
        # Biases start at zero; attention must depend on them to be tested.
        draws = torch.Generator().manual_seed(1)
        for parameter in network.layers.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=draws))
    return network.eval()


def history(seed: int, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    times = np.cumsum(random.integers(0, 100_000, size))
    return random.integers(0, MOVIES, size), random.integers(0, LEVELS, size), times


def states(
    network: SequenceNetwork, *histories: tuple[NDArray[np.int64], ...], wanted: bool = True
) -> torch.Tensor:
    """Return the states of all events but the last of each history, or of the last ones."""
    sizes = np.array([len(movie) for movie, _, _ in histories])
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    movie, level, time = (np.concatenate(part) for part in zip(*histories, strict=True))
    events = Events.of(starts, movie, level, time)
    random = np.random.default_rng(0) if wanted else None
    batch = make_batch(events, starts[:-1], sizes, 0.0, random)
    inputs, _ = network.movie_vectors(torch.zeros(MOVIES, ATTRIBUTES))
    with torch.inference_mode():
        return network(batch, inputs, None) if wanted else network.last_states(batch, inputs)


def test_a_state_does_not_depend_on_later_events_but_on_the_time_of_the_next(
    network: SequenceNetwork,
) -> None:
    movie, level, time = history(0, 20)
    other_movie, other_level = movie.copy(), level.copy()
    other_movie[10:], other_level[10:] = (movie[10:] + 1) % MOVIES, (level[10:] + 1) % LEVELS
    first, second = (
        states(network, part) for part in ((movie, level, time), (other_movie, other_level, time))
    )
    torch.testing.assert_close(first[:10], second[:10], rtol=0, atol=0)
    assert (first[10:] - second[10:]).abs().amax(dim=1).min() > 1e-3
    later = time.copy()
    later[10:] += 10_000_000
    moved = states(network, (movie, level, later))
    torch.testing.assert_close(first[:9], moved[:9], rtol=0, atol=0)
    assert (first[9] - moved[9]).abs().max() > 1e-3


def test_a_history_has_the_same_state_beside_longer_ones(network: SequenceNetwork) -> None:
    alone = states(network, history(1, 7), wanted=False)
    padded = states(network, history(1, 7), history(2, 31), wanted=False)
    torch.testing.assert_close(alone[0], padded[0], rtol=1e-5, atol=1e-5)


def test_the_last_states_computed_alone_equal_those_computed_with_all(
    network: SequenceNetwork,
) -> None:
    sizes = np.array([7, 31, 1])
    starts = np.concatenate([[0], np.cumsum(sizes)])
    parts = [history(seed, size) for seed, size in enumerate(sizes)]
    movie, level, time = (np.concatenate(part) for part in zip(*parts, strict=True))
    batch = make_batch(Events.of(starts, movie, level, time), starts[:-1], sizes)
    inputs, _ = network.movie_vectors(torch.zeros(MOVIES, ATTRIBUTES))
    with torch.inference_mode():
        alone, beside = network.last_states(batch, inputs), network(batch, inputs, None)
    assert alone.shape == (3, SETTINGS.width)
    torch.testing.assert_close(alone, beside, rtol=1e-5, atol=1e-5)


def test_order_and_time_of_earlier_events_change_the_state(network: SequenceNetwork) -> None:
    movie, level, time = history(3, 8)
    base = states(network, (movie, level, time), wanted=False)
    swapped = movie.copy()
    swapped[[2, 5]] = swapped[[5, 2]]
    assert movie[2] != movie[5]
    earlier = time.copy()
    earlier[:4] -= 5_000_000
    for other in ((swapped, level, time), (movie, level, earlier)):
        assert (base - states(network, other, wanted=False)).abs().max() > 1e-3


def test_a_movie_without_ratings_in_training_has_the_vector_of_its_attributes(
    network: SequenceNetwork,
) -> None:
    attributes = torch.rand(MOVIES, ATTRIBUTES)
    inputs, outputs = network.movie_vectors(attributes)
    # Movie 0 has a frequency of zero.
    torch.testing.assert_close(inputs[0], network.content(attributes)[0])
    torch.testing.assert_close(outputs[0], network.out_content(attributes)[0])
    assert (inputs[1] - network.content(attributes)[1]).abs().max() > 1e-2


def test_the_biases_of_time_and_distance_have_the_gradient_of_plain_indexing(
    network: SequenceNetwork,
) -> None:
    layer = cast("AttentionLayer", network.layers[0])
    random = np.random.default_rng(4)
    inputs = torch.from_numpy(random.standard_normal((2, 6, 16)).astype(np.float32))
    movie, level, time = history(5, 12)
    events = Events.of(np.array([0, 6, 12]), movie, level, np.concatenate([time[:6], time[:6]]))
    pair = make_batch(events, np.array([0, 6]), np.array([6, 6])).pair
    found = torch.autograd.grad(layer(inputs, pair, None).square().sum(), [layer.time_bias])[0]
    step = 1e-2
    place = (1, int(pair[0, 5, 0]) // 40)
    values: list[float] = []
    with torch.no_grad():
        for sign in (1, -1):
            layer.time_bias[place] += sign * step
            values.append(float(layer(inputs, pair, None).square().sum()))
            layer.time_bias[place] -= sign * step
    assert float(found[place]) == pytest.approx((values[0] - values[1]) / (2 * step), rel=0.02)


def test_dropout_keeps_the_mean_and_the_rate_and_depends_on_its_generator() -> None:
    inputs = torch.ones(500, 200)
    first, again, other = (
        drop(inputs, 0.25, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not torch.equal(first, other)
    assert float((first == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert float(first.mean()) == pytest.approx(1, abs=0.01)
    assert drop(inputs, 0.25, None) is inputs
