"""Damaged and hostile inputs for every reader of files, and the check of the outcome.

An input is either accepted, with a result that satisfies the schema, or refused with a `DataError`
of one printable line.
"""

import io
import json
import random
import re
import time
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

import polars as pl
from tests.data.sources.export_samples import EXPORTS

from foreseen.data.canonical import Tables, load_data, load_ratings, write_tables
from foreseen.data.schema import (
    LINKS_SCHEMA,
    MOVIE,
    MOVIES_SCHEMA,
    RATING,
    RATINGS_SCHEMA,
    TAGS_SCHEMA,
    TIMESTAMP,
    TITLE,
    USER,
)
from foreseen.data.sources.exports import Provider, load_export
from foreseen.data.sources.fields import is_valid
from foreseen.data.sources.pairs import read_pairs
from foreseen.data.sources.titles import split_genres, split_title
from foreseen.errors import DataError

MAX_SECONDS: Final = 60.0
_VALID_SEEDS: Final = 0.7
"""Share of the inputs that are derived from a valid one."""
_MAX_MESSAGE: Final = 2000
_MAX_LISTING: Final = 5000
RATINGS: Final = b"userId,movieId,rating,timestamp\n2,1,3.5,100\n1,2,5,50\n1,1,4.0,50\n3,1,0.5,99\n"
_MOVIES: Final = (
    b'movieId,title,genres\n1,Toy Story (1995),Animation|Comedy\n2,"Heat, The (1995)",Crime\n'
)
_LINKS: Final = b"movieId,imdbId,tmdbId\n1,0114709,862\n2,0113277,\n"
_TAGS: Final = b'userId,movieId,tag,timestamp\n2,1,"funny, fast",90\n1,2,slow,91\n'
_DAT: Final = b"1::1193::5::978300760\n1::661::3.5::978302109\n2::661::4::978302110\n"
_MOVIES_DAT: Final = (
    b"661::James: A Peach (1996)::Animation|Children's\n1193::Cuckoo (1975)::Drama\n"
)
_DATA: Final = b"196\t242\t3\t881250949\n186\t242\t4\t891717742\n"
_ITEM: Final = b"242|Kolya (1996)|24-Jan-1997||http://x|" + b"|".join([b"0"] * 18 + [b"1"]) + b"\n"
_TRAKT_ENTRY: Final = {
    "rated_at": "2024-03-07T19:37:27.000Z",
    "rating": 8,
    "type": "movie",
    "movie": {"title": "Pulp Fiction", "year": 1994, "ids": {"imdb": "tt0110912", "tmdb": 680}},
}
_EXPORTS: Final[dict[Provider, bytes]] = {
    "letterboxd": (
        b"Date,Name,Year,Letterboxd URI,Rating\r\n2021-03-07,The Matrix,1999,https://x,4.5\r\n"
        b'2021-03-08,"Good, the Bad and the Ugly",1966,https://x,5\r\n'
    ),
    "imdb": (
        b"Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,Year\n"
        b"tt0133093,9,2020-05-01,The Matrix,The Matrix,https://x,Movie,1999\n"
        b'tt0944947,10,2020-05-02,"A, B",x,https://x,TV Series,2011\n'
    ),
    "trakt": json.dumps([_TRAKT_ENTRY, _TRAKT_ENTRY]).encode(),
    "movielens": (
        b"movie_id,imdb_id,tmdb_id,rating,average_rating,title\r\n"
        b"50,0114814,629,4.0,4.3,The Usual Suspects (1995)\r\n"
    ),
    **{
        provider: EXPORTS[provider].encode()
        for provider in ("simkl", "tmdb", "movary", "jellyfin", "csv")
    },
}
_TOKENS: Final = (
    *(
        b"",
        b"-1",
        b"0",
        b"1.0",
        b"862.0",
        b"1_000",
        b"+5",
        b"1e3",
        b"1e30",
        b"1e400",
        b"inf",
        b"nan",
    ),
    *(
        b"9007199254740993",
        b"9223372036854775808",
        b"9" * 400,
        b"9" * 5000,
        b"0x10",
        b"1.5",
        b" 7 ",
    ),
    *(b"1260759144000", b"1260759144000000", b"-1260759144", b"2005-04-02 23:53:47", b"01/05/2021"),
    *(b"9999-99-99", b"0001-01-01", b"9999-12-31T23:59:59+23:59", b"true", b"null", b"[]", b"{}"),
    *(
        b'"',
        b'""',
        b'"""',
        b"'",
        b"\0",
        b"\x1b[31m",
        b"\x07",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xe9",
    ),
    *(
        b"\xe2\x80\xae",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98\x80",
        b"\r",
        b"\n",
        b"\r\n",
        b"\x85",
        b"\x0c",
    ),
    *(b",", b";", b"\t", b"|", b"::", b"\\", b"=cmd()", b"\xd9\xa1", b"x" * 3000, b"(" * 3000),
    *(b"[" * 3000, b"{" * 3000, b'{"a":' * 3000, b"\n" * 500, b'"' + b"x" * 140_000, b"," * 5000),
)
_SEPARATORS: Final = re.compile(rb'([,;|:\t\r\n"{}\[\]]+)')
Outcome = Literal["accepted", "refused"]


