"""The files of data sets: their names, and the readers of links and tags."""

import re
from collections.abc import Iterator
from typing import Final

import polars as pl

from foreseen.data.input_files import display
from foreseen.data.schema import (
    LINKS_SCHEMA,
    MOVIE,
    TAGS_SCHEMA,
    USER,
)
from foreseen.data.sources.archive import Archive
from foreseen.data.sources.delimited import check_width
from foreseen.data.sources.fields import parse_id, parse_seconds
from foreseen.data.sources.rows import BadRow, BadRows, RowText, table_of
from foreseen.data.text import clean_text, excerpt, first_row, split_rows
from foreseen.errors import DataError

_MAX_ID_LENGTH: Final = 1000
RATINGS_FILES: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"ratings?\.(csv|tsv|txt|json|jsonl|ndjson|parquet)|u\.data|ratings\.dat"
        r"|user_ratedmovies(-timestamps)?\.dat|.+\.inter",
        r"combined_data_[0-9]\.txt|mv_[0-9]{7}\.txt",
        r"bx[-_]book[-_]ratings\.csv|ratings_.+\.csv|rating_complete\.csv|animelist\.csv"
        r"|reviews_.+\.json|.+_5\.json|yelp_academic_dataset_review\.json"
        r"|jester[-_ ]?(data|ratings).*\.(csv|dat)|interactions\.(csv|tsv|parquet|jsonl?)",
    )
)
"""Names of ratings files: those of GroupLens, Kaggle, HetRec, RecBole and many programs, which take
precedence; of the Netflix Prize; of books, reviews, anime and jokes."""
_SPREADSHEET: Final = "[content_types].xml"
_MOVIES_FILES: Final = (
    re.compile(r"movies?\.(csv|tsv|txt|dat|parquet)|u\.item|.+\.item"),
    re.compile(r"items?\.parquet|movie_titles\.(csv|txt)|(bx[-_])?books\.csv|anime\.csv"),
)


def ratings_files(archive: Archive) -> list[str]:
    """Return the names of the ratings files of a data set: one, or all of the Netflix Prize.

    Raises:
        DataError: If it has none, or several.
    """
    for pattern in RATINGS_FILES:
        if names := sorted(name for name in archive.members if pattern.fullmatch(name)):
            break
    else:
        if _SPREADSHEET in archive:
            raise DataError(f"{display(archive.path)} is a spreadsheet; save it as CSV")
        found = excerpt(", ".join(sorted(archive.members)[:8]), 400) or "no files"
        usual = "ratings.csv, u.data, ratings.dat, ratings.parquet"
        message = f"{display(archive.path)} has no ratings file ({usual}); it has {found}"
        raise DataError(f"{message}. A file of another name can be given by its path")
    # HetRec has a second file with the parts of each date in columns of their own.
    with_time = [name for name in names if "timestamps" in name]
    if len(names) > 1 and not with_time and pattern != RATINGS_FILES[1]:
        several = excerpt(", ".join(names), 200)
        raise DataError(f"{display(archive.path)} has several ratings files: {several}; give one")
    return with_time[:1] or names


def movies_file(archive: Archive) -> str | None:
    """Return the name of the movies file of a data set; None if it has none."""
    names = (
        name for pattern in _MOVIES_FILES for name in archive.members if pattern.fullmatch(name)
    )
    return next(names, None)


def read_links(data: bytes, file: str) -> tuple[pl.DataFrame, list[BadRow]]:
    """Read links.csv; IMDb and TMDB ids stay text because those of IMDb have leading zeros.

    Returns:
        The valid rows; and the bad rows.

    Raises:
        DataError: If the file is not text, or has too many bad rows.
    """
    links: list[tuple[str, str | None, str | None]] = []
    bad = BadRows(file)
    for row, fields in _rows_after_header(data, file, ","):
        try:
            movie = parse_id(MOVIE, fields[0])
        except ValueError as error:
            bad.add(row, str(error), len(links))
            continue
        imdb, tmdb = ([*fields[1:], "", ""])[:2]
        links.append((movie, _external_id(imdb), _external_id(tmdb)))
    return table_of(links, LINKS_SCHEMA), bad.found


def has_user_tags(data: bytes, file: str, separator: str) -> bool:
    """Return whether a file has the tags of users, and not the names of tags as in goodbooks."""
    name = first_row(data, file, separator)[1][0].lower()
    return name.replace("_", "") != "tagid"


def read_tags(data: bytes, file: str, separator: str) -> tuple[pl.DataFrame, list[BadRow]]:
    """Read the tags that users gave to movies; see `read_links`."""
    tags: list[tuple[str, str, str, int]] = []
    bad = BadRows(file)
    for row, fields in _rows_after_header(data, file, separator):
        try:
            check_width(fields[: len(TAGS_SCHEMA)], len(TAGS_SCHEMA))
            user, movie = parse_id(USER, fields[0]), parse_id(MOVIE, fields[1])
            timestamp = parse_seconds(fields[-1])
        except ValueError as error:
            bad.add(row, str(error), len(tags))
            continue
        tags.append((user, movie, clean_text(separator.join(fields[2:-1])), timestamp))
    return table_of(tags, TAGS_SCHEMA), bad.found


def _rows_after_header(
    data: bytes, file: str, separator: str
) -> Iterator[tuple[RowText, list[str]]]:
    """Yield the rows of a file, without a first one of column names."""
    for position, (line, fields) in enumerate(split_rows(data, file, separator)):
        if position == 0 and fields[0].strip().lower().removesuffix("id") in {"movie", "user"}:
            continue
        yield RowText(line, separator.join(fields), {}), fields


def _external_id(text: str) -> str | None:
    """Return an id of another service; programs that save ids as fractions add `.0`."""
    return clean_text(text[:_MAX_ID_LENGTH]).removesuffix(".0") or None
