"""Accounts without HTTP: names, passwords, sessions, tokens."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from foreseen.errors import InputError
from foreseen.serving.accounts import Accounts, SignInError
from foreseen.serving.store import MOVIE_LISTS, ListedMovie, Store, StoredRating

SECRET = "for-tests-only-0123456789-abcdefghijklm"  # noqa: S105
PASSWORD = "correct horse battery"  # noqa: S105
ADDRESS = "192.0.2.1"


pytestmark = pytest.mark.usefixtures("fast_hasher")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ratings.db'}"


@pytest.fixture
def accounts(store: Store) -> Accounts:
    return Accounts(store, SECRET, ["root"])


def test_a_session_is_found_by_its_cookie_and_by_no_other(accounts: Accounts) -> None:
    session = accounts.open_guest()
    assert accounts.session(session.cookie) == session
    for cookie in (None, "", "forged", session.cookie[:-1], f"x{session.cookie}"):
        assert accounts.session(cookie) is None
    accounts.sign_out(session)
    assert accounts.session(session.cookie) is None


def test_a_csrf_token_is_valid_for_its_session_only(accounts: Accounts) -> None:
    first, second = accounts.open_guest(), accounts.open_guest()
    assert accounts.is_valid_csrf_token(first, first.csrf_token)
    assert not accounts.is_valid_csrf_token(first, second.csrf_token)
    assert not accounts.is_valid_csrf_token(first, "é")


def test_a_guest_becomes_an_account_with_a_new_session(accounts: Accounts) -> None:
    guest = accounts.open_guest()
    session = accounts.sign_up(guest, "Ann", PASSWORD)
    assert (session.user.id, session.user.name, session.user.role) == (
        guest.user.id,
        "ann",
        "viewer",
    )
    assert accounts.session(guest.cookie) is None
    with pytest.raises(InputError, match="taken"):
        accounts.sign_up(accounts.open_guest(), "ANN", PASSWORD)


def test_named_administrators_and_the_first_account_if_so_configured_are_admins(
    accounts: Accounts, store: Store
) -> None:
    first = Accounts(store, SECRET, first_administers=True)
    roles = [
        first.sign_up(first.open_guest(), "ann", PASSWORD).user.role,
        first.sign_up(first.open_guest(), "ben", PASSWORD).user.role,
        accounts.sign_up(accounts.open_guest(), "Root", PASSWORD).user.role,
    ]
    assert roles == ["admin", "viewer", "admin"]


def test_of_simultaneous_first_accounts_one_is_an_administrator(store: Store) -> None:
    accounts = Accounts(store, SECRET, first_administers=True)
    guests = [accounts.open_guest() for _ in range(8)]
    barrier = threading.Barrier(8)

    def sign_up(n: int) -> str:
        barrier.wait()
        return accounts.sign_up(guests[n], f"user{n}", PASSWORD).user.role

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(sign_up, range(8))) == ["admin"] + 7 * ["viewer"]


def test_the_first_account_is_no_administrator_if_it_came_through_a_proxy(store: Store) -> None:
    accounts = Accounts(store, SECRET, ["root"], first_administers=True)
    guest = accounts.open_guest()
    assert accounts.sign_up(guest, "ann", PASSWORD, proxied=True).user.role == "viewer"
    guest = accounts.open_guest()
    assert accounts.sign_up(guest, "root", PASSWORD, proxied=True).user.role == "admin"


def test_the_guests_data_moves_to_the_account_that_signs_in(
    accounts: Accounts, store: Store
) -> None:
    user = accounts.sign_up(accounts.open_guest(), "ann", PASSWORD).user
    store.rate(user.id, [StoredRating(1, 5.0, 20), StoredRating(2, 5.0, 20)])
    guest = accounts.open_guest()
    store.rate(guest.user.id, [StoredRating(1, 1.0, 10), StoredRating(2, 1.0, 30)])
    for movie_list in MOVIE_LISTS:
        store.add_to(movie_list, guest.user.id, [ListedMovie(3, 40)])
    accounts.sign_in("ann", PASSWORD, ADDRESS, guest)
    assert store.ratings(user.id) == [StoredRating(1, 5.0, 20), StoredRating(2, 1.0, 30)]
    assert store.lists(user.id) == {name: [ListedMovie(3, 40)] for name in MOVIE_LISTS}
    assert store.user(guest.user.id) is None


def test_an_unknown_name_and_a_wrong_password_have_the_same_message(accounts: Accounts) -> None:
    accounts.sign_up(accounts.open_guest(), "ann", PASSWORD)
    messages: set[str] = set()
    for name, password in (("ann", "wrong password"), ("ben", PASSWORD)):
        with pytest.raises(SignInError) as raised:
            accounts.sign_in(name, password, ADDRESS)
        messages.add(str(raised.value))
    assert len(messages) == 1


def test_a_changed_password_ends_the_other_sessions_and_the_tokens(accounts: Accounts) -> None:
    kept = accounts.sign_up(accounts.open_guest(), "ann", PASSWORD)
    other = accounts.sign_in("ann", PASSWORD, ADDRESS)
    _, token = accounts.add_token(kept.user, "script")
    accounts.change_password(kept, PASSWORD, "another long one", ADDRESS)
    assert accounts.session(kept.cookie) is not None
    assert accounts.bearer(token) is None
    assert accounts.session(other.cookie) is None
    with pytest.raises(SignInError):
        accounts.sign_in("ann", PASSWORD, ADDRESS)


def test_a_token_identifies_its_user_and_guests_have_none(accounts: Accounts) -> None:
    user = accounts.sign_up(accounts.open_guest(), "ann", PASSWORD).user
    token, text = accounts.add_token(user, " script ")
    assert token.label == "script"
    assert accounts.bearer(text) == user
    assert accounts.bearer(text + "x") is None
    with pytest.raises(InputError, match="1 to 64"):
        accounts.add_token(user, "  ")
    with pytest.raises(InputError, match="sign up first"):
        accounts.add_token(accounts.open_guest().user, "script")
