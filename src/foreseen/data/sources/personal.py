"""Personal exports of other services, in a common form: ratings and lists of films.

The readers are in `foreseen.data.sources.exports`; `foreseen.data.title_matching` matches the
entries to the movies of a catalogue.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Final, Literal

from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.data.sources.personal_fields import (
    clean_title,
    imdb_digits,
    is_ambiguous_date,
    parse_stars,
    parse_timestamp,
    parse_year,
    tmdb_digits,
)
from foreseen.data.sources.title_types import TitleType, classify_type
from foreseen.data.text import clean_text
from foreseen.errors import DataError

Provider = Literal[
    "letterboxd", "imdb", "trakt", "movielens", "simkl", "tmdb", "movary", "jellyfin", "csv"
]
"""The services with a supported export format; `csv` is any other table."""
FilmList = Literal["seen", "watchlist"]
"""What a film without a rating is in an export: watched, or saved to be watched."""
FILM_LISTS: Final[tuple[FilmList, ...]] = ("seen", "watchlist")
_MAX_KIND_LENGTH: Final = 40


class LayoutError(DataError):
    """A file that does not have the layout of its service."""


@dataclass(frozen=True)
class ExportedFilm:
    """A film that an export names; optional fields are None where the export lacks them.

    Attributes:
        line: Line in the file, or position in a list, from 1.
        title: Title as the service writes it.
        year: Release year.
        timestamp: Second it was rated, watched or saved.
        imdb: IMDb id, digits only.
        tmdb: TMDB id.
        movie: MovieLens id.
        original_title: Title in the language of the film, if it differs.
        kind: What the service calls it, if that is not known to be a film.
        only_by_id: Whether it is a film only if the catalogue has its id: it is a series, say.
        has_ambiguous_date: Whether the day of its date could be the month.
    """

    line: int
    title: str
    year: int | None
    _: KW_ONLY
    timestamp: int | None = None
    imdb: str | None = None
    tmdb: str | None = None
    movie: int | None = None
    original_title: str | None = None
    kind: str = ""
    only_by_id: bool = False
    has_ambiguous_date: bool = False


@dataclass(frozen=True)
class PersonalRating(ExportedFilm):
    """A film and its rating, converted to stars."""

    stars: float


@dataclass(frozen=True)
class ListedFilm(ExportedFilm):
    """A film without a rating, and the list it is in."""

    film_list: FilmList


def as_seen(rating: PersonalRating) -> ListedFilm:
    """Return a rated film as one that is seen."""
    film = {name: value for name, value in vars(rating).items() if name != "stars"}
    return ListedFilm(**film, film_list="seen")


@dataclass(frozen=True)
class UnreadableEntry:
    """An entry of an export that could not be parsed, and the reason."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class SkippedEntry:
    """A valid entry that neither rates nor lists a movie, and what it is: a TV series, say."""

    kind: str


Entry = PersonalRating | ListedFilm | UnreadableEntry | SkippedEntry
"""An entry of an export."""


@dataclass(frozen=True)
class PersonalExport:
    """A parsed export.

    Attributes:
        ratings: The ratings of movies.
        unreadable: Entries that could not be parsed.
        skipped: Number of valid entries that neither rate nor list a movie, by what they are.
        service: The service that wrote it.
        scale: The scale of the ratings in it.
        listed: The movies that are seen or saved without a rating.
    """

    ratings: tuple[PersonalRating, ...]
    unreadable: tuple[UnreadableEntry, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict[str, int])
    service: Provider = "csv"
    scale: RatingScale = STARS
    listed: tuple[ListedFilm, ...] = ()

    @property
    def ambiguous_dates(self) -> int:
        """Number of ratings without a date because its day could be its month."""
        return sum(rating.has_ambiguous_date for rating in self.ratings)


def read_entry(
    line: int,
    title: str,
    rating: str,
    scale: RatingScale,
    *,
    year: str = "",
    date: str = "",
    imdb: str = "",
    tmdb: str = "",
    title_type: str = "",
    original_title: str = "",
    unrated: FilmList | None = None,
) -> Entry:
    """Return the entry with the texts that a service writes; the readers share it.

    Args:
        line: Line in the file, or position in a list.
        title: The title.
        rating: The rating; empty if there is none.
        scale: The scale of the rating.
        year: Release year or date.
        date: Date of the rating.
        imdb: IMDb id.
        tmdb: TMDB id.
        title_type: What the service calls it, such as `TV Series`; empty for a film.
        original_title: The title in the language of the film.
        unrated: The list that an entry without a rating is in; None if it is skipped.

    Raises:
        ValueError: If the rating or the date is not valid.
    """
    kind = clean_text(title_type[:_MAX_KIND_LENGTH])
    meaning = classify_type(kind)
    is_series = meaning is TitleType.SERIES
    if not rating and unrated is None:
        return SkippedEntry("not rated")
    if is_series and imdb_digits(imdb) is None:
        return SkippedEntry(kind)
    name, original = clean_title(title), clean_title(original_title)
    film = ExportedFilm(
        line,
        name,
        parse_year(year),
        timestamp=parse_timestamp(date),
        imdb=imdb_digits(imdb),
        # TMDB numbers films and series apart.
        tmdb=tmdb_digits(tmdb) if meaning is TitleType.FILM else None,
        original_title=original if original not in {"", name} else None,
        kind="" if meaning is TitleType.FILM else kind,
        only_by_id=is_series,
        has_ambiguous_date=is_ambiguous_date(date),
    )
    if not rating and unrated is not None:
        return ListedFilm(**vars(film), film_list=unrated)
    return PersonalRating(**vars(film), stars=parse_stars(rating, scale))
