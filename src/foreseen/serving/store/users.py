"""Users: guests and accounts. Of passwords only digests are stored."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import RowMapping, Select, delete, func, insert, select, update

from foreseen.errors import InputError
from foreseen.messages import Message
from foreseen.serving.store import tables
from foreseen.serving.store.database import Database
from foreseen.serving.store.engine import remove_time_limit, serialise
from foreseen.serving.store.errors import ConflictError, best_effort

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


class Users(Database):
    """Guests and accounts."""

    def add_guest(self, now: int) -> User:
        """Create a user without a name."""
        with self._writing() as connection:
            values = {"role": "viewer", "made": now}
            statement = insert(tables.users).values(values).returning(tables.users.c.id)
            return User(int(connection.execute(statement).scalar_one()), None, "viewer", now)

    def sign_up(
        self, user: int, name: str, password: str, role: Role, *, first_administers: bool = False
    ) -> Role:
        """Give a guest a name and the digest of a password; their data is kept.

        The guest's sessions and tokens are deleted.

        Args:
            user: Id of the guest.
            name: In lower case.
            password: The digest.
            role: The role of the account.
            first_administers: Whether it is an administrator if no other account exists. Of
                concurrent calls, in any process, at most one makes an administrator so.

        Returns:
            The role that the account got.

        Raises:
            InputError: If the name is taken, or the user has one already.
        """
        table = tables.users
        try:
            with self._writing() as connection:
                if first_administers:
                    serialise(connection, "first account")
                    named = select(func.count()).where(table.c.name.is_not(None))
                    if connection.execute(named).scalar_one() == 0:
                        role = "admin"
                changed = connection.execute(
                    update(table)
                    .where(table.c.id == user, table.c.name.is_(None))
                    .values(name=name, password=password, role=role)
                )
                if changed.rowcount != 1:
                    raise InputError(Message("this account has a name already"))
                for owned in (tables.sessions, tables.tokens):
                    connection.execute(delete(owned).where(owned.c.user_id == user))
        except ConflictError:
            raise InputError(
                Message("the name '%(name)s' is taken; choose another", name=name)
            ) from None
        return role

    def user(self, user: int) -> User | None:
        """Return a user by id."""
        return self._user(select(tables.users).where(tables.users.c.id == user))

    def people(self) -> tuple[list[User], list[User]]:
        """Return the accounts and the guests, each oldest first."""
        with self._reading() as connection:
            rows = connection.execute(select(tables.users).order_by(tables.users.c.id)).mappings()
            users = [user_of(row) for row in rows]
        accounts = [user for user in users if user.name is not None]
        return accounts, [user for user in users if user.name is None]

    def credentials(self, name: str) -> tuple[User, str] | None:
        """Return the user with a name and the digest of their password; None if there is none."""
        query = select(tables.users).where(tables.users.c.name == name)
        with self._reading() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else (user_of(row), str(row["password"]))

    def change_password(self, user: int, password: str, session: str) -> None:
        """Store the digest of a new password; delete all tokens and all sessions except one."""
        sessions, tokens = tables.sessions, tables.tokens
        with self._writing() as connection:
            chosen = update(tables.users).where(tables.users.c.id == user)
            connection.execute(chosen.values(password=password))
            others = sessions.c.digest != session
            connection.execute(delete(sessions).where(sessions.c.user_id == user, others))
            connection.execute(delete(tokens).where(tokens.c.user_id == user))

    def delete_user(self, user: int) -> None:
        """Delete a user and all their data."""
        with self._writing() as connection:
            connection.execute(delete(tables.users).where(tables.users.c.id == user))

    @best_effort("the deletion of expired sessions is")
    def delete_expired(self, now: int) -> None:
        """Delete expired sessions and attempts, and guests without sessions and data."""
        sessions = tables.sessions
        kept = (tables.ratings, tables.dismissed, tables.watchlist, tables.seen, tables.unseen)
        with self._writing() as connection:
            remove_time_limit(connection)
            connection.execute(delete(sessions).where(sessions.c.expires <= now))
            connection.execute(delete(tables.tries).where(tables.tries.c.expires <= now))
            connection.execute(
                delete(tables.users).where(
                    tables.users.c.name.is_(None),
                    ~select(sessions.c.digest)
                    .where(sessions.c.user_id == tables.users.c.id)
                    .exists(),
                    tables.users.c.made < now - _NEW_GUEST,
                    *(
                        ~select(table.c.movie_id)
                        .where(table.c.user_id == tables.users.c.id)
                        .exists()
                        for table in kept
                    ),
                )
            )

    def _user(self, query: "Select[Any]") -> User | None:
        with self._reading() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else user_of(row)


def user_of(row: RowMapping) -> User:
    """Return the user of a row of the table."""
    return User(int(row["id"]), row["name"], row["role"], int(row["made"]))
