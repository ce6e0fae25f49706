"""Users folded into a factor model exactly, as of any moment, from their histories alone.

A history is walked once, oldest first. At each moment that is asked about, and before each of the
history's own ratings, the Gaussian of the user's vector given the ratings so far is solved for
every sample. What a rating turned out to be less what was predicted just before it is its
**innovation**: what the factors did not foresee. Moving means of the innovations are the user's
mood; those of similar movies tell what the factors miss.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compiled import compiled
from foreseen.features.timeline import Queries, Timeline
from foreseen.features.user_statistics import UserHistories
from foreseen.models.factors import Factors
from foreseen.models.innovations import (
    FOLD_FEATURES,
    TRACES,
    compare,
    read_habits,
    read_mood,
    trace,
)
from foreseen.models.linear_algebra import factorise, solve_lower, solve_upper

_NO_LIKENESS: Final = np.empty((0, 0))


@dataclass(frozen=True)
class Folded:
    """What the factors say of N questions.

    Attributes:
        rating: Expected stars, not clipped, of shape N.
        values: Of shape N x F, in the order of `FOLD_FEATURES`.
    """

    rating: NDArray[np.float64]
    values: NDArray[np.float32]


def fold_in(
    factors: Factors, timeline: Timeline, queries: Queries, features: bool = True
) -> Folded:
    """Answer N questions, each by its user's history before its own moment.

    Without `features` the ratings alone are worked out, several times as fast.
    """
    factors = factors.extended(len(timeline.catalogue))
    order, groups, ends = timeline.prefixes(queries)
    rating, values = np.empty(len(queries)), np.empty((len(queries), len(FOLD_FEATURES)))
    found = _walk(
        groups,
        queries.history[order].astype(np.int64),
        ends,
        queries.movie[order].astype(np.int64),
        *_layout(timeline.histories),
        factors.level[0],
        factors.by_movie,
        factors.user_means,
        factors.user_precisions,
        factors.noise_precisions,
        factors.content,
        int(factors.directions[0]),
        factors.likeness if features else _NO_LIKENESS,
        *timeline.catalogue.genre_likeness,
        features,
    )
    rating[order], values[order] = found
    return Folded(rating, values.astype(np.float32))


def outline(factors: Factors, timeline: Timeline, history: int, before: int) -> NDArray[np.float64]:
    """Return expected ratings of all C movies for one history as of a moment, of shape C."""
    factors = factors.extended(len(timeline.catalogue))
    own = timeline.histories
    end = int(own.ends(np.array([history], np.int32), np.array([before], np.int64))[0])
    rows = slice(int(own.starts[history]), end)
    centre = _user_vectors(
        own.movie[rows].astype(np.int64),
        own.rating[rows],
        factors.level[0],
        factors.by_movie,
        factors.user_means,
        factors.user_precisions,
        factors.noise_precisions,
        factors.content,
        int(factors.directions[0]),
    )
    rows = factors.by_movie[:-1].reshape(-1, centre.size)
    # A movie's own bias counts once, a user's for every movie.
    probe = centre.copy()
    probe[:, 0] = 1.0
    moved = rows @ probe.astype(np.float32).reshape(-1)
    own_mean = centre[:, 0].mean() + moved.astype(np.float64) / len(centre)
    return factors.level[0] + own_mean


@compiled
def _user_vectors(
    watched: NDArray[np.int64],
    rating: NDArray[np.float64],
    level: float,
    movies: NDArray[np.float32],
    user_means: NDArray[np.float64],
    user_precisions: NDArray[np.float64],
    noise: NDArray[np.float64],
    content: NDArray[np.float64],
    watch_directions: int,
) -> NDArray[np.float64]:
    """Solve for a user's vector given a whole history, for every sample, of shape S x D."""
    _, samples, size = movies.shape
    centre, factor = np.empty((samples, size)), np.empty((samples, size, size))
    moment, gram = np.zeros((samples, size)), np.zeros((samples, size, size))
    kind = np.zeros(content.shape[1])
    for row in range(len(watched)):
        _take_in(int(watched[row]), rating[row] - level, movies, moment, gram)
        for f in range(len(kind)):
            kind[f] += content[int(watched[row]), f]
    _solve(
        len(watched), kind, watch_directions, moment, gram, user_means, user_precisions, noise,
        centre, factor,
    )  # fmt: skip
    return centre


