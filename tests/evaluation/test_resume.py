from pathlib import Path

import polars as pl
import pytest

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
