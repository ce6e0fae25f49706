"""Finding the movies of a person's own ratings in a catalogue.

A movie is told by its id at IMDb, TMDB or MovieLens where there is one, else by title and year.
Titles differ between services in ways that are known: articles moved behind (`Matrix, The`),
accents, original and alternative titles in parentheses, subtitles after a colon, a year of release
off by one. Each way of reading is tried in turn, the strictest first; the first that finds a movie
decides, and if it finds several, the person must choose.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from foreseen.errors import InputError
from foreseen.data.schema import IMDB, MOVIE, TITLE, TMDB, YEAR
from foreseen.data.sources.exports import imdb_digits
from foreseen.data.sources.personal import PersonalExport, PersonalRating

_ARTICLES: Final = (
    *("the", "a", "an", "le", "la", "les", "l", "un", "une", "des", "el", "los", "las", "lo"),
    *("uno", "una", "il", "i", "gli", "der", "die", "das", "ein", "eine", "den", "det", "en"),
    *("ett", "de", "het", "een", "o", "os", "um", "uma"),
)
_MOVED: Final = re.compile(rf"^(?P<rest>.+), (?P<article>{'|'.join(_ARTICLES)})'?$", re.IGNORECASE)
_PARENTHESES: Final = re.compile(r"\(([^()]*)\)")
_ALIAS: Final = re.compile(r"^a\.?k\.?a\.?\s*", re.IGNORECASE)
_SUBTITLE: Final = re.compile(r" ?: ?| [-–—] ")
_LETTERS: Final = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "ł": "l", "đ": "d"})


@dataclass(frozen=True)
class Candidate:
    """A movie of the catalogue that may be meant."""

    movie: int
    title: str
    year: int | None

    def __str__(self) -> str:
        return f"{self.title} ({self.year})" if self.year else self.title


@dataclass(frozen=True)
class Match:
    """One rating and the movies it may mean: one, several, or none."""

    rating: PersonalRating
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class Report:
    """What became of every rating of an export.

    Attributes:
        matched: Ratings of one movie each; no movie twice.
        ambiguous: Ratings that may mean several movies.
        missing: Ratings of movies the catalogue does not hold.
        repeated: Ratings of a movie that an earlier entry or a later date has rated already.
        export: What was read.
    """

    matched: tuple[Match, ...]
    ambiguous: tuple[Match, ...]
    missing: tuple[Match, ...]
    repeated: int
    export: PersonalExport

    def as_json(self) -> dict[str, Any]:
        """Return the report as the command line prints it."""
        return {
            "matched": [_told(match) for match in self.matched],
            "ambiguous": [_told(match) for match in self.ambiguous],
            "missing": [_told(match) for match in self.missing],
            "unreadable": [dict(vars(entry)) for entry in self.export.unreadable],
            "repeated": self.repeated,
            "skipped": self.export.skipped,
        }


def _told(match: Match) -> dict[str, Any]:
    rating = match.rating
    return {
        "line": rating.line,
        "title": rating.title,
        "year": rating.year,
        "rating": rating.stars,
        "candidates": [
            {MOVIE: entry.movie, TITLE: entry.title, YEAR: entry.year} for entry in match.candidates
        ],
    }


@dataclass(frozen=True)
class TitleIndex:
    """A catalogue to be searched by what services tell of a movie."""

    movies: Mapping[int, Candidate]
    _by_imdb: Mapping[str, int]
    _by_tmdb: Mapping[str, int]
    _readings: Sequence[Mapping[str, Sequence[int]]] = field(repr=False)

    @classmethod
    def of(cls, movies: pl.DataFrame, links: pl.DataFrame | None = None) -> "TitleIndex":
        """Index a canonical movies table and, if there is one, its links."""
        known = {
            row[MOVIE]: Candidate(row[MOVIE], row[TITLE], row[YEAR])
            for row in movies.filter(pl.col(TITLE).is_not_null()).iter_rows(named=True)
        }
        imdb: dict[str, int] = {}
        tmdb: dict[str, int] = {}
        for row in links.iter_rows(named=True) if links is not None else ():
            if (digits := imdb_digits(row[IMDB] or "")) is not None:
                imdb.setdefault(digits, row[MOVIE])
            if row[TMDB]:
                tmdb.setdefault(row[TMDB], row[MOVIE])
        readings: list[dict[str, list[int]]] = [defaultdict(list) for _ in range(_READINGS)]
        for movie, entry in known.items():
            for index, keys in zip(readings, title_keys(entry.title), strict=True):
                for key in keys:
                    index[key].append(movie)
        return cls(known, imdb, tmdb, [dict(index) for index in readings])

    def find(self, rating: PersonalRating) -> tuple[Candidate, ...]:
        """Return the movies that a rating may mean, by the strictest reading that finds any."""
        for found in (
            rating.movie if rating.movie in self.movies else None,
            self._by_imdb.get(rating.imdb or ""),
            self._by_tmdb.get(rating.tmdb or ""),
        ):
            if found is not None and found in self.movies:
                return (self.movies[found],)
        keys = title_keys(rating.title)
        # A subtitle alone and another year would be too little.
        for slack, count in ((0, _READINGS), (1, _READINGS - 1)):
            for index, own in zip(self._readings[:count], keys[:count], strict=True):
                meant = {movie for key in own for movie in index.get(key, ())}
                near = [m for m in sorted(meant) if self._near(m, rating.year, slack)]
                if near:
                    return tuple(self.movies[movie] for movie in near)
        return ()

    def _near(self, movie: int, year: int | None, slack: int) -> bool:
        own = self.movies[movie].year
        return year is None or own is None or abs(own - year) <= slack


def match_export(
    export: PersonalExport, index: TitleIndex, choices: Mapping[int, int] | None = None
) -> Report:
    """Find the movie of every rating of an export.

    Args:
        export: As read.
        index: Of the catalogue.
        choices: For lines that are ambiguous, the movie that is meant.
    """
    matched: dict[int, Match] = {}
    ambiguous: list[Match] = []
    missing: list[Match] = []
    repeated = 0
    for rating in export.ratings:
        candidates = index.find(rating)
        chosen = (choices or {}).get(rating.line)
        if len(candidates) > 1 and chosen is not None:
            candidates = tuple(entry for entry in candidates if entry.movie == chosen) or candidates
        match = Match(rating, candidates)
        if len(candidates) == 1:
            movie = candidates[0].movie
            earlier = matched.get(movie)
            repeated += earlier is not None
            if earlier is None or (rating.at or 0) > (earlier.rating.at or 0):
                matched[movie] = match
        else:
            (ambiguous if candidates else missing).append(match)
    return Report(tuple(matched.values()), tuple(ambiguous), tuple(missing), repeated, export)


def parse_choices(chosen: Sequence[str]) -> dict[int, int]:
    """Return which movie is meant in which line, from texts such as 12:318.

    Raises:
        InputError: If one is not of that form.
    """
    pairs = [text.split(":") for text in chosen]
    if any(
        len(pair) != 2 or not all(part.isdecimal() and len(part) < 16 for part in pair)
        for pair in pairs
    ):
        raise InputError("a choice should be LINE:MOVIE, such as 12:318")
    return {int(line): int(movie) for line, movie in pairs}


_READINGS: Final = 3


def title_keys(title: str) -> tuple[set[str], set[str], set[str]]:
    """Return what a title may be known by, in three readings, the strictest first.

    The title as a whole; that and its alternative titles, articles left out; what stands before
    a subtitle, and the subtitle.
    """
    main = _PARENTHESES.sub("", title).strip()
    others = [_ALIAS.sub("", other).strip() for other in _PARENTHESES.findall(title)]
    whole = {plain_title(name) for name in (title, main)}
    names = [main, *others]
    bare = {_without_article(plain_title(name)) for name in names}
    parts = [_SUBTITLE.split(in_front(name)) for name in names]
    pieces = {
        _without_article(plain_title(part)) for split in parts if len(split) > 1 for part in split
    }
    return _told_apart(whole), _told_apart(bare), _told_apart(pieces | bare)


def _told_apart(keys: Iterable[str]) -> set[str]:
    return {key for key in keys if key}


def in_front(name: str) -> str:
    """Move an article from behind to the front."""
    moved = _MOVED.match(name)
    return f"{moved['article']} {moved['rest']}" if moved else name


def plain_title(name: str) -> str:
    """Return letters and digits in lower case without accents, words apart by one blank."""
    folded = in_front(name).casefold().replace("&", " and ").translate(_LETTERS)
    bare = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", folded)
        if not unicodedata.combining(letter)
    )
    return " ".join(re.sub(r"[^\w]+", " ", re.sub(r"['’`´.]", "", bare)).split())


def _without_article(key: str) -> str:
    first, _, rest = key.partition(" ")
    return rest if rest and first in _ARTICLES else key
