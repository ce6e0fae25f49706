"""Limits on guessing passwords."""

import time
from pathlib import Path

import pytest

from foreseen.serving import sign_in_limits
from foreseen.serving.accounts import Accounts, SignInError
from foreseen.serving.sign_in_limits import TooManyAttemptsError
from foreseen.serving.store import Store

SECRET = "for-tests-only-0123456789-abcdefghijklm"  # noqa: S105
PASSWORD = "correct horse battery"  # noqa: S105
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"
pytestmark = pytest.mark.usefixtures("fast_hasher")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ratings.db'}"


@pytest.fixture
def accounts(store: Store) -> Accounts:
    opened = Accounts(store, SECRET)
    for name in ("ann", "mallory"):
        opened.sign_up(opened.open_guest(), name, PASSWORD)
    return opened


def fail(accounts: Accounts, name: str, address: str, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(SignInError):
            accounts.sign_in(name, "wrong password", address)


def refused(accounts: Accounts, name: str, address: str) -> int:
    """Return the seconds to wait after a refusal even of the right password."""
    with pytest.raises(TooManyAttemptsError) as raised:
        accounts.sign_in(name, PASSWORD, address)
    return raised.value.retry_after


def test_after_too_many_attempts_even_the_right_password_is_refused(accounts: Accounts) -> None:
    fail(accounts, "ann", HOME, 10)
    assert 290 <= refused(accounts, "ann", HOME) <= 300
    assert accounts.sign_in("ann", PASSWORD, ELSEWHERE).user.name == "ann"


def test_signing_in_to_an_own_account_does_not_reset_the_count_of_the_address(
    accounts: Accounts,
) -> None:
    for _ in range(5):
        fail(accounts, "ann", HOME, 2)
        if _ < 4:
            accounts.sign_in("mallory", PASSWORD, HOME)
    refused(accounts, "ann", HOME)
    refused(accounts, "mallory", HOME)


def test_successful_attempts_do_not_count(accounts: Accounts) -> None:
    for _ in range(15):
        accounts.sign_in("ann", PASSWORD, HOME)
    fail(accounts, "ann", HOME, 10)
    refused(accounts, "ann", HOME)


def test_a_network_of_ipv6_counts_as_one_address(accounts: Accounts) -> None:
    for n in range(10):
        fail(accounts, "ann", f"2001:db8:1:2::{n:x}")
    refused(accounts, "ann", "2001:db8:1:2:ffff::1")
    assert accounts.sign_in("ann", PASSWORD, "2001:db8:1:3::1").user.name == "ann"


def test_guesses_from_many_addresses_are_limited_and_do_not_lock_the_owner_out(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in_limits, "_MAX_ACCOUNT_ATTEMPTS", 30)
    accounts = Accounts(store, SECRET)
    session = accounts.sign_up(accounts.open_guest(), "ann", PASSWORD)
    accounts.sign_in("ann", PASSWORD, HOME)
    for n in range(30):
        fail(accounts, "ann", f"203.0.113.{n}")
    assert 3500 <= refused(accounts, "ann", ELSEWHERE) <= 3600
    assert accounts.sign_in("ann", PASSWORD, HOME).user.name == "ann"
    accounts.change_password(session, PASSWORD, "another long one", ELSEWHERE)


def test_an_address_beyond_its_limit_does_not_exhaust_that_of_the_account(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in_limits, "_MAX_ACCOUNT_ATTEMPTS", 12)
    accounts = Accounts(store, SECRET)
    accounts.sign_up(accounts.open_guest(), "ann", PASSWORD)
    fail(accounts, "ann", HOME, 10)
    for _ in range(10):
        refused(accounts, "ann", HOME)
    assert accounts.sign_in("ann", PASSWORD, ELSEWHERE).user.name == "ann"


def test_a_clock_that_was_set_back_locks_nobody_for_long(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 365 * 86_400)
    fail(accounts, "ann", HOME, 10)
    assert refused(accounts, "ann", HOME) <= 300
    monkeypatch.setattr(time, "time", real)
    assert accounts.sign_in("ann", PASSWORD, HOME).user.name == "ann"
