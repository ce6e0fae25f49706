"""The layouts of data sets of movies, books, reviews, anime and jokes."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.conftest import write_folder
from tests.data.samples import MOVIES_CSV, RATINGS_CSV, zipped

from foreseen.data.canonical import load_data
from foreseen.data.parquet import to_parquet
from foreseen.data.sources import read_source
from foreseen.errors import DataError

Row = tuple[object, object, float, int]
Movie = tuple[object, str, int | None, list[str]]
REVIEW = {"reviewerID": "A1", "asin": "0005019281", "overall": 4.0, "unixReviewTime": 1203984000}
YELP = {"review_id": "r", "user_id": "u", "business_id": "b", "stars": 5.0, "text": "a, b"}


def parquet(**row: object) -> bytes:
    return to_parquet(pl.DataFrame([row]))


DATA_SETS: dict[str, tuple[dict[str, bytes], list[Row], list[Movie]]] = {
    "MovieTweetings": (
        {
            "ratings.dat": b"1::0114508::8::1381006850\n2::0000008::10::1381006851\n",
            "movies.dat": "0000008::Édison (1894)::Documentary|Short\n"
            "0114508::Species (1995)::\n".encode(),
            "users.dat": b"1::397291295\n",
        },
        [("1", "0114508", 8.0, 1381006850), ("2", "0000008", 10.0, 1381006851)],
        [("0000008", "Édison", 1894, ["Documentary", "Short"]), ("0114508", "Species", 1995, [])],
    ),
    "Book-Crossing": (
        {
            "BX-Book-Ratings.csv": b'"User-ID";"ISBN";"Book-Rating"\r\n'
            b'"276725";"034545104X";"0"\r\n'
            b'"276726";"0155061224";"5"\r\n"276727";"\xe9446520802";"10"\r\n',
            "BX-Books.csv": b'"ISBN";"Book-Title";"Book-Author";"Year-Of-Publication"\r\n'
            b'"0155061224";"Rites; \\"Passage\\"";"J\xfcrgen";"2001"\r\n',
        },
        [("276726", "0155061224", 5.0, 1), ("276727", "é446520802", 10.0, 2)],
        [("0155061224", 'Rites; "Passage"', 2001, [])],
    ),
    "Book-Crossing again": (
        {"Ratings.csv": b"User-ID,ISBN,Book-Rating\n1,034545104X,0\n2,0155061224,5\n"},
        [("2", "0155061224", 5.0, 1)],
        [],
    ),
    "goodbooks": (
        {
            "ratings.csv": b"user_id,book_id,rating\n1,258,5\n2,4081,4\n",
            "books.csv": b"book_id,goodreads_book_id,authors,original_publication_year,title\n"
            b'258,99,"A, B",2008.0,"The Shadow"\n',
            "tags.csv": b"tag_id,tag_name\n0,-\n",
            "to_read.csv": b"user_id,book_id\n9,8\n",
        },
        [("1", "258", 5.0, 0), ("2", "4081", 4.0, 1)],
        [("258", "The Shadow", 2008, [])],
    ),
    "anime": (
        {
            "rating.csv": b"user_id,anime_id,rating\n1,20,-1\n1,24,9\n2,24,0\n2,20,10\n",
            "anime.csv": b"anime_id,name,genre,type,episodes,rating,members\n"
            b'20,Naruto,"Action, Comedy",TV,220,7.81,683297\n',
        },
        [("1", "24", 9.0, 1), ("2", "20", 10.0, 3)],
        [("20", "Naruto", None, ["Action", "Comedy"])],
    ),
    "Amazon ratings": (
        {"ratings_Movies_and_TV.csv": b"A2M1,0005019281,5.0,1352073600\nB,0A,1.0,1352073601\n"},
        [("A2M1", "0005019281", 5.0, 1352073600), ("B", "0A", 1.0, 1352073601)],
        [],
    ),
    "Amazon reviews": (
        {
            "Movies_and_TV_5.json.gz": gzip.compress(
                "\n".join(map(json.dumps, [REVIEW, REVIEW | {"reviewerID": "A2"}])).encode()
            )
        },
        [("A1", "0005019281", 4.0, 1203984000), ("A2", "0005019281", 4.0, 1203984000)],
        [],
    ),
    "Yelp": (
        {
            "yelp_academic_dataset_review.json": (
                json.dumps(YELP | {"date": "2018-07-07 22:09:11"}) + "\n"
            ).encode()
        },
        [("u", "b", 5.0, 1531001351)],
        [],
    ),
    "Jester in columns": (
        {"jester_ratings.dat": b"1\t\t5\t\t0.219\n1\t\t7\t\t-9.281\n2\t\t5\t\t9.5\n"},
        [("1", "5", 0.219, 0), ("1", "7", -9.281, 1), ("2", "5", 9.5, 2)],
        [],
    ),
    "LensKit": (
        {
            "rating.parquet": parquet(user_id=1, item_id=5, rating=4.5, timestamp=1381006850),
            "item.parquet": parquet(item_id=5, title="Heat (1995)", genres=["Crime", "Drama"]),
        },
        [("1", "5", 4.5, 1381006850)],
        [("5", "Heat", 1995, ["Crime", "Drama"])],
    ),
}


@pytest.mark.parametrize("name", list(DATA_SETS))
@pytest.mark.parametrize("zipped", [False, True])
def test_a_data_set_is_read_in_its_own_layout(name: str, tmp_path: Path, *, zipped: bool) -> None:
    files, ratings, movies = DATA_SETS[name]
    folder = tmp_path / "any" / "folder"
    folder.mkdir(parents=True)
    for file, content in files.items():
        (folder / file).write_bytes(content)
    path = tmp_path / "any"
    if zipped:
        path = Path(shutil.make_archive(str(path), "zip", path))
    raw = read_source(path)
    assert [(str(user), str(item), *row[:2]) for user, item, *row in raw.ratings.rows()] == ratings
    found: list[tuple[Any, ...]] = [] if raw.movies is None else raw.movies.rows()
    assert [(str(movie), *row) for movie, *row in found] == movies
    assert raw.bad_rows == ()


def test_rows_without_a_rating_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "rating.csv").write_text("user_id,anime_id,rating\n1,20,-1\n1,24,9\n2,24,0\n")
    assert read_source(tmp_path).ratings.height == 1
    assert "rows without a rating (-1 or 0) are left out: 2" in caplog.text
    (tmp_path / "rating.csv").write_text("user_id,item_id,rating\n1,20,0\n1,24,5\n2,24,4\n")
    assert read_source(tmp_path).ratings.height == 3


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_matrix_of_users_and_jokes_is_read(separator: str, tmp_path: Path) -> None:
    rows = [["10", *["1.5", "-2.25"] * 5, *["99"] * 4], ["1", *["99"] * 13, "9.75"]]
    text = "\r\n".join(separator.join(row) for row in rows)
    (tmp_path / "jester-data-1.csv").write_text(f"{text}\r\n")
    raw = read_source(tmp_path)
    assert raw.ratings.height == 11
    assert raw.ratings.rows()[:2] == [(1, 1, 1.5, 0, 1), (1, 2, -2.25, 1, 1)]
    assert raw.ratings.rows()[-1] == (2, 14, 9.75, 10, 2)
    (tmp_path / "jester-data-1.csv").write_text(f"{text}\n1{separator}x\n")
    with pytest.raises(DataError, match=r"jester-data-1\.csv should be a matrix of numbers"):
        read_source(tmp_path)
    with pytest.raises(DataError, match="no columns that can be named"):
        read_source(tmp_path, {"user": 1})


def test_tables_of_other_names_beside_canonical_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "ratings.parquet").write_bytes(parquet(user_id="a", item_id=5, rating=4.5))
    (tmp_path / "movies.parquet").write_bytes(parquet(item_id=5, title="Heat (1995)"))
    assert read_source(tmp_path).movies is not None
    assert load_data(tmp_path).movies.row(0) == (5, "Heat", 1995, [])


def test_a_usual_ratings_file_takes_precedence(tmp_path: Path) -> None:
    write_folder(tmp_path / "set", RATINGS_CSV, MOVIES_CSV)
    (tmp_path / "ratings_small.csv").write_text("userId,movieId,rating\n9,9,1\n")
    (tmp_path / "set" / "interactions.csv").write_text("userId,movieId,rating\n9,9,1\n")
    (tmp_path / "set" / "books.csv").write_text("book_id,title\n9,Nine\n")
    tables = load_data(tmp_path)
    assert tables.ratings.height == 3
    assert tables.movies["title"].to_list() == ["Toy Story", "Heat, The"]


@pytest.mark.parametrize("zipped", [False, True])
def test_movies_of_another_folder_are_not_used(tmp_path: Path, *, zipped: bool) -> None:
    path = tmp_path / "all"
    write_folder(path / "a" / "ratings only", RATINGS_CSV)
    write_folder(path / "b" / "c" / "complete", RATINGS_CSV + "7,7,5,7\n", MOVIES_CSV)
    for name in ("movies.csv", "links.csv", "movie_titles.csv"):
        (path / "b" / name).write_text("movieId,title\n1,Of another set\n")
    (path / "a" / "movies.csv").write_text("movieId,title\n1,Of another set\n")
    archive = Path(shutil.make_archive(str(path), "zip", path)) if zipped else path
    tables = load_data(archive)
    assert tables.ratings.height == 3
    assert tables.movies["title"].null_count() == 2
    assert tables.links is None


def test_files_of_other_kinds_are_named(tmp_path: Path) -> None:
    write_folder(tmp_path / "set", RATINGS_CSV)
    tar = shutil.make_archive(str(tmp_path / "set"), "gztar", tmp_path / "set")
    with pytest.raises(DataError, match=r"set\.tar\.gz is a tar archive; unpack it"):
        load_data(tar)
    (tmp_path / "ratings.xlsx").write_bytes(zipped(**{"[Content_Types].xml": "<Types/>"}))
    with pytest.raises(DataError, match=r"ratings\.xlsx is a spreadsheet; save it as CSV"):
        load_data(tmp_path / "ratings.xlsx")


def test_json_lines_are_recognised_under_any_name(tmp_path: Path) -> None:
    row = json.dumps({"user": 1, "item": 2, "rating": True, "tags": [1]})
    for content in (row, f"\n{row}\n", f"[{row}]", json.dumps({"ratings": [json.loads(row)]})):
        for name in ("log", "log.json", "log.txt.gz"):
            (tmp_path / name).write_text(content)
            assert load_data(tmp_path / name).ratings.height == 1, (name, content)
    (tmp_path / "log.json").write_text(f"{row}\n{{\n")
    with pytest.raises(DataError, match=r"log\.json, line 2: invalid JSON"):
        load_data(tmp_path / "log.json")


def test_a_folder_without_ratings_says_that_a_file_can_be_given(tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text("user,item,rating\n1,2,3\n")
    with pytest.raises(DataError, match=r"votes\.csv\. A file of another name can be given"):
        load_data(tmp_path)
    assert load_data(tmp_path / "votes.csv").ratings.height == 1
