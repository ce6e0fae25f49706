"""Accounts: sign-up, sign-in, sessions, API tokens and CSRF tokens.

Passwords are stored as argon2id digests, session keys and tokens as SHA-256 digests, so the content
of the database grants no access. The session cookie is signed: forged ones are refused without a
query. Its CSRF token, an HMAC of the session key, is sent with every change; other sites cannot
read it.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from itsdangerous import BadSignature, Signer

from foreseen.errors import InputError
from foreseen.integrity import sha256
from foreseen.messages import Message
from foreseen.serving.passwords import Passwords, check_name, check_password, is_name
from foreseen.serving.sign_in_limits import SignInLimits
from foreseen.serving.store import Store, Token, User

SESSION_COOKIE: Final = "foreseen_session"
SESSION_SECONDS: Final = 90 * 86_400
"""A session expires after this time without use."""
_RENEWED_BELOW: Final = SESSION_SECONDS - 86_400
"""A session with less time left is renewed; thus at most once a day."""


class SignInError(InputError):
    """The name is unknown or the password is wrong; the message does not say which."""


@dataclass(frozen=True)
class Session:
    """An open session.

    Attributes:
        user: Its user.
        cookie: The signed session key.
        csrf_token: Sent with every change.
    """

    user: User
    cookie: str
    csrf_token: str


class Accounts:
    """Registration, sessions and tokens."""

    def __init__(
        self,
        store: Store,
        secret: str,
        admins: Collection[str] = (),
        first_administers: bool = False,
    ) -> None:
        """Manage the accounts of a store.

        Args:
            store: An open store.
            secret: Signs the session cookies.
            admins: Names of the administrators, in lower case.
            first_administers: Whether the first account to sign up is an administrator too.
        """
        self._store = store
        self._admins = frozenset(admins)
        self._first_administers = first_administers
        self._secret = secret.encode()
        self._signer = Signer(secret, salt="session")
        self._passwords = Passwords()
        self._limits = SignInLimits(store, secret)

    def open_guest(self) -> Session:
        """Create a guest with a session."""
        return self._open(self._store.add_guest(_now()))

    def session(self, cookie: str | None) -> Session | None:
        """Return the session of a cookie; None if it is forged, ended or expired."""
        if not cookie:
            return None
        try:
            key = self._signer.unsign(cookie).decode()
        except (BadSignature, UnicodeDecodeError):
            return None
        found = self._store.session_user(sha256(key.encode()), _now())
        if found is None:
            return None
        user, expires = found
        if expires < _now() + _RENEWED_BELOW:
            self._store.renew_session(sha256(key.encode()), _now() + SESSION_SECONDS)
        return Session(user, cookie, self._csrf_token(key))

    def bearer(self, token: str) -> User | None:
        """Return the user of an API token; None if it is unknown."""
        return self._store.token_user(sha256(token.encode()))

    def sign_up(
        self, session: Session, name: str, password: str, *, proxied: bool = False
    ) -> Session:
        """Turn a session's guest into an account; return a new session for it.

        Args:
            session: Of the guest.
            name: Of the account.
            password: Of the account.
            proxied: Whether the request came through a proxy; then only names configured as such
                become administrators.

        Raises:
            InputError: If the name or the password is invalid, or the name is taken.
        """
        name = check_name(name)
        check_password(password, name)
        if self._store.credentials(name) is not None:
            raise InputError(Message("the name '%(name)s' is taken; choose another", name=name))
        digest = self._passwords.hash(password)
        guest = session.user
        role = self._store.sign_up(
            guest.id,
            name,
            digest,
            "admin" if name in self._admins else "viewer",
            first_administers=self._first_administers and not proxied,
        )
        return self._open(User(guest.id, name, role, guest.made))

    def sign_in(
        self, name: str, password: str, address: str, guest: Session | None = None
    ) -> Session:
        """Open a session of an account; a guest's ratings move to the account.

        Args:
            name: Of the account.
            password: Of the account.
            address: Of the client.
            guest: The client's previous session, if any; one of another account is left as it is.

        Raises:
            TooManyAttemptsError: If there were too many attempts for the name or the address.
            SignInError: If the name is unknown or the password wrong.
        """
        user = self._verify(name.lower(), password, address)
        if guest is not None and guest.user.name is None:
            self._move_guest_data(guest.user, user)
        return self._open(user)

    def change_password(self, session: Session, old: str, new: str, address: str) -> None:
        """Change a password; all tokens and all other sessions of the account end.

        Args:
            session: A session of the account.
            old: The current password.
            new: The new password.
            address: Of the client.

        Raises:
            InputError: If the user is a guest, or the new password is invalid.
            TooManyAttemptsError: If there were too many attempts.
            SignInError: If the current password is wrong.
        """
        user = session.user
        if user.name is None:
            raise InputError(Message("sign up first: guests have no password"))
        check_password(new, user.name)
        self._verify(user.name, old, address, trusted=True)
        digest = self._passwords.hash(new)
        self._store.change_password(user.id, digest, sha256(self._key(session).encode()))

    def _verify(self, name: str, password: str, address: str, *, trusted: bool = False) -> User:
        self._limits.count(name, address, trusted=trusted)
        found = self._store.credentials(name) if is_name(name) else None
        if not self._passwords.verify(password, found[1] if found else None) or found is None:
            raise SignInError(Message("name and password do not belong together"))
        self._limits.succeeded(name, address, trusted=trusted)
        return found[0]

    def _move_guest_data(self, guest: User, user: User) -> None:
        """Move a guest's data to an account; of two ratings of a movie the later one stays."""
        rated_at = {entry.movie: entry.rated for entry in self._store.ratings(user.id)}
        moved = [
            entry
            for entry in self._store.ratings(guest.id)
            if entry.rated > rated_at.get(entry.movie, -1)
        ]
        self._store.rate(user.id, moved)
        for movie_list, entries in self._store.lists(guest.id).items():
            self._store.add_to(movie_list, user.id, entries)
        self._store.delete_user(guest.id)

    def sign_out(self, session: Session) -> None:
        """End a session; its cookie becomes invalid."""
        self._store.close_session(sha256(self._key(session).encode()))

    def add_token(self, user: User, label: str) -> tuple[Token, str]:
        """Create an API token; return it with its text, which is not stored.

        Raises:
            InputError: If the label is empty, too long or not printable, the user is a guest, or
                has too many tokens already.
        """
        label = label.strip()
        if not 1 <= len(label) <= 64 or not label.isprintable():
            raise InputError(Message("a token's label should have 1 to 64 characters"))
        if user.name is None:
            raise InputError(Message("sign up first: tokens are for accounts with a name"))
        text = secrets.token_urlsafe(32)
        return self._store.add_token(sha256(text.encode()), user.id, label, _now()), text

    def is_valid_csrf_token(self, session: Session, csrf_token: str) -> bool:
        """Return whether a CSRF token is that of a session."""
        return hmac.compare_digest(session.csrf_token.encode(), csrf_token.encode())

    def _open(self, user: User) -> Session:
        key = secrets.token_urlsafe(32)
        self._store.open_session(sha256(key.encode()), user.id, _now() + SESSION_SECONDS)
        return Session(user, self._signer.sign(key).decode(), self._csrf_token(key))

    def _key(self, session: Session) -> str:
        return self._signer.unsign(session.cookie).decode()

    def _csrf_token(self, key: str) -> str:
        return hmac.new(self._secret, f"form {key}".encode(), hashlib.sha256).hexdigest()


def _now() -> int:
    return int(time.time())
