"""What every model must fulfil, as a base class of test classes."""

from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from foreseen.data.canonical import Tables
from foreseen.data.schema import MOVIE, RATING, TIMESTAMP, USER
from foreseen.errors import InputError
from foreseen.features.queries import History
from foreseen.models.base import Model
from foreseen.models.installed import model_spec
from foreseen.models.predictions import Scores
from foreseen.models.predictor import Settings
from foreseen.models.spec import parse_settings
from foreseen.models.train import train
from foreseen.registry.versions import load_model, save_model
from foreseen.testing.data import make_tables, ratings_frame, small_tables

_UNKNOWN_MOVIE: Final = 99_999_999
_UNKNOWN_USER: Final = 777_777


class ModelContract:
    """Tests that a model fulfils the contract of `foreseen.models.base`.

    Attributes:
        name: Name of the model's specification.
        settings: Settings that differ from its defaults, for instance to train faster.
    """

    name: ClassVar[str]
    settings: ClassVar[dict[str, Any]] = {}

    @pytest.fixture(scope="class")
    @classmethod
    def tables(cls) -> Tables:
        """Return the data the model is fitted to; override it to test with other data."""
        return small_tables()

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, tables: Tables) -> Model:
        """Return the fitted model."""
        return train(tables, cls.name, cls._settings(), seed=1)

    @pytest.fixture
    def candidates(self, model: Model) -> NDArray[np.int64]:
        """Return the ids of three movies of the log and of one that is unknown."""
        known = model.log.catalogue.movies.ids[[0, 10, 20]]
        return np.append(known, _UNKNOWN_MOVIE)

    @classmethod
    def _settings(cls) -> Settings:
        return parse_settings(cls.name, cls.settings)

    def test_predictions_lie_on_the_scale_and_keep_the_order_of_the_pairs(
        self, model: Model
    ) -> None:
        user, movie = int(model.log.users.ids[0]), int(model.log.catalogue.movies.ids[0])
        pairs = _pairs(
            [user, _UNKNOWN_USER, user, _UNKNOWN_USER],
            [movie, movie, _UNKNOWN_MOVIE, _UNKNOWN_MOVIE],
        )
        predictions = model.predict(pairs)
        assert predictions.select(USER, MOVIE).equals(pairs)
        values = predictions.select("prediction", "low", "high").to_numpy()
        assert np.isfinite(values).all()
        assert (values >= model.scale[0]).all()
        assert (values <= model.scale[1]).all()
        assert (values[:, 1] <= values[:, 0]).all()
        assert (values[:, 0] <= values[:, 2]).all()

    def test_unknown_users_get_the_same_prediction(self, model: Model) -> None:
        movie = int(model.log.catalogue.movies.ids[0])
        pairs = _pairs([_UNKNOWN_USER, _UNKNOWN_USER + 1], [movie, movie])
        first, second = model.predict(pairs)["prediction"].to_list()
        assert first == second

    def test_no_pairs_give_no_predictions(self, model: Model) -> None:
        assert model.predict(_pairs([], [])).is_empty()

    def test_empty_histories_and_unknown_movies_have_finite_scores(
        self, model: Model, candidates: NDArray[np.int64]
    ) -> None:
        scores = model.score([History.empty(), History.empty()], candidates)
        for values in _arrays(scores):
            assert values.shape == (2, 4)
            assert np.isfinite(values).all()

    def test_a_batch_has_the_scores_of_its_members(
        self, model: Model, candidates: NDArray[np.int64]
    ) -> None:
        users = [int(user) for user in model.log.users.ids[:4]]
        histories = [*(model.history(user) for user in users), History.empty()]
        batch = model.score(histories, candidates, at=model.log.end).predictions.mean
        for row, history in enumerate(histories):
            single = model.score([history], candidates, at=model.log.end).predictions.mean
            np.testing.assert_allclose(batch[row], single[0], atol=1e-5)

    def test_scores_of_a_known_user_equal_predictions(self, model: Model) -> None:
        user = int(model.log.users.ids[3])
        history = model.history(user)
        unwatched = np.setdiff1d(model.log.catalogue.movies.ids, history.movies)[:40]
        scores = model.score([history], unwatched, at=model.log.end - 1).predictions.mean[0]
        pairs = _pairs([user] * len(unwatched), unwatched.tolist())
        np.testing.assert_allclose(model.predict(pairs)["prediction"].to_numpy(), scores, atol=1e-5)

    def test_scoring_and_predicting_leave_the_model_unchanged(
        self, model: Model, candidates: NDArray[np.int64]
    ) -> None:
        before = {name: array.copy() for name, array in model.predictor.arrays().items()}
        ratings = model.log.ratings.clone()
        first = model.score([History.empty()], candidates).predictions.mean
        model.predict(_pairs(model.log.users.ids[:2].tolist(), candidates[:2].tolist()))
        second = model.score([History.empty()], candidates).predictions.mean
        np.testing.assert_array_equal(first, second)
        for name, array in model.predictor.arrays().items():
            np.testing.assert_array_equal(array, before[name])
        assert model.log.ratings.equals(ratings)

    def test_a_loaded_model_predicts_as_the_saved_one(self, model: Model, tmp_path: Path) -> None:
        pairs = model.log.ratings.tail(200).drop(RATING)
        save_model(model, tmp_path / "model")
        loaded = load_model(tmp_path / "model")
        assert model.predict(pairs).equals(loaded.predict(pairs))

    def test_two_fits_with_the_same_seed_are_bitwise_equal(
        self, model: Model, tables: Tables
    ) -> None:
        again = train(tables, self.name, self._settings(), seed=1)
        for name, array in model.predictor.arrays().items():
            np.testing.assert_array_equal(array, again.predictor.arrays()[name])

    def test_observed_ratings_count_at_once_in_the_returned_model_only(self, model: Model) -> None:
        movies = model.log.catalogue.movies.ids[:12]
        rows = [
            (_UNKNOWN_USER, int(movie), model.scale[0], model.log.end + n)
            for n, movie in enumerate(movies)
        ]
        observed = model.observe(ratings_frame(*rows))
        pair = _pairs([_UNKNOWN_USER], [int(model.log.catalogue.movies.ids[20])])
        prediction = observed.predict(pair)["prediction"].item()
        assert prediction < model.predict(pair)["prediction"].item() - 0.3
        assert len(model.history(_UNKNOWN_USER).movies) == 0
        assert len(observed.history(_UNKNOWN_USER).movies) == len(movies)

    def test_later_ratings_do_not_change_predictions_of_the_past_by_a_bit(
        self, model: Model
    ) -> None:
        ratings = model.log.ratings
        moment = int(ratings[TIMESTAMP][int(0.8 * ratings.height)])
        past = ratings.filter(pl.col(TIMESTAMP) < moment)
        future = ratings.filter(pl.col(TIMESTAMP) >= moment)
        shuffled = np.random.default_rng(0).permutation(future[RATING].to_numpy())
        base = train(make_tables(past), self.name, self._settings(), seed=2)
        one = base.observe(future)
        other = base.observe(future.with_columns(pl.Series(RATING, shuffled)))
        pairs = future.filter(pl.col(TIMESTAMP) == moment).drop(RATING)
        np.testing.assert_array_equal(
            one.predict(pairs)["prediction"].to_numpy(),
            other.predict(pairs)["prediction"].to_numpy(),
        )

    def test_a_rating_is_not_used_to_predict_itself(self, model: Model) -> None:
        """A pair of the log is predicted as of just before it was rated."""
        rated = model.log.ratings.tail(50)
        with_time = model.predict(rated.drop(RATING))["prediction"].to_numpy()
        without = model.predict(rated.select(USER, MOVIE))["prediction"].to_numpy()
        np.testing.assert_array_equal(with_time, without)

    def test_unknown_settings_are_refused(self) -> None:
        with pytest.raises(InputError, match="no_such_setting"):
            parse_settings(self.name, {"no_such_setting": 3})

    def test_too_few_ratings_are_refused(self) -> None:
        with pytest.raises(InputError, match="too few"):
            train(make_tables(ratings_frame((1, 1, 3.0, 5))), self.name)

    def test_defaults_lie_inside_the_search_space(self) -> None:
        spec = model_spec(self.name)
        defaults: dict[str, Any] = spec.settings().model_dump(mode="json")
        for search in spec.search_space:
            for path in search.paths:
                value: Any = defaults
                for key in path.split("."):
                    value = value[int(key) if key.isdigit() else key]
                assert search.low <= value <= search.high, f"{path} = {value}"


def _pairs(users: list[int], movies: list[int]) -> pl.DataFrame:
    return pl.DataFrame({USER: users, MOVIE: movies}, schema={USER: pl.Int64, MOVIE: pl.Int64})


def _arrays(scores: Scores) -> list[NDArray[np.float64]]:
    return [*vars(scores.predictions).values(), scores.likely, scores.p_next_liked]
