"""Create watch_groups and watch_members: accounts that watch together."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0004"
down_revision: Final = "0003"

_ID: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply the migration."""
    op.create_table(
        "watch_groups",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("owner_id", _ID, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_watch_groups_owner_id", "watch_groups", ["owner_id"])
    op.create_table(
        "watch_members",
        sa.Column(
            "group_id", _ID, sa.ForeignKey("watch_groups.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("user_id", _ID, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_watch_members_user_id", "watch_members", ["user_id"])


def downgrade() -> None:
    """Revert the migration."""
    op.drop_table("watch_members")
    op.drop_table("watch_groups")
