"""Opening a database and migrating it."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from tests.serving.conftest import refuse

from foreseen.errors import ForeseenError, InputError
from foreseen.serving.store import Store, StoredRating, tables
from foreseen.serving.store.migration import script_config


def test_a_database_that_is_opened_again_has_all_data(store: Store, url: str) -> None:
    user = store.add_guest(1).id
    store.sign_up(user, "ann", "digest", "admin")
    store.rate(user, [StoredRating(318, 4.5, 10)])
    again = Store(url)
    found = again.credentials("ann")
    assert found is not None
    assert (found[0].id, found[0].role, found[1]) == (user, "admin", "digest")
    assert again.ratings(user) == [StoredRating(318, 4.5, 10)]
    again.close()


def test_the_migrations_create_the_tables_of_the_code(store: Store, url: str) -> None:  # noqa: ARG001
    engine = create_engine(url)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), tables.metadata)
    engine.dispose()
    assert found == []


def test_the_version_of_the_schema_is_the_latest_migration() -> None:
    assert ScriptDirectory.from_config(script_config()).get_heads() == [tables.SCHEMA]


def test_a_current_database_is_opened_without_a_migration(
    store: Store,  # noqa: ARG001
    url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("foreseen.serving.store.migration.migrate", refuse)
    Store(url).close()


def test_an_open_database_is_ready(store: Store) -> None:
    assert store.ready()


def test_an_invalid_url_and_an_unreachable_database_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no database URL"):
        Store("nonsense")
    with pytest.raises(ForeseenError, match="cannot be opened"):
        Store(f"sqlite:///{tmp_path}/none/such/ratings.db")


@pytest.mark.skipif("os.name == 'nt'", reason="Windows has other permissions")
def test_a_new_sqlite_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "ratings.db"
    Store(f"sqlite:///{file}").close()
    assert file.stat().st_mode & 0o777 == 0o600
