"""The lists of movies that users keep."""

import pytest

from foreseen.serving.store import MOVIE_LISTS, ListedMovie, MovieList, Store


@pytest.mark.parametrize("movie_list", MOVIE_LISTS)
def test_a_movie_is_listed_once_with_its_first_time_and_removed(
    store: Store, movie_list: MovieList
) -> None:
    user, other = store.add_guest(1).id, store.add_guest(1).id
    entries = [ListedMovie(318, 5), ListedMovie(1, 4), ListedMovie(318, 9)]
    assert store.add_to(movie_list, user, entries) == 2
    assert store.add_to(movie_list, user, [ListedMovie(318, 7), ListedMovie(2, 7)]) == 1
    expected = [ListedMovie(1, 4), ListedMovie(318, 5), ListedMovie(2, 7)]
    assert store.listed(movie_list, user) == expected
    empty: dict[MovieList, list[ListedMovie]] = {name: [] for name in MOVIE_LISTS}
    assert store.lists(user) == {**empty, movie_list: expected}
    assert store.lists(other) == empty
    assert store.remove_from(movie_list, user, 318)
    assert not store.remove_from(movie_list, user, 318)
    assert store.listed(movie_list, user) == [ListedMovie(1, 4), ListedMovie(2, 7)]


def test_a_large_list_is_added_in_one_call(store: Store) -> None:
    user = store.add_guest(1).id
    entries = [ListedMovie(movie, movie) for movie in range(2500)]
    assert store.add_to("seen", user, entries) == 2500
    assert store.add_to("seen", user, entries) == 0
    assert store.listed("seen", user) == entries
