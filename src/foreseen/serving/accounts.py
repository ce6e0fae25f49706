"""Who is asking: passwords, sessions, tokens, and limits on guessing.

Passwords are kept as argon2id digests, session keys and tokens as SHA-256 digests: what is in the
database opens nothing. The session's cookie is signed, so that forged ones are refused without a
look at the database; forms carry a second value bound to it, which other sites cannot know.
"""

import hashlib
import hmac
import re
import secrets
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from math import ceil
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from itsdangerous import BadSignature, Signer

from foreseen.errors import InputError
from foreseen.serving.rate_limit import Limiter
from foreseen.serving.store import Store, Token, User

SESSION_COOKIE: Final = "foreseen_session"
SESSION_SECONDS: Final = 90 * 86_400
"""A session ends when it has not been used for so long."""
_RENEWED: Final = SESSION_SECONDS - 86_400
_SHORTEST_PASSWORD: Final = 10
_LONGEST_PASSWORD: Final = 1024
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,31}")
_TRIES: Final = 10
_TRY_SECONDS: Final = 300
_HASHING: Final = 2


class TooManyTriesError(InputError):
    """Somebody tries passwords too fast."""


class SignInError(InputError):
    """No such name, or not its password; which of the two is not told."""


@dataclass(frozen=True)
class Session:
    """An open session: whose it is, and what its cookie and its forms carry."""

    user: User
    cookie: str
    form_key: str


