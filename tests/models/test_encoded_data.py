"""Models of data with ids that are no numbers, and on other scales than stars."""

import csv
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foreseen import load_data, load_model, recommend, save_model, train
from foreseen.data.canonical import Tables, write_tables
from foreseen.data.rating_scale import RatingScale
from foreseen.errors import InputError
from foreseen.models.base import Model
from foreseen.ranking.recommend import recommend_all


def renamed(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table with texts for ids."""
    ids = {"userId": "user-{}", "movieId": "tt{}"}
    return table.with_columns(
        pl.format(ids[name], pl.col(name)).alias(name) for name in ids if name in table.columns
    )


@pytest.fixture(scope="module")
def stars(small: Tables) -> Model:
    return train(small.ratings, "bias")


@pytest.fixture(scope="module")
def named(small: Tables) -> Model:
    return train(renamed(small.ratings), "bias")


PAIRS = pl.DataFrame({"userId": [1, 15, 777_777], "movieId": [318, 50, 1]})


def test_texts_as_ids_are_predicted_as_numbers_are(stars: Model, named: Model) -> None:
    given = renamed(PAIRS)
    found = named.predict(given)
    assert found.select("userId", "movieId").equals(given)
    # Ratings of one second are in another order.
    np.testing.assert_allclose(
        found["prediction"].to_numpy(), stars.predict(PAIRS)["prediction"].to_numpy(), atol=0.05
    )


def test_rankings_have_the_ids_of_the_source(stars: Model, named: Model, tmp_path: Path) -> None:
    expected = recommend(stars, 15, 5)[0]
    ranking = recommend(named, "user-15", 5)[0]
    assert ranking.user == "user-15"
    assert ranking.known
    assert [entry.movie for entry in ranking.recommendations] == [
        f"tt{entry.movie}" for entry in expected.recommendations
    ]
    moved = [entry.moved_by[0].movie for entry in ranking.recommendations if entry.moved_by]
    assert moved
    assert all(str(movie).startswith("tt") for movie in moved)
    assert recommend_all(named, tmp_path / "all.csv", 1) == 60
    with (tmp_path / "all.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["userId"] for row in rows} == {f"user-{n}" for n in range(1, 61)}
    assert all(row["movieId"].startswith("tt") for row in rows)


def test_ids_survive_saving_and_observing(named: Model, tmp_path: Path) -> None:
    end = named.log.end
    more = named.observe([("user-1", "new film", 4.0, end), ("a newcomer", "tt318", 5.0, end + 1)])
    save_model(more, tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    assert recommend(loaded, "a newcomer", 3)[0].known
    assert loaded.encoding == more.encoding
    pairs = {"userId": ["a newcomer", "user-1"], "movieId": ["new film", "tt1"]}
    assert loaded.predict(pairs).equals(more.predict(pairs))
    assert "movie new film" in loaded.titles


def test_ratings_on_another_scale_are_predicted_on_it(stars: Model, small: Tables) -> None:
    points = small.ratings.with_columns(pl.col("rating") * 2)
    model = train(points, "bias")
    assert model.encoding.scale == RatingScale(1, 10, 1)
    assert model.report["validation_rmse"] == pytest.approx(2 * stars.report["validation_rmse"])
    columns = ["prediction", "low", "high"]
    expected = stars.predict(PAIRS).select(columns).to_numpy() * 2
    np.testing.assert_allclose(model.predict(PAIRS).select(columns).to_numpy(), expected)
    one, two = recommend(stars, 15, 5)[0], recommend(model, 15, 5)[0]
    for entry, same in zip(one.recommendations, two.recommendations, strict=True):
        assert entry.movie == same.movie
        assert same.prediction == pytest.approx(2 * (entry.prediction or 0))
        assert [moved.rating for moved in same.moved_by] == [
            2 * moved.rating for moved in entry.moved_by
        ]
    with pytest.raises(InputError, match=r"scale 1 to 10\. Received: 11"):
        model.observe([(1, 2, 11.0, 5)])


def test_a_scale_survives_saving_and_canonical_files(small: Tables, tmp_path: Path) -> None:
    points = small.ratings.with_columns((pl.col("rating") - 0.5) / 4.5 * 100)
    tables = load_data(points)
    assert (tables.manifest.lowest, tables.manifest.highest) == (0, 100)
    write_tables(tables, tmp_path / "data")
    written = pl.read_parquet(tmp_path / "data" / "ratings.parquet")
    np.testing.assert_allclose(
        written["rating"].sort().to_numpy(), points["rating"].sort().to_numpy(), atol=1e-6
    )
    again = load_data(tmp_path / "data")
    assert again.encoding == tables.encoding
    np.testing.assert_allclose(again.ratings["rating"], tables.ratings["rating"], atol=1e-9)
    save_model(train(again, "bias"), tmp_path / "m")
    assert load_model(tmp_path / "m").encoding.scale == tables.encoding.scale


@pytest.mark.parametrize("values", [[1.0, 1.0], [0.0, 1.0], [-1.0, 1.0]])
def test_likes_and_views_are_ranked_by_likelihood(small: Tables, values: list[float]) -> None:
    liked = pl.when(pl.col("rating") >= 4).then(values[1]).otherwise(values[0])
    model = train(small.ratings.with_columns(rating=liked), "bias")
    ranking = recommend(model, 15, 5)[0]
    assert len(ranking.recommendations) == 5
    assert all(entry.prediction is None for entry in ranking.recommendations)
    likely = [entry.likely for entry in ranking.recommendations]
    assert likely == sorted(likely, reverse=True)
    assert "chosen by" in ranking.recommendations[0].why
    with pytest.raises(InputError, match="without ratings to predict"):
        recommend(model, 15, 5, by="rating")
    with pytest.raises(InputError, match="without ratings to predict"):
        model.predict(PAIRS)


def test_views_without_a_column_of_ratings_are_a_log(small: Tables) -> None:
    tables = load_data(small.ratings.drop("rating"))
    assert tables.encoding.scale.kind == "unary"
    assert tables.ratings.height == small.ratings.height
