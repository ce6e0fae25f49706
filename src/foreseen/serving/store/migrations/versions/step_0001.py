"""Create users, sessions, tokens, ratings, dismissed, imports and shown."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None

_ID: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _owner(primary: bool = False) -> "sa.Column[int]":
    reference = sa.ForeignKey("users.id", ondelete="CASCADE")
    return sa.Column("user_id", _ID, reference, nullable=False, primary_key=primary)


def upgrade() -> None:
    """Apply the migration."""
    op.create_table(
        "users",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(64), unique=True),
        sa.Column("password", sa.String(256)),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(64), primary_key=True),
        _owner(),
        sa.Column("expires", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "tokens",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        _owner(),
        sa.Column("label", sa.String(64), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "ratings",
        _owner(primary=True),
        sa.Column("movie_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("rating", sa.Float(), nullable=False),
        sa.Column("rated", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("rating >= 0.5 AND rating <= 5", name="scale"),
    )
    op.create_table(
        "dismissed",
        _owner(primary=True),
        sa.Column("movie_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "imports",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        _owner(),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("service", sa.String(16), nullable=False),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("ambiguous", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
    )
    op.create_table(
        "shown",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        _owner(),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("movies", sa.Text(), nullable=False),
    )
    for table in ("sessions", "tokens", "imports", "shown"):
        op.create_index(f"ix_{table}_user_id", table, ["user_id"])


def downgrade() -> None:
    """Revert the migration."""
    for table in ("shown", "imports", "dismissed", "ratings", "tokens", "sessions", "users"):
        op.drop_table(table)
