"""Sessions and API tokens."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from foreseen.errors import InputError
from foreseen.serving.store import Store
from foreseen.serving.store.sessions import MAX_SESSIONS, MAX_TOKENS


def test_a_session_is_valid_until_it_expires_and_can_be_renewed(store: Store) -> None:
    user = store.add_guest(1)
    store.open_session("digest", user.id, 50)
    assert store.session_user("digest", 49) == (user, 50)
    assert store.session_user("digest", 50) is None
    store.renew_session("digest", 60)
    assert store.session_user("digest", 50) == (user, 60)
    store.close_session("digest")
    assert store.session_user("digest", 50) is None


def test_beyond_the_bound_the_oldest_session_of_a_user_ends(store: Store) -> None:
    user, other = store.add_guest(1).id, store.add_guest(1).id
    store.open_session("of another", other, 1)
    for n in range(MAX_SESSIONS + 2):
        store.open_session(f"digest {n}", user, 100 + n)
    opened = [store.session_user(f"digest {n}", 0) for n in range(MAX_SESSIONS + 2)]
    assert opened[:2] == [None, None]
    assert None not in opened[2:]
    assert store.session_user("of another", 0) is not None


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


def test_an_account_has_a_bounded_number_of_tokens_also_if_they_are_created_at_once(
    store: Store,
) -> None:
    user = store.add_guest(1).id

    def add(n: int) -> bool:
        try:
            store.add_token(f"digest {n}", user, "script", 1)
        except InputError as error:
            assert "at most 20 tokens" in str(error)  # noqa: PT017
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(add, range(MAX_TOKENS + 8)))
    assert sum(added) == MAX_TOKENS == len(store.tokens(user))
    store.delete_token(user, store.tokens(user)[0].id)
    store.add_token("another", user, "script", 1)
    with pytest.raises(InputError, match="delete one first"):
        store.add_token("one more", user, "script", 1)
