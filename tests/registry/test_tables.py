from pathlib import Path

import polars as pl
import pytest

from foreseen.errors import ModelFolderError
from foreseen.models.base import Model
from foreseen.registry.tables import read_links, read_log, write_log


def test_a_log_is_read_as_it_was_written(bias: Model, tmp_path: Path) -> None:
    write_log(bias.log, tmp_path)
    ratings, movies = read_log(tmp_path)
    assert ratings.equals(bias.log.ratings)
    assert movies.equals(bias.log.catalogue.table)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["movies.parquet", "ratings.parquet"]


@pytest.mark.parametrize("name", ["ratings.parquet", "movies.parquet"])
def test_a_damaged_table_is_named(bias: Model, tmp_path: Path, name: str) -> None:
    write_log(bias.log, tmp_path)
    (tmp_path / name).write_bytes(b"PAR1")
    with pytest.raises(ModelFolderError, match=f"{name} is damaged .*; train again"):
        read_log(tmp_path)


def test_links_are_optional(tmp_path: Path) -> None:
    assert read_links(tmp_path) is None
    links = pl.DataFrame({"movieId": [1], "imdbId": ["0111161"], "tmdbId": [278]})
    links.write_parquet(tmp_path / "links.parquet")
    found = read_links(tmp_path)
    assert found is not None
    assert found.equals(links)
