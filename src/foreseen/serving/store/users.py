"""Users, their sessions and tokens. Of what opens an account only digests are kept."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import RowMapping, Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from foreseen.errors import InputError
from foreseen.serving.store import tables
from foreseen.serving.store.database import Database

Role = Literal["viewer", "admin"]
_NEW_GUEST: Final = 3600


@dataclass(frozen=True)
class User:
    """A person; a guest has no name."""

    id: int
    name: str | None
    role: Role
    made: int


@dataclass(frozen=True)
class Token:
    """An API token; what it is, is told only once."""

    id: int
    label: str
    made: int


class People(Database):
    """Who there is, and what opens their accounts."""

    def add_guest(self, now: int) -> User:
        """Make a user without a name."""
        with self._engine.begin() as connection:
            values = {"role": "viewer", "made": now}
            statement = insert(tables.users).values(values).returning(tables.users.c.id)
            return User(int(connection.execute(statement).scalar_one()), None, "viewer", now)

    def named_users(self) -> int:
        """Return how many have a name."""
        query = select(func.count()).where(tables.users.c.name.is_not(None))
        with self._reader.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def sign_up(self, user: int, name: str, password: str, role: Role) -> None:
        """Give a guest a name and the digest of a password; what they rated stays theirs.

        What opened the guest's account opens it no more: sessions and tokens end.

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
                for opening in (tables.sessions, tables.tokens):
                    connection.execute(delete(opening).where(opening.c.user_id == user))
        except IntegrityError as error:
            raise InputError(f"the name '{name}' is taken; choose another") from error

    def user(self, user: int) -> User | None:
        """Return a user by id."""
        return self._user(select(tables.users).where(tables.users.c.id == user))

    def credentials(self, name: str) -> tuple[User, str] | None:
        """Return the user of a name and the digest of their password."""
        query = select(tables.users).where(tables.users.c.name == name)
        with self._reader.connect() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else (_user_of(row), str(row["password"]))

    def change_password(self, user: int, password: str, session: str | None) -> None:
        """Keep the digest of another password; all sessions but one end."""
        own = tables.sessions
        with self._engine.begin() as connection:
            chosen = update(tables.users).where(tables.users.c.id == user)
            connection.execute(chosen.values(password=password))
            others = delete(own).where(own.c.user_id == user)
            if session is not None:
                others = others.where(own.c.digest != session)
            connection.execute(others)

    def delete_user(self, user: int) -> None:
        """Delete a user and all that is theirs."""
        with self._engine.begin() as connection:
            connection.execute(delete(tables.users).where(tables.users.c.id == user))

    def open_session(self, digest: str, user: int, expires: int) -> None:
        """Keep a session."""
        with self._engine.begin() as connection:
            values = {"digest": digest, "user_id": user, "expires": expires}
            connection.execute(insert(tables.sessions).values(values))

    def session_user(self, digest: str, now: int) -> tuple[User, int] | None:
        """Return whose session it is and when it expires, if it has not."""
        own = tables.sessions
        query = (
            select(tables.users, own.c.expires)
            .select_from(tables.users.join(own))
            .where(own.c.digest == digest, own.c.expires > now)
        )
        with self._reader.connect() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else (_user_of(row), int(row["expires"]))

    def renew_session(self, digest: str, expires: int) -> None:
        """Let a session expire later."""
        own = tables.sessions
        with self._engine.begin() as connection:
            connection.execute(update(own).where(own.c.digest == digest).values(expires=expires))

    def close_session(self, digest: str) -> None:
        """End a session."""
        with self._engine.begin() as connection:
            connection.execute(delete(tables.sessions).where(tables.sessions.c.digest == digest))

    def forget_expired(self, now: int) -> None:
        """Delete what has expired, and guests without sessions who rated nothing."""
        own, rated, hidden = tables.sessions, tables.ratings, tables.dismissed
        with self._engine.begin() as connection:
            connection.execute(delete(own).where(own.c.expires <= now))
            connection.execute(delete(tables.tries).where(tables.tries.c.expires <= now))
            connection.execute(
                delete(tables.users).where(
                    tables.users.c.name.is_(None),
                    ~select(own.c.digest).where(own.c.user_id == tables.users.c.id).exists(),
                    tables.users.c.made < now - _NEW_GUEST,
                    ~select(rated.c.movie_id).where(rated.c.user_id == tables.users.c.id).exists(),
                    ~select(hidden.c.at).where(hidden.c.user_id == tables.users.c.id).exists(),
                )
            )

    def add_token(self, digest: str, user: int, label: str, now: int) -> Token:
        """Keep an API token."""
        values = {"digest": digest, "user_id": user, "label": label, "made": now}
        with self._engine.begin() as connection:
            statement = insert(tables.tokens).values(values).returning(tables.tokens.c.id)
            return Token(int(connection.execute(statement).scalar_one()), label, now)

    def tokens(self, user: int) -> list[Token]:
        """Return a user's tokens, oldest first."""
        own = tables.tokens
        query = select(own).where(own.c.user_id == user).order_by(own.c.id)
        with self._reader.connect() as connection:
            rows = connection.execute(query).mappings()
            return [Token(int(row["id"]), str(row["label"]), int(row["made"])) for row in rows]

    def token_user(self, digest: str) -> User | None:
        """Return whose token it is."""
        own = tables.tokens
        joined = tables.users.join(own)
        return self._user(select(tables.users).select_from(joined).where(own.c.digest == digest))

    def delete_token(self, user: int, token: int) -> bool:
        """Delete one of a user's tokens; tell whether there was one."""
        own = tables.tokens
        with self._engine.begin() as connection:
            query = delete(own).where(own.c.user_id == user, own.c.id == token)
            return connection.execute(query).rowcount > 0

    def count_try(self, digest: str, now: int, most: int, seconds: int) -> int:
        """Count a try for so many seconds, unless `most` count already.

        Returns:
            0 if it was counted, else the seconds until one more will be.
        """
        own = tables.tries
        with self._engine.begin() as connection:
            connection.execute(delete(own).where(own.c.digest == digest, own.c.expires <= now))
            query = select(own.c.expires).where(own.c.digest == digest).order_by(own.c.expires)
            expiring = connection.execute(query).scalars().all()
            if len(expiring) >= most:
                return int(expiring[0]) - now
            connection.execute(insert(own).values({"digest": digest, "expires": now + seconds}))
        return 0

    def forget_tries(self, digest: str) -> None:
        """Forget tries."""
        with self._engine.begin() as connection:
            connection.execute(delete(tables.tries).where(tables.tries.c.digest == digest))

    def _user(self, query: "Select[Any]") -> User | None:
        with self._reader.connect() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else _user_of(row)


def _user_of(row: RowMapping) -> User:
    return User(int(row["id"]), row["name"], row["role"], int(row["made"]))
