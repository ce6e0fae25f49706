"""Migration of a database to the current schema, by Alembic."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine

from foreseen.errors import InputError
from foreseen.serving.store import engine

FOLDER: Final = Path(__file__).parent / "migrations"


def migrate(writer: Engine, shown: str) -> None:
    """Migrate a database to the current schema, in one transaction.

    Args:
        writer: The database.
        shown: Its URL, for messages.

    Raises:
        InputError: If the schema is one of a later version of Foreseen.
        SQLAlchemyError: If the database cannot be changed.
    """
    with writer.begin() as connection:
        engine.serialise(connection, "migrate")
        engine.remove_time_limit(connection)
        config = script_config()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError:
            raise InputError(
                f"--db: {shown} was written by a later version; update Foreseen"
            ) from None


def script_config() -> Config:
    """Return the settings of Alembic with the folder of the migrations."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config
