"""Routes for the user's data: ratings, recommendations, imports, export, deletion."""

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, File, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse

from foreseen.data.rating_scale import RatingScale
from foreseen.data.schema import TIMESTAMP_LIMIT
from foreseen.data.sources.export_columns import parse_columns
from foreseen.data.sources.exports import Provider, ReadOptions
from foreseen.data.title_matching import parse_choices
from foreseen.messages import Message
from foreseen.ranking.rank import By
from foreseen.ranking.request import RankingRequest
from foreseen.serving.accounts import SESSION_COOKIE
from foreseen.serving.api.schemas import (
    BASE,
    PROBLEMS,
    MoviesIn,
    RatingIn,
    UserRating,
    movie_row,
    stars_of,
)
from foreseen.serving.dependencies import (
    Context,
    MovieCode,
    RequiredSession,
    RequiredUser,
    Snapshot,
    now,
    user_state,
)
from foreseen.serving.hosts import client_address
from foreseen.serving.problems import ProblemError
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import Impression, StoredRating
from foreseen.serving.uploads import Upload

_MAX_UPLOAD: Final = 32 << 20
router = APIRouter(prefix=f"{BASE}/me", responses=PROBLEMS)


@router.get("")
def get_me(context: Context, current: RequiredUser) -> dict[str, Any]:
    """Return the current user."""
    return {
        "userId": current.user.id,
        "name": current.user.name,
        "role": current.user.role,
        "ratings": len(context.store.ratings(current.user.id)),
        "imports": context.store.imports(current.user.id),
    }


