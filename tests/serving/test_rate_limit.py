"""Rate limits, stored in the database."""

import pytest

from foreseen.serving.rate_limit import RateLimiter, client_key
from foreseen.serving.store import Store


def test_attempts_are_counted_across_all_processes_of_a_database(store: Store, url: str) -> None:
    other = Store(url)
    first = RateLimiter(store, "secret", "sign in", 3, 60)
    second = RateLimiter(other, "secret", "sign in", 3, 60)
    assert [limiter.take("ann") for limiter in (first, second, first)] == [0, 0, 0]
    assert 0 < second.take("ann") <= 60
    other.close()


def test_keys_and_actions_are_counted_separately(store: Store) -> None:
    sign_in = RateLimiter(store, "secret", "sign in", 1, 60)
    assert sign_in.take("ann") == 0
    assert sign_in.take("ann") > 0
    assert sign_in.take("bob") == 0
    assert RateLimiter(store, "secret", "sign up", 1, 60).take("ann") == 0


def test_a_reset_key_can_be_used_again(store: Store) -> None:
    limiter = RateLimiter(store, "secret", "sign in", 1, 60)
    limiter.take("ann")
    limiter.take("bob")
    limiter.reset("ann")
    assert limiter.take("ann") == 0
    assert limiter.take("bob") > 0


def test_an_attempt_that_is_given_back_does_not_count(store: Store) -> None:
    limiter = RateLimiter(store, "secret", "sign in", 2, 60)
    assert [limiter.take("ann"), limiter.take("ann")] == [0, 0]
    assert limiter.wait("ann") > 0
    limiter.give_back("ann")
    assert limiter.wait("ann") == 0
    assert limiter.take("ann") == 0
    assert limiter.take("ann") > 0


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_clients_are_counted_by_ipv4_address_or_ipv6_network(address: str, key: str) -> None:
    assert client_key(address) == key
