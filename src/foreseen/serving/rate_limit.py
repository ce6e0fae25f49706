"""Limits on how often somebody may try: kept in the store, so that they hold for all processes.

Names and addresses are not kept, only keyed digests of them.
"""

import hashlib
import hmac
import time

from foreseen.serving.store import Store


class Limiter:
    """Counts tries by key and says how long to wait after too many of them."""

    def __init__(self, store: Store, secret: str, what: str, most: int, seconds: int) -> None:
        """Limit something.

        Args:
            store: Where tries are counted.
            secret: What keys are digested with.
            what: Is tried; tries of different things are counted apart.
            most: How many tries are free.
            seconds: How long a try counts.
        """
        self._store = store
        self._secret = secret.encode()
        self._what = what
        self._most = most
        self._seconds = seconds

    def take(self, key: str) -> int:
        """Count a try; return 0. After too many it counts none: return the seconds to wait."""
        digest = self._digest(key)
        return self._store.count_try(digest, int(time.time()), self._most, self._seconds)

    def forget(self, key: str) -> None:
        """Forget a key's tries."""
        self._store.forget_tries(self._digest(key))

    def _digest(self, key: str) -> str:
        text = f"{self._what} {key}".encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()
