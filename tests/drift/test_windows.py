"""Windows: they begin between two seconds, and survive on disk whole or not at all."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import random_ratings, tables_of

from foreseen.drift.windows import Window, read_window, window_bounds, write_window
from foreseen.errors import InputError

PREDICTIONS = pl.DataFrame({"userId": [1], "prediction": [3.5]})


def window(config: str = "here") -> Window:
    return Window(
        config=config,
        policy="full",
        window=3,
        trained=True,
        finetuned=False,
        trained_on=100,
        reasons=[],
        findings=[],
        train_seconds=1.0,
        keep_seconds=0.5,
        seconds=2.0,
    )


@given(
    seed=st.integers(0, 1000), count=st.integers(20, 200), start=st.sampled_from([0.3, 0.5, 0.9])
)
def test_no_window_but_the_first_begins_within_a_second(
    seed: int, count: int, start: float
) -> None:
    ratings = tables_of(random_ratings(seed, count)).ratings
    bounds = window_bounds(ratings, start, 10)
    second = ratings["timestamp"].to_list()
    assert bounds[0] == int(start * len(second) + 1e-9)
    assert bounds[-1] == len(second)
    assert bounds == sorted(set(bounds))
    assert all(second[position] > second[position - 1] for position in bounds[1:-1])


def test_a_start_without_known_ratings_is_refused() -> None:
    with pytest.raises(InputError):
        window_bounds(tables_of(random_ratings(0, 20)).ratings, 0.01, 10)


def test_a_written_window_is_read(tmp_path: Path) -> None:
    write_window(tmp_path, window(), PREDICTIONS)
    finished = read_window(tmp_path, "here", "full", 3)
    assert finished is not None
    assert finished[0].equals(PREDICTIONS)
    assert finished[1] == window()


def test_a_window_that_is_missing_or_of_another_configuration_is_not_read(tmp_path: Path) -> None:
    write_window(tmp_path, window(), PREDICTIONS)
    assert read_window(tmp_path, "here", "full", 4) is None
    assert read_window(tmp_path, "there", "full", 3) is None
    write_window(tmp_path, window("there"), PREDICTIONS)
    assert read_window(tmp_path, "here", "full", 3) is None


@pytest.mark.parametrize("name", ["full-03.json", "full-03.parquet"])
def test_a_damaged_window_is_not_read(tmp_path: Path, name: str) -> None:
    write_window(tmp_path, window(), PREDICTIONS)
    (tmp_path / name).write_bytes(b"torn")
    assert read_window(tmp_path, "here", "full", 3) is None
