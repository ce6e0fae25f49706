"""The result of matching a personal export to a catalogue."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from foreseen.data.encoding import Id
from foreseen.data.schema import MOVIE, TITLE, YEAR
from foreseen.data.sources.personal import (
    FILM_LISTS,
    ExportedFilm,
    FilmList,
    ListedFilm,
    PersonalExport,
    PersonalRating,
)
from foreseen.data.text import excerpt
from foreseen.errors import DataError

Film = TypeVar("Film", bound=ExportedFilm)


@dataclass(frozen=True)
class Candidate:
    """A movie of the catalogue that an entry may refer to.

    Attributes:
        movie: Its code.
        title: Its title.
        year: Its release year.
        identifier: Its id in the data.
    """

    movie: int
    title: str
    year: int | None
    identifier: Id

    def __str__(self) -> str:
        return f"{self.title} ({self.year})" if self.year else self.title


@dataclass(frozen=True)
class Match(Generic[Film]):
    """An entry of an export, of a rating or of a list, and the movies it may refer to.

    Attributes:
        film: The entry.
        candidates: One movie, several, or none.
    """

    film: Film
    candidates: tuple[Candidate, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the match as a JSON document, with the rating if the entry is one."""
        film = self.film
        movies = [
            {MOVIE: movie.identifier, TITLE: movie.title, YEAR: movie.year}
            for movie in self.candidates
        ]
        document: dict[str, Any] = {
            "line": film.line,
            "title": film.title,
            "year": film.year,
            "candidates": movies,
        }
        return {**document, "rating": film.stars} if isinstance(film, PersonalRating) else document


@dataclass(frozen=True)
class ListMatches:
    """The entries of a list: those with one movie, each movie once, with several, and with none."""

    matched: tuple[Match[ListedFilm], ...] = ()
    ambiguous: tuple[Match[ListedFilm], ...] = ()
    missing: tuple[Match[ListedFilm], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the matches as a JSON document."""
        return {
            name: [match.as_json() for match in matches] for name, matches in vars(self).items()
        }


@dataclass(frozen=True)
class MatchReport:
    """The result of matching an export.

    Attributes:
        matched: Entries with exactly one movie; each movie occurs once.
        ambiguous: Entries with several movies.
        missing: Entries without a movie in the catalogue.
        repeated: Number of entries that rate a movie again; of these the latest one is kept.
        export: The export.
        skipped: Number of entries that neither rate nor list a movie of the catalogue, by what
            they are: those that the export skips, and series.
        unknown_types: Number of entries whose type may not be that of a film, by type; they are
            among the others.
        lists: The films that the export lists without a rating, by list.
    """

    matched: tuple[Match[PersonalRating], ...]
    ambiguous: tuple[Match[PersonalRating], ...]
    missing: tuple[Match[PersonalRating], ...]
    repeated: int
    export: PersonalExport
    skipped: Mapping[str, int] = field(default_factory=dict[str, int])
    unknown_types: Mapping[str, int] = field(default_factory=dict[str, int])
    lists: Mapping[FilmList, ListMatches] = field(default_factory=dict[FilmList, ListMatches])

    def as_json(self) -> dict[str, Any]:
        """Return the report as a JSON document."""
        scale = self.export.scale
        return {
            "service": self.export.service,
            "scale": {"low": scale.low, "high": scale.high},
            "matched": [match.as_json() for match in self.matched],
            "ambiguous": [match.as_json() for match in self.ambiguous],
            "missing": [match.as_json() for match in self.missing],
            "unreadable": [dict(vars(entry)) for entry in self.export.unreadable],
            "repeated": self.repeated,
            "skipped": sum(self.skipped.values()),
            "skippedKinds": dict(self.skipped),
            "unknownTypes": dict(self.unknown_types),
            "ambiguousDates": self.export.ambiguous_dates,
            "lists": {name: self.lists.get(name, ListMatches()).as_json() for name in FILM_LISTS},
        }

    def all_ambiguous(self) -> Iterator[tuple[ExportedFilm, tuple[Candidate, ...]]]:
        """Yield the entries with several movies, of ratings and lists, and those movies."""
        yield from ((match.film, match.candidates) for match in self.ambiguous)
        for matches in self.lists.values():
            yield from ((match.film, match.candidates) for match in matches.ambiguous)

    def all_missing(self) -> Iterator[ExportedFilm]:
        """Yield the entries without a movie in the catalogue, of ratings and lists."""
        yield from (match.film for match in self.missing)
        for matches in self.lists.values():
            yield from (match.film for match in matches.missing)

    def check_matched(self, file: str, movies: int, *, has_links: bool) -> None:
        """Check that an entry matches a movie, or could, unless the export is empty.

        Args:
            file: Name of the file in the message.
            movies: Number of movies in the catalogue.
            has_links: Whether it has their IMDb or TMDB ids.

        Raises:
            DataError: If none does; the message says why.
        """
        unreadable = self.export.unreadable
        reasons: list[str] = []
        missing = list(self.all_missing())
        if missing:
            film = missing[0]
            title = f"'{excerpt(film.title)}'" + (f" ({film.year})" if film.year else "")
            reasons.append(
                f"{len(missing):,} not among its {movies:,} movies (line {film.line}: {title})"
            )
        if unreadable:
            first = f"line {unreadable[0].line}: {unreadable[0].reason}"
            reasons.append(f"{len(unreadable):,} not valid ({first})")
        reasons += [f"{count:,} skipped ({kind})" for kind, count in self.skipped.items()]
        found = (self, *self.lists.values())
        if not reasons or any(matches.matched or matches.ambiguous for matches in found):
            return
        remedy = (
            "check that the file has ratings of movies, and that the catalogue is the right one"
        )
        if not has_links and any(film.imdb or film.tmdb for film in missing):
            remedy = "its data have no links.csv, so that only titles were compared"
        why = ", ".join(reasons)
        what = "film" if self.export.listed and not self.export.ratings else "rating"
        raise DataError(f"{file}: no {what} matches a movie of the catalogue: {why}; {remedy}")