@dataclass(frozen=True)
class Reader:
    """A reader under test.

    Attributes:
        seeds: Valid inputs, from which others are derived.
        read: Reads an input, for which it may use an empty folder, and checks the result.
        cost: Number of inputs of a quick reader that take as long.
    """

    seeds: tuple[bytes, ...]
    read: Callable[[bytes, Path], None]
    cost: int = 1


def outcome(reader: Reader, data: bytes, folder: Path) -> tuple[Outcome, str]:
    """Return whether an input is accepted or refused, and the message.

    Raises:
        AssertionError: If the result or the message breaks the rules, or it takes too long.
    """
    start = time.perf_counter()
    try:
        reader.read(data, folder)
        result: tuple[Outcome, str] = ("accepted", "")
    except DataError as error:
        check_message(str(error))
        result = ("refused", str(error))
    seconds = time.perf_counter() - start
    assert seconds < MAX_SECONDS, f"{seconds:.1f} s"
    return result


def check_message(message: str) -> None:
    """Check that a message is one printable line of limited length, or a list of bad rows."""
    head, *rows = message.split("\n")
    assert all(row.startswith("  ") for row in rows), message
    assert len(head) < _MAX_MESSAGE, f"{len(head)} characters"
    assert len(message) < _MAX_LISTING, f"{len(message)} characters"
    assert all(line.isprintable() for line in (head, *rows)), repr(message)


def mutate(generator: random.Random, seed: bytes) -> bytes:
    """Return an input derived from a valid one by a few random changes."""
    data = seed
    for _ in range(generator.choice((1, 1, 1, 1, 2, 4))):
        data = generator.choice(_MUTATIONS)(generator, data)
    return data[: 1 << 20]


def _flip(generator: random.Random, data: bytes) -> bytes:
    changed = bytearray(data or b"\0")
    changed[generator.randrange(len(changed))] = generator.randrange(256)
    return bytes(changed)


def _cut(generator: random.Random, data: bytes) -> bytes:
    start, end = sorted(generator.randrange(len(data) + 1) for _ in range(2))
    return data[:start] + (data[end:] if generator.random() < 0.7 else b"")


def _repeat(generator: random.Random, data: bytes) -> bytes:
    start, end = sorted(generator.randrange(len(data) + 1) for _ in range(2))
    return data[:end] + data[start:end] * generator.choice((1, 2, 50)) + data[end:]


def _insert(generator: random.Random, data: bytes) -> bytes:
    place = generator.randrange(len(data) + 1)
    return data[:place] + generator.choice(_TOKENS) + data[place:]


def _replace_token(generator: random.Random, data: bytes) -> bytes:
    parts = _SEPARATORS.split(data)
    parts[generator.randrange(len(parts))] = generator.choice(_TOKENS)
    return b"".join(parts)


def _swap_tokens(generator: random.Random, data: bytes) -> bytes:
    parts = _SEPARATORS.split(data)
    one, other = generator.randrange(len(parts)), generator.randrange(len(parts))
    parts[one], parts[other] = parts[other], parts[one]
    return b"".join(parts)


def _encode(generator: random.Random, data: bytes) -> bytes:
    encoding = generator.choice(("utf-16", "utf-16-le", "utf-8-sig", "utf-32"))
    return data.decode("latin-1").encode(encoding)


_MUTATIONS: Final = (
    *(_flip, _cut, _repeat, _insert, _swap_tokens, _encode),
    *(_replace_token, _replace_token, _replace_token),
)


def check_tables(tables: Tables) -> None:
    """Check that canonical tables satisfy the schema."""
    ratings, movies = tables.ratings, tables.movies
    assert ratings.schema == RATINGS_SCHEMA
    assert is_valid(ratings)
    assert ratings[RATING].is_between(0.5 - 1e-9, 5 + 1e-9).all()
    assert ratings[TIMESTAMP].is_sorted()
    assert not ratings.select(USER, MOVIE).is_duplicated().any()
    assert movies.schema == MOVIES_SCHEMA
    assert movies[MOVIE].n_unique() == movies.height
    assert set(ratings[MOVIE]) <= set(movies[MOVIE])
    assert all(
        title.isprintable() or "\xad" in title
        for title in movies[TITLE].drop_nulls()
        if title.isascii()
    )
    for table, schema in ((tables.links, LINKS_SCHEMA), (tables.tags, TAGS_SCHEMA)):
        assert table is None or table.schema == schema
        assert table is None or table[MOVIE].is_between(0, 2**53).all()


