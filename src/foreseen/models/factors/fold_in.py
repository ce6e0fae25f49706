"""Users folded into a factor model exactly, as of any moment, from their histories alone.

A history is walked once, oldest first, and the Gaussian of the user's vector follows it rating by
rating (`foreseen.models.factors.user_posterior`). What a rating turned out to be less what was predicted just
before it is its **innovation**: what the factors did not foresee. Moving means of the innovations
are the user's mood; those of similar movies tell what the factors miss.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled
from foreseen.features.interaction_log import LogView
from foreseen.features.queries import Queries
from foreseen.features.user_statistics import UserHistories
from foreseen.models.factors.bayesian_mf import Factors
from foreseen.models.factors.residual_features import (
    FOLD_IN_FEATURES,
    TRACES,
    compare,
    read_habits,
    read_mood,
    trace,
)
from foreseen.models.factors.user_posterior import posterior_mean, predict, predict_mean, update

_NO_LIKENESS: Final = np.empty((0, 0))


@dataclass(frozen=True)
class FactorPredictions:
    """What the factors say of N questions.

    Attributes:
        rating: Expected stars, not clipped, of shape N.
        values: Of shape N x F, in the order of `FOLD_IN_FEATURES`.
    """

    rating: NDArray[np.float64]
    values: NDArray[np.float32]

    def first(self, count: int) -> "FactorPredictions":
        """Return the answers to the first questions."""
        return FactorPredictions(self.rating[:count], self.values[:count])


def fold_in(
    factors: Factors, view: LogView, queries: Queries, features: bool = True
) -> FactorPredictions:
    """Answer N questions, each by its user's history before its own moment.

    Without `features` the ratings alone are worked out, several times as fast.
    """
    factors = factors.extended(len(view.catalogue))
    order, groups, ends = view.prefixes(queries)
    rating, values = np.empty(len(queries)), np.empty((len(queries), len(FOLD_IN_FEATURES)))
    found = _walk(
        groups,
        queries.history[order].astype(np.int64),
        ends,
        queries.movie[order].astype(np.int64),
        *_layout(view.histories),
        factors.mean[0],
        factors.by_movie,
        *_prior(factors),
        factors.content,
        factors.similarity if features else _NO_LIKENESS,
        *view.catalogue.genre_similarity,
        view.catalogue.franchises,
        features,
    )
    rating[order], values[order] = found
    return FactorPredictions(rating, values.astype(np.float32))


def predict_all(factors: Factors, view: LogView, row: int, before: int) -> NDArray[np.float64]:
    """Return expected ratings of all C movies for one history as of a moment, of shape C."""
    factors = factors.extended(len(view.catalogue))
    own = view.histories
    end = int(own.ends(np.array([row], np.int32), np.array([before], np.int64))[0])
    rows = slice(int(own.starts[row]), end)
    centre = _user_vectors(
        own.movie[rows].astype(np.int64),
        own.rating[rows],
        factors.mean[0],
        factors.by_movie,
        *_prior(factors),
        factors.content,
    )
    vectors = factors.by_movie[:-1].reshape(-1, centre.size)
    # A movie's own bias counts once, a user's for every movie.
    probe = centre.copy()
    probe[:, 0] = 1.0
    moved = vectors @ probe.astype(np.float32).reshape(-1)
    own_mean = centre[:, 0].mean() + moved.astype(np.float64) / len(centre)
    return factors.mean[0] + own_mean


def _prior(
    factors: Factors,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], int]:
    prior = factors.user_prior
    return prior.covariance, prior.pull, prior.noise, prior.attributes


@compiled
def _user_vectors(
    watched: NDArray[np.int64],
    rating: NDArray[np.float64],
    level: float,
    movies: NDArray[np.float32],
    prior: NDArray[np.float64],
    pull: NDArray[np.float64],
    noise: NDArray[np.float64],
    attributes: int,
    content: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return a user's expected vector given a whole history, of shape S x D."""
    _, samples, size = movies.shape
    moment, covariance = np.zeros((samples, size)), prior.copy()
    gain, kind = np.empty(size), np.zeros(content.shape[1])
    centre = np.empty((samples, size))
    for row in range(len(watched)):
        item = int(watched[row])
        update(movies[item], rating[row] - level, noise, moment, covariance, gain)
        kind += content[item]
    posterior_mean(len(watched), kind, attributes, pull, moment, covariance, centre)
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
    prior: NDArray[np.float64],
    pull: NDArray[np.float64],
    noise: NDArray[np.float64],
    attributes: int,
    content: NDArray[np.float64],
    likeness: NDArray[np.float64],
    kinds: NDArray[np.int32],
    kind_likeness: NDArray[np.float64],
    series: NDArray[np.int32],
    features: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Walk each asked-for history once; `ends` are the lengths of the prefixes asked about."""
    _, samples, size = movies.shape
    answer = np.zeros(len(asked))
    values = np.zeros((len(asked), len(FOLD_IN_FEATURES)))
    moment, covariance = np.empty((samples, size)), np.empty((samples, size, size))
    gain, kind = np.empty(size), np.empty(content.shape[1])
    centre = np.empty((samples, size))
    # The last two attributes of a movie's content; watch directions come after them.
    year, popular = attributes - 2, attributes - 1
    for group in range(len(groups) - 1):
        query, stop = groups[group], groups[group + 1]
        history, last = asked[query], ends[stop - 1]
        first = starts[history] if history >= 0 else 0
        innovation = np.zeros(last)
        # The history's movies side by side, so that one movie is compared with all of them at once.
        seen = np.empty((likeness.shape[1], last))
        seen_kinds, seen_series = np.empty(last, np.int32), np.empty(last, np.int32)
        traces = np.zeros(TRACES)
        moment[:], covariance[:], kind[:] = 0.0, prior, 0.0
        position = 0
        while True:
            if features or ends[query] == position:
                posterior_mean(position, kind, attributes, pull, moment, covariance, centre)
            asked_from = query
            while query < stop and ends[query] == position:
                item = int(movie[query])
                if features:
                    above, values[query, 0] = predict(movies[item], centre, covariance, gain)
                    answer[query] = level + above
                    read_mood(traces, position, innovation, values[query])
                    read_habits(
                        traces, position,
                        content[item, year] - kind[year] / (position + 1.0),
                        content[item, popular] - kind[popular] / (position + 1.0),
                        values[query],
                    )  # fmt: skip
                else:
                    answer[query] = level + predict_mean(movies[item], centre)
                query += 1
            if features:
                compare(
                    movie[asked_from:query], likeness, kinds, kind_likeness, series, seen,
                    seen_kinds, seen_series, position, innovation, values[asked_from:query],
                )  # fmt: skip
            if query == stop:
                break
            # Take in all ratings of the next second at once: none of them foresees another.
            after = position
            while after < last and times[first + after] == times[first + position]:
                if features:
                    predicted = level + predict_mean(movies[watched[first + after]], centre)
                    innovation[after] = rating[first + after] - predicted
                after += 1
            for row in range(position, after):
                item = int(watched[first + row])
                surplus = rating[first + row] - level
                update(movies[item], surplus, noise, moment, covariance, gain)
                kind += content[item]
                trace(traces, innovation[row], content[item, popular])
                if features:
                    seen[:, row] = likeness[item]
                    seen_kinds[row], seen_series[row] = kinds[item], series[item]
            position = after
    return answer, values
