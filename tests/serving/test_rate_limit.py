"""Rate limits, stored in the database."""

from foreseen.serving.rate_limit import RateLimiter
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