def _folder_reader(name: str, **others: bytes) -> Callable[[bytes, Path], None]:
    """Return a reader of a folder of which the file `name` is the input."""

    def read(data: bytes, folder: Path) -> None:
        for file, content in {**others, name: data}.items():
            (folder / file).write_bytes(content)
        check_tables(load_data(folder))

    return read


def _read_zip(data: bytes, folder: Path) -> None:
    (folder / "set.zip").write_bytes(data)
    check_tables(load_data(folder / "set.zip"))


def _read_zipped(data: bytes, folder: Path) -> None:
    """Read a zip whose ratings are the input, under names and methods that depend on it."""
    generator = random.Random(data)  # noqa: S311
    name = generator.choice(("ratings.csv", "a/ratings.csv", "/ratings.csv", "../../ratings.csv"))
    method = generator.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    _read_zip(zipped({name: data, "movies.csv": _MOVIES}, method), folder)


def _read_pairs(data: bytes, folder: Path) -> None:
    (folder / "pairs.csv").write_bytes(data)
    pairs = read_pairs(folder / "pairs.csv")
    _check_ids(pairs)


def _read_ratings(data: bytes, folder: Path) -> None:
    (folder / "new.csv").write_bytes(data)
    ratings = load_ratings(folder / "new.csv")
    # Without timestamps in the file, they have none.
    assert ratings.columns in (list(RATINGS_SCHEMA), list(RATINGS_SCHEMA)[:-1])
    assert ratings[RATING].is_finite().all()
    _check_ids(ratings)


def _check_ids(table: pl.DataFrame) -> None:
    """Check that ids are whole numbers, or texts of which one is no such number."""
    for ids in (table[USER], table[MOVIE]):
        if ids.dtype == pl.Int64():
            assert (ids >= 0).all()
        else:
            assert ids.dtype == pl.String()
            assert ids.str.len_chars().is_between(1, 200).all()
            assert not ids.str.contains(r"^(0|[1-9][0-9]{0,17})$").all()


def _export_reader(provider: Provider) -> Callable[[bytes, Path], None]:
    def read(data: bytes, folder: Path) -> None:
        (folder / "export").write_bytes(data)
        export = load_export(folder / "export", provider)
        for rating in export.ratings:
            assert 0.5 <= rating.stars <= 5
            assert rating.timestamp is None or 0 <= rating.timestamp < 2**32
            assert rating.movie is None or 0 <= rating.movie < 10**15
            assert len(rating.title) <= 300
            json.dumps(vars(rating), ensure_ascii=False).encode()
        for entry in export.unreadable:
            check_message(entry.reason)
            check_message(entry.text)

    return read


def _read_title(data: bytes, folder: Path) -> None:
    del folder
    text = data.decode("utf-8", "surrogateescape")
    title, year = split_title(text)
    title.encode()
    assert year is None or 1800 <= year < 2100
    assert "\x1b" not in title
    for genre in split_genres(text):
        genre.encode()


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return the content of a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as bundle:
        for name, content in files.items():
            bundle.writestr(name, content)
    return buffer.getvalue()


def _tables(folder: Path) -> Tables:
    for name, content in (
        ("ratings.csv", RATINGS), ("movies.csv", _MOVIES), ("links.csv", _LINKS),
    ):  # fmt: skip
        (folder / name).write_bytes(content)
    return load_data(folder)


def _canonical_reader(name: str, *, has_manifest: bool) -> Callable[[bytes, Path], None]:
    """Return a reader of a canonical folder in which a file is replaced by the input."""

    def read(data: bytes, folder: Path) -> None:
        write_tables(_tables(folder), folder / "set")
        (folder / "set" / name).write_bytes(data)
        if not has_manifest:
            (folder / "set" / "manifest.json").unlink(missing_ok=True)
        check_tables(load_data(folder / "set"))

    return read


def _parquet(*frames: pl.DataFrame) -> tuple[bytes, ...]:
    buffers = [io.BytesIO() for _ in frames]
    for frame, buffer in zip(frames, buffers, strict=True):
        frame.write_parquet(buffer)
    return tuple(buffer.getvalue() for buffer in buffers)


