"""Routes for movies: search, details, similar movies, explanations."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from foreseen.features.interaction_log import UserContext
from foreseen.ranking.explain import influences
from foreseen.serving.api.schemas import (
    BASE,
    PROBLEMS,
    Movie,
    MoviePage,
    describe_movie,
    movie_reference,
    movie_row,
)
from foreseen.serving.dependencies import (
    Context,
    MovieCode,
    OptionalUser,
    RequiredUser,
    Snapshot,
    UserState,
    user_state,
)
from foreseen.serving.movie_details import most_similar, ratings_by_year
from foreseen.serving.recommender import rating_probabilities
from foreseen.serving.snapshot import ModelSnapshot

router = APIRouter(prefix=BASE, responses=PROBLEMS)


@router.get("/movies")
def search_movies(
    snapshot: Snapshot,
    query: Annotated[str, Query(max_length=200)],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0, le=1000)] = 0,
) -> MoviePage:
    """Search movies by title, with tolerance for typing errors."""
    rows = snapshot.title_search.find(query, offset + limit + 1)
    found = [describe_movie(snapshot, row) for row in rows[offset : offset + limit]]
    return MoviePage(more=len(rows) > offset + limit, offset=offset, movies=found)


@router.get("/movies/{movie}")
def movie_details(
    movie: MovieCode, snapshot: Snapshot, context: Context, current: OptionalUser
) -> dict[str, Any]:
    """Return a movie with its ratings by year and, within a session, the predicted rating."""
    row = movie_row(snapshot, movie)
    details: dict[str, Any] = describe_movie(snapshot, row).model_dump()
    details["years"] = [
        {"year": year, "ratings": count, "mean": round(mean, 3)}
        for year, count, mean in ratings_by_year(snapshot, row)
    ]
    if current is not None:
        state, scale = user_state(context, snapshot, current.user), snapshot.encoding.scale
        prediction = context.recommender.predict(snapshot, state.history, [movie])[0]
        details["prediction"] = {
            "rating": round(prediction.rating, 3),
            "low": round(prediction.low, 3),
            "high": round(prediction.high, 3),
            "chances": {
                f"{rating:g}": round(p, 4) for rating, p in rating_probabilities(prediction, scale)
            },
        }
        details["rating"] = next(
            (scale.rating_of(r.rating) for r in state.ratings if r.movie == movie), None
        )
    return details


@router.get("/movies/{movie}/similar")
def similar_movies(
    movie: MovieCode, snapshot: Snapshot, limit: Annotated[int, Query(ge=1, le=100)] = 12
) -> list[Movie]:
    """Return the movies most often liked by the same users, best first."""
    rows = most_similar(snapshot, movie_row(snapshot, movie), limit)
    return [describe_movie(snapshot, row) for row in rows]


@router.get("/movies/{movie}/why")
def why_movie(
    movie: MovieCode,
    snapshot: Snapshot,
    context: Context,
    current: RequiredUser,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> list[dict[str, Any]]:
    """Return the user's ratings with the strongest influence on the prediction.

    The effect of a rating is the prediction less the prediction without that rating.
    """
    movie_row(snapshot, movie)
    state = user_state(context, snapshot, current.user)
    return rating_influences(snapshot, state, movie, limit)


def rating_influences(
    snapshot: ModelSnapshot, state: UserState, movie: int, limit: int
) -> list[dict[str, Any]]:
    """Return a user's ratings with the strongest influence on a prediction, strongest first."""
    others, scale = state.history.without(movie), snapshot.encoding.scale
    context = UserContext(snapshot.model.log.view_of([others]), 0, snapshot.now, others)
    rows = snapshot.model.log.catalogue.movies.rows([movie])
    found = influences(snapshot.model, context, rows)[0]
    return [
        {
            **movie_reference(snapshot, int(entry.movie)),
            "rating": scale.rating_of(entry.rating),
            "effect": entry.effect * scale.per_star,
        }
        for entry in found[:limit]
    ]
