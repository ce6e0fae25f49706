"""Matching the entries of a personal export to the movies of a catalogue.

An entry is matched by its MovieLens, IMDb or TMDB id if it has one, else by title and release year.
Services write titles differently: trailing articles (`Matrix, The`), accents, original and
alternative titles in parentheses, subtitles after a colon, a release year off by one. Titles are
therefore normalised to keys of decreasing strictness. The strictest keys that match any movie
decide; if they match several, the entry is ambiguous and the user has to choose. A series is
matched by its IMDb id only, because a film may have the same title.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from foreseen.data.encoding import FIRST_CODE, Id, IdCodes
from foreseen.data.match_report import Candidate, ListMatches, Match, MatchReport
from foreseen.data.schema import IMDB, MOVIE, TITLE, TMDB, YEAR
from foreseen.data.sources.personal import (
    FILM_LISTS,
    ExportedFilm,
    FilmList,
    ListedFilm,
    PersonalExport,
    PersonalRating,
)
from foreseen.data.sources.personal_fields import imdb_digits
from foreseen.data.text import excerpt
from foreseen.data.title_keys import KEY_SETS, title_keys
from foreseen.errors import InputError

_CHOICE: Final = re.compile(r"(?P<line>[0-9]{1,15}):(?P<movie>.{1,200})")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,14}")


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
    def of(
        cls, movies: pl.DataFrame, links: pl.DataFrame | None = None, codes: IdCodes | None = None
    ) -> "TitleIndex":
        """Index a canonical movies table.

        Args:
            movies: The table.
            links: The ids of the movies in other databases, if there are any.
            codes: The codes of the movies; None if they are the ids.
        """
        codes = codes or IdCodes(FIRST_CODE)
        titled = {
            row[MOVIE]: Candidate(row[MOVIE], row[TITLE], row[YEAR], codes.identifier(row[MOVIE]))
            for row in movies.filter(pl.col(TITLE).is_not_null()).iter_rows(named=True)
        }
        imdb: dict[str, int] = {}
        tmdb: dict[str, int] = {}
        for row in links.iter_rows(named=True) if links is not None else ():
            if (digits := imdb_digits(row[IMDB] or "")) is not None:
                imdb.setdefault(digits, row[MOVIE])
            if row[TMDB]:
                tmdb.setdefault(row[TMDB], row[MOVIE])
        by_keys: list[dict[str, list[int]]] = [defaultdict(list) for _ in range(KEY_SETS)]
        for movie, entry in titled.items():
            for index, keys in zip(by_keys, title_keys(entry.title), strict=True):
                for key in keys:
                    index[key].append(movie)
        return cls(titled, imdb, tmdb, [dict(index) for index in by_keys])

    @property
    def has_links(self) -> bool:
        """Whether it has IMDb or TMDB ids."""
        return bool(self._by_imdb or self._by_tmdb)

    def find(self, film: ExportedFilm) -> tuple[Candidate, ...]:
        """Return the movies that an entry may refer to, by the strictest match that finds any."""
        for movie in (
            film.movie if film.movie in self.movies else None,
            self._by_imdb.get(film.imdb or ""),
            self._by_tmdb.get(film.tmdb or ""),
        ):
            if movie is not None and movie in self.movies:
                return (self.movies[movie],)
        if film.only_by_id:
            return ()
        found = self._by_title(film.title, film.year)
        if not film.original_title:
            return found
        original = self._by_title(film.original_title, film.year)
        if not found or not original:
            return found or original
        common = tuple(entry for entry in found if entry in original)
        return common or (*found, *original)

    def _by_title(self, title: str, year: int | None) -> tuple[Candidate, ...]:
        keys = title_keys(title)
        # The loosest keys, which include a subtitle alone, require the exact year.
        for tolerance, count in ((0, KEY_SETS), (1, KEY_SETS - 1)):
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
    export: PersonalExport, index: TitleIndex, choices: Mapping[int, Id] | None = None
) -> MatchReport:
    """Match every entry of an export.

    Args:
        export: The export.
        index: Index of the catalogue.
        choices: Movie ids by line, to resolve ambiguous entries.

    Raises:
        InputError: If a choice is for a line without an entry, or of no movie of its entry.
    """
    choices = choices or {}
    _check_lines(export, choices)
    matched: dict[int, Match[PersonalRating]] = {}
    ambiguous: list[Match[PersonalRating]] = []
    missing: list[Match[PersonalRating]] = []
    skipped, unknown_types = Counter(export.skipped), Counter[str]()
    repeated = 0
    for rating in export.ratings:
        candidates = _candidates(rating, index, choices)
        match = Match(rating, candidates)
        if len(candidates) == 1:
            movie = candidates[0].movie
            earlier = matched.get(movie)
            repeated += earlier is not None
            if earlier is None or (rating.timestamp or 0) > (earlier.film.timestamp or 0):
                matched[movie] = match
        elif rating.only_by_id:
            skipped[rating.kind] += 1
            continue
        else:
            (ambiguous if candidates else missing).append(match)
        if rating.kind:
            unknown_types[rating.kind] += 1
    return MatchReport(
        tuple(matched.values()),
        tuple(ambiguous),
        tuple(missing),
        repeated,
        export,
        dict(skipped),
        dict(unknown_types),
        {name: _match_list(name, export, index, choices, matched) for name in FILM_LISTS},
    )


def _match_list(
    name: FilmList,
    export: PersonalExport,
    index: TitleIndex,
    choices: Mapping[int, Id],
    rated: Collection[int],
) -> ListMatches:
    """Match the films of a list; those that are rated are left out of the seen ones."""
    matched: dict[int, Match[ListedFilm]] = {}
    others: dict[tuple[str | int | None, ...], Match[ListedFilm]] = {}
    named = {_identity(rating) for rating in export.ratings}
    for film in export.listed:
        key = _identity(film)
        if film.film_list != name or (name == "seen" and key in named):
            continue
        match = Match(film, _candidates(film, index, choices))
        if len(match.candidates) == 1:
            movie = match.candidates[0].movie
            if name != "seen" or movie not in rated:
                matched.setdefault(movie, match)
        elif not film.only_by_id:
            others.setdefault(key, match)
    return ListMatches(
        tuple(matched.values()),
        tuple(match for match in others.values() if match.candidates),
        tuple(match for match in others.values() if not match.candidates),
    )


def _identity(film: ExportedFilm) -> tuple[str | int | None, ...]:
    return film.title.casefold(), film.year, film.imdb


def _check_lines(export: PersonalExport, choices: Mapping[int, Id]) -> None:
    unknown = choices.keys() - {film.line for film in (*export.ratings, *export.listed)}
    if unknown:
        raise InputError(f"a movie is chosen for line {min(unknown)}, which has no rating")


def _candidates(
    film: ExportedFilm, index: TitleIndex, choices: Mapping[int, Id]
) -> tuple[Candidate, ...]:
    """Return the movies that an entry may refer to, or the one that is chosen for its line."""
    candidates = index.find(film)
    return _chosen(film, candidates, choices[film.line]) if film.line in choices else candidates


def _chosen(
    film: ExportedFilm, candidates: tuple[Candidate, ...], chosen: Id
) -> tuple[Candidate, ...]:
    found = tuple(entry for entry in candidates if entry.identifier == chosen)
    if not found:
        listed = ", ".join(f"{film.line}:{entry.identifier}" for entry in candidates)
        message = f"the choice for line {film.line} should be one of {listed or 'no movie'}"
        raise InputError(f"{message}. Received: {excerpt(str(chosen))}")
    return found


def parse_choices(texts: Sequence[str]) -> dict[int, Id]:
    """Return movie ids by line from texts of the form LINE:MOVIE, such as 12:318.

    Raises:
        InputError: If a text has another form.
    """
    choices: dict[int, Id] = {}
    for text in texts:
        match = _CHOICE.fullmatch(text)
        if match is None:
            message = f"a choice should be LINE:MOVIE, such as 12:318. Received: '{excerpt(text)}'"
            raise InputError(message)
        is_number = _NUMBER.fullmatch(match["movie"])
        choices[int(match["line"])] = int(match["movie"]) if is_number else match["movie"]
    return choices
