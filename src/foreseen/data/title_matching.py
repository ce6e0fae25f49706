"""Matching the entries of a personal export to the movies of a catalogue.

An entry is matched by its MovieLens, IMDb or TMDB id if it has one, else by title and release year.
Services write titles differently: trailing articles (`Matrix, The`), accents, original and
alternative titles in parentheses, subtitles after a colon, a release year off by one. Titles are
therefore normalised to keys of decreasing strictness. The strictest keys that match any movie
decide; if they match several, the entry is ambiguous and the user has to choose.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from foreseen.data.schema import IMDB, MOVIE, TITLE, TMDB, YEAR
from foreseen.data.sources.exports import imdb_digits
from foreseen.data.sources.personal import PersonalExport, PersonalRating
from foreseen.data.text import excerpt
from foreseen.errors import InputError

_ARTICLES: Final = (
    *("the", "a", "an", "le", "la", "les", "l", "un", "une", "des", "el", "los", "las", "lo"),
    *("uno", "una", "il", "i", "gli", "der", "die", "das", "ein", "eine", "den", "det", "en"),
    *("ett", "de", "het", "een", "o", "os", "um", "uma"),
)
_TRAILING_ARTICLE: Final = re.compile(
    rf"^(?P<rest>.+), (?P<article>{'|'.join(_ARTICLES)})'?$", re.IGNORECASE
)
_PARENTHESES: Final = re.compile(r"\(([^()]*)\)")
_ALIAS: Final = re.compile(r"^a\.?k\.?a\.?\s*", re.IGNORECASE)
_SUBTITLE: Final = re.compile(r" ?: ?| [-–—] ")
_LETTERS: Final = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "ł": "l", "đ": "d"})
_CHOICE_PART: Final = re.compile(r"[0-9]{1,15}")
_KEY_SETS: Final = 3
"""Number of sets that `title_keys` returns."""


@dataclass(frozen=True)
class Candidate:
    """A movie of the catalogue that an entry may refer to."""

    movie: int
    title: str
    year: int | None

    def __str__(self) -> str:
        return f"{self.title} ({self.year})" if self.year else self.title


@dataclass(frozen=True)
class Match:
    """An entry of an export and the movies it may refer to: one, several, or none."""

    rating: PersonalRating
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class MatchReport:
    """The result of matching an export.

    Attributes:
        matched: Entries with exactly one movie; each movie occurs once.
        ambiguous: Entries with several movies.
        missing: Entries without a movie in the catalogue.
        repeated: Number of entries that rate a movie again; of these the latest one is kept.
        export: The export.
    """

    matched: tuple[Match, ...]
    ambiguous: tuple[Match, ...]
    missing: tuple[Match, ...]
    repeated: int
    export: PersonalExport

    def as_json(self) -> dict[str, Any]:
        """Return the report as a JSON document."""
        return {
            "matched": [_match_as_json(match) for match in self.matched],
            "ambiguous": [_match_as_json(match) for match in self.ambiguous],
            "missing": [_match_as_json(match) for match in self.missing],
            "unreadable": [dict(vars(entry)) for entry in self.export.unreadable],
            "repeated": self.repeated,
            "skipped": self.export.skipped,
        }


def _match_as_json(match: Match) -> dict[str, Any]:
    rating = match.rating
    return {
        "line": rating.line,
        "title": rating.title,
        "year": rating.year,
        "rating": rating.stars,
        "candidates": [
            {MOVIE: movie.movie, TITLE: movie.title, YEAR: movie.year} for movie in match.candidates
        ],
    }


@dataclass(frozen=True)
class TitleIndex:
    """An index of a catalogue by ids and title keys.

    Attributes:
        movies: The movies that have a title, by id.
    """

    movies: Mapping[int, Candidate]
    _by_imdb: Mapping[str, int]
    _by_tmdb: Mapping[str, int]
    _by_keys: Sequence[Mapping[str, Sequence[int]]] = field(repr=False)

    @classmethod
    def of(cls, movies: pl.DataFrame, links: pl.DataFrame | None = None) -> "TitleIndex":
        """Index a canonical movies table and its links, if there are any."""
        titled = {
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
        by_keys: list[dict[str, list[int]]] = [defaultdict(list) for _ in range(_KEY_SETS)]
        for movie, entry in titled.items():
            for index, keys in zip(by_keys, title_keys(entry.title), strict=True):
                for key in keys:
                    index[key].append(movie)
        return cls(titled, imdb, tmdb, [dict(index) for index in by_keys])

    def find(self, rating: PersonalRating) -> tuple[Candidate, ...]:
        """Return the movies that an entry may refer to, by the strictest match that finds any."""
        for movie in (
            rating.movie if rating.movie in self.movies else None,
            self._by_imdb.get(rating.imdb or ""),
            self._by_tmdb.get(rating.tmdb or ""),
        ):
            if movie is not None and movie in self.movies:
                return (self.movies[movie],)
        return self._by_title(rating.title, rating.year) or (
            self._by_title(rating.original_title, rating.year) if rating.original_title else ()
        )

    def _by_title(self, title: str, year: int | None) -> tuple[Candidate, ...]:
        keys = title_keys(title)
        # The loosest keys, which include a subtitle alone, require the exact year.
        for tolerance, count in ((0, _KEY_SETS), (1, _KEY_SETS - 1)):
            for index, key_set in zip(self._by_keys[:count], keys[:count], strict=True):
                matching = {movie for key in key_set for movie in index.get(key, ())}
                found = [
                    movie for movie in sorted(matching) if self._has_year(movie, year, tolerance)
                ]
                if found:
                    return tuple(self.movies[movie] for movie in found)
        return ()

    def _has_year(self, movie: int, year: int | None, tolerance: int) -> bool:
        release = self.movies[movie].year
        return year is None or release is None or abs(release - year) <= tolerance


def match_export(
    export: PersonalExport, index: TitleIndex, choices: Mapping[int, int] | None = None
) -> MatchReport:
    """Match every entry of an export.

    Args:
        export: The export.
        index: Index of the catalogue.
        choices: Movie ids by line, to resolve ambiguous entries.
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
            if earlier is None or (rating.timestamp or 0) > (earlier.rating.timestamp or 0):
                matched[movie] = match
        else:
            (ambiguous if candidates else missing).append(match)
    return MatchReport(tuple(matched.values()), tuple(ambiguous), tuple(missing), repeated, export)


