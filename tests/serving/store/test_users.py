"""Guests and accounts."""

from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest

from foreseen.errors import InputError
from foreseen.serving.store import MOVIE_LISTS, Impression, ListedMovie, Store, StoredRating


def test_a_name_is_unique_and_the_guests_sessions_and_tokens_are_deleted(store: Store) -> None:
    first, second = store.add_guest(1).id, store.add_guest(2).id
    store.open_session("digest", first, 100)
    store.add_token("digest", first, "x", 1)
    store.sign_up(first, "ann", "x", "viewer")
    assert store.session_user("digest", 1) is None
    assert store.token_user("digest") is None
    with pytest.raises(InputError, match="taken"):
        store.sign_up(second, "ann", "y", "viewer")
    store.sign_up(second, "ben", "y", "viewer")
    with pytest.raises(InputError, match="already"):
        store.sign_up(second, "cat", "y", "viewer")


def test_only_the_first_account_becomes_an_administrator_by_being_first(store: Store) -> None:
    def sign_up(name: str, *, first_administers: bool) -> str:
        user = store.add_guest(1).id
        role = store.sign_up(user, name, "x", "viewer", first_administers=first_administers)
        stored = store.user(user)
        assert stored is not None
        assert stored.role == role
        return role

    assert sign_up("ann", first_administers=True) == "admin"
    assert sign_up("ben", first_administers=True) == "viewer"
    for user in (1, 2):
        store.delete_user(user)
    assert sign_up("cat", first_administers=False) == "viewer"
    assert sign_up("dan", first_administers=True) == "viewer"


def sign_up_at_once(url: str, names: list[str]) -> list[str]:
    store = Store(url)

    def sign_up(name: str) -> str:
        user = store.add_guest(1).id
        return store.sign_up(user, name, "x", "viewer", first_administers=True)

    with ThreadPoolExecutor(len(names)) as threads:
        roles = list(threads.map(sign_up, names))
    store.close()
    return roles


def test_of_eight_simultaneous_first_accounts_in_two_processes_one_is_an_administrator(
    store: Store,  # noqa: ARG001
    url: str,
) -> None:
    names = [["a1", "a2", "a3", "a4"], ["b1", "b2", "b3", "b4"]]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        roles = [*processes.map(sign_up_at_once, [url, url], names)]
    assert Counter(role for part in roles for role in part) == {"admin": 1, "viewer": 7}


def test_credentials_are_found_by_name(store: Store) -> None:
    user = store.add_guest(1).id
    store.sign_up(user, "ann", "digest", "admin")
    found = store.credentials("ann")
    assert found == (store.user(user), "digest")
    assert store.credentials("ben") is None


def test_a_changed_password_deletes_all_tokens_and_all_sessions_except_the_given_one(
    store: Store,
) -> None:
    user, other = store.add_guest(1).id, store.add_guest(1).id
    store.sign_up(user, "ann", "old", "viewer")
    for digest in ("kept", "other"):
        store.open_session(digest, user, 100)
    store.add_token("token", user, "script", 1)
    store.add_token("token of another", other, "script", 1)
    store.change_password(user, "new", "kept")
    found = store.credentials("ann")
    assert found is not None
    assert found[1] == "new"
    assert store.session_user("kept", 1) is not None
    assert store.session_user("other", 1) is None
    assert store.token_user("token") is None
    assert store.token_user("token of another") is not None


def test_a_deleted_user_leaves_no_data_and_others_keep_theirs(store: Store) -> None:
    user, other = store.add_guest(1).id, store.add_guest(1).id
    for one in (user, other):
        store.rate(one, [StoredRating(318, 4.5, 10)])
        store.open_session(f"digest {one}", one, 100)
        for movie_list in MOVIE_LISTS:
            store.add_to(movie_list, one, [ListedMovie(1, 5)])
        store.add_impression(one, Impression(1, "rating", 1, (1, 2)))
        counts = {"matched": 1, "changed": 1, "ambiguous": 1, "missing": 1}
        store.add_import(one, 1, "imdb", counts)
        store.add_token(f"token {one}", one, "script", 1)
    store.delete_user(user)
    assert [owner for owner, _ in store.all_ratings()] == [other]
    assert store.session_user(f"digest {user}", 0) is None
    assert store.token_user(f"token {user}") is None
    assert store.lists(user) == {movie_list: [] for movie_list in MOVIE_LISTS}
    assert store.impressions(user) == store.imports(user) == []
    assert store.session_user(f"digest {other}", 0) is not None


def test_expired_sessions_and_old_guests_without_data_are_deleted(store: Store) -> None:
    idle, rater = (store.add_guest(1).id for _ in range(2))
    visitor, new = store.add_guest(1).id, store.add_guest(5000).id
    store.rate(rater, [StoredRating(318, 4.5, 10)])
    keepers = [store.add_guest(1).id for _ in MOVIE_LISTS]
    for keeper, movie_list in zip(keepers, MOVIE_LISTS, strict=True):
        store.add_to(movie_list, keeper, [ListedMovie(318, 10)])
    store.open_session("expired", idle, 50)
    store.open_session("valid", visitor, 9000)
    store.delete_expired(5001)
    assert store.user(idle) is None
    assert all(store.user(kept) for kept in (rater, *keepers, visitor, new))
