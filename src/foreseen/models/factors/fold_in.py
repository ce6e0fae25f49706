"""Exact fold-in of users into a factor model, as of any moment, from their histories.

A history is scanned once, oldest first, and the Gaussian posterior of the user's vector is updated
rating by rating (`foreseen.models.factors.user_posterior`). Each rating less the prediction made
just before it is a one-step residual, from which features for the stacking networks are computed
(`foreseen.models.factors.residual_features`).
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.jit import compiled
from foreseen.features.interaction_log import LogView
from foreseen.features.queries import Queries
from foreseen.features.user_statistics import UserHistories
from foreseen.models.factors.bayesian_mf import Factors
from foreseen.models.factors.residual_features import (
    FACTOR_SPREAD,
    FOLD_IN_FEATURES,
    RUNNING_SUMS,
    update_sums,
    write_gaps,
    write_user_residuals,
)
from foreseen.models.factors.similar_residuals import write_similar_residuals
from foreseen.models.factors.user_posterior import posterior_mean, predict, predict_mean, update
from foreseen.models.factors.user_vectors import user_vectors

_NO_VECTORS: Final = np.empty((0, 0))


@dataclass(frozen=True)
class FactorPredictions:
    """Predictions of factor models for N queries.

    Attributes:
        rating: Expected stars, not clipped, of shape N.
        values: Features of shape N x F, in the order of `FOLD_IN_FEATURES`.
    """

    rating: NDArray[np.float64]
    values: NDArray[np.float32]

    def first(self, count: int) -> "FactorPredictions":
        """Return the predictions for the first `count` queries."""
        return FactorPredictions(self.rating[:count], self.values[:count])


def fold_in(
    factors: Factors, view: LogView, queries: Queries, features: bool = True
) -> FactorPredictions:
    """Return predictions for N queries, each from the user's history before its moment.

    Without `features` the features are zero and the ratings are computed several times as fast,
    above all where all queries of a history are about one moment.
    """
    factors = factors.extended(len(view.catalogue))
    order, groups, ends = view.prefixes(queries)
    if not features and (ends[groups[:-1]] == ends[groups[1:] - 1]).all():
        return _fold_in_once(factors, view, queries, order, groups, ends)
    rating, values = np.empty(len(queries)), np.empty((len(queries), len(FOLD_IN_FEATURES)))
    found = _scan(
        groups,
        queries.history[order].astype(np.int64),
        ends,
        queries.movie[order].astype(np.int64),
        *_history_arrays(view.histories),
        factors.mean[0],
        factors.by_movie,
        *_prior_arrays(factors),
        factors.content,
        factors.unit_vectors if features else _NO_VECTORS,
        *view.catalogue.genre_similarity,
        view.catalogue.franchises,
        features,
    )
    rating[order], values[order] = found
    return FactorPredictions(rating, values.astype(np.float32))


def _fold_in_once(
    factors: Factors,
    view: LogView,
    queries: Queries,
    order: NDArray[np.intp],
    groups: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> FactorPredictions:
    """Return the predictions, without features, where each history has queries of one prefix."""
    rows = np.maximum(queries.history[order[groups[:-1]]], 0)
    stops = view.histories.starts[rows] + ends[groups[:-1]]
    users = user_vectors(factors, view.histories, rows, stops)
    rating = np.empty(len(queries))
    for group, (first, stop) in enumerate(pairwise(groups)):
        asked = order[first:stop]
        vectors = factors.by_movie[queries.movie[asked]].reshape(len(asked), -1)
        rating[asked] = users.offset[group] + vectors @ users.coefficients[group]
    values = np.zeros((len(queries), len(FOLD_IN_FEATURES)), dtype=np.float32)
    return FactorPredictions(rating, values)


def _prior_arrays(
    factors: Factors,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], int]:
    prior = factors.user_prior
    return prior.covariance, prior.information, prior.noise, prior.attributes


def _history_arrays(
    histories: UserHistories,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    return histories.starts, histories.movie.astype(np.int64), histories.rating, histories.times


@compiled
def _scan(
    groups: NDArray[np.int64],
    histories: NDArray[np.int64],
    ends: NDArray[np.int64],
    movie: NDArray[np.int64],
    starts: NDArray[np.int64],
    watched: NDArray[np.int64],
    rating: NDArray[np.float64],
    times: NDArray[np.int64],
    global_mean: float,
    movies: NDArray[np.float32],
    prior_covariance: NDArray[np.float64],
    prior_information: NDArray[np.float64],
    noise: NDArray[np.float64],
    attributes: int,
    content: NDArray[np.float64],
    unit_vectors: NDArray[np.float64],
    genre_sets: NDArray[np.int32],
    genre_similarity: NDArray[np.float64],
    franchises: NDArray[np.int32],
    features: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scan each queried history once; return ratings of shape N and features of shape N x F.

    The queries are ordered by history and by `ends`, the length of the prefix each of them uses;
    `groups` holds where those of each history begin, and N. `histories` is the row of the history
    of each query, negative for an empty one. `starts`, `watched`, `rating` and `times` describe
    the histories; `prior_covariance`, `prior_information`, `noise` and `attributes` are those of
    `UserPrior`; for `genre_sets`, `genre_similarity` and `franchises` see
    `write_similar_residuals`.
    """
    _, samples, size = movies.shape
    predicted = np.zeros(len(histories))
    values = np.zeros((len(histories), len(FOLD_IN_FEATURES)))
    information, covariance = np.empty((samples, size)), np.empty((samples, size, size))
    gain, content_sum = np.empty(size), np.empty(content.shape[1])
    user = np.empty((samples, size))
    # The last two attributes of a movie's content; watch directions follow them.
    year, popularity = attributes - 2, attributes - 1
    for group in range(len(groups) - 1):
        query, stop = groups[group], groups[group + 1]
        history, last = histories[query], ends[stop - 1]
        first = starts[history] if history >= 0 else 0
        residual = np.zeros(last)
        # One movie per column, so that a movie is compared with a run of the history at once.
        history_vectors = np.empty((unit_vectors.shape[1], last))
        history_genre_sets, history_franchises = np.empty(last, np.int32), np.empty(last, np.int32)
        sums = np.zeros(RUNNING_SUMS)
        information[:], covariance[:], content_sum[:] = 0.0, prior_covariance, 0.0
        position = 0
        while True:
            if features or ends[query] == position:
                posterior_mean(
                    position, content_sum, attributes, prior_information, information, covariance,
                    user,
                )  # fmt: skip
            first_query = query
            while query < stop and ends[query] == position:
                item = int(movie[query])
                if features:
                    offset, values[query, FACTOR_SPREAD] = predict(
                        movies[item], user, covariance, gain
                    )
                    predicted[query] = global_mean + offset
                    write_user_residuals(sums, position, residual, values[query])
                    write_gaps(
                        sums, position,
                        content[item, year] - content_sum[year] / (position + 1.0),
                        content[item, popularity] - content_sum[popularity] / (position + 1.0),
                        values[query],
                    )  # fmt: skip
                else:
                    predicted[query] = global_mean + predict_mean(movies[item], user)
                query += 1
            if features:
                write_similar_residuals(
                    movie[first_query:query], unit_vectors, genre_sets, genre_similarity,
                    franchises, history_vectors, history_genre_sets, history_franchises, position,
                    residual, values[first_query:query],
                )  # fmt: skip
            if query == stop:
                break
            # All ratings of the next second are added together: none is used to predict another.
            after = position
            while after < last and times[first + after] == times[first + position]:
                if features:
                    expected = global_mean + predict_mean(movies[watched[first + after]], user)
                    residual[after] = rating[first + after] - expected
                after += 1
            for row in range(position, after):
                item = int(watched[first + row])
                offset = rating[first + row] - global_mean
                update(movies[item], offset, noise, information, covariance, gain)
                content_sum += content[item]
                update_sums(sums, residual[row], content[item, popularity])
                if features:
                    history_vectors[:, row] = unit_vectors[item]
                    history_genre_sets[row] = genre_sets[item]
                    history_franchises[row] = franchises[item]
            position = after
    return predicted, values
