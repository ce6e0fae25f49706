"""The movies offered to users to rate."""

import numpy as np

from foreseen.serving.onboarding import by_spread, onboarding_movies
from foreseen.serving.snapshot import ModelSnapshot


def test_onboarding_movies_are_distinct_and_popular(snapshot: ModelSnapshot) -> None:
    rows = onboarding_movies(snapshot, [], [], 24)
    assert len(rows) == len(set(rows)) == 24
    assert snapshot.views[rows].min() >= np.sort(snapshot.views)[-400]


def test_their_ratings_differ_more_than_those_of_popular_movies(snapshot: ModelSnapshot) -> None:
    rows = by_spread(snapshot, [], 24)
    popular = np.argsort(-snapshot.views)[:400]
    deviations = snapshot.rating_deviations
    assert deviations[rows].mean() > deviations[popular].mean()


def test_their_genres_are_more_diverse_than_those_of_the_first_by_score(
    snapshot: ModelSnapshot,
) -> None:
    genres = snapshot.model.log.catalogue.genre_weights

    def similarity(rows: list[int]) -> float:
        return float((genres[rows] @ genres[rows].T).mean())

    score = snapshot.rating_deviations * np.log1p(snapshot.views)
    popular = np.argsort(-snapshot.views, kind="stable")[:400]
    first = popular[np.argsort(-score[popular])][:24]
    assert similarity(by_spread(snapshot, [], 24)) < similarity(first.tolist())


def test_rated_and_excluded_movies_are_left_out_and_fewer_are_returned_if_too_few_remain(
    snapshot: ModelSnapshot,
) -> None:
    rows = onboarding_movies(snapshot, [], [], 10)
    assert set(rows).isdisjoint(onboarding_movies(snapshot, rows[:5], rows[5:], 10))
    popular = np.argsort(-snapshot.views, kind="stable")[:400]
    assert len(onboarding_movies(snapshot, [], popular[5:].tolist(), 10)) == 5
