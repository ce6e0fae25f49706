"""The suite every model must pass."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.conftest import ratings_of, tables_of

from foreseen.data.canonical import Tables
from foreseen.errors import InputError, ModelFolderError
from foreseen.features.queries import History
from foreseen.models.base import Model
from foreseen.models.installed import model_names
from foreseen.models.spec import parse_settings
from foreseen.models.train import train
from foreseen.registry.versions import load_model, save_model

EMPTY = History(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64))
CANDIDATES = np.array([1, 50, 318, 99_999_999])


@pytest.fixture(scope="module", params=list(model_names()))
def model(request: pytest.FixtureRequest, small: Tables) -> Model:
    return train(small, request.param, seed=1)


def test_every_pair_is_answered_on_the_scale_in_the_same_order(model: Model) -> None:
    pairs = pl.DataFrame({"userId": [1, 9999, 1, 9999], "movieId": [318, 318, 10**9, 10**9]})
    answers = model.predict(pairs)
    assert answers.select("userId", "movieId").equals(pairs)
    values = answers.select("prediction", "low", "high").to_numpy()
    assert np.isfinite(values).all()
    assert (values >= model.scale[0]).all()
    assert (values <= model.scale[1]).all()
    assert (values[:, 1] <= values[:, 0]).all()
    assert (values[:, 0] <= values[:, 2]).all()


def test_an_unknown_user_gets_the_prior_of_the_movie(model: Model) -> None:
    pairs = pl.DataFrame({"userId": [888_888, 999_999], "movieId": [318, 318]})
    first, second = model.predict(pairs)["prediction"].to_list()
    assert first == second


def test_no_pairs_are_answered_by_none(model: Model) -> None:
    pairs = pl.DataFrame(
        {"userId": [], "movieId": []}, schema={"userId": pl.Int64, "movieId": pl.Int64}
    )
    assert model.predict(pairs).is_empty()


def test_empty_histories_and_unknown_movies_have_finite_scores(model: Model) -> None:
    scores = model.score([EMPTY, EMPTY], CANDIDATES)
    for values in vars(scores).values():
        assert values.shape == (2, 4)
        assert np.isfinite(values).all()


def test_a_batch_scores_as_its_members_do_alone(model: Model) -> None:
    users = [int(user) for user in model.log.users.ids[:4]]
    histories = [*(model.history(user) for user in users), EMPTY]
    together = model.score(histories, CANDIDATES, at=model.log.end)
    for row, history in enumerate(histories):
        alone = model.score([history], CANDIDATES, at=model.log.end)
        np.testing.assert_allclose(together.rating[row], alone.rating[0], atol=1e-5)


def test_a_known_users_score_is_what_predict_says(model: Model) -> None:
    user = int(model.log.users.ids[3])
    history = model.history(user)
    unwatched = np.setdiff1d(model.log.catalogue.movies.ids, history.movies)[:40]
    scored = model.score([history], unwatched, at=model.log.end - 1).rating[0]
    pairs = pl.DataFrame({"userId": [user] * 40, "movieId": unwatched})
    np.testing.assert_allclose(model.predict(pairs)["prediction"].to_numpy(), scored, atol=1e-5)


def test_scoring_and_predicting_change_nothing(model: Model) -> None:
    before = {name: array.copy() for name, array in model.predictor.arrays().items()}
    ratings = model.log.ratings.clone()
    first = model.score([EMPTY], CANDIDATES).rating
    model.predict(pl.DataFrame({"userId": [1, 2], "movieId": [318, 1]}))
    np.testing.assert_array_equal(first, model.score([EMPTY], CANDIDATES).rating)
    for name, array in model.predictor.arrays().items():
        np.testing.assert_array_equal(array, before[name])
    assert model.log.ratings.equals(ratings)


def test_a_saved_model_loads_as_it_was(model: Model, tmp_path: Path) -> None:
    pairs = model.log.ratings.tail(200).drop("rating")
    save_model(model, tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    assert model.predict(pairs).equals(loaded.predict(pairs))
    written = [file for file in (tmp_path / "m").rglob("*") if file.is_file()]
    assert sorted(str(file.relative_to(tmp_path / "m").as_posix()) for file in written) == [
        "current",
        "movies.parquet",
        "ratings.parquet",
        "versions/0001/model.json",
        "versions/0001/version.json",
        "versions/0001/weights.safetensors",
    ]
    assert [file.name for file in tmp_path.iterdir()] == ["m"]


def test_two_seeded_runs_agree_to_the_bit(model: Model, small: Tables) -> None:
    again = train(small, model.name, seed=1)
    for name, array in model.predictor.arrays().items():
        np.testing.assert_array_equal(array, again.predictor.arrays()[name])


def test_observing_counts_at_once_and_leaves_the_old_model_alone(model: Model) -> None:
    movies = model.log.catalogue.movies.ids[:12]
    end = model.log.end
    rows = [(777_777, int(movie), 1.0, end + n) for n, movie in enumerate(movies)]
    observed = model.observe(ratings_of(*rows))
    pair = pl.DataFrame({"userId": [777_777], "movieId": [318]})
    harsh = observed.predict(pair)["prediction"].item()
    assert harsh < model.predict(pair)["prediction"].item() - 0.3
    assert len(model.history(777_777).movies) == 0
    assert len(observed.history(777_777).movies) == 12


def test_scrambling_the_future_leaves_predictions_of_the_past_to_the_bit(model: Model) -> None:
    ratings = model.log.ratings
    moment = int(ratings["timestamp"][int(0.8 * ratings.height)])
    past = ratings.filter(pl.col("timestamp") < moment)
    future = ratings.filter(pl.col("timestamp") >= moment)
    shuffled = np.random.default_rng(0).permutation(future["rating"].to_numpy())
    base = train(tables_of(past), model.name, seed=2)
    one = base.observe(future)
    other = base.observe(future.with_columns(pl.Series("rating", shuffled)))
    asked = future.filter(pl.col("timestamp") == moment).drop("rating")
    first, second = one.predict(asked), other.predict(asked)
    np.testing.assert_array_equal(first["prediction"].to_numpy(), second["prediction"].to_numpy())


def test_a_rating_never_foretells_itself(model: Model) -> None:
    """A pair in the log is answered as of just before it was rated."""
    rated = model.log.ratings.tail(50)
    with_time = model.predict(rated.drop("rating"))["prediction"].to_numpy()
    without = model.predict(rated.select("userId", "movieId"))["prediction"].to_numpy()
    np.testing.assert_array_equal(with_time, without)


def test_a_damaged_folder_is_refused(model: Model, tmp_path: Path) -> None:
    save_model(model, tmp_path / "m")
    version = tmp_path / "m" / "versions" / "0001"
    weights = version / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(ModelFolderError, match="not what was saved"):
        load_model(tmp_path / "m")
    (version / "version.json").write_text("{")
    with pytest.raises(ModelFolderError, match="damaged"):
        load_model(tmp_path / "m")
    with pytest.raises(ModelFolderError, match="foreseen train"):
        load_model(tmp_path / "nowhere")


def test_a_folder_of_something_else_is_not_overwritten(model: Model, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="holds no model"):
        save_model(model, tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("name", list(model_names()))
def test_unknown_settings_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="wdith"):
        parse_settings(name, {"wdith": 3})


def test_too_few_ratings_to_learn_from_are_refused() -> None:
    with pytest.raises(InputError, match="too few"):
        train(tables_of(ratings_of((1, 1, 3.0, 5))), "bias")
