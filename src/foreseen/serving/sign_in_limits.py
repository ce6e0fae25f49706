"""Limits on guessing passwords: by address, by name and address, and by account.

The limit by account holds across addresses. So that others cannot lock the owner of an account out
by exhausting it, it does not apply to addresses from which the account signed in before.
"""

from math import ceil
from typing import Final

from foreseen.errors import InputError
from foreseen.messages import Message
from foreseen.serving.rate_limit import RateLimiter, client_key
from foreseen.serving.store import Store

_MAX_ATTEMPTS: Final = 10
_ATTEMPT_SECONDS: Final = 300
_MAX_ACCOUNT_ATTEMPTS: Final = 200
_ACCOUNT_SECONDS: Final = 3600
"""In this time one address makes at most 120 attempts, too few to exhaust the limit."""
_KNOWN_SECONDS: Final = 30 * 86_400
_REMEMBERED_BELOW: Final = _KNOWN_SECONDS - 86_400
"""A known address with less time left is stored again; thus at most once a day."""


class TooManyAttemptsError(InputError):
    """Too many attempts of an action.

    Attributes:
        retry_after: Seconds until another attempt is allowed.
    """

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SignInLimits:
    """Counts the failed attempts to sign in."""

    def __init__(self, store: Store, secret: str) -> None:
        """Count attempts in a store, under digests keyed by the secret."""

        def limiter(action: str, limit: int, seconds: int) -> RateLimiter:
            return RateLimiter(store, secret, action, limit, seconds)

        self._by_address = limiter("sign in from", _MAX_ATTEMPTS, _ATTEMPT_SECONDS)
        self._by_pair = limiter("sign in", _MAX_ATTEMPTS, _ATTEMPT_SECONDS)
        self._by_account = limiter("sign in as", _MAX_ACCOUNT_ATTEMPTS, _ACCOUNT_SECONDS)
        self._known = limiter("signed in", 1, _KNOWN_SECONDS)

    def count(self, name: str, address: str, *, trusted: bool = False) -> None:
        """Count an attempt, before its outcome is known, so that concurrent attempts count too.

        Args:
            name: Of the account, in lower case.
            address: Of the client.
            trusted: Whether the client has a session of the account.

        Raises:
            TooManyAttemptsError: If a limit is reached.
        """
        for limiter, key in self._counted(name, address, trusted):
            wait = limiter.take(key)
            if wait > 0:
                message = Message(
                    "too many tries; try again in %(minutes)s minutes", minutes=ceil(wait / 60)
                )
                raise TooManyAttemptsError(message, wait)

    def succeeded(self, name: str, address: str, *, trusted: bool = False) -> None:
        """Take back a counted attempt; for the other arguments see `count`.

        Earlier failures with the same name from the address are forgotten, those with other names
        count on.
        """
        for limiter, key in self._counted(name, address, trusted):
            limiter.give_back(key)
        pair = _pair(name, address)
        self._by_pair.reset(pair)
        if self._known.wait(pair) < _REMEMBERED_BELOW:
            self._known.reset(pair)
            self._known.take(pair)

    def _counted(self, name: str, address: str, trusted: bool) -> list[tuple[RateLimiter, str]]:
        """Return the limits that apply, and the keys of the attempt."""
        pair = _pair(name, address)
        limits = [(self._by_address, client_key(address)), (self._by_pair, pair)]
        # Last, so that an address beyond its own limit does not exhaust that of the account.
        if not trusted and self._known.wait(pair) == 0:
            limits.append((self._by_account, name))
        return limits


def _pair(name: str, address: str) -> str:
    return f"{name} from {client_key(address)}"
