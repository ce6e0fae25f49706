"""Exported sequence networks return in ONNX Runtime what the model returns."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort  # pyright: ignore[reportMissingTypeStubs]
import polars as pl
import pytest
from numpy.typing import NDArray
from tests.cli.conftest import run_command
from tests.conftest import random_ratings, ratings_of, tables_of

from foreseen.data.rating_scale import RatingScale
from foreseen.errors import InputError
from foreseen.features.queries import History
from foreseen.models.base import Model
from foreseen.models.sequence.model import SequenceModel
from foreseen.models.sequence.onnx_export import description_of, export_sequence
from foreseen.models.sequence.settings import SequenceSettings
from foreseen.models.train import train
from foreseen.registry.versions import save_model

GUIDE: Final = Path(__file__).parents[3] / "docs" / "scale.md"
LENGTH: Final = 24


@pytest.fixture(scope="module")
def model() -> Model:
    """A model with a sequence network and a movie that came after its training."""
    ratings = random_ratings(0, 600, users=40, movies=60)
    trained = train(tables_of(ratings), "bias")
    settings = SequenceSettings(width=16, length=LENGTH, epochs=3, tokens=256)
    rows = np.ones(ratings.height, dtype=np.bool_)
    sequence = SequenceModel.fitted(settings, trained.log, rows, seed=0)
    return replace(trained, sequence=sequence).with_ratings(ratings_of((1, 900, 4.0, 2 * 10**9)))


@pytest.fixture(scope="module")
def file(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("onnx") / "network.onnx"
    export_sequence(model, found)
    return found


def histories_of(model: Model) -> list[History]:
    """Return histories that are empty, short, longer than what is read, and with odd gaps."""
    random = np.random.default_rng(1)
    ids = model.log.catalogue.movies.ids
    bucket_edges = np.ceil(2 ** (np.arange(60) / 2)).astype(np.int64)
    gaps = [
        np.empty(0, dtype=np.int64),
        np.array([5]),
        random.integers(0, 2, LENGTH),
        np.exp(random.uniform(0, 20, LENGTH + 1)).astype(np.int64),
        bucket_edges - 1,
        bucket_edges,
        np.zeros(3 * LENGTH, dtype=np.int64),
    ]
    found: list[History] = []
    for gap in gaps:
        ratings = random.integers(1, 11, len(gap)) / 2
        found.append(History(random.choice(ids, len(gap)), ratings, 10**9 + np.cumsum(gap)))
    return found


def scores_of(
    file: Path, model: Model, histories: list[History], moments: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the scores of all movies in ONNX Runtime."""
    count, longest = len(histories), max(1, *(len(h.movies) for h in histories))
    items = np.full((count, longest), -1, dtype=np.int64)
    ratings, times = np.zeros(items.shape, np.float32), np.zeros_like(items)
    for row, history in enumerate(histories):
        part, order = (
            slice(0, len(history.movies)),
            np.lexsort((history.movies, history.timestamps)),
        )
        items[row, part] = model.log.catalogue.movies.rows(history.movies)[order]
        ratings[row, part] = model.encoding.scale.from_stars(history.ratings)[order]
        times[row, part] = history.timestamps[order]
    candidates = np.tile(np.arange(len(model.log.catalogue)), (count, 1))
    inputs = {"items": items, "ratings": ratings, "times": times}
    session: Any = ort.InferenceSession(file)
    return session.run(None, {**inputs, "moment": moments, "candidates": candidates})[0]


@pytest.mark.parametrize("delay", [None, 0, 1, 90, 10**6, 10**9])
def test_scores_in_onnx_runtime_equal_those_of_the_model(
    model: Model, file: Path, delay: int | None
) -> None:
    histories = histories_of(model)
    ends = [int(h.timestamps[-1]) if len(h.timestamps) else 0 for h in histories]
    moments = np.array(ends) + delay if delay is not None else np.full(len(ends), -1)
    view, rows = model.log.view_of(histories), np.arange(len(histories), dtype=np.int32)
    assert model.sequence is not None
    before = np.full(len(rows), 2**40)
    expected = model.sequence.log_probabilities(
        view, rows, before, None if delay is None else moments
    )
    found = scores_of(file, model, histories, moments)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))


def test_each_history_alone_has_the_scores_of_the_batch(model: Model, file: Path) -> None:
    histories, unknown = histories_of(model), np.array([-1])
    together = scores_of(file, model, histories, np.repeat(unknown, len(histories)))
    for history, expected in zip(histories, together, strict=True):
        alone = scores_of(file, model, [history], unknown)[0]
        np.testing.assert_allclose(alone, expected, rtol=0, atol=1e-5)


