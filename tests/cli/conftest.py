"""The command line within the test's process, and a model that it trained."""

import io
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest

from foreseen.cli import main
from foreseen.data.canonical import Tables
from foreseen.data.schema import GENRES


@dataclass(frozen=True)
class Result:
    """The exit code and the output of a command."""

    exit_code: int
    stdout: str
    stderr: str


Run = Callable[..., Result]


def run_command(*words: object) -> Result:
    """Run a command as `foreseen` does."""
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    code: object = 0
    with (
        redirect_stdout(stdout),
        redirect_stderr(stderr),
        patch.object(sys, "argv", ["foreseen", *map(str, words)]),
    ):
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code
    texts: list[str] = []
    for stream in (stdout, stderr):
        stream.flush()
        stream.seek(0)
        texts.append(stream.read())
    return Result(code if isinstance(code, int) else int(code is not None), *texts)


@pytest.fixture(scope="session")
def run() -> Run:
    return run_command


@pytest.fixture(scope="session")
def folder(small: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data` in the CSV layout of GroupLens, and `model`, trained on it."""
    root = tmp_path_factory.mktemp("cli")
    (root / "data").mkdir()
    small.ratings.write_csv(root / "data" / "ratings.csv")
    small.movies.with_columns(
        pl.format("{} ({})", "title", "year").fill_null("untitled").alias("title"),
        pl.col(GENRES).list.join("|"),
    ).drop("year").write_csv(root / "data" / "movies.csv")
    result = run_command(
        "train", root / "data", "--model", "hybrid", "--out", root / "model", "--json"
    )
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["ratings"] == small.ratings.height
    assert result.stderr == ""
    return root
