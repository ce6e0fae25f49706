"""Create tries: the attempts that rate limits count."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """Apply the migration."""
    op.create_table(
        "tries",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_tries_digest", "tries", ["digest"])


def downgrade() -> None:
    """Revert the migration."""
    op.drop_table("tries")