def _layout(
    histories: UserHistories,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    return histories.starts, histories.movie.astype(np.int64), histories.rating, histories.times


@compiled
def _walk(
    groups: NDArray[np.int64],
    asked: NDArray[np.int64],
    ends: NDArray[np.int64],
    movie: NDArray[np.int64],
    starts: NDArray[np.int64],
    watched: NDArray[np.int64],
    rating: NDArray[np.float64],
    times: NDArray[np.int64],
    level: float,
    movies: NDArray[np.float32],
    user_means: NDArray[np.float64],
    user_precisions: NDArray[np.float64],
    noise: NDArray[np.float64],
    content: NDArray[np.float64],
    watch_directions: int,
    likeness: NDArray[np.float64],
    kinds: NDArray[np.int32],
    kind_likeness: NDArray[np.float64],
    features: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Walk each asked-for history once; `ends` are the lengths of the prefixes asked about."""
    _, samples, size = movies.shape
    answer = np.zeros(len(asked))
    values = np.zeros((len(asked), len(FOLD_FEATURES)))
    centre = np.empty((samples, size))
    factor = np.empty((samples, size, size))
    moment = np.empty((samples, size))
    gram = np.empty((samples, size, size))
    kind = np.empty(content.shape[1])
    # The last two attributes of a movie's content; watch directions come after them.
    year, popular = len(kind) - watch_directions - 2, len(kind) - watch_directions - 1
    for group in range(len(groups) - 1):
        query, stop = groups[group], groups[group + 1]
        history, last = asked[query], ends[stop - 1]
        first = starts[history] if history >= 0 else 0
        innovation = np.zeros(last)
        # The history's movies side by side, so that one movie is compared with all of them at once.
        seen, seen_kinds = np.empty((likeness.shape[1], last)), np.empty(last, np.int32)
        traces = np.zeros(TRACES)
        moment[:] = 0.0
        gram[:] = 0.0
        kind[:] = 0.0
        position = 0
        while True:
            if features or ends[query] == position:
                _solve(
                    position, kind, watch_directions, moment, gram, user_means, user_precisions,
                    noise, centre, factor,
                )  # fmt: skip
            while query < stop and ends[query] == position:
                item = int(movie[query])
                if features:
                    answer[query], values[query, 0] = _foretell(item, level, movies, centre, factor)
                    read_mood(traces, position, innovation, values[query])
                    read_habits(
                        traces, position,
                        content[item, year] - kind[year] / (position + 1.0),
                        content[item, popular] - kind[popular] / (position + 1.0),
                        values[query],
                    )  # fmt: skip
                    compare(
                        likeness[item], kind_likeness[kinds[item]], seen, seen_kinds, position,
                        innovation, values[query],
                    )  # fmt: skip
                else:
                    answer[query] = _expect(item, level, movies, centre)
                query += 1
            if query == stop:
                break
            # Take in all ratings of the next second at once: none of them foresees another.
            after = position
            while after < last and times[first + after] == times[first + position]:
                if features:
                    predicted = _expect(int(watched[first + after]), level, movies, centre)
                    innovation[after] = rating[first + after] - predicted
                after += 1
            for row in range(position, after):
                item = int(watched[first + row])
                _take_in(item, rating[first + row] - level, movies, moment, gram)
                for f in range(len(kind)):
                    kind[f] += content[item, f]
                trace(traces, innovation[row], content[item, popular])
                if features:
                    seen[:, row] = likeness[item]
                    seen_kinds[row] = kinds[item]
            position = after
    return answer, values


@compiled
def _solve(
    position: int,
    kind: NDArray[np.float64],
    watch_directions: int,
    moment: NDArray[np.float64],
    gram: NDArray[np.float64],
    user_means: NDArray[np.float64],
    user_precisions: NDArray[np.float64],
    noise: NDArray[np.float64],
    centre: NDArray[np.float64],
    factor: NDArray[np.float64],
) -> None:
    """Solve for the user's vector given the first `position` ratings, for every sample."""
    samples, width, size = user_means.shape
    features = np.empty(width)
    features[0] = 1.0
    attributes = len(kind) - watch_directions
    features[1 : 1 + attributes] = kind[:attributes] / (position + 5.0)
    features[1 + attributes :] = kind[attributes:] / np.sqrt(max(position, 1))
    prior = np.empty(size)
    for s in range(samples):
        for a in range(size):
            prior[a] = 0.0
            for f in range(width):
                prior[a] += features[f] * user_means[s, f, a]
        for a in range(size):
            centre[s, a] = noise[s] * moment[s, a]
            for c in range(size):
                centre[s, a] += user_precisions[s, a, c] * prior[c]
            for c in range(a + 1):
                factor[s, a, c] = user_precisions[s, a, c] + noise[s] * gram[s, a, c]
        factorise(factor[s])
        solve_lower(factor[s], centre[s])
        solve_upper(factor[s], centre[s])


@compiled
def _expect(
    item: int, level: float, movies: NDArray[np.float32], centre: NDArray[np.float64]
) -> float:
    """Return the expected rating of a movie, averaged over the samples."""
    _, samples, size = movies.shape
    total = 0.0
    for s in range(samples):
        total += level + centre[s, 0] + movies[item, s, 0]
        for a in range(1, size):
            total += centre[s, a] * movies[item, s, a]
    return total / samples


@compiled
def _foretell(
    item: int,
    level: float,
    movies: NDArray[np.float32],
    centre: NDArray[np.float64],
    factor: NDArray[np.float64],
) -> tuple[float, float]:
    """Return the expected rating and its standard deviation, the noise left aside."""
    _, samples, size = movies.shape
    probe = np.empty(size)
    mean, squares, spread = 0.0, 0.0, 0.0
    for s in range(samples):
        value = level + centre[s, 0] + movies[item, s, 0]
        probe[0] = 1.0
        for a in range(1, size):
            value += centre[s, a] * movies[item, s, a]
            probe[a] = movies[item, s, a]
        solve_lower(factor[s], probe)
        for a in range(size):
            spread += probe[a] * probe[a] / samples
        mean += value / samples
        squares += value * value / samples
    return mean, np.sqrt(max(spread + squares - mean * mean, 0.0))


@compiled
def _take_in(
    item: int,
    surplus: float,
    movies: NDArray[np.float32],
    moment: NDArray[np.float64],
    gram: NDArray[np.float64],
) -> None:
    """Add one rating, given less the level, to what every sample knows of the user."""
    _, samples, size = movies.shape
    probe = np.empty(size)
    for s in range(samples):
        probe[0] = 1.0
        for a in range(1, size):
            probe[a] = movies[item, s, a]
        for a in range(size):
            moment[s, a] += probe[a] * (surplus - movies[item, s, 0])
            for c in range(a + 1):
                gram[s, a, c] += probe[a] * probe[c]
