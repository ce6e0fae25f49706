"""URLs of databases: which are accepted, and that no message shows a password."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from foreseen.cli import app
from foreseen.errors import ForeseenError, InputError
from foreseen.serving.store import Store, StoreUnavailableError
from foreseen.serving.store.engine import parse_url, shown_url

PASSWORD = "hunter2"  # noqa: S105


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        ("nonsense", InputError, "no database URL"),
        (f"postgresql+psycopg://ann:{PASSWORD}@host:port/x", InputError, "no database URL"),
        (f"ann:{PASSWORD}@host/x", InputError, "no database URL"),
        (f"oracle://ann:{PASSWORD}@host/x", InputError, "'oracle' is not supported"),
        (f"mysql+pymysql://ann:{PASSWORD}@host/x", InputError, "is not supported"),
        (f"postgresql+asyncpg://ann:{PASSWORD}@host/x", InputError, "is not supported"),
        (f"nothing+at-all://ann:{PASSWORD}@host/x", InputError, "no database URL"),
        ("sqlite://", InputError, "names no file"),
        ("sqlite:///:memory:", InputError, "names no file"),
        ("sqlite:///ratings.db?nonsense=1", InputError, "unknown or invalid parameter"),
        (f"postgresql+psycopg://ann:{PASSWORD}@localhost/x?nonsense=1", InputError, "nonsense"),
        (
            f"postgresql+psycopg://ann:{PASSWORD}@127.0.0.1:1/x?password={PASSWORD}",
            StoreUnavailableError,
            r"postgresql\+psycopg://ann:\*\*\*@127.0.0.1:1/x cannot be opened: .*refused",
        ),
        (f"postgresql+psycopg://ann:{PASSWORD}@nowhere.invalid/x", ForeseenError, "cannot be"),
    ],
)
def test_a_database_that_cannot_be_opened_is_reported_in_one_line_without_its_password(
    url: str,
    error: type[ForeseenError],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message) as raised:
        Store(url)
    assert "\n" not in str(raised.value)
    assert PASSWORD not in str(raised.value)


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "ratings.db"
    content = b"userId,movieId,rating,timestamp\n" * 100
    file.write_bytes(content)
    with pytest.raises(InputError, match="is no database") as raised:
        Store(f"sqlite:///{file}")
    assert "\n" not in str(raised.value)
    assert file.read_bytes() == content
    with pytest.raises(StoreUnavailableError, match="cannot be opened"):
        Store(f"sqlite:///{tmp_path}")


def test_a_database_of_a_later_version_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ratings.db"
    Store(f"sqlite:///{file}").close()
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(InputError, match="later version"):
        Store(f"sqlite:///{file}")


def test_plain_postgresql_means_the_installed_driver() -> None:
    url = parse_url("postgresql://ann:hunter2@host/x?sslmode=require")
    assert shown_url(url) == "postgresql+psycopg://ann:***@host/x"


def test_the_url_is_read_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls: list[str | None] = []

    def run(_: Path, db: str | None, *_rest: object) -> None:
        urls.append(db)

    monkeypatch.setattr("foreseen.serving.server.run", run)
    url = f"postgresql+psycopg://ann:{PASSWORD}@host/x"
    result = CliRunner().invoke(app, ["serve", str(tmp_path)], env={"FORESEEN_DB": url})
    assert result.exit_code == 0, result.output
    assert urls == [url]
    assert PASSWORD not in result.output
