"""Rate limits by name or address, stored in the database, so that they hold across processes.

Only keyed digests of the names and addresses are stored.
"""

import hashlib
import hmac
import time

from foreseen.serving.store import Store


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

    def reset(self, key: str) -> None:
        """Delete the attempts of a key."""
        self._store.delete_attempts(self._digest(key))

    def _digest(self, key: str) -> str:
        text = f"{self._action} {key}".encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()
