"""Rate limits by name or address, stored in the database, so that they hold across processes.

Only keyed digests of the names and addresses are stored.
"""

import hashlib
import hmac
import ipaddress
import time
from typing import Final

from foreseen.serving.store import Store

_IPV6_PREFIX: Final = 64
"""Bits of an IPv6 address that identify a customer of a provider, who has all the others."""


class RateLimiter:
    """A sliding-window limit on the attempts of each key."""

    def __init__(self, store: Store, secret: str, action: str, limit: int, seconds: int) -> None:
        """Limit an action.

        Args:
            store: Stores the attempts.
            secret: Key of the digests.
            action: Name of the action; different actions are counted separately.
            limit: Number of attempts allowed within the window.
            seconds: Length of the window.
        """
        self._store = store
        self._secret = secret.encode()
        self._action = action
        self._limit = limit
        self._seconds = seconds

    def take(self, key: str) -> int:
        """Count an attempt and return 0, or return the seconds to wait if the limit is reached."""
        digest = self._digest(key)
        return self._store.count_attempt(digest, int(time.time()), self._limit, self._seconds)

    def wait(self, key: str) -> int:
        """Return what `take` would, without counting an attempt."""
        digest = self._digest(key)
        return self._store.attempt_wait(digest, int(time.time()), self._limit, self._seconds)

    def give_back(self, key: str) -> None:
        """Delete the latest attempt of a key."""
        self._store.delete_latest_attempt(self._digest(key))

    def reset(self, key: str) -> None:
        """Delete the attempts of a key."""
        self._store.delete_attempts(self._digest(key))

    def _digest(self, key: str) -> str:
        text = f"{self._action} {key}".encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()


def client_key(address: str) -> str:
    """Return the key by which a client's attempts are counted.

    This is an IPv4 address, also if it is written as an IPv6 address, or the network of an IPv6
    address; a text that is no address is returned unchanged.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed), _IPV6_PREFIX), strict=False))
