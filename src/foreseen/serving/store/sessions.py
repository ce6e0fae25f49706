"""Sessions and API tokens, by their digests. An account has a bounded number of each."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Select, bindparam, delete, func, insert, select, update

from foreseen.errors import InputError
from foreseen.messages import Message
from foreseen.serving.store import tables
from foreseen.serving.store.errors import best_effort
from foreseen.serving.store.users import User, Users, user_of

MAX_TOKENS: Final = 20
"""API tokens of one account."""
MAX_SESSIONS: Final = 50
"""Open sessions of one account; a further one ends the one that was used least recently."""

_VALID: Final = (
    select(tables.users, tables.sessions.c.expires)
    .select_from(tables.users.join(tables.sessions))
    .where(
        tables.sessions.c.digest == bindparam("digest"),
        tables.sessions.c.expires > bindparam("now"),
    )
)


@dataclass(frozen=True)
class Token:
    """An API token, without its text."""

    id: int
    label: str
    made: int


class Sessions(Users):
    """Sessions and tokens of users."""

    def open_session(self, digest: str, user: int, expires: int) -> None:
        """Store a session; beyond `MAX_SESSIONS` the user's oldest ones end."""
        table = tables.sessions
        latest = (
            select(table.c.digest)
            .where(table.c.user_id == user)
            .order_by(table.c.expires.desc(), table.c.digest)
            .limit(MAX_SESSIONS - 1)
        )
        with self._writing() as connection:
            # The row is locked so that concurrent calls count each other's sessions.
            connection.execute(_lock(user))
            kept = connection.execute(latest).scalars().all()
            connection.execute(
                delete(table).where(table.c.user_id == user, table.c.digest.not_in(kept))
            )
            values = {"digest": digest, "user_id": user, "expires": expires}
            connection.execute(insert(table).values(values))

    def session_user(self, digest: str, now: int) -> tuple[User, int] | None:
        """Return the user of a session and when it expires; None if it is unknown or expired."""
        with self._reading() as connection:
            row = (
                connection.execute(_VALID, {"digest": digest, "now": now}).mappings().one_or_none()
            )
        return None if row is None else (user_of(row), int(row["expires"]))

    @best_effort("the renewal of a session is")
    def renew_session(self, digest: str, expires: int) -> None:
        """Change when a session expires, unless the database is locked or unavailable."""
        table = tables.sessions
        with self._writing(brief=True) as connection:
            connection.execute(
                update(table).where(table.c.digest == digest).values(expires=expires)
            )

    def close_session(self, digest: str) -> None:
        """Delete a session."""
        with self._writing() as connection:
            connection.execute(delete(tables.sessions).where(tables.sessions.c.digest == digest))

    def add_token(self, digest: str, user: int, label: str, now: int) -> Token:
        """Store an API token.

        Raises:
            InputError: If the user has `MAX_TOKENS` already.
        """
        table = tables.tokens
        values = {"digest": digest, "user_id": user, "label": label, "made": now}
        with self._writing() as connection:
            connection.execute(_lock(user))
            stored = select(func.count()).where(table.c.user_id == user)
            if connection.execute(stored).scalar_one() >= MAX_TOKENS:
                raise InputError(
                    Message(
                        "an account has at most %(most)s tokens; delete one first", most=MAX_TOKENS
                    )
                )
            statement = insert(table).values(values).returning(table.c.id)
            return Token(int(connection.execute(statement).scalar_one()), label, now)

    def tokens(self, user: int) -> list[Token]:
        """Return a user's tokens, oldest first."""
        table = tables.tokens
        query = select(table).where(table.c.user_id == user).order_by(table.c.id)
        with self._reading() as connection:
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
        with self._writing() as connection:
            query = delete(table).where(table.c.user_id == user, table.c.id == token)
            return connection.execute(query).rowcount > 0


def _lock(user: int) -> Select[tuple[int]]:
    return (
        select(tables.users.c.id).where(tables.users.c.id == user).with_for_update(key_share=True)
    )
