"""Evaluations that were stopped go on where they were."""

from pathlib import Path

import polars as pl

from foreseen.data.canonical import Tables
from foreseen.data.schema import PREDICTION
from foreseen.evaluation.protocols import PROTOCOLS, Answers
from foreseen.evaluation.resume import finish, measure
from foreseen.models.predictor import Settings
from foreseen.models.spec import parse_settings

BIAS = parse_settings("bias")


def measured(
    tables: Tables, protocol: str, out: Path, settings: Settings = BIAS, seed: int = 0
) -> list[Answers]:
    return measure(tables, protocol, PROTOCOLS[protocol](tables), "bias", settings, seed, out)


def test_what_was_measured_before_a_stop_is_not_measured_again(
    small: Tables, tmp_path: Path
) -> None:
    first = measured(small, "stream", tmp_path)
    again = measured(small, "stream", tmp_path)
    for one, other in zip(first, again, strict=True):
        assert (one.model, one.setting, one.lists) == (other.model, other.setting, other.lists)
        assert one.events.equals(other.events)
    (kept,) = (tmp_path / "unfinished").glob("*.parquet")
    marked = pl.read_parquet(kept).with_columns(pl.lit(0.0).alias(PREDICTION))
    marked.write_parquet(kept)
    read = measured(small, "stream", tmp_path)
    assert all((own.events[PREDICTION] == 0).all() for own in read)
    finish(tmp_path)
    assert measured(small, "stream", tmp_path)[0].events.equals(first[0].events)


def test_other_settings_seeds_and_data_are_measured_anew(small: Tables, tmp_path: Path) -> None:
    ridge = parse_settings("bias", {"ridge": 1.0})
    fewer = Tables(small.ratings.head(small.ratings.height - 500), small.movies, small.manifest)
    measured(small, "foldin", tmp_path)
    measured(small, "foldin", tmp_path, seed=1)
    measured(small, "foldin", tmp_path, ridge)
    measured(fewer, "foldin", tmp_path)
    assert len(list((tmp_path / "unfinished").glob("*.parquet"))) == 4