def test_candidates_are_scored_in_their_order(model: Model, file: Path) -> None:
    session: Any = ort.InferenceSession(file)
    inputs = {
        "items": np.array([[0, 1, -1]]),
        "ratings": np.array([[4, 5, 0]], np.float32),
        "times": np.array([[10**9, 10**9 + 60, 0]]),
        "moment": np.array([-1]),
    }
    count = len(model.log.catalogue)
    every = session.run(None, {**inputs, "candidates": np.arange(count)[None, :]})[0]
    some = session.run(None, {**inputs, "candidates": np.array([[7, 2, 7]])})[0]
    np.testing.assert_allclose(some[0], every[0, [7, 2, 7]], rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.exp(every).sum(axis=1), 1, rtol=1e-4)


def test_ratings_are_read_on_the_scale_of_the_data(
    model: Model, file: Path, tmp_path: Path
) -> None:
    scale = RatingScale(1, 10, 1)
    other = replace(model, encoding=replace(model.encoding, scale=scale))
    export_sequence(other, tmp_path / "network.onnx")
    histories, unknown = histories_of(model), np.full(7, -1)
    found = scores_of(tmp_path / "network.onnx", other, histories, unknown)
    expected = scores_of(file, model, histories, unknown)
    np.testing.assert_array_equal(found, expected)


def test_the_file_and_the_description_beside_it_name_movies_and_inputs(
    model: Model, file: Path
) -> None:
    session: Any = ort.InferenceSession(file)
    properties: dict[str, str] = session.get_modelmeta().custom_metadata_map
    described: dict[str, Any] = json.loads(description_of(file).read_text("utf-8"))
    assert {name: json.loads(text) for name, text in properties.items()} == described
    assert described["movies"] == model.log.catalogue.movies.ids.tolist()
    assert described["scale"] == [0.5, 5.0]
    for values, given in (
        (described["inputs"], session.get_inputs()),
        (described["outputs"], session.get_outputs()),
    ):
        assert [value["name"] for value in values] == [value.name for value in given]
        types = {"int64": "tensor(int64)", "float32": "tensor(float)"}
        assert [types[value["type"]] for value in values] == [value.type for value in given]
        assert [len(value["shape"]) for value in values] == [len(value.shape) for value in given]
        assert all(isinstance(size, str) or size == 2 for value in given for size in value.shape)


def test_ids_that_are_texts_are_in_the_file_as_texts(tmp_path: Path) -> None:
    ratings = random_ratings(0, 300).with_columns(pl.format("film-{}", "movieId").alias("movieId"))
    model = train(ratings, "bias")
    settings = SequenceSettings(width=8, heads=1, epochs=1, tokens=256)
    rows = np.ones(ratings.height, dtype=np.bool_)
    sequence = SequenceModel.fitted(settings, model.log, rows, seed=0)
    document = export_sequence(replace(model, sequence=sequence), tmp_path / "network.onnx")
    assert set(document["movies"]) == set(ratings["movieId"].to_list())


def test_a_model_without_a_sequence_network_cannot_be_exported(
    model: Model, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="has no sequence network"):
        export_sequence(replace(model, sequence=None), tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())


def test_without_onnx_a_line_says_how_to_install_it(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=r"pip install 'foreseen\[onnx\]'"):
        export_sequence(model, tmp_path / "network.onnx")


def test_the_command_writes_both_files(model: Model, tmp_path: Path) -> None:
    save_model(model, tmp_path / "model")
    out = tmp_path / "network.onnx"
    result = run_command("export", tmp_path / "model", "--to", "onnx", "--out", out, "--json")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    report = json.loads(result.stdout)
    assert report == {
        "file": str(out),
        "description": str(out.with_suffix(".json")),
        "movies": len(model.log.catalogue),
    }
    unknown = np.full(7, -1)
    assert np.isfinite(scores_of(out, model, histories_of(model), unknown)).all()


def test_the_example_of_the_guide_prints_movies_of_the_catalogue(
    model: Model, tmp_path: Path
) -> None:
    code = GUIDE.read_text("utf-8").split("## Export", 1)[1].split("```python\n", 1)[1]
    export_sequence(model, tmp_path / "model.onnx")
    done = subprocess.run(
        [sys.executable, "-c", code.split("```", 1)[0]],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed: list[int] = json.loads(done.stdout)
    assert len(set(printed)) == 10
    assert set(printed) <= set(model.log.catalogue.movies.ids.tolist())
