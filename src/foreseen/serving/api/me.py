"""Routes about what is one's own: ratings, recommendations, imports, everything that is kept."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, File, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse

from foreseen.data.schema import TIMESTAMP_LIMIT
from foreseen.data.sources.exports import Provider
from foreseen.data.title_matching import parse_choices
from foreseen.ranking.recommend import By, RankingRequest
from foreseen.serving.accounts import SESSION_COOKIE
from foreseen.serving.api.schemas import (
    BASE,
    PROBLEMS,
    MovieId,
    OwnRating,
    PairsIn,
    RatingIn,
    row_of,
)
from foreseen.serving.dependencies import (
    Somebody,
    TheService,
    TheWorld,
    now,
    own_of,
)
from foreseen.serving.imports import take_in
from foreseen.serving.problems import ProblemError
from foreseen.serving.recommender import predict
from foreseen.serving.store import Rated, Shown

_LARGEST_UPLOAD: Final = 32 << 20
router = APIRouter(prefix=f"{BASE}/me", responses=PROBLEMS)


@router.get("")
def who_am_i(service: TheService, person: Somebody) -> dict[str, Any]:
    """Tell who is asking."""
    return {
        "userId": person.user.id,
        "name": person.user.name,
        "role": person.user.role,
        "ratings": len(service.store.ratings(person.user.id)),
        "imports": service.store.imports(person.user.id),
    }


@router.get("/ratings")
def my_ratings(
    service: TheService,
    person: Somebody,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> dict[str, Any]:
    """Return one's ratings, the latest first."""
    rated = service.store.ratings(person.user.id)[::-1]
    part = rated[offset : offset + limit]
    return {
        "total": len(rated),
        "offset": offset,
        "ratings": [OwnRating(movieId=r.movie, rating=r.rating, rated=r.rated) for r in part],
    }


@router.put("/ratings/{movie}")
def rate_movie(
    movie: MovieId, rating: RatingIn, world: TheWorld, service: TheService, person: Somebody
) -> OwnRating:
    """Rate a movie; once this answers, the rating is kept."""
    row_of(world, movie)
    rated = Rated(movie, rating.rating, now())
    service.store.rate(person.user.id, [rated])
    return OwnRating(movieId=movie, rating=rated.rating, rated=rated.rated)


@router.delete("/ratings/{movie}", status_code=204)
def unrate_movie(movie: MovieId, service: TheService, person: Somebody) -> None:
    """Take a rating back."""
    if not service.store.unrate(person.user.id, movie):
        raise ProblemError(404, "not-rated", f"you have not rated movie {movie}")


@router.put("/dismissed/{movie}", status_code=204)
def dismiss_movie(movie: MovieId, world: TheWorld, service: TheService, person: Somebody) -> None:
    """Say that a movie is of no interest: it is not recommended any more."""
    row_of(world, movie)
    service.store.dismiss(person.user.id, movie, now())


@router.delete("/dismissed/{movie}", status_code=204)
def undismiss_movie(movie: MovieId, service: TheService, person: Somebody) -> None:
    """Take it back."""
    if not service.store.undismiss(person.user.id, movie):
        raise ProblemError(404, "not-dismissed", f"you have not dismissed movie {movie}")


@router.get("/recommendations", response_model=None)
def my_recommendations(
    request: Request,
    world: TheWorld,
    service: TheService,
    person: Somebody,
    k: Annotated[int, Query(ge=1, le=200)] = 10,
    by: By = "rating",
    genre: Annotated[list[str] | None, Query()] = None,
    first_year: Annotated[int | None, Query(ge=1800, le=2200)] = None,
    last_year: Annotated[int | None, Query(ge=1800, le=2200)] = None,
    at: Annotated[int | None, Query(ge=0, lt=TIMESTAMP_LIMIT)] = None,
    diversity: Annotated[float, Query(ge=0, le=1)] = 0.0,
) -> Response:
    """Rank the movies one has not rated; a rating counts from the next call on."""
    names = world.model.log.catalogue.genre_names
    for name in genre or ():
        if name not in names:
            raise ProblemError(422, "unknown-genre", f"'{name}' is none of {', '.join(names)}")
    wish = RankingRequest(k, by, tuple(genre or ()), first_year, last_year, at, diversity)
    own = own_of(service, world, person.user)
    headers = {"ETag": f'"{own.tag(world, wish)}"', "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    ranked = service.recommender.rank(world, own.history, own.hidden, wish)
    movies = tuple(entry.movie for entry in ranked)
    shown = Shown(now(), by, world.version.number, movies)
    service.store.add_shown(person.user.id, shown)
    content = {
        "userId": person.user.id,
        "known": bool(own.rated),
        "version": world.version.number,
        "by": by,
        "recommendations": [entry.as_json() for entry in ranked],
    }
    return JSONResponse(content, headers=headers)


@router.post("/predictions")
def my_predictions(
    pairs: PairsIn, world: TheWorld, service: TheService, person: Somebody
) -> list[dict[str, float]]:
    """Predict one's ratings of given movies, in their order; unknown movies are answered too."""
    own = own_of(service, world, person.user)
    return [
        {"movieId": p.movie, "prediction": p.rating, "low": p.low, "high": p.high}
        for p in predict(world, own.history, pairs.movies)
    ]


@router.post("/imports")
def import_ratings(
    service: TheService,
    world: TheWorld,
    person: Somebody,
    provider: Annotated[Provider, Query(alias="from")],
    file: Annotated[UploadFile, File()],
    choose: Annotated[list[str] | None, Query(description="LINE:MOVIE")] = None,
) -> dict[str, Any]:
    """Import one's ratings from another service; importing twice changes nothing."""
    data = file.file.read(_LARGEST_UPLOAD + 1)
    if len(data) > _LARGEST_UPLOAD:
        raise ProblemError(413, "too-large", f"more than {_LARGEST_UPLOAD >> 20} MiB")
    name = file.filename or "the file"
    choices = parse_choices(choose or [])
    report, changed = take_in(service, world, person.user, data, name, provider, choices)
    return {**report.as_json(), "changed": changed}


@router.get("/export")
def export_me(service: TheService, person: Somebody) -> dict[str, Any]:
    """Return all that is kept of the asking person."""
    user, store = person.user, service.store
    return {
        "user": dict(vars(user)),
        "ratings": [vars(rated) for rated in store.ratings(user.id)],
        "dismissed": store.dismissed(user.id),
        "imports": store.imports(user.id),
        "shown": [vars(shown) for shown in store.shown(user.id)],
        "tokens": [vars(token) for token in store.tokens(user.id)],
    }


@router.delete("", status_code=204)
def delete_me(service: TheService, person: Somebody, response: Response) -> None:
    """Delete the account and all that is kept of it."""
    service.store.delete_user(person.user.id)
    response.delete_cookie(SESSION_COOKIE)
