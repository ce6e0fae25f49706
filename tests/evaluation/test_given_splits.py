"""The splits that come with ml-100k."""

from pathlib import Path

import polars as pl
import pytest
from tests.conftest import random_ratings, zip_folder

from foreseen.data.canonical import Tables, load_data
from foreseen.errors import InputError
from foreseen.evaluation.cross_validation import GIVEN_SPLITS
from foreseen.evaluation.given_splits import SPLITS, read_splits
from foreseen.evaluation.protocols import GLOBAL_MEAN, evaluator_of
from foreseen.evaluation.splits import random_folds
from foreseen.models.spec import parse_settings


def write(ratings: pl.DataFrame, file: Path) -> None:
    ratings.with_columns(pl.col("rating").ceil().cast(pl.Int64)).write_csv(
        file, separator="\t", include_header=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as ml-100k has it."""
    ratings = random_ratings(0, 200)
    fold = random_folds(ratings, seed=1)
    place = tmp_path / "ml-100k"
    place.mkdir()
    write(ratings, place / "u.data")
    for number, name in enumerate(SPLITS):
        write(ratings.filter(fold != number), place / f"{name}.base")
        write(ratings.filter(fold == number), place / f"{name}.test")
    return place


@pytest.mark.parametrize("is_zip", [False, True])
def test_the_splits_are_those_of_the_files(folder: Path, tmp_path: Path, is_zip: bool) -> None:
    source = zip_folder(folder, tmp_path / "ml-100k.zip") if is_zip else folder
    tables = load_data(source)
    splits = read_splits(source, tables)
    assert list(splits) == list(SPLITS)
    for name, parts in splits.items():
        for part, kind in zip(parts, ("base", "test"), strict=True):
            lines = (folder / f"{name}.{kind}").read_text().split("\n")[:-1]
            expected = {tuple(map(int, line.split("\t")[:2])) for line in lines}
            assert set(part.select("userId", "movieId").iter_rows()) == expected
        assert sum(part.height for part in parts) == tables.ratings.height
    assert pl.concat([held_out for _, held_out in splits.values()]).height == 200


def test_each_split_and_all_of_them_are_settings(folder: Path) -> None:
    evaluate = evaluator_of(GIVEN_SPLITS, load_data(folder), folder)
    mean = evaluate(GLOBAL_MEAN, None, 0)
    assert [result.setting for result in mean] == [*SPLITS, GIVEN_SPLITS]
    base = pl.read_csv(folder / "u3.base", separator="\t", has_header=False)
    predicted = mean[2].events["prediction"].unique().to_list()
    assert predicted == pytest.approx([float(base[base.columns[2]].to_numpy().mean())])
    *parts, together = evaluate("bias", parse_settings("bias"), 0)
    assert pl.concat([part.events for part in parts]).equals(together.events)
    assert together.events.height == 200
    assert all(result.ranking is None for result in (*parts, together))


def test_a_missing_file_is_named(folder: Path) -> None:
    tables = load_data(folder)
    (folder / "u4.test").unlink()
    with pytest.raises(InputError, match=r"has no file u4\.test; --protocol u1-u5 needs ml-100k"):
        read_splits(folder, tables)


@pytest.mark.parametrize("data", ["ml-latest-small", "-", "sqlite:///votes.db", "u.data"])
def test_data_without_files_is_refused(
    data: str, small: Tables, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(InputError, match="is no folder or zip; --protocol u1-u5 needs ml-100k"):
        read_splits(data, small)


def test_a_split_of_other_ratings_is_refused(folder: Path) -> None:
    tables = load_data(folder)
    with (folder / "u2.base").open("a") as file:
        file.write("77\t1\t3\t1000000000\n")
    with pytest.raises(InputError, match=r"u2\.base has 161 ratings, of which 160 are in ml-100k"):
        read_splits(folder, tables)
    (folder / "u2.base").write_text("1\tx\ty\n")
    with pytest.raises(InputError, match=r"u2\.base"):
        read_splits(folder, tables)