class Accounts:
    """Signing up, in and out."""

    def __init__(
        self,
        store: Store,
        secret: str,
        admins: Collection[str] = (),
        first_administers: bool = False,
    ) -> None:
        """Keep accounts in a store.

        Args:
            store: Where.
            secret: What cookies are signed with.
            admins: Names of those who administer, in lower case.
            first_administers: Whether whoever signs up first does, too.
        """
        self._store = store
        self._admins = frozenset(admins)
        self._first_administers = first_administers
        self._secret = secret.encode()
        self._signer = Signer(secret, salt="session")
        self._hasher = PasswordHasher()
        # Verified against where there is no such name, so that both answers take as long.
        self._nobody = self._hasher.hash(secrets.token_urlsafe())
        self._limiter = Limiter(store, secret, "sign in", _TRIES, _TRY_SECONDS)
        # argon2 takes tens of mebibytes at a time, on purpose.
        self._hashing = threading.Semaphore(_HASHING)

    def open_guest(self) -> Session:
        """Make a guest with a session."""
        return self._open(self._store.add_guest(_now()))

    def session(self, cookie: str | None) -> Session | None:
        """Return the session of a cookie; None if it is forged, ended or expired."""
        if not cookie:
            return None
        try:
            key = self._signer.unsign(cookie).decode()
        except (BadSignature, UnicodeDecodeError):
            return None
        found = self._store.session_user(_digest(key), _now())
        if found is None:
            return None
        user, expires = found
        # Once a day is enough.
        if expires < _now() + _RENEWED:
            self._store.renew_session(_digest(key), _now() + SESSION_SECONDS)
        return Session(user, cookie, self._form_key(key))

    def bearer(self, token: str) -> User | None:
        """Return whose API token it is."""
        return self._store.token_user(_digest(token))

    def sign_up(self, session: Session, name: str, password: str) -> Session:
        """Give a guest's session a name and a password; the session gets a new key.

        Raises:
            InputError: If the name or the password will not do, or the name is taken.
        """
        name = check_name(name)
        check_password(password, name)
        if self._store.credentials(name) is not None:
            raise InputError(f"the name '{name}' is taken; choose another")
        first = self._first_administers and not self._store.named_users()
        with self._hashing:
            digest = self._hasher.hash(password)
        role = "admin" if first or name in self._admins else "viewer"
        self._store.sign_up(session.user.id, name, digest, role)
        user = self._store.user(session.user.id)
        assert user is not None  # noqa: S101
        return self._open(user)

    def sign_in(
        self, name: str, password: str, address: str, guest: Session | None = None
    ) -> Session:
        """Open a session; what a guest has rated on the way goes along.

        Args:
            name: Of the account.
            password: Of the account.
            address: Where the try comes from.
            guest: The session that was open so far, if any; a named one stays as it is.

        Raises:
            TooManyTriesError: If this name or this address has been tried too often lately.
            SignInError: If name and password do not belong together.
        """
        user = self._verify(name.lower(), password, address)
        if guest is not None and guest.user.name is None:
            self._take_along(guest.user, user)
        return self._open(user)

    def change_password(
        self, user: User, session: Session | None, old: str, new: str, address: str
    ) -> None:
        """Change a password; all sessions of the account end but the one that asks.

        Raises:
            InputError: If the user is a guest, or the new password will not do.
            TooManyTriesError: If the old one has been tried too often lately.
            SignInError: If the old one is wrong.
        """
        if user.name is None:
            raise InputError("sign up first: guests have no password")
        check_password(new, user.name)
        self._verify(user.name, old, address)
        with self._hashing:
            digest = self._hasher.hash(new)
        kept = None if session is None else _digest(self._key(session))
        self._store.change_password(user.id, digest, kept)

    def _verify(self, name: str, password: str, address: str) -> User:
        keys = (f"{name} from {address}", address)
        for key in keys:
            # Before it is known whether it fails: tries at the same time count too.
            wait = self._limiter.take(key)
            if wait > 0:
                raise TooManyTriesError(f"too many tries; try again in {ceil(wait / 60)} minutes")
        found = self._store.credentials(name) if _NAME.fullmatch(name) else None
        digest = found[1] if found else self._nobody
        try:
            with self._hashing:
                self._hasher.verify(digest, password[:_LONGEST_PASSWORD])
        except VerificationError:
            found = None
        if found is None:
            raise SignInError("name and password do not belong together")
        for key in keys:
            self._limiter.forget(key)
        return found[0]

    def _take_along(self, guest: User, user: User) -> None:
        """Move what a guest has told to an account; of two ratings of a movie the later stays."""
        kept = {entry.movie: entry.rated for entry in self._store.ratings(user.id)}
        told = self._store.ratings(guest.id)
        later = [entry for entry in told if entry.rated > kept.get(entry.movie, -1)]
        self._store.rate(user.id, later)
        for movie in self._store.dismissed(guest.id):
            self._store.dismiss(user.id, movie, _now())
        self._store.delete_user(guest.id)

    def sign_out(self, session: Session) -> None:
        """End a session; its cookie opens nothing any more."""
        self._store.close_session(_digest(self._key(session)))

    def add_token(self, user: User, label: str) -> tuple[Token, str]:
        """Make an API token; return it with its text, which is not kept.

        Raises:
            InputError: If the label is empty or too long.
        """
        label = label.strip()
        if not 1 <= len(label) <= 64 or not label.isprintable():
            raise InputError("a token's label should have 1 to 64 characters")
        if user.name is None:
            raise InputError("sign up first: tokens are for accounts with a name")
        text = secrets.token_urlsafe(32)
        return self._store.add_token(_digest(text), user.id, label, _now()), text

    def form_is_ours(self, session: Session, form_key: str) -> bool:
        """Tell whether a form was made for this session."""
        return hmac.compare_digest(session.form_key.encode(), form_key.encode())

    def _open(self, user: User) -> Session:
        key = secrets.token_urlsafe(32)
        self._store.open_session(_digest(key), user.id, _now() + SESSION_SECONDS)
        return Session(user, self._signer.sign(key).decode(), self._form_key(key))

    def _key(self, session: Session) -> str:
        return self._signer.unsign(session.cookie).decode()

    def _form_key(self, key: str) -> str:
        return hmac.new(self._secret, f"form {key}".encode(), hashlib.sha256).hexdigest()


def check_name(name: str) -> str:
    """Return a name in lower case, so that no two look alike, or refuse one that will not do.

    Raises:
        InputError: Saying what would.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            "a name has 2 to 32 letters, digits, dots, dashes or underscores, and begins with a "
            "letter or a digit"
        )
    return name.lower()


def check_password(password: str, name: str) -> None:
    """Refuse a password that is too easily guessed.

    Raises:
        InputError: Saying what would do.
    """
    if not _SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
        raise InputError(f"a password has at least {_SHORTEST_PASSWORD} characters")
    if len(set(password)) < 4 or (len(name) > 3 and name in password.lower()):
        raise InputError("this password is too easily guessed; choose another")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _now() -> int:
    return int(time.time())