_RATINGS_TABLE: Final = pl.read_csv(RATINGS)
_RATINGS_PARQUET: Final = _parquet(
    _RATINGS_TABLE.cast({TIMESTAMP: pl.Int64}),
    _RATINGS_TABLE.with_columns(pl.from_epoch(TIMESTAMP), pl.col(USER).cast(pl.String)),
    _RATINGS_TABLE.with_columns(pl.lit(None).alias(USER), pl.col(MOVIE).cast(pl.Float64)),
)
_EXPORT_ZIPS: Final = {
    provider: zipped(
        {"ratings-movies.json" if content.startswith((b"[", b"{")) else "ratings.csv": content}
    )
    for provider, content in _EXPORTS.items()
}

READERS: Final[dict[str, Reader]] = {
    "ratings.csv": Reader((RATINGS,), _folder_reader("ratings.csv")),
    "movies.csv": Reader((_MOVIES,), _folder_reader("movies.csv", **{"ratings.csv": RATINGS})),
    "links.csv": Reader((_LINKS,), _folder_reader("links.csv", **{"ratings.csv": RATINGS})),
    "tags.csv": Reader((_TAGS,), _folder_reader("tags.csv", **{"ratings.csv": RATINGS})),
    "ratings.dat": Reader((_DAT,), _folder_reader("ratings.dat")),
    "movies.dat": Reader((_MOVIES_DAT,), _folder_reader("movies.dat", **{"ratings.dat": _DAT})),
    "tags.dat": Reader((b"1::661::a::9\n",), _folder_reader("tags.dat", **{"ratings.dat": _DAT})),
    "u.data": Reader((_DATA,), _folder_reader("u.data")),
    "u.item": Reader((_ITEM,), _folder_reader("u.item", **{"u.data": _DATA})),
    "single file": Reader((RATINGS,), _read_ratings),
    "pairs": Reader((b"userId,movieId,timestamp\n1,2,50\n3,4,60\n", RATINGS), _read_pairs),
    "zip": Reader((zipped({"ratings.csv": RATINGS, "movies.csv": _MOVIES}),), _read_zip),
    "zip of ratings": Reader((RATINGS,), _read_zipped),
    "manifest.json": Reader(
        (b'{"source": "x", "ratings": 4}', b"{}"),
        _canonical_reader("manifest.json", has_manifest=True),
        cost=10,
    ),
    "canonical": Reader(
        _RATINGS_PARQUET, _canonical_reader("ratings.parquet", has_manifest=True), cost=10
    ),
    "parquet": Reader(
        _RATINGS_PARQUET, _canonical_reader("ratings.parquet", has_manifest=False), cost=500
    ),
    "titles": Reader((b"Usual Suspects, The (1995)", b"Action|Crime (1995-)"), _read_title),
    **{
        provider: Reader((_EXPORTS[provider],), _export_reader(provider))
        for provider in get_args(Provider)
    },
    **{
        f"{provider} zip": Reader((_EXPORT_ZIPS[provider],), _export_reader(provider))
        for provider in get_args(Provider)
    },
}


def fuzz(
    name: str, inputs: Iterable[int], folder: Path, corpus: list[bytes] | None = None
) -> dict[Outcome, int]:
    """Try mutated inputs on a reader; return how many are accepted and refused.

    Args:
        name: A key of `READERS`.
        inputs: Numbers of the inputs; each number stands for one input, given the corpus.
        folder: An empty folder.
        corpus: Inputs to derive others from, extended by those with a new kind of message; None
            for the valid ones only.

    Raises:
        AssertionError: If an input breaks the rules; the message repeats it.
    """
    reader = READERS[name]
    kinds: set[str] = set()
    counts: dict[Outcome, int] = {"accepted": 0, "refused": 0}
    for number in inputs:
        generator = random.Random(f"{name} {number}")  # noqa: S311
        origins = reader.seeds
        if corpus and generator.random() > _VALID_SEEDS:
            origins = corpus
        data = mutate(generator, generator.choice(origins))
        place = folder / str(number)
        place.mkdir()
        try:
            result, message = outcome(reader, data, place)
        except BaseException as error:
            shown = data if len(data) < 2000 else data[:2000] + b"..."
            raise AssertionError(f"{name}, input {number}: {error!r} on {shown!r}") from error
        counts[result] += 1
        kind = re.sub(r"[0-9]+|'.*'|/\S+", "", message)
        if corpus is not None and kind not in kinds and len(data) < 10_000:
            kinds.add(kind)
            corpus.append(data)
        _remove(place)
    return counts


def _remove(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            _remove(entry)
        else:
            entry.unlink()
    folder.rmdir()