@router.get("/ratings")
def list_ratings(
    context: Context,
    snapshot: Snapshot,
    current: RequiredUser,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> dict[str, Any]:
    """Return the user's ratings, latest first."""
    rated = context.store.ratings(current.user.id)[::-1]
    part = rated[offset : offset + limit]
    return {
        "total": len(rated),
        "offset": offset,
        "ratings": [_user_rating(snapshot, entry) for entry in part],
    }


def _user_rating(snapshot: ModelSnapshot, stored: StoredRating) -> UserRating:
    return UserRating(
        movieId=snapshot.encoding.movies.identifier(stored.movie),
        rating=snapshot.encoding.scale.rating_of(stored.rating),
        rated=stored.rated,
    )


@router.put("/ratings/{movie}")
def rate_movie(
    movie: MovieCode, body: RatingIn, snapshot: Snapshot, context: Context, current: RequiredUser
) -> UserRating:
    """Rate a movie; the rating is stored before the response is sent."""
    movie_row(snapshot, movie)
    rated = StoredRating(movie, stars_of(snapshot, body.rating), now())
    context.store.rate(current.user.id, [rated])
    return _user_rating(snapshot, rated)


@router.delete("/ratings/{movie}", status_code=204)
def delete_rating(
    movie: MovieCode, snapshot: Snapshot, context: Context, current: RequiredUser
) -> None:
    """Delete the rating of a movie."""
    if not context.store.unrate(current.user.id, movie):
        shown = snapshot.encoding.movies.identifier(movie)
        raise ProblemError(
            404, "not-rated", Message("you have not rated movie %(movie)s", movie=shown)
        )


@router.get("/recommendations", response_model=None)
def list_recommendations(
    request: Request,
    snapshot: Snapshot,
    context: Context,
    current: RequiredUser,
    k: Annotated[int, Query(ge=1, le=200)] = 10,
    by: By = "rating",
    genre: Annotated[list[str] | None, Query()] = None,
    first_year: Annotated[int | None, Query(ge=1800, le=2200)] = None,
    last_year: Annotated[int | None, Query(ge=1800, le=2200)] = None,
    at: Annotated[int | None, Query(ge=0, lt=TIMESTAMP_LIMIT)] = None,
    diversity: Annotated[float, Query(ge=0, le=1)] = 0.0,
) -> Response:
    """Rank the movies that the user has neither rated, nor seen, nor dismissed.

    All stored ratings count.
    """
    if first_year is not None and last_year is not None and first_year > last_year:
        message = f"first_year should be at most last_year. Received: {first_year}, {last_year}"
        raise ProblemError(422, "invalid-input", message)
    genre_names = snapshot.model.log.catalogue.genre_names
    for name in genre or ():
        if name not in genre_names:
            message = f"'{name}' is not one of {', '.join(genre_names)}"
            raise ProblemError(422, "unknown-genre", message)
    ranking = RankingRequest(k, by, tuple(genre or ()), first_year, last_year, at, diversity)
    state = user_state(context, snapshot, current.user)
    headers = {"ETag": f'"{state.tag(snapshot, ranking)}"', "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    ranked = context.recommender.rank(snapshot, state.history, state.hidden, ranking)
    movies = tuple(snapshot.encoding.movies.code(entry.movie) for entry in ranked)
    impression = Impression(now(), by, snapshot.version.number, movies)
    context.store.add_impression(current.user.id, impression)
    content = {
        "userId": current.user.id,
        "known": bool(state.ratings),
        "version": snapshot.version.number,
        "by": by,
        "recommendations": [entry.as_json() for entry in ranked],
    }
    return JSONResponse(content, headers=headers)


@router.post("/predictions")
def predict_ratings(
    body: MoviesIn, snapshot: Snapshot, context: Context, current: RequiredUser
) -> list[dict[str, int | float | str]]:
    """Predict the user's ratings of movies, in their order; the catalogue may not have them."""
    state = user_state(context, snapshot, current.user)
    codes = [snapshot.encoding.movies.code(movie) for movie in body.movies]
    predictions = context.recommender.predict(snapshot, state.history, codes)
    return [
        {"movieId": movie, "prediction": p.rating, "low": p.low, "high": p.high}
        for movie, p in zip(body.movies, predictions, strict=True)
    ]


@router.post("/imports", response_model=dict[str, Any])
async def import_ratings(
    request: Request,
    context: Context,
    snapshot: Snapshot,
    current: RequiredUser,
    file: Annotated[UploadFile, File()],
    provider: Annotated[
        Provider | None, Query(alias="from", description="by default it is recognised")
    ] = None,
    choose: Annotated[list[str] | None, Query(description="LINE:MOVIE")] = None,
    columns: Annotated[
        str, Query(description="columns of another table: title=NAME,rating=NAME,...")
    ] = "",
    scale: Annotated[str, Query(description="scale of its ratings: LOW:HIGH")] = "",
) -> Response:
    """Import ratings and lists exported from another service; a repeated import changes nothing."""
    data = await file.read(_MAX_UPLOAD + 1)
    if len(data) > _MAX_UPLOAD:
        limit = f"a file may have at most {_MAX_UPLOAD >> 20} MiB"
        raise ProblemError(413, "too-large", limit)
    options = ReadOptions(
        parse_columns(columns) if columns else {}, RatingScale.parse(scale) if scale else None
    )
    choices = parse_choices(choose or [])
    upload = Upload(data, file.filename or "the file", provider, choices, options)
    address = client_address(request)
    matched, counts = await context.imports.run(upload, snapshot, current.user.id, address)
    # The report may be large, so it is not parsed to add a number.
    added = json.dumps(counts.added, separators=(",", ":")).encode()
    content = b'{"changed":%d,"added":%b,%b' % (counts.changed, added, matched.report[1:])
    return Response(content, media_type="application/json")


@router.get("/export")
def export_data(context: Context, snapshot: Snapshot, current: RequiredUser) -> dict[str, Any]:
    """Return all stored data of the user."""
    user, store, scale = current.user, context.store, snapshot.encoding.scale
    identifier = snapshot.encoding.movies.identifier
    return {
        "user": dict(vars(user)),
        "ratings": [
            {
                "movie": identifier(entry.movie),
                "rating": scale.rating_of(entry.rating),
                "rated": entry.rated,
            }
            for entry in store.ratings(user.id)
        ],
        **{
            name: [identifier(entry.movie) for entry in entries]
            for name, entries in store.lists(user.id).items()
        },
        "imports": store.imports(user.id),
        "shown": [
            {**vars(shown), "movies": [identifier(movie) for movie in shown.movies]}
            for shown in store.impressions(user.id)
        ],
        "tokens": [vars(token) for token in store.tokens(user.id)],
        "groups": [
            {"id": group.id, "members": [member.name for member in group.members]}
            for group in store.groups(user.id)
        ],
    }


@router.delete("", status_code=204)
def delete_me(context: Context, session: RequiredSession, response: Response) -> None:
    """Delete the account and all stored data of the user; requires a session."""
    context.store.delete_user(session.user.id)
    response.delete_cookie(SESSION_COOKIE)
