"""The script that Alembic runs, with the connection that the store passes."""

from typing import TYPE_CHECKING

from alembic import context

from foreseen.serving.store.tables import metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection

connection: "Connection" = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
