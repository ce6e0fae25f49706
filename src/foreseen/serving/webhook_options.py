"""The key of the webhook; imported by the parent process, so without the server."""

import os
from typing import Final

from foreseen.errors import InputError

KEY: Final = "FORESEEN_WEBHOOK_SECRET"
_SHORTEST_KEY: Final = 16


def find_key() -> str:
    """Return the key that signs the requests, from the environment.

    Raises:
        InputError: If it is missing or too short.
    """
    key = os.environ.get(KEY, "")
    if len(key) < _SHORTEST_KEY:
        raise InputError(
            f"--webhook: set {KEY} to {_SHORTEST_KEY} characters or more, which the receiver "
            "checks signatures with"
        )
    return key
