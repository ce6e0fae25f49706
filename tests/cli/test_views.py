"""Data of likes or views: what needs ratings is refused in one line, before any work."""

import os
import signal
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.data.samples import LETTERBOXD

from foreseen.data.schema import RATINGS_SCHEMA

REFUSED: dict[tuple[str, ...], str] = {
    ("predict", "{model}", "--pairs", "{pairs}", "--out", "{out}.csv"): "foreseen recommend",
    ("recommend", "{model}", "--user", "1", "--by", "rating"): "rank by likely",
    ("serve", "{model}", "--port", "0"): "foreseen recommend",
    ("import", "{export}", "--into", "{model}"): "name a model of ratings with --into",
    ("import", "{export}", "--movies", "{data}", "--out", "{out}.csv"): "with --movies",
    ("evaluate", "{data}", "--out", "{out}"): "--protocol foldin",
    ("evaluate", "{data}", "--protocol", "random", "--out", "{out}"): "--protocol foldin",
    ("tune", "{data}", "--out", "{out}"): "tune a model on data with ratings",
    ("backtest", "{data}", "--out", "{out}"): "foreseen evaluate --protocol foldin",
}  # fmt: skip


@pytest.fixture(scope="module", params=["views", "thumbs"])
def files(
    request: pytest.FixtureRequest, run: Run, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("implicit")
    rows = [
        f"{user},{movie},{int(request.param == 'views' or (user + movie) % 3 > 0)},{10**9 + n}"
        for n, (user, movie) in enumerate((u, m) for u in range(12) for m in range(u, u + 9))
    ]
    (folder / "log.csv").write_text("\n".join([",".join(RATINGS_SCHEMA), *rows]))
    (folder / "ratings.csv").write_text(LETTERBOXD)
    trained = run("train", folder / "log.csv", "--model", "bias", "--out", folder / "model")
    assert trained.exit_code == 0, trained.stderr
    return {
        "data": folder / "log.csv",
        "export": folder / "ratings.csv",
        "model": folder / "model",
        "pairs": folder / "absent.csv",
    }


@pytest.mark.parametrize("words", list(REFUSED), ids=" ".join)
def test_what_needs_ratings_is_refused_with_what_to_do(
    words: tuple[str, ...], files: dict[str, Path], tmp_path: Path, run: Run
) -> None:
    before = dict(os.environ), signal.getsignal(signal.SIGTERM)
    refused = run(*(word.format(**files, out=tmp_path / "out") for word in words))
    assert (dict(os.environ), signal.getsignal(signal.SIGTERM)) == before
    assert refused.exit_code == 2
    assert refused.stderr.startswith("foreseen: the data have likes or views, without ratings")
    assert REFUSED[words] in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert refused.stdout == ""
    assert list(tmp_path.iterdir()) == []
