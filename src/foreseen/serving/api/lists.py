"""Routes for the user's lists of movies: dismissed, saved for later, seen, and not seen."""

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter

from foreseen.messages import Message
from foreseen.serving.api.schemas import (
    BASE,
    PROBLEMS,
    AddedTitles,
    Movie,
    RankedMovie,
    TitlesIn,
    describe_movie,
    movie_row,
)
from foreseen.serving.dependencies import (
    Context,
    MovieCode,
    RequiredUser,
    Snapshot,
    now,
    user_state,
)
from foreseen.serving.problems import ProblemError
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import ListedMovie, MovieList
from foreseen.serving.watchlist import find_titles, ranked_watchlist

_EFFECTS: Final[dict[MovieList, str]] = {
    "watchlist": "the movies to watch later; they are ranked for the user",
    "seen": "movies that the user has watched without rating them; they are not recommended",
    "dismissed": "movies that the user does not want to watch; they are not recommended",
    "unseen": "movies that the user has not watched; they are not offered for rating",
}
router = APIRouter(prefix=f"{BASE}/me", responses=PROBLEMS)


@router.get("/watchlist")
def list_watchlist(
    context: Context, snapshot: Snapshot, current: RequiredUser
) -> list[RankedMovie]:
    """Return the watchlist without the movies watched since, ranked for the user, best first."""
    state = user_state(context, snapshot, current.user)
    return [
        RankedMovie(
            **describe_movie(snapshot, entry.row).model_dump(),
            prediction=round(entry.prediction.rating, 3),
            low=round(entry.prediction.low, 3),
            high=round(entry.prediction.high, 3),
        )
        for entry in ranked_watchlist(context.recommender, snapshot, state)
    ]


@router.post("/watchlist/titles")
def add_titles(
    body: TitlesIn, context: Context, snapshot: Snapshot, current: RequiredUser
) -> AddedTitles:
    """Add movies to the watchlist by their titles, one a line, with or without a year.

    Of several movies with a title, the one with the most ratings is added.
    """
    found, missing = find_titles(snapshot, body.text)
    entries = [ListedMovie(int(snapshot.ids[row]), now()) for row in found]
    added = context.store.add_to("watchlist", current.user.id, entries)
    movies = [describe_movie(snapshot, row) for row in found]
    return AddedTitles(added=added, movies=movies, missing=missing)


def _add_routes(movie_list: MovieList, effect: str) -> None:
    """Add the routes that list, add and remove the movies of a list."""

    def list_movies(context: Context, snapshot: Snapshot, current: RequiredUser) -> list[Movie]:
        entries = context.store.listed(movie_list, current.user.id)
        rows = [snapshot.row(entry.movie) for entry in reversed(entries)]
        return [describe_movie(snapshot, row) for row in rows if row is not None]

    def add_movie(
        movie: MovieCode, snapshot: Snapshot, context: Context, current: RequiredUser
    ) -> None:
        movie_row(snapshot, movie)
        context.store.add_to(movie_list, current.user.id, [ListedMovie(movie, now())])

    def remove_movie(
        movie: MovieCode, snapshot: Snapshot, context: Context, current: RequiredUser
    ) -> None:
        if not context.store.remove_from(movie_list, current.user.id, movie):
            raise _not_listed(snapshot, movie, movie_list)

    routes: list[tuple[str, str, Callable[..., Any], int, str]] = [
        ("PUT", "/{movie}", add_movie, 204, f"Add a movie to the list `{movie_list}`: {effect}."),
        ("DELETE", "/{movie}", remove_movie, 204, f"Remove a movie from the list `{movie_list}`."),
    ]
    if movie_list != "watchlist":
        routes.append(("GET", "", list_movies, 200, f"Return {effect}; latest first."))
    for method, path, endpoint, status, description in routes:
        router.add_api_route(
            f"/{movie_list}{path}",
            endpoint,
            methods=[method],
            status_code=status,
            name=f"{endpoint.__name__}_{movie_list}",
            description=description,
        )


def _not_listed(snapshot: ModelSnapshot, movie: int, movie_list: MovieList) -> ProblemError:
    shown = snapshot.encoding.movies.identifier(movie)
    kind = "not-dismissed" if movie_list == "dismissed" else "not-listed"
    return ProblemError(
        404,
        kind,
        Message("your list '%(list)s' does not have movie %(movie)s", list=movie_list, movie=shown),
    )


for _name, _effect in _EFFECTS.items():
    _add_routes(_name, _effect)
