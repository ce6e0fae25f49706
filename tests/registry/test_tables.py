from pathlib import Path

import polars as pl
import pytest
from tests.faults.injection import flipped

from foreseen.errors import ModelFolderError
from foreseen.models.base import Model
from foreseen.registry.layout import Current, log_folder
from foreseen.registry.tables import delete_other_logs, read_log, write_log

LINKS = pl.DataFrame({"movieId": [1], "imdbId": ["0111161"], "tmdbId": [278]})
NAMES = ["links.parquet", "movies.parquet", "ratings.parquet"]


def write(model: Model, folder: Path, links: pl.DataFrame | None = None) -> Current:
    return Current(version=1, log=write_log(model, links, folder))


@pytest.mark.parametrize("links", [None, LINKS])
def test_a_log_is_read_as_it_was_written(
    bias: Model, tmp_path: Path, links: pl.DataFrame | None
) -> None:
    current = write(bias, tmp_path, links)
    log = read_log(tmp_path, current)
    assert log.ratings.equals(bias.log.ratings)
    assert log.movies.equals(bias.log.catalogue.table)
    assert (log.links is None) == (links is None)
    assert links is None or (log.links is not None and log.links.equals(links))
    files = log_folder(tmp_path, current.log).iterdir()
    assert sorted(file.name for file in files) == NAMES[links is None :]


@pytest.mark.parametrize("name", NAMES)
def test_a_flipped_bit_or_a_missing_file_is_named(bias: Model, tmp_path: Path, name: str) -> None:
    current = write(bias, tmp_path, LINKS)
    file = log_folder(tmp_path, current.log) / name
    content = file.read_bytes()
    for place in range(0, len(content), max(1, len(content) // 20)):
        file.write_bytes(flipped(content, place))
        with pytest.raises(ModelFolderError, match=f"{name} is damaged .*checksum.*; restore"):
            read_log(tmp_path, current)
    file.unlink()
    with pytest.raises(ModelFolderError, match=f"{name} is damaged .No such file"):
        read_log(tmp_path, current)


def test_tables_of_older_versions_have_no_checksums(bias: Model, tmp_path: Path) -> None:
    bias.log.ratings.write_parquet(tmp_path / "ratings.parquet")
    with pytest.raises(ModelFolderError, match=r"movies\.parquet is damaged"):
        read_log(tmp_path, Current(version=1))
    bias.log.catalogue.table.write_parquet(tmp_path / "movies.parquet")
    log = read_log(tmp_path, Current(version=1))
    assert log.ratings.equals(bias.log.ratings)
    assert log.links is None
    (tmp_path / "ratings.parquet").write_bytes(b"PAR1")
    with pytest.raises(ModelFolderError, match=r"ratings\.parquet is damaged .*train again"):
        read_log(tmp_path, Current(version=1))
    bias.log.ratings.drop("rating").write_parquet(tmp_path / "ratings.parquet")
    with pytest.raises(ModelFolderError, match=r"damaged \(no column rating"):
        read_log(tmp_path, Current(version=1))


def test_logs_that_are_not_kept_and_drafts_are_deleted(bias: Model, tmp_path: Path) -> None:
    bias.log.ratings.write_parquet(tmp_path / "ratings.parquet")
    one, _, three = (write_log(bias, None, tmp_path) for _ in range(3))
    assert (one.number, three.number) == (1, 3)
    (tmp_path / "log" / ".draft.a").mkdir()
    delete_other_logs(tmp_path, Current(version=1, log=three, log_before=one))
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
    assert sorted(path.name for path in (tmp_path / "log").iterdir()) == ["0001", "0003"]


def test_a_log_of_an_older_version_is_kept_until_it_is_replaced(
    bias: Model, tmp_path: Path
) -> None:
    bias.log.ratings.write_parquet(tmp_path / "ratings.parquet")
    write_log(bias, None, tmp_path)
    delete_other_logs(tmp_path, Current(version=1))
    assert (tmp_path / "ratings.parquet").exists()
    assert list((tmp_path / "log").iterdir()) == []
