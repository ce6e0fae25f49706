"""Stored ratings."""

from foreseen.serving.store import Store, StoredRating


def test_a_rating_is_stored_changed_and_deleted(store: Store) -> None:
    user = store.add_guest(1).id
    assert store.rate(user, [StoredRating(318, 4.5, 10), StoredRating(1, 3.0, 11)]) == 2
    assert store.rate(user, [StoredRating(318, 5.0, 12)]) == 1
    assert store.ratings(user) == [StoredRating(1, 3.0, 11), StoredRating(318, 5.0, 12)]
    assert store.unrate(user, 1)
    assert not store.unrate(user, 1)
    assert store.ratings(user) == [StoredRating(318, 5.0, 12)]


def test_storing_the_same_ratings_again_changes_nothing(store: Store) -> None:
    user = store.add_guest(1).id
    many = [StoredRating(movie, 3.5, movie) for movie in range(1, 2501)]
    assert store.rate(user, many) == 2500
    again = [StoredRating(entry.movie, entry.rating, entry.rated + 99) for entry in many]
    assert store.rate(user, again) == 0
    assert store.ratings(user) == many


def test_the_ratings_of_all_users_are_returned_oldest_first(store: Store) -> None:
    first, second = store.add_guest(1).id, store.add_guest(1).id
    store.rate(first, [StoredRating(318, 4.5, 30), StoredRating(1, 2.0, 10)])
    store.rate(second, [StoredRating(318, 1.0, 20)])
    assert list(store.all_ratings()) == [
        (first, StoredRating(1, 2.0, 10)),
        (second, StoredRating(318, 1.0, 20)),
        (first, StoredRating(318, 4.5, 30)),
    ]
