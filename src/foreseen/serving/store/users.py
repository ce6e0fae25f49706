"""Users, sessions, API tokens and rate limits. Of secrets only digests are stored."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import RowMapping, Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from foreseen.errors import InputError
from foreseen.serving.store import tables
from foreseen.serving.store.database import Database

Role = Literal["viewer", "admin"]
_NEW_GUEST: Final = 3600
"""Seconds for which a guest without sessions and data is kept."""


@dataclass(frozen=True)
class User:
    """A user; a guest has no name. `made` is the second of creation."""

    id: int
    name: str | None
    role: Role
    made: int


@dataclass(frozen=True)
class Token:
    """An API token, without its text."""

    id: int
    label: str
    made: int


class Users(Database):
    """Users, sessions, tokens and attempts."""

    def add_guest(self, now: int) -> User:
        """Create a user without a name."""
        with self._engine.begin() as connection:
            values = {"role": "viewer", "made": now}
            statement = insert(tables.users).values(values).returning(tables.users.c.id)
            return User(int(connection.execute(statement).scalar_one()), None, "viewer", now)

    def named_users(self) -> int:
        """Return the number of users with a name."""
        query = select(func.count()).where(tables.users.c.name.is_not(None))
        with self._reader.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def sign_up(self, user: int, name: str, password: str, role: Role) -> None:
        """Give a guest a name and the digest of a password; their data is kept.

        The guest's sessions and tokens are deleted.

        Raises:
            InputError: If the name is taken, or the user has one already.
        """
        try:
            with self._engine.begin() as connection:
                changed = connection.execute(
                    update(tables.users)
                    .where(tables.users.c.id == user, tables.users.c.name.is_(None))
                    .values(name=name, password=password, role=role)
                )
                if changed.rowcount != 1:
                    raise InputError("this account has a name already")
                for table in (tables.sessions, tables.tokens):
                    connection.execute(delete(table).where(table.c.user_id == user))
        except IntegrityError as error:
            raise InputError(f"the name '{name}' is taken; choose another") from error

    def user(self, user: int) -> User | None:
        """Return a user by id."""
        return self._user(select(tables.users).where(tables.users.c.id == user))

    def credentials(self, name: str) -> tuple[User, str] | None:
        """Return the user with a name and the digest of their password; None if there is none."""
        query = select(tables.users).where(tables.users.c.name == name)
        with self._reader.connect() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else (_user_of(row), str(row["password"]))

    def change_password(self, user: int, password: str, session: str | None) -> None:
        """Store the digest of a new password; delete all sessions except the given one."""
        table = tables.sessions
        with self._engine.begin() as connection:
            chosen = update(tables.users).where(tables.users.c.id == user)
            connection.execute(chosen.values(password=password))
            others = delete(table).where(table.c.user_id == user)
            if session is not None:
                others = others.where(table.c.digest != session)
            connection.execute(others)

    def delete_user(self, user: int) -> None:
        """Delete a user and all their data."""
        with self._engine.begin() as connection:
            connection.execute(delete(tables.users).where(tables.users.c.id == user))

    def open_session(self, digest: str, user: int, expires: int) -> None:
        """Store a session."""
        with self._engine.begin() as connection:
            values = {"digest": digest, "user_id": user, "expires": expires}
            connection.execute(insert(tables.sessions).values(values))

    def session_user(self, digest: str, now: int) -> tuple[User, int] | None:
        """Return the user of a session and when it expires; None if it is unknown or expired."""
        table = tables.sessions
        query = (
            select(tables.users, table.c.expires)
            .select_from(tables.users.join(table))
            .where(table.c.digest == digest, table.c.expires > now)
        )
        with self._reader.connect() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else (_user_of(row), int(row["expires"]))

    def renew_session(self, digest: str, expires: int) -> None:
        """Change when a session expires."""
        table = tables.sessions
        with self._engine.begin() as connection:
            connection.execute(
                update(table).where(table.c.digest == digest).values(expires=expires)
            )

    def close_session(self, digest: str) -> None:
        """Delete a session."""
        with self._engine.begin() as connection:
            connection.execute(delete(tables.sessions).where(tables.sessions.c.digest == digest))

    def delete_expired(self, now: int) -> None:
        """Delete expired sessions and attempts, and guests without sessions and data."""
        sessions, ratings, dismissed = tables.sessions, tables.ratings, tables.dismissed
        with self._engine.begin() as connection:
            connection.execute(delete(sessions).where(sessions.c.expires <= now))
            connection.execute(delete(tables.tries).where(tables.tries.c.expires <= now))
            connection.execute(
                delete(tables.users).where(
                    tables.users.c.name.is_(None),
                    ~select(sessions.c.digest)
                    .where(sessions.c.user_id == tables.users.c.id)
                    .exists(),
                    tables.users.c.made < now - _NEW_GUEST,
                    ~select(ratings.c.movie_id)
                    .where(ratings.c.user_id == tables.users.c.id)
                    .exists(),
                    ~select(dismissed.c.at)
                    .where(dismissed.c.user_id == tables.users.c.id)
                    .exists(),
                )
            )

    def add_token(self, digest: str, user: int, label: str, now: int) -> Token:
        """Store an API token."""
        values = {"digest": digest, "user_id": user, "label": label, "made": now}
        with self._engine.begin() as connection:
            statement = insert(tables.tokens).values(values).returning(tables.tokens.c.id)
            return Token(int(connection.execute(statement).scalar_one()), label, now)

    def tokens(self, user: int) -> list[Token]:
        """Return a user's tokens, oldest first."""
        table = tables.tokens
        query = select(table).where(table.c.user_id == user).order_by(table.c.id)
        with self._reader.connect() as connection:
            rows = connection.execute(query).mappings()
            return [Token(int(row["id"]), str(row["label"]), int(row["made"])) for row in rows]

    def token_user(self, digest: str) -> User | None:
        """Return the user of a token; None if it is unknown."""
        table = tables.tokens
        joined = tables.users.join(table)
        return self._user(select(tables.users).select_from(joined).where(table.c.digest == digest))

    def delete_token(self, user: int, token: int) -> bool:
        """Delete one of a user's tokens; return whether there was one."""
        table = tables.tokens
        with self._engine.begin() as connection:
            query = delete(table).where(table.c.user_id == user, table.c.id == token)
            return connection.execute(query).rowcount > 0

    def count_attempt(self, digest: str, now: int, limit: int, seconds: int) -> int:
        """Count an attempt for some seconds, unless `limit` attempts count already.

        Returns:
            0 if it was counted, else the seconds until another one can be.
        """
        table = tables.tries
        with self._engine.begin() as connection:
            connection.execute(
                delete(table).where(table.c.digest == digest, table.c.expires <= now)
            )
            query = (
                select(table.c.expires).where(table.c.digest == digest).order_by(table.c.expires)
            )
            expiring = connection.execute(query).scalars().all()
            if len(expiring) >= limit:
                return int(expiring[0]) - now
            connection.execute(insert(table).values({"digest": digest, "expires": now + seconds}))
        return 0

    def delete_attempts(self, digest: str) -> None:
        """Delete the attempts of a key."""
        with self._engine.begin() as connection:
            connection.execute(delete(tables.tries).where(tables.tries.c.digest == digest))

    def _user(self, query: "Select[Any]") -> User | None:
        with self._reader.connect() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else _user_of(row)


def _user_of(row: RowMapping) -> User:
    return User(int(row["id"]), row["name"], row["role"], int(row["made"]))
