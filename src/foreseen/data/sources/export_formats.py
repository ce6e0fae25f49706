"""The formats of personal exports.

- Letterboxd, Settings, Data, Export: `ratings.csv` (Date,Name,Year,Letterboxd URI,Rating; half
  stars); or a table in Letterboxd's import format (Title,Year,Rating or Rating10,WatchedDate,
  imdbID,tmdbID). Also the films of `watched.csv`, `likes/films.csv` and `watchlist.csv`
  (Date,Name,Year,Letterboxd URI), and `diary.csv` (..., Rating, Rewatch, Tags, Watched Date).
- IMDb, Your ratings, Export: `ratings.csv` (Const,Your Rating,Date Rated,Title,Original Title,...,
  Title Type,...,Year,...; 1 to 10 points; UTF-8), or the layout before 2017 (const,created,Title,
  Title type,You rated,Year,...; Latin-1). Also the watchlist, which has a column Position.
- Trakt: the response of `/sync/ratings/movies` in its API, `ratings-movies.json` of its data
  export, split into `ratings-movies-1.json` and so on if long, or `ratings/movies.json`: a list of
  {rated_at, rating, movie: {title, year, ids: {imdb, tmdb}}}, or an object with it as `ratings`;
  1 to 10 points. Also `watched-movies.json` ({last_watched_at, movie}), `watched-history.json`
  ({watched_at, movie}) and `lists-watchlist.json` ({listed_at, movie}), and the responses of
  `/sync/watched/movies`, `/sync/history` and `/sync/watchlist/movies`.
- MovieLens, Profile, Export: `movielens-ratings.csv` (movie_id,imdb_id,tmdb_id,rating,
  average_rating,title), or a `ratings.csv` of movieId,rating[,timestamp].
- Simkl, Settings, Backup: `SimklBackup.json`, which is also the response of `/sync/all-items` in
  its API ({movies: [{user_rating, user_rated_at, movie: {title, year, ids}}], shows, anime}), or a
  CSV (SIMKL_ID,Title,Type,Year,Watchlist,LastEpWatched,WatchedDate,Rating,Memo,TVDB,TMDB,IMDB); 1
  to 10 points.
- TMDB, Ratings, Export: a CSV (TMDb ID,IMDb ID,Type,Name,Release Date,Season Number,Episode Number,
  Rating,Your Rating,Date Rated); 0.5 to 10 points.
- Movary, Settings, Export: a CSV of ratings (title,year,tmdbId,imdbId,userRating; 1 to 10 points),
  or the history or watchlist without ratings (title,year,tmdbId,imdbId, watchedAt or addedAt).
- Jellyfin and Emby: the response of `/Users/{id}/Items?Recursive=true&Fields=ProviderIds` in their
  APIs ({Items: [{Name, ProductionYear, Type, ProviderIds, UserData: {Rating, LastPlayedDate}}]});
  0 to 10 points.
- Any other table with a title, or an IMDb or TMDB id, and a rating; see `export_columns`.

Tables may be saved again by a spreadsheet program: with semicolons or tabs, and other dates.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from foreseen.data.rating_scale import STARS, RatingScale
from foreseen.data.sources import export_columns
from foreseen.data.sources.export_json import (
    JELLYFIN,
    JELLYFIN_POINTS,
    SIMKL_BACKUP,
    TRAKT,
    ListLayout,
    is_json,
)
from foreseen.data.sources.export_layouts import (
    IMDB,
    MOVARY,
    MOVIELENS,
    POINTS,
    SIMKL,
    TMDB,
    TMDB_POINTS,
)
from foreseen.data.sources.export_lists import is_letterboxd, read_imdb, read_letterboxd
from foreseen.data.sources.export_tables import TableLayout
from foreseen.data.sources.personal import Entry, Provider


@dataclass(frozen=True)
class ExportFormat:
    """The export format of a service.

    Attributes:
        label: Name of the service in text.
        file: The files that it exports, in text.
        members: Regular expression for the end of the paths of its files in a zip or folder.
        read: Yields the entries of one file, given its content and its name.
        fits: Returns whether a file, given its content and its name, is recognised as its own.
        scale: The scale of its ratings; None if it depends on the file.
        lists: Regular expression for its files with lists of films, empty if there are none.
    """

    label: str
    file: str
    members: str
    read: Callable[[bytes, str], Iterator[Entry]]
    fits: Callable[[bytes, str], bool]
    scale: RatingScale | None
    lists: str = ""


def _of_table(
    label: str, layout: TableLayout, scale: RatingScale, members: str = r"[^/]*\.csv"
) -> ExportFormat:
    return ExportFormat(label, "zip or CSV", members, layout.read, layout.fits, scale)


def _read_simkl(data: bytes, name: str) -> Iterator[Entry]:
    return (SIMKL_BACKUP if is_json(data) else SIMKL).read(data, name)


def _is_simkl(data: bytes, name: str) -> bool:
    return (SIMKL_BACKUP if is_json(data) else SIMKL).fits(data, name)


def _of_document(label: str, layout: ListLayout, scale: RatingScale, members: str) -> ExportFormat:
    return ExportFormat(label, "zip or JSON", members, layout.read, layout.fits, scale)


EXPORT_FORMATS: Final[Mapping[Provider, ExportFormat]] = {
    "letterboxd": ExportFormat(
        "Letterboxd",
        "zip or CSV",
        r"ratings\.csv",
        read_letterboxd,
        is_letterboxd,
        STARS,
        r"diary\.csv|watched\.csv|likes/films\.csv|watchlist\.csv|seen\.csv",
    ),
    "imdb": ExportFormat(
        "IMDb", "zip or CSV", r"ratings\.csv", read_imdb, IMDB.fits, POINTS, r"watchlist\.csv"
    ),
    "trakt": ExportFormat(
        "Trakt",
        "zip or JSON",
        r"ratings[-_]movies(-\d+)?\.json|ratings/movies\.json",
        TRAKT.read,
        TRAKT.fits,
        POINTS,
        r"watched[-_]movies(-\d+)?\.json|watched/movies\.json|watched[-_]history(-\d+)?\.json"
        r"|(lists[-_])?watchlist([-_]movies)?(-\d+)?\.json|watchlist/movies\.json",
    ),
    "movielens": _of_table("MovieLens", MOVIELENS, STARS, r"(movielens-)?ratings\.csv"),
    "simkl": ExportFormat(
        "Simkl", "zip, JSON or CSV", r"[^/]*\.json|[^/]*\.csv", _read_simkl, _is_simkl, POINTS
    ),
    "tmdb": _of_table("TMDB", TMDB, TMDB_POINTS),
    "movary": _of_table("Movary", MOVARY, POINTS),
    "jellyfin": _of_document("Jellyfin or Emby", JELLYFIN, JELLYFIN_POINTS, r"[^/]*\.json"),
    "csv": ExportFormat(
        "a table of ratings",
        "CSV with title and rating",
        r"[^/]*\.csv|[^/]*\.tsv",
        export_columns.read_columns,
        export_columns.fits,
        None,
    ),
}
"""The formats, in the order in which they are tried to recognise a file."""
