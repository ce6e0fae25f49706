"""The address and the key of the webhook; imported by the parent process, so without the server."""

import os
from typing import Final

from foreseen.errors import InputError
from foreseen.serving.hosts import is_safe_url

KEY: Final = "FORESEEN_WEBHOOK_SECRET"
_SHORTEST_KEY: Final = 16


def check_webhook(url: str) -> str:
    """Return the URL of a webhook: HTTPS, or HTTP on this machine, without a password.

    Raises:
        InputError: If it is another.
    """
    if not is_safe_url(url):
        raise InputError(
            "--webhook: a URL should begin with https://, or with http:// and a loopback address, "
            f"and have no user name. Received: '{url}'"
        )
    return url


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
