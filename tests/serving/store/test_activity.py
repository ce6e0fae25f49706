"""Imports and impressions."""

from foreseen.serving.store import Impression, Store


def test_imports_are_returned_oldest_first(store: Store) -> None:
    user = store.add_guest(1).id
    counts = {"matched": 4, "changed": 3, "ambiguous": 2, "missing": 1}
    store.add_import(user, 10, "imdb", counts)
    store.add_import(user, 20, "trakt", counts)
    first, second = store.imports(user)
    assert {**counts, "id": first["id"], "at": 10, "service": "imdb"} == first
    assert (second["at"], second["service"]) == (20, "trakt")


def test_consecutive_impressions_of_the_same_movies_are_stored_once(store: Store) -> None:
    user = store.add_guest(1).id
    for at in (1, 2):
        store.add_impression(user, Impression(at, "rating", 1, (5, 6)))
    store.add_impression(user, Impression(3, "rating", 1, (6, 5)))
    store.add_impression(user, Impression(4, "blend", 2, (5, 6)))
    assert store.impressions(user) == [
        Impression(1, "rating", 1, (5, 6)),
        Impression(3, "rating", 1, (6, 5)),
        Impression(4, "blend", 2, (5, 6)),
    ]
