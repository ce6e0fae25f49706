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
from foreseen.models.linear_algebra import factorise, solve_lower, solve_upper

FOLD_FEATURES: Final = (
    "factor_spread",
    "innovation_last",
    "innovation_fast",
    "innovation_medium",
    "innovation_slow",
    "innovation_mean",
    "innovation_size",
    "innovation_similar",
    "innovation_genre",
    "innovation_similar_weight",
)
_DECAYS: Final = (0.7, 0.87, 0.966)
_MEMORY: Final = 300
"""Latest ratings that are compared with the movie asked about."""


@dataclass(frozen=True)
class Folded:
    """What the factors say of N questions.

    Attributes:
        rating: Expected stars, not clipped, of shape N.
        values: Of shape N x 10, in the order of `FOLD_FEATURES`.
    """

    rating: NDArray[np.float64]
    values: NDArray[np.float32]


def fold_in(factors: Factors, timeline: Timeline, queries: Queries) -> Folded:
    """Answer N questions, each by its user's history before its own moment."""
    factors = factors.extended(len(timeline.catalogue))
    histories = timeline.histories
    known = queries.history >= 0
    ends = np.where(
        known,
        histories.ends(queries.history, queries.before)
        - histories.starts[np.maximum(queries.history, 0)],
        0,
    )
    # Questions are answered history by history, shortest prefix first.
    order = np.lexsort((ends, queries.history))
    asked = queries.history[order]
    firsts = np.flatnonzero(np.append(True, asked[1:] != asked[:-1])) if len(asked) else asked
    groups = np.append(firsts, len(asked)).astype(np.int64)
    rating, values = np.empty(len(queries)), np.empty((len(queries), len(FOLD_FEATURES)))
    found = _walk(
        groups,
        asked.astype(np.int64),
        ends[order],
        queries.movie[order].astype(np.int64),
        *_layout(histories),
        factors.level[0],
        factors.movies.astype(np.float64),
        factors.user_means,
        factors.user_precisions,
        factors.noise_precisions,
        factors.content,
        _directions(factors),
        timeline.catalogue.genres,
    )
    rating[order], values[order] = found
    return Folded(rating, values.astype(np.float32))


def _layout(
    histories: UserHistories,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    return histories.starts, histories.movie.astype(np.int64), histories.rating, histories.times


def _directions(factors: Factors) -> NDArray[np.float64]:
    """Return the movies' mean vectors, scaled to what they move a user by, of length one."""
    covariance = np.linalg.inv(factors.user_precisions.mean(axis=0))[1:, 1:]
    mean = factors.movies.astype(np.float64).mean(axis=0)[:, 1:] @ np.linalg.cholesky(covariance)
    length = np.linalg.norm(mean, axis=1, keepdims=True)
    return np.ascontiguousarray(mean / np.maximum(length, 1e-9))


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
    movies: NDArray[np.float64],
    user_means: NDArray[np.float64],
    user_precisions: NDArray[np.float64],
    noise: NDArray[np.float64],
    content: NDArray[np.float64],
    directions: NDArray[np.float64],
    genres: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    samples, _, size = movies.shape
    width, kinds = user_means.shape[1], content.shape[1]
    answer = np.zeros(len(asked))
    values = np.zeros((len(asked), 10))
    features = np.empty(width)
    prior = np.empty(size)
    probe = np.empty(size)
    factor = np.empty((samples, size, size))
    centre = np.empty((samples, size))
    gram = np.empty((samples, size, size))
    moment = np.empty((samples, size))
    kind = np.empty(kinds)
    for group in range(len(groups) - 1):
        history = asked[groups[group]]
        query = groups[group]
        last = ends[groups[group + 1] - 1]
        first = starts[history] if history >= 0 else 0
        innovation = np.zeros(last)
        moods = np.zeros(3)
        weights = np.zeros(3)
        total = 0.0
        size_total = 0.0
        gram[:] = 0.0
        moment[:] = 0.0
        kind[:] = 0.0
        position = 0
        while query < groups[group + 1]:
            # Solve for the user's vector given the first `position` ratings.
            features[0] = 1.0
            features[1] = np.log1p(position) - 4
            for f in range(kinds):
                features[2 + f] = kind[f] / (position + 5.0)
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
            while query < groups[group + 1] and ends[query] == position:
                item = movie[query]
                mean, squares, spread = 0.0, 0.0, 0.0
                for s in range(samples):
                    value = level + centre[s, 0] + movies[s, item, 0]
                    probe[0] = 1.0
                    for a in range(1, size):
                        value += centre[s, a] * movies[s, item, a]
                        probe[a] = movies[s, item, a]
                    solve_lower(factor[s], probe)
                    for a in range(size):
                        spread += probe[a] * probe[a] / samples
                    mean += value / samples
                    squares += value * value / samples
                answer[query] = mean
                values[query, 0] = np.sqrt(max(spread + squares - mean * mean, 0.0))
                if position > 0:
                    values[query, 1] = innovation[position - 1]
                    for speed in range(3):
                        values[query, 2 + speed] = moods[speed] / (weights[speed] + 0.7)
                    values[query, 5] = total / (position + 5.0)
                    values[query, 6] = (size_total + 4.0) / (position + 5.0)
                    near, near_weight, alike, alike_weight = 0.0, 0.0, 0.0, 0.0
                    for back in range(max(0, position - _MEMORY), position):
                        other = watched[first + back]
                        cosine = 0.0
                        for a in range(size - 1):
                            cosine += directions[item, a] * directions[other, a]
                        if cosine > 0:
                            near += cosine * cosine * innovation[back]
                            near_weight += cosine * cosine
                        shared, either = 0.0, 0.0
                        for g in range(genres.shape[1]):
                            shared += genres[item, g] * genres[other, g]
                            either += max(genres[item, g], genres[other, g])
                        if shared > 0:
                            alike += shared / either * innovation[back]
                            alike_weight += shared / either
                    values[query, 7] = near / (near_weight + 0.5)
                    values[query, 8] = alike / (alike_weight + 1.5)
                    values[query, 9] = np.log1p(near_weight)
                else:
                    values[query, 6] = 0.8
                query += 1
            if query >= groups[group + 1]:
                break
            # Take in all ratings of the next second at once: none foresees another.
            after = position
            while after < last and times[first + after] == times[first + position]:
                item = watched[first + after]
                predicted = 0.0
                for s in range(samples):
                    value = level + centre[s, 0] + movies[s, item, 0]
                    for a in range(1, size):
                        value += centre[s, a] * movies[s, item, a]
                    predicted += value / samples
                innovation[after] = rating[first + after] - predicted
                after += 1
            for row in range(position, after):
                item = watched[first + row]
                total += innovation[row]
                size_total += abs(innovation[row])
                for speed in range(3):
                    moods[speed] = moods[speed] * _DECAYS[speed] + innovation[row]
                    weights[speed] = weights[speed] * _DECAYS[speed] + 1.0
                for f in range(kinds):
                    kind[f] += content[item, f]
                for s in range(samples):
                    residual = rating[first + row] - level - movies[s, item, 0]
                    probe[0] = 1.0
                    for a in range(1, size):
                        probe[a] = movies[s, item, a]
                    for a in range(size):
                        moment[s, a] += probe[a] * residual
                        for c in range(a + 1):
                            gram[s, a, c] += probe[a] * probe[c]
            position = after
    return answer, values
