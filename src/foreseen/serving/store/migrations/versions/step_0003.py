"""Create watchlist, seen and unseen: lists of movies that users keep."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"

_ID: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES: Final = ("watchlist", "seen", "unseen")


def upgrade() -> None:
    """Apply the migration."""
    for table in _TABLES:
        reference = sa.ForeignKey("users.id", ondelete="CASCADE")
        op.create_table(
            table,
            sa.Column("user_id", _ID, reference, nullable=False, primary_key=True),
            sa.Column("movie_id", sa.BigInteger(), primary_key=True, autoincrement=False),
            sa.Column("at", sa.BigInteger(), nullable=False),
        )


def downgrade() -> None:
    """Revert the migration."""
    for table in _TABLES:
        op.drop_table(table)
