"""The tables of the store. Times are whole seconds since 1970 UTC, ratings are stars."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

SCHEMA: Final = "0004"
"""The latest migration, see the folder `migrations`."""
# Of Alembic, which creates it; therefore not in `metadata`.
schema_version: Final = Table(
    "alembic_version", MetaData(), Column("version_num", String(32), primary_key=True)
)
# SQLite autoincrements only columns of its INTEGER type.
_ID: Final = BigInteger().with_variant(Integer(), "sqlite")

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

users: Final = Table(
    "users",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    # NULL for a guest.
    Column("name", String(64), unique=True),
    Column("password", String(256)),
    Column("role", String(16), nullable=False),
    Column("made", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

sessions: Final = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("user_id", _ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("expires", BigInteger, nullable=False),
    Index("ix_sessions_user_id", "user_id"),
)

tokens: Final = Table(
    "tokens",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("user_id", _ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("label", String(64), nullable=False),
    Column("made", BigInteger, nullable=False),
    Index("ix_tokens_user_id", "user_id"),
)

ratings: Final = Table(
    "ratings",
    metadata,
    Column("user_id", _ID, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("movie_id", BigInteger, primary_key=True, autoincrement=False),
    Column("rating", Float, nullable=False),
    Column("rated", BigInteger, nullable=False),
    CheckConstraint("rating >= 0.5 AND rating <= 5", name="scale"),
)


def _movie_list(name: str) -> Table:
    """Return the table of a list of movies that users keep."""
    return Table(
        name,
        metadata,
        Column("user_id", _ID, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        Column("movie_id", BigInteger, primary_key=True, autoincrement=False),
        Column("at", BigInteger, nullable=False),
    )


dismissed: Final = _movie_list("dismissed")
watchlist: Final = _movie_list("watchlist")
seen: Final = _movie_list("seen")
unseen: Final = _movie_list("unseen")

imports: Final = Table(
    "imports",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("user_id", _ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("service", String(16), nullable=False),
    Column("matched", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("ambiguous", Integer, nullable=False),
    Column("missing", Integer, nullable=False),
    Index("ix_imports_user_id", "user_id"),
)

shown: Final = Table(
    "shown",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("user_id", _ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String(16), nullable=False),
    # Version of the model.
    Column("version", Integer, nullable=False),
    # Movie ids in rank order, separated by spaces.
    Column("movies", Text, nullable=False),
    Index("ix_shown_user_id", "user_id"),
)

watch_groups: Final = Table(
    "watch_groups",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("owner_id", _ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    # Of the invitation.
    Column("digest", String(64), nullable=False, unique=True),
    Column("expires", BigInteger, nullable=False),
    Column("made", BigInteger, nullable=False),
    Index("ix_watch_groups_owner_id", "owner_id"),
)

watch_members: Final = Table(
    "watch_members",
    metadata,
    Column("group_id", _ID, ForeignKey("watch_groups.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", _ID, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Index("ix_watch_members_user_id", "user_id"),
)

tries: Final = Table(
    "tries",
    metadata,
    # Keyed, so that it identifies neither a name nor an address.
    Column("digest", String(64), nullable=False),
    Column("expires", BigInteger, nullable=False),
    Index("ix_tries_digest", "digest"),
)
