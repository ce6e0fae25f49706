"""The layout of the Netflix Prize: a line with a movie, as in `1:`, before those of its ratings.

Its files have up to 24 million lines, so that Polars parses blocks of lines. Lines of a block that
has a fault are parsed one by one.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import polars as pl
from polars.exceptions import PanicException, PolarsError

from foreseen.data.schema import (
    MOVIE,
    MOVIES_SCHEMA,
    RATING,
    TIMESTAMP,
    TIMESTAMP_LIMIT,
    USER,
)
from foreseen.data.sources.delimited import check_width
from foreseen.data.sources.fields import parse_number, parse_seconds, received
from foreseen.data.sources.personal_fields import parse_year
from foreseen.data.sources.rows import LINE, BadRow, BadRows, RowText, table_of
from foreseen.data.text import clean_text, start_of_text, text_lines

_MOVIE_LINE: Final = re.compile(rb"[0-9]{1,9}:[ \t]*(?:\r?\n|$)")
_TITLE_LINE: Final = re.compile(rb"[0-9]{1,9},(?:[0-9]{4}|NULL)?,[^\r\n]")
_BLOCK: Final = 64 << 20
_BATCH: Final = 16 << 20
_MAX_BATCH: Final = 500
MAX_TITLE_LENGTH: Final = 1000
"""Characters of a title that are kept."""
_SCHEMA: Final = pl.Schema(
    {USER: pl.Int64(), RATING: pl.Float64(), TIMESTAMP: pl.Int64(), MOVIE: pl.Int64()}
)
_TEXT: Final = {USER: pl.String(), RATING: pl.String(), TIMESTAMP: pl.String()}


def has_movie_lines(data: bytes) -> bool:
    """Return whether ratings are in the layout of the Netflix Prize."""
    return _MOVIE_LINE.match(data, start_of_text(data)) is not None


def has_title_lines(data: bytes) -> bool:
    """Return whether movies are in the layout of the Netflix Prize: id, year, title."""
    return _TITLE_LINE.match(data, start_of_text(data)) is not None


def read_ratings_by_movie(files: Iterable[tuple[bytes, str]]) -> tuple[pl.DataFrame, list[BadRow]]:
    """Read files of ratings.

    Args:
        files: Content of each file, and its name in messages.

    Returns:
        The valid rows, with their line numbers over all files in a column `line`; and the bad rows.

    Raises:
        DataError: If a file is not text, or has too many bad rows.
    """
    frames = [pl.DataFrame(schema={**_SCHEMA, LINE: pl.Int64()})]
    found: list[BadRow] = []
    lines = 0
    for batch in _batches(files):
        for frame, count in _parse_batch(batch) or (_read_file(*file, found) for file in batch):
            frames.append(frame.select(*_SCHEMA, pl.col(LINE) + lines))
            lines += count
    return pl.concat(frames).select(USER, MOVIE, RATING, TIMESTAMP, LINE), found


def _batches(files: Iterable[tuple[bytes, str]]) -> Iterator[list[tuple[bytes, str]]]:
    """Yield lists of files, which are small or one: the prize has a file for each movie."""
    batch: list[tuple[bytes, str]] = []
    for file in files:
        batch.append(file)
        if sum(len(data) for data, _ in batch) > _BATCH or len(batch) == _MAX_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _parse_batch(files: list[tuple[bytes, str]]) -> list[tuple[pl.DataFrame, int]] | None:
    """Return the ratings of files and the number of their lines; None if any has a fault."""
    if len(files) == 1 or not all(has_movie_lines(data) for data, _ in files):
        return None
    text = b"".join(data if data.endswith(b"\n") else data + b"\n" for data, _ in files)
    if (parsed := _parse(text, None)) is None:
        return None
    ratings, _ = parsed
    return [(ratings.with_columns(pl.col(LINE) + 1), text.count(b"\n"))]


def _read_file(data: bytes, file: str, found: list[BadRow]) -> tuple[pl.DataFrame, int]:
    """Return the ratings of a file and the number of its lines; `found` gets the bad rows."""
    frames = [pl.DataFrame(schema={**_SCHEMA, LINE: pl.Int64()})]
    bad = BadRows(file)
    lines, movie = 0, None
    for block in _blocks(data):
        frame, movie = _parse(block, movie) or _parse_lines(block, file, lines + 1, movie, bad)
        frames.append(frame.select(*_SCHEMA, pl.col(LINE) + (lines + 1)))
        lines += _count_lines(block)
    found += bad.found
    return pl.concat(frames), lines


def _blocks(data: bytes) -> Iterator[bytes]:
    """Yield parts of a text that end with a line."""
    start = start_of_text(data[:3])  # After a byte-order mark; blank lines count.
    while start < len(data):
        end = data.find(b"\n", start + _BLOCK) + 1 or len(data)
        yield data[start:end]
        start = end


def _parse(block: bytes, movie: int | None) -> tuple[pl.DataFrame, int | None] | None:
    """Return the ratings of a block of lines and its last movie; None if a line has a fault.

    Args:
        block: The lines.
        movie: The last movie before them.
    """
    # The first row gives Polars the number of fields.
    lines = b"0,,\n" + block.replace(b":\r\n", b":,,\n").replace(b":\n", b":,,\n")
    try:
        text = pl.read_csv(lines, has_header=False, schema=_TEXT, quote_char=None).slice(1)
    except (PolarsError, PanicException, UnicodeDecodeError):
        return None
    if text.height != _count_lines(block):
        return None
    is_movie = pl.col(USER).str.ends_with(":") & pl.col(RATING).is_null()
    table = (
        text.with_columns(pl.int_range(text.height, dtype=pl.Int64).alias(LINE))
        .filter(~pl.all_horizontal(pl.col(*_TEXT).is_null()))
        .with_columns(pl.when(is_movie).then(pl.col(USER).str.strip_suffix(":")).alias(MOVIE))
    )
    number = pl.col(MOVIE).cast(pl.Int64, strict=False)
    headers = table.filter(pl.col(MOVIE).is_not_null()).select(number).to_series()
    if headers.has_nulls():
        return None
    date = pl.col(TIMESTAMP).str.to_date("%Y-%m-%d", strict=False)
    typed = table.with_columns(
        pl.col(USER).cast(pl.Int64, strict=False),
        pl.col(RATING).cast(pl.Float64, strict=False),
        date.dt.epoch("s").alias(TIMESTAMP),
        number.fill_null(strategy="forward").fill_null(pl.lit(movie, pl.Int64())),
        pl.col(MOVIE).is_null().alias("is rating"),
    )
    ratings = typed.filter(pl.col("is rating")).drop("is rating")
    is_sound = (
        (pl.col(USER) >= 0)
        & pl.col(RATING).is_finite()
        & pl.col(TIMESTAMP).is_between(0, TIMESTAMP_LIMIT - 1)
        & pl.col(MOVIE).is_not_null()
    )
    if not ratings.select(is_sound.fill_null(value=False).all()).item():
        return None
    return ratings, movie if headers.is_empty() else headers[-1]


def _parse_lines(
    block: bytes, file: str, first: int, movie: int | None, bad: BadRows
) -> tuple[pl.DataFrame, int | None]:
    """Return the same for a block of which lines have faults; `bad` gets these."""
    rows: list[tuple[int, float, int, int, int]] = []
    for number, text in enumerate(text_lines(block, file)):
        line = text.strip()
        try:
            if line.endswith(":"):
                movie = None  # Until the number is known to be one.
                movie = _whole_number(MOVIE, line[:-1])
            elif line:
                fields = line.split(",")
                check_width(fields, len(_TEXT))
                movie = _known(movie)
                user = _whole_number(USER, fields[0])
                rating, timestamp = parse_number(RATING, fields[1]), parse_seconds(fields[2])
                rows.append((user, rating, timestamp, movie, number))
        except ValueError as error:
            bad.add(RowText(first + number, line, {}), str(error), first + number)
    return pl.DataFrame(rows, schema={**_SCHEMA, LINE: pl.Int64()}, orient="row"), movie


def _whole_number(name: str, text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValueError(f"{name} should be a whole number. {received(text)}")
    return int(text)


def _known(movie: int | None) -> int:
    if movie is None:
        raise ValueError("a line with the movie, as in 1:, should come before")
    return movie


def _count_lines(text: bytes) -> int:
    return text.count(b"\n") + (not text.endswith(b"\n"))


def read_numbered_titles(data: bytes, file: str) -> tuple[pl.DataFrame, list[BadRow]]:
    """Read lines of a movie's number, year and title, which may contain commas.

    Returns:
        The valid rows; and the bad rows, which include repeated movies.

    Raises:
        DataError: If the file is not text, or has too many bad rows.
    """
    movies: dict[int, tuple[str, str, int | None, list[str]]] = {}
    bad = BadRows(file)
    for number, line in enumerate(text_lines(data, file), start=1):
        fields = line.strip().split(",", 2)
        if fields == [""]:
            continue
        try:
            check_width(fields, len(MOVIES_SCHEMA) - 1)
            movie = _whole_number(MOVIE, fields[0])
        except ValueError as error:
            bad.add(RowText(number, line, {}), str(error), number)
            continue
        if movie in movies:
            bad.add(RowText(number, line, {}), f"movie {movie} is listed twice", number)
            continue
        title = clean_text(fields[2][:MAX_TITLE_LENGTH])
        movies[movie] = (str(movie), title, parse_year(fields[1]), [])
    return table_of(list(movies.values()), MOVIES_SCHEMA), bad.found
