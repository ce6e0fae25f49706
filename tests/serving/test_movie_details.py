"""What is shown of one movie."""

import numpy as np

from foreseen.serving.movie_details import (
    MovieCard,
    RatingYear,
    most_similar,
    movie_card,
    ratings_by_year,
)
from foreseen.serving.snapshot import ModelSnapshot


def row_of(snapshot: ModelSnapshot, movie: int) -> int:
    row = snapshot.row(movie)
    assert row is not None
    return row


def test_a_card_has_the_article_first_and_no_alternative_titles(snapshot: ModelSnapshot) -> None:
    assert movie_card(snapshot, row_of(snapshot, 27803)).title == "The Sea Inside"
    card = movie_card(snapshot, row_of(snapshot, 318))
    rating = snapshot.model.log.rating[snapshot.model.log.movie == row_of(snapshot, 318)]
    assert card == MovieCard(
        movie=318,
        title="The Shawshank Redemption",
        year=1994,
        genres=("Crime", "Drama"),
        views=len(rating),
        mean=float(snapshot.means[row_of(snapshot, 318)]),
    )


def test_a_movie_without_ratings_has_no_mean(snapshot: ModelSnapshot) -> None:
    card = movie_card(snapshot, int(np.argmin(snapshot.views)))
    assert (card.views, card.mean) == (0, None)


def test_a_movie_without_a_year_has_none(snapshot: ModelSnapshot) -> None:
    row = int(np.flatnonzero(np.isnan(snapshot.model.log.catalogue.years[:-1]))[0])
    assert movie_card(snapshot, row).year is None


def test_ratings_by_year_are_those_of_each_calendar_year(snapshot: ModelSnapshot) -> None:
    row, log = row_of(snapshot, 318), snapshot.model.log
    years = ratings_by_year(snapshot, row)
    assert [entry.year for entry in years] == sorted({entry.year for entry in years})
    assert sum(entry.ratings for entry in years) == snapshot.views[row]
    first = years[0]
    start, end = (
        np.datetime64(str(year), "s").astype(np.int64) for year in (first.year, first.year + 1)
    )
    part = (log.movie == row) & (log.timestamp >= start) & (log.timestamp < end)
    assert first == RatingYear(first.year, int(part.sum()), float(log.rating[part].mean()))


def test_a_movie_without_ratings_has_no_years(snapshot: ModelSnapshot) -> None:
    assert ratings_by_year(snapshot, int(np.argmin(snapshot.views))) == []


def test_similar_movies_are_liked_by_the_same_users(snapshot: ModelSnapshot) -> None:
    log, row = snapshot.model.log, row_of(snapshot, 260)
    likers = set(log.user[(log.movie == row) & (log.rating >= 4)])
    similar = most_similar(snapshot, row, 5)
    assert row not in similar
    assert len(similar) == len(set(similar)) == 5

    def overlap(other: int) -> int:
        return len(likers & set(log.user[(log.movie == other) & (log.rating >= 4)]))

    rated = np.flatnonzero(snapshot.views > 0)
    usual = np.mean([overlap(int(other)) for other in rated[:: len(rated) // 50]])
    assert min(overlap(other) for other in similar) > usual


def test_the_similarity_counts_the_users_who_liked_both(snapshot: ModelSnapshot) -> None:
    log, row = snapshot.model.log, row_of(snapshot, 260)
    liked = log.rating >= 4
    likers = np.unique(log.user[(log.movie == row) & liked])
    both = np.array([
        np.isin(log.user[(log.movie == other) & liked], likers).sum()
        for other in range(len(snapshot.ids))
    ])  # fmt: skip
    damped = np.sqrt((snapshot.like_counts + 10) * (len(likers) + 10))
    genres = log.catalogue.genre_weights
    similarity = both / damped + 0.05 * (genres @ genres[row])
    similarity[row] = -np.inf
    assert most_similar(snapshot, row, 20) == np.argsort(-similarity, kind="stable")[:20].tolist()


def test_without_likes_the_similar_movies_share_the_genres(snapshot: ModelSnapshot) -> None:
    genres = snapshot.model.log.catalogue.genre_weights
    row = int(np.flatnonzero((snapshot.views == 0) & (genres.sum(axis=1) > 0))[0])
    similar = most_similar(snapshot, row, 5)
    assert (genres[similar] @ genres[row] > 0.9).all()
