"""The store: who there is, what they rated, what they were shown. The only place with SQL.

SQLite by default, in one file; PostgreSQL by its URL. A rating is on disk before the call that
gives it returns.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from alembic import command
from alembic.config import Config
from sqlalchemy import (
    Connection,
    Engine,
    RowMapping,
    Select,
    Table,
    create_engine,
    delete,
    event,
    func,
    insert,
    make_url,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError, SQLAlchemyError

from foreseen.errors import ForeseenError, InputError
from foreseen.serving import tables

Role = Literal["viewer", "admin"]

FIRST_ID: Final = 1_000_000_000
"""Added to the store's user ids where they meet those of a data set."""
_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_BATCH: Final = 1000
_NEW_GUEST: Final = 3600
_READS: Final = "foreseen_reads"


@dataclass(frozen=True)
class User:
    """A person; a guest has no name."""

    id: int
    name: str | None
    role: Role
    made: int


@dataclass(frozen=True)
class Rated:
    """One rating of one's own."""

    movie: int
    rating: float
    rated: int


@dataclass(frozen=True)
class Token:
    """An API token; what it is, is told only once."""

    id: int
    label: str
    made: int


@dataclass(frozen=True)
class Shown:
    """A ranking that was shown."""

    at: int
    by: str
    version: int
    movies: tuple[int, ...]


