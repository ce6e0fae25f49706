"""Users, sessions, tokens and attempts."""

import pytest

from foreseen.errors import InputError
from foreseen.serving.store import Impression, Store, StoredRating


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
    assert store.named_users() == 2


def test_credentials_are_found_by_name(store: Store) -> None:
    user = store.add_guest(1).id
    store.sign_up(user, "ann", "digest", "admin")
    found = store.credentials("ann")
    assert found == (store.user(user), "digest")
    assert store.credentials("ben") is None


def test_a_changed_password_deletes_all_sessions_except_the_given_one(store: Store) -> None:
    user = store.add_guest(1).id
    store.sign_up(user, "ann", "old", "viewer")
    for digest in ("kept", "other"):
        store.open_session(digest, user, 100)
    store.change_password(user, "new", "kept")
    found = store.credentials("ann")
    assert found is not None
    assert found[1] == "new"
    assert store.session_user("kept", 1) is not None
    assert store.session_user("other", 1) is None
    store.change_password(user, "newer", None)
    assert store.session_user("kept", 1) is None


def test_a_token_identifies_its_user_until_its_owner_deletes_it(store: Store) -> None:
    user, other = store.add_guest(1).id, store.add_guest(1).id
    token = store.add_token("digest", user, "script", 7)
    assert store.tokens(user) == [token]
    owner = store.token_user("digest")
    assert owner is not None
    assert owner.id == user
    assert not store.delete_token(other, token.id)
    assert store.delete_token(user, token.id)
    assert store.token_user("digest") is None


def test_a_deleted_user_leaves_no_data_and_others_keep_theirs(store: Store) -> None:
    user, other = store.add_guest(1).id, store.add_guest(1).id
    for one in (user, other):
        store.rate(one, [StoredRating(318, 4.5, 10)])
        store.open_session(f"digest {one}", one, 100)
        store.dismiss(one, 1, 5)
        store.add_impression(one, Impression(1, "rating", 1, (1, 2)))
        counts = {"matched": 1, "changed": 1, "ambiguous": 1, "missing": 1}
        store.add_import(one, 1, "imdb", counts)
        store.add_token(f"token {one}", one, "script", 1)
    store.delete_user(user)
    assert [owner for owner, _ in store.all_ratings()] == [other]
    assert store.session_user(f"digest {user}", 0) is None
    assert store.token_user(f"token {user}") is None
    assert store.dismissed(user) == store.impressions(user) == store.imports(user) == []
    assert store.session_user(f"digest {other}", 0) is not None


def test_a_session_is_valid_until_it_expires_and_can_be_renewed(store: Store) -> None:
    user = store.add_guest(1)
    store.open_session("digest", user.id, 50)
    assert store.session_user("digest", 49) == (user, 50)
    assert store.session_user("digest", 50) is None
    store.renew_session("digest", 60)
    assert store.session_user("digest", 50) == (user, 60)
    store.close_session("digest")
    assert store.session_user("digest", 50) is None


def test_expired_sessions_and_old_guests_without_data_are_deleted(store: Store) -> None:
    idle, rater, dismisser = (store.add_guest(1).id for _ in range(3))
    visitor, new = store.add_guest(1).id, store.add_guest(5000).id
    store.rate(rater, [StoredRating(318, 4.5, 10)])
    store.dismiss(dismisser, 318, 10)
    store.open_session("expired", idle, 50)
    store.open_session("valid", visitor, 9000)
    store.delete_expired(5001)
    assert store.user(idle) is None
    assert all(store.user(kept) for kept in (rater, dismisser, visitor, new))


def test_an_attempt_counts_until_its_time_is_over(store: Store) -> None:
    assert [store.count_attempt("a", now, 2, 10) for now in (100, 104)] == [0, 0]
    assert store.count_attempt("a", 106, 2, 10) == 4
    assert store.count_attempt("a", 110, 2, 10) == 0
    assert store.count_attempt("a", 111, 2, 10) == 3
    store.delete_attempts("a")
    assert store.count_attempt("a", 111, 2, 10) == 0
