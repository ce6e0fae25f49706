"""Names and passwords: what is accepted, and the digests of passwords by argon2id."""

import re
import secrets
from base64 import b64encode
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from argon2.low_level import ARGON2_VERSION  # pyright: ignore[reportUnknownVariableType]

from foreseen.errors import InputError
from foreseen.messages import Message

_SHORTEST_PASSWORD: Final = 10
_LONGEST_PASSWORD: Final = 1024
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,31}")
_FEWEST_CHARACTERS: Final = 4


class Passwords:
    """Digests of passwords. Each takes tens of mebibytes and milliseconds, on purpose."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        # Verified against if the name is unknown, so that the response time is the same.
        self._dummy_digest = random_digest(self._hasher)

    def hash(self, password: str) -> str:
        """Return the digest of a password."""
        return self._hasher.hash(password)

    def verify(self, password: str, digest: str | None) -> bool:
        """Return whether a password has a digest; False after the same time if there is none."""
        try:
            self._hasher.verify(digest or self._dummy_digest, password[:_LONGEST_PASSWORD])
        except VerificationError:
            return False
        return digest is not None


def random_digest(hasher: PasswordHasher) -> str:
    """Return a digest of no known password, with the parameters of a hasher; nothing is hashed."""
    salt, digest = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (hasher.salt_len, hasher.hash_len)
    )
    return (
        f"$argon2id$v={ARGON2_VERSION}$m={hasher.memory_cost},t={hasher.time_cost},"
        f"p={hasher.parallelism}${salt}${digest}"
    )


def is_name(name: str) -> bool:
    """Return whether a name is valid, apart from its case."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """Return a name in lower case, so that names differ by more than case.

    Raises:
        InputError: If the name is invalid.
    """
    if not is_name(name):
        raise InputError(
            Message(
                "a name has 2 to 32 letters, digits, dots, dashes or underscores, and begins with "
                "a letter or a digit"
            )
        )
    return name.lower()


def check_password(password: str, name: str) -> None:
    """Check that a password is not too easily guessed.

    Raises:
        InputError: If it is.
    """
    if not _SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
        raise InputError(
            Message("a password has at least %(least)s characters", least=_SHORTEST_PASSWORD)
        )
    if len(set(password)) < _FEWEST_CHARACTERS or (len(name) > 3 and name in password.lower()):
        raise InputError(Message("this password is too easily guessed; choose another"))