class Store:
    """An open database with today's tables."""

    def __init__(self, url: str) -> None:
        """Open a database and bring its tables up to date.

        Raises:
            InputError: If the URL is not sound.
            ForeseenError: If the database cannot be reached.
        """
        try:
            self._engine = _open(url)
            self._reader = self._engine.execution_options(**{_READS: True})
            with self._engine.begin() as connection:
                config = Config()
                config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except ArgumentError as error:
            raise InputError(
                f"--db {url}: no database URL such as sqlite:///ratings.db or "
                "postgresql+psycopg://user:password@host/name"
            ) from error
        except ImportError as error:
            raise InputError(f"--db: {error}; install foreseen[postgresql]") from error
        except OperationalError as error:
            shown = make_url(url).render_as_string(hide_password=True)
            raise ForeseenError(f"the database {shown} cannot be opened: {error.orig}") from error

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    def ready(self) -> bool:
        """Tell whether the database answers."""
        try:
            with self._reader.connect() as connection:
                connection.execute(select(1))
        except SQLAlchemyError:
            return False
        return True

    # People

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

    def delete_user(self, user: int) -> None:
        """Delete a user and all that is theirs."""
        with self._engine.begin() as connection:
            connection.execute(delete(tables.users).where(tables.users.c.id == user))

    # Sessions and tokens: only digests are kept

    def open_session(self, digest: str, user: int, expires: int) -> None:
        """Keep a session."""
        with self._engine.begin() as connection:
            values = {"digest": digest, "user_id": user, "expires": expires}
            connection.execute(insert(tables.sessions).values(values))

    def session_user(self, digest: str, now: int) -> User | None:
        """Return whose session it is, if it has not expired."""
        own = tables.sessions
        joined = tables.users.join(own)
        return self._user(
            select(tables.users)
            .select_from(joined)
            .where(own.c.digest == digest, own.c.expires > now)
        )

    def close_session(self, digest: str) -> None:
        """End a session."""
        with self._engine.begin() as connection:
            connection.execute(delete(tables.sessions).where(tables.sessions.c.digest == digest))

    def forget_expired(self, now: int) -> None:
        """Delete sessions that have expired, and guests without sessions who rated nothing."""
        own, rated, hidden = tables.sessions, tables.ratings, tables.dismissed
        with self._engine.begin() as connection:
            connection.execute(delete(own).where(own.c.expires <= now))
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

    # Ratings

    def ratings(self, user: int) -> list[Rated]:
        """Return a user's ratings, oldest first."""
        own = tables.ratings
        query = (
            select(own.c.movie_id, own.c.rating, own.c.rated)
            .where(own.c.user_id == user)
            .order_by(own.c.rated, own.c.movie_id)
        )
        with self._reader.connect() as connection:
            rows = connection.execute(query).all()
        return [Rated(int(movie), float(rating), int(rated)) for movie, rating, rated in rows]

    def rate(self, user: int, rated: Sequence[Rated]) -> int:
        """Keep ratings, newer ones in place of older; return how many are new or changed."""
        own = tables.ratings
        changed = 0
        with self._engine.begin() as connection:
            for start in range(0, len(rated), _BATCH):
                batch = rated[start : start + _BATCH]
                wanted = own.c.movie_id.in_([entry.movie for entry in batch])
                known = select(own.c.movie_id, own.c.rating).where(own.c.user_id == user, wanted)
                before = {int(row[0]): float(row[1]) for row in connection.execute(known)}
                # In one order for all, so that no two writers wait for each other in a circle.
                rows = [
                    {"user_id": user, "movie_id": r.movie, "rating": r.rating, "rated": r.rated}
                    for r in sorted(batch, key=lambda r: r.movie)
                    if before.get(r.movie) != r.rating
                ]
                if rows:
                    self._put(connection, own, rows, ("rating", "rated"))
                changed += len(rows)
        return changed

    def unrate(self, user: int, movie: int) -> bool:
        """Take a rating back; tell whether there was one."""
        own = tables.ratings
        with self._engine.begin() as connection:
            query = delete(own).where(own.c.user_id == user, own.c.movie_id == movie)
            return connection.execute(query).rowcount > 0

    def all_ratings(self) -> Iterator[tuple[int, Rated]]:
        """Yield everybody's ratings in the order they were given, with the store's user ids."""
        own = tables.ratings
        query = select(own).order_by(own.c.rated, own.c.user_id, own.c.movie_id)
        with self._reader.connect() as connection:
            result = connection.execution_options(yield_per=_BATCH).execute(query)
            for row in result.mappings():
                rated = Rated(int(row["movie_id"]), float(row["rating"]), int(row["rated"]))
                yield int(row["user_id"]), rated

    # What is not wanted, what was imported, what was shown

    def dismiss(self, user: int, movie: int, now: int) -> None:
        """Remember that a movie is of no interest."""
        row = {"user_id": user, "movie_id": movie, "at": now}
        with self._engine.begin() as connection:
            self._put(connection, tables.dismissed, [row], ("at",))

    def undismiss(self, user: int, movie: int) -> bool:
        """Forget that a movie is of no interest; tell whether it was."""
        own = tables.dismissed
        with self._engine.begin() as connection:
            query = delete(own).where(own.c.user_id == user, own.c.movie_id == movie)
            return connection.execute(query).rowcount > 0

    def dismissed(self, user: int) -> list[int]:
        """Return the movies that are of no interest to a user."""
        own = tables.dismissed
        query = select(own.c.movie_id).where(own.c.user_id == user).order_by(own.c.movie_id)
        with self._reader.connect() as connection:
            return [int(movie) for movie in connection.execute(query).scalars()]

    def add_import(self, user: int, now: int, service: str, counts: dict[str, int]) -> None:
        """Remember what came of an import: matched, changed, ambiguous, missing."""
        values = {"user_id": user, "at": now, "service": service, **counts}
        with self._engine.begin() as connection:
            connection.execute(insert(tables.imports).values(values))

    def imports(self, user: int) -> list[dict[str, Any]]:
        """Return a user's imports, oldest first."""
        own = tables.imports
        columns = [column for column in own.c if column.name != "user_id"]
        query = select(*columns).where(own.c.user_id == user).order_by(own.c.id)
        with self._reader.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def add_shown(self, user: int, shown: Shown) -> None:
        """Remember a ranking that was shown, unless it is the same as the one before it."""
        movies = " ".join(map(str, shown.movies))
        own = tables.shown
        latest = (
            select(own.c.movies).where(own.c.user_id == user).order_by(own.c.id.desc()).limit(1)
        )
        values = {
            "user_id": user,
            "at": shown.at,
            "by": shown.by,
            "version": shown.version,
            "movies": movies,
        }
        with self._engine.begin() as connection:
            if connection.execute(latest).scalar_one_or_none() != movies:
                connection.execute(insert(own).values(values))

    def shown(self, user: int) -> list[Shown]:
        """Return the rankings a user was shown, oldest first."""
        own = tables.shown
        query = select(own).where(own.c.user_id == user).order_by(own.c.id)
        with self._reader.connect() as connection:
            return [
                Shown(
                    int(row["at"]),
                    str(row["by"]),
                    int(row["version"]),
                    tuple(map(int, str(row["movies"]).split())),
                )
                for row in connection.execute(query).mappings()
            ]

    def _user(self, query: "Select[Any]") -> User | None:
        with self._reader.connect() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else _user_of(row)

    def _put(
        self,
        connection: Connection,
        table: Table,
        rows: Sequence[dict[str, Any]],
        changing: Sequence[str],
    ) -> None:
        """Insert rows; where a key is there already, change the named columns."""
        dialect = sqlite if self._engine.dialect.name == "sqlite" else postgresql
        statement = dialect.insert(table)
        statement = statement.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={name: statement.excluded[name] for name in changing},
        )
        connection.execute(statement, list(rows))


def _user_of(row: RowMapping) -> User:
    return User(int(row["id"]), row["name"], row["role"], int(row["made"]))


def _open(url: str) -> Engine:
    file = make_url(url).database if url.startswith("sqlite:") else None
    if file:
        # For its owner's eyes only, from the start.
        with suppress(OSError):
            Path(file).touch(mode=0o600, exist_ok=True)
    # A file is always there; a database elsewhere may have hung up.
    engine = create_engine(url, pool_pre_ping=not file)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _: object) -> None:
    # Python's own transactions would leave tables out; ours begin below.
    connection.isolation_level = None
    cursor = connection.cursor()
    # Readers do not wait for writers; what is acknowledged outlives even a power cut.
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # Readers have one statement each, which sees one state of the file without a transaction.
    # A reader that turned writer might find that another was first; so writers say so at once.
    if not connection.get_execution_options().get(_READS):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
