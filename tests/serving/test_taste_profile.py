"""The taste profile of a user."""

from dataclasses import replace

import pytest

from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import StoredRating
from foreseen.serving.taste_profile import TasteProfile, interval_widths, taste_profile

YEAR_2020, YEAR_2021 = 1_577_836_800, 1_609_459_200


@pytest.fixture(scope="module")
def ratings(snapshot: ModelSnapshot) -> list[StoredRating]:
    """Ratings of dramas at 5 stars, then of comedies that are no dramas at 2 stars."""
    genres = snapshot.model.log.catalogue.genre_lists
    dramas = [row for row, names in enumerate(genres) if names == ("Drama",)][:8]
    comedies = [row for row, names in enumerate(genres) if names == ("Comedy",)][:6]
    return [
        *(StoredRating(int(snapshot.ids[row]), 5.0, YEAR_2020 + row) for row in dramas),
        *(StoredRating(int(snapshot.ids[row]), 2.0, YEAR_2021 + row) for row in comedies),
    ]


@pytest.fixture(scope="module")
def profile(snapshot: ModelSnapshot, ratings: list[StoredRating]) -> TasteProfile:
    return taste_profile(snapshot, ratings)


def test_genres_are_ordered_by_ratings_and_a_preferred_genre_is_above_zero(
    profile: TasteProfile,
) -> None:
    (drama, dramas, above), (comedy, comedies, below) = profile.genres
    assert (drama, dramas, comedy, comedies) == ("Drama", 8, "Comedy", 6)
    assert above > 0 > below


def test_decades_are_in_order_and_count_all_movies(
    profile: TasteProfile, ratings: list[StoredRating]
) -> None:
    names = [name for name, _, _ in profile.decades]
    assert names == sorted(names)
    assert sum(count for _, count, _ in profile.decades) == len(ratings)


def test_years_have_counts_means_and_the_shares_of_the_leading_genres(
    profile: TasteProfile,
) -> None:
    assert profile.years == [
        (2020, 8, 5.0, {"Drama": 1.0, "Comedy": 0.0}),
        (2021, 6, 2.0, {"Drama": 0.0, "Comedy": 1.0}),
    ]
    assert profile.mean == pytest.approx((8 * 5 + 6 * 2) / 14)


def test_intervals_become_narrower_with_more_ratings(
    snapshot: ModelSnapshot, ratings: list[StoredRating]
) -> None:
    uncertainty = replace(snapshot.model.uncertainty, user=1.0)
    snapshot = replace(snapshot, model=replace(snapshot.model, uncertainty=uncertainty))
    steps = interval_widths(snapshot, snapshot.history(ratings))
    assert [n for n, _ in steps] == [0, 1, 2, 3, 5, 8, 12, 14]
    widths = [width for _, width in steps]
    assert widths == sorted(set(widths), reverse=True)


def test_a_user_without_ratings_has_an_empty_profile(snapshot: ModelSnapshot) -> None:
    profile = taste_profile(snapshot, [])
    assert profile.genres == profile.decades == profile.years == []
    assert profile.mean is None
    assert [n for n, _ in profile.interval_widths] == [0]
