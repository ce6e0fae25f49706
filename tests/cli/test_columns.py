"""The option --columns."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Run

LOG = "who;film seen;grade;when\n" + "".join(
    f"u{user};m{movie};{(user * movie) % 9 / 2 + 0.5};{1_000_000_000 + 86_400 * (user + movie)}\n"
    for user in range(20)
    for movie in range(10)
)
NAMES = ("--columns", "user=who,item=film seen,rating=grade,time=when")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "log.txt").write_text(LOG)
    return tmp_path / "log.txt"


def test_columns_are_named_for_training_and_new_ratings(
    file: Path, tmp_path: Path, run: Run
) -> None:
    model = tmp_path / "model"
    words = ("--model", "bias", "--out", model, "--json")
    trained = run("train", file, *NAMES, *words)
    assert trained.exit_code == 0, trained.stderr
    assert json.loads(trained.stdout)["ratings"] == 200
    (tmp_path / "new.csv").write_text(f"{LOG.splitlines()[0]}\nu1;m77;3;1100000000\n")
    observed = run("observe", model, "--ratings", tmp_path / "new.csv", *NAMES, "--json")
    assert observed.exit_code == 0, observed.stderr
    assert json.loads(observed.stdout)["new_movies"] == 1
    for command in ("observe", "update"):
        refused = run(command, model, "--ratings", file, "--columns", "user=whoever")
        assert refused.exit_code == 2
        assert "no column 'whoever'" in refused.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("data", "get", "{file}", "--out", "{out}"),
        ("data", "describe", "{file}", "--out", "{out}.html"),
        ("train", "{file}", "--out", "{out}"),
        ("evaluate", "{file}", "--out", "{out}"),
        ("tune", "{file}", "--out", "{out}"),
        ("backtest", "{file}", "--out", "{out}"),
    ],
    ids=" ".join,
)
def test_every_command_with_data_lists_the_columns_that_a_file_has(
    words: tuple[str, ...], file: Path, tmp_path: Path, run: Run
) -> None:
    places = [word.format(file=file, out=tmp_path / "out") for word in words]
    result = run(*places, "--columns", "user=whoever")
    assert result.exit_code == 2
    assert "no column 'whoever'" in result.stderr
    assert "who, film seen, grade, when" in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == [file]


def test_an_argument_that_names_no_columns_is_refused(file: Path, tmp_path: Path, run: Run) -> None:
    result = run("data", "get", file, "--out", tmp_path / "out", "--columns", "name=who")
    assert result.exit_code == 2
    assert "user=uid,item=film,rating=score,time=when. Received: 'name=who'" in result.stderr