def parse_choices(texts: Sequence[str]) -> dict[int, int]:
    """Return movie ids by line from texts of the form LINE:MOVIE, such as 12:318.

    Raises:
        InputError: If a text has another form.
    """
    choices: dict[int, int] = {}
    for text in texts:
        parts = text.split(":")
        if len(parts) != 2 or not all(_CHOICE_PART.fullmatch(part) for part in parts):
            message = f"a choice should be LINE:MOVIE, such as 12:318. Received: '{excerpt(text)}'"
            raise InputError(message)
        choices[int(parts[0])] = int(parts[1])
    return choices


def title_keys(title: str) -> tuple[set[str], set[str], set[str]]:
    """Return three sets of normalised keys for a title, the strictest first.

    1. the whole title, with and without its parentheses;
    2. title and alternative titles, each without its article;
    3. these, and the parts before and after a subtitle's separator.
    """
    main = _PARENTHESES.sub("", title).strip()
    others = [_ALIAS.sub("", other).strip() for other in _PARENTHESES.findall(title)]
    full = {normalise_title(name) for name in (title, main)}
    names = [main, *others]
    without_articles = {_without_article(normalise_title(name)) for name in names}
    parts = [_SUBTITLE.split(article_first(name)) for name in names]
    subtitles = {
        _without_article(normalise_title(part))
        for split in parts
        if len(split) > 1
        for part in split
    }
    empty = {""}
    return full - empty, without_articles - empty, (subtitles | without_articles) - empty


def article_first(name: str) -> str:
    """Return a title with a trailing article moved to the front: `Matrix, The` to `The Matrix`."""
    match = _TRAILING_ARTICLE.match(name)
    return f"{match['article']} {match['rest']}" if match else name


def normalise_title(name: str) -> str:
    """Return a title's words in lower case without accents or punctuation, separated by spaces."""
    folded = article_first(name).casefold().replace("&", " and ").translate(_LETTERS)
    bare = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", folded)
        if not unicodedata.combining(letter)
    )
    return " ".join(re.sub(r"[^\w]+", " ", re.sub(r"['’`´.]", "", bare)).split())


def _without_article(key: str) -> str:
    first, _, rest = key.partition(" ")
    return rest if rest and first in _ARTICLES else key
