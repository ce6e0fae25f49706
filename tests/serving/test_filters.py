"""Filters of the ranking on the page."""

import numpy as np

from foreseen.serving.filters import MovieFilter, release_decades, well_known
from foreseen.serving.snapshot import ModelSnapshot


def left(snapshot: ModelSnapshot, chosen: MovieFilter) -> list[int]:
    return np.flatnonzero(~chosen.excluded(snapshot)).tolist()


def test_without_a_choice_nothing_is_left_out(snapshot: ModelSnapshot) -> None:
    assert not MovieFilter().is_active
    assert len(left(snapshot, MovieFilter())) == len(snapshot.ids)


def test_movies_have_any_of_the_genres_and_none_of_those_left_out(
    snapshot: ModelSnapshot,
) -> None:
    genres = snapshot.model.log.catalogue.genre_lists
    rows = left(snapshot, MovieFilter(genres=("Comedy", "Horror"), without=("Romance",)))
    expected = [
        row
        for row in range(len(snapshot.ids))
        if {"Comedy", "Horror"} & set(genres[row]) and "Romance" not in genres[row]
    ]
    assert rows == expected


def test_movies_are_of_any_of_the_decades(snapshot: ModelSnapshot) -> None:
    years = snapshot.model.log.catalogue.years
    rows = left(snapshot, MovieFilter(decades=(1970, 1990)))
    assert {int(years[row]) // 10 for row in rows} == {197, 199}
    decades = release_decades(snapshot)
    assert decades == sorted(decades, reverse=True)
    assert {1970, 1990} <= set(decades)


def test_well_known_movies_are_the_most_rated_and_the_others_the_rest(
    snapshot: ModelSnapshot,
) -> None:
    well = left(snapshot, MovieFilter(known="well"))
    little = left(snapshot, MovieFilter(known="little"))
    assert sorted([*well, *little]) == list(range(len(snapshot.ids)))
    assert snapshot.views[well].min() > snapshot.views[little].max()
    assert well_known(snapshot).mean() < 0.15
