"""Routes about movies: search, details, what is like them, why."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from foreseen.features.interaction_log import UserContext
from foreseen.ranking.explain import influences
from foreseen.serving.api.schemas import (
    BASE,
    PROBLEMS,
    Movie,
    MovieId,
    MoviePage,
    describe_movie,
    name_movie,
    row_of,
)
from foreseen.serving.dependencies import (
    Anybody,
    Own,
    Somebody,
    TheService,
    TheWorld,
    own_of,
)
from foreseen.serving.recommender import predict, star_chances
from foreseen.serving.snapshot import World

router = APIRouter(prefix=BASE, responses=PROBLEMS)


@router.get("/movies")
def search_movies(
    world: TheWorld,
    query: Annotated[str, Query(max_length=200)],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0, le=1000)] = 0,
) -> MoviePage:
    """Search titles; typos are allowed."""
    rows = world.search(query, offset + limit + 1)
    found = [describe_movie(world, row) for row in rows[offset : offset + limit]]
    return MoviePage(more=len(rows) > offset + limit, offset=offset, movies=found)


@router.get("/movies/{movie}")
def movie_details(
    movie: MovieId, world: TheWorld, service: TheService, person: Anybody
) -> dict[str, Any]:
    """Tell all there is to tell of a movie, and what the asking person would give it."""
    row = row_of(world, movie)
    told: dict[str, Any] = describe_movie(world, row).model_dump()
    told["years"] = [
        {"year": year, "ratings": count, "mean": round(mean, 3)}
        for year, count, mean in world.yearly(row)
    ]
    if person is not None:
        own = own_of(service, world, person.user)
        prediction = predict(world, own.history, [movie])[0]
        told["prediction"] = {
            "rating": round(prediction.rating, 3),
            "low": round(prediction.low, 3),
            "high": round(prediction.high, 3),
            "chances": {f"{stars:g}": round(p, 4) for stars, p in star_chances(prediction)},
        }
        told["rating"] = next((r.rating for r in own.rated if r.movie == movie), None)
    return told


@router.get("/movies/{movie}/similar")
def similar_movies(
    movie: MovieId, world: TheWorld, limit: Annotated[int, Query(ge=1, le=100)] = 12
) -> list[Movie]:
    """Return movies liked by the same people."""
    return [describe_movie(world, row) for row in world.similar(row_of(world, movie), limit)]


@router.get("/movies/{movie}/why")
def why_movie(
    movie: MovieId,
    world: TheWorld,
    service: TheService,
    person: Somebody,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> list[dict[str, Any]]:
    """Return which of one's ratings moved the prediction and how far, found by removing them."""
    row_of(world, movie)
    own = own_of(service, world, person.user)
    return moved_by(world, own, movie, limit)


def moved_by(world: World, own: Own, movie: int, limit: int) -> list[dict[str, Any]]:
    """Return a person's ratings that moved a prediction most."""
    rest = own.history.without(movie)
    context = UserContext(world.model.log.view_of([rest]), 0, world.now, rest)
    rows = world.model.log.catalogue.movies.rows([movie])
    found = influences(world.model, context, rows)[0]
    return [
        {**name_movie(world, entry.movie), "rating": entry.rating, "effect": entry.effect}
        for entry in found[:limit]
    ]
