from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from tests.conftest import random_ratings, ratings_of, tables_of

from foreseen.data.canonical import Tables
from foreseen.data.schema import PREDICTION
from foreseen.evaluation.protocols import PROTOCOLS
from foreseen.evaluation.results import Result
from foreseen.evaluation.resume import finish, measure
from foreseen.models.predictor import Settings
from foreseen.models.spec import parse_settings

BIAS = parse_settings("bias")


def measured(
    tables: Tables, protocol: str, out: Path, settings: Settings = BIAS, seed: int = 0
) -> list[Result]:
    return measure(tables, protocol, PROTOCOLS[protocol](tables), "bias", settings, seed, out)


def test_results_of_an_interrupted_run_are_read_instead_of_computed(
    small: Tables, tmp_path: Path
) -> None:
    first = measured(small, "stream", tmp_path)
    again = measured(small, "stream", tmp_path)
    for computed, read in zip(first, again, strict=True):
        assert (computed.model, computed.setting, computed.ranking) == (
            read.model, read.setting, read.ranking,
        )  # fmt: skip
        assert computed.events.equals(read.events)
    (file,) = (tmp_path / "unfinished").glob("*.parquet")
    marked = pl.read_parquet(file).with_columns(pl.lit(0.0).alias(PREDICTION))
    marked.write_parquet(file)
    marked_results = measured(small, "stream", tmp_path)
    assert all((result.events[PREDICTION] == 0).all() for result in marked_results)
    finish(tmp_path)
    assert measured(small, "stream", tmp_path)[0].events.equals(first[0].events)


def test_rankings_of_an_interrupted_run_are_read_too(tmp_path: Path) -> None:
    tables = tables_of(random_ratings(0, 400, users=25, movies=40))
    first = measured(tables, "leave-last-out", tmp_path)
    (file,) = (tmp_path / "unfinished").glob("*.rankings")
    marked = pl.read_parquet(file).with_columns(pl.lit(7, pl.Int32).alias("rank"))
    marked.write_parquet(file)
    for computed, read in zip(first, measured(tables, "leave-last-out", tmp_path), strict=True):
        assert (computed.setting, computed.ranking, computed.tied) == (
            read.setting, read.ranking, read.tied,
        )  # fmt: skip
        assert computed.rankings is not None
        assert read.rankings is not None
        assert read.rankings.drop("rank").equals(computed.rankings.drop("rank"))
        assert (read.rankings["rank"] == 7).all()
    file.unlink()
    (again, _) = measured(tables, "leave-last-out", tmp_path)
    assert again.rankings is not None
    assert first[0].rankings is not None
    assert again.rankings.equals(first[0].rankings)


def test_a_log_without_rankings_is_resumed(tmp_path: Path) -> None:
    rows = [(user, movie, 2.0, 10 * user + movie) for user in range(1, 15) for movie in range(1, 5)]
    tables = tables_of(ratings_of(*rows))
    measured(tables, "calendar-ranking", tmp_path)
    (result,) = measured(tables, "calendar-ranking", tmp_path)
    assert result.ranking == {}
    assert result.rankings is not None
    assert result.rankings.is_empty()


def test_the_order_of_a_file_is_computed_apart(tmp_path: Path) -> None:
    tables = tables_of(random_ratings(0, 400, users=25, movies=40))
    backwards = tables.ratings.reverse().sort("timestamp", maintain_order=True)
    orders = (
        tables,
        replace(tables, in_file_order=True),
        replace(tables, ratings=backwards, in_file_order=True),
    )
    for count, ordered in enumerate(orders, 1):
        measured(ordered, "leave-last-out", tmp_path)
        assert len(list((tmp_path / "unfinished").glob("*.parquet"))) == count


def test_other_settings_seeds_and_data_are_computed(small: Tables, tmp_path: Path) -> None:
    ridge = parse_settings("bias", {"ridge": 1.0})
    fewer = Tables(small.ratings.head(small.ratings.height - 500), small.movies, small.manifest)
    measured(small, "foldin", tmp_path)
    measured(small, "foldin", tmp_path, seed=1)
    measured(small, "foldin", tmp_path, ridge)
    measured(fewer, "foldin", tmp_path)
    assert len(list((tmp_path / "unfinished").glob("*.parquet"))) == 4


@pytest.mark.parametrize("suffix", [".parquet", ".json"])
@pytest.mark.parametrize("content", [b"", b"\xff\x00{", b'{"other": null}'])
def test_damaged_results_of_an_interrupted_run_are_computed_again(
    small: Tables, tmp_path: Path, suffix: str, content: bytes
) -> None:
    first = measured(small, "stream", tmp_path)
    (file,) = (tmp_path / "unfinished").glob(f"*{suffix}")
    file.write_bytes(content)
    assert measured(small, "stream", tmp_path)[0].events.equals(first[0].events)
