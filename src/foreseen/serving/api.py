"""The HTTP API, version 1: movies, one's own ratings and recommendations, accounts, the model."""

from typing import Annotated, Any, Final

import numpy as np
from fastapi import APIRouter, File, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from foreseen import registry
from foreseen.canonical import ratings_frame
from foreseen.matching import parse_choices
from foreseen.ranking import By
from foreseen.schema import END_OF_TIME, GENRES, YEAR
from foreseen.serving.accounts import SESSION_COOKIE, SESSION_SECONDS, Session
from foreseen.serving.imports import take_in
from foreseen.serving.problems import MEDIA_TYPE, ProblemError
from foreseen.serving.recommend import Wish, predict, star_chances
from foreseen.serving.service import (
    FORM_HEADER,
    Admin,
    Anybody,
    Own,
    Service,
    Somebody,
    TheService,
    TheWorld,
    now,
    own_of,
)
from foreseen.serving.store import FIRST_ID, Rated, Shown
from foreseen.serving.world import World
from foreseen.sources.exports import Service as Provider
from foreseen.update import update as update_model
from foreseen.why import influences

_LARGEST_ID: Final = 2**53
_LARGEST_UPLOAD: Final = 32 << 20
_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": what, "content": {MEDIA_TYPE: {}}}
    for status, what in {
        401: "Nobody is signed in.",
        403: "Not allowed.",
        404: "There is no such thing.",
        422: "The request is not sound.",
        429: "Too many tries.",
    }.items()
}
router = APIRouter(prefix="/api/v1", responses=_PROBLEMS)

MovieId = Annotated[int, Field(ge=-_LARGEST_ID, le=_LARGEST_ID)]
Stars = Annotated[float, Field(ge=0.5, le=5, multiple_of=0.5)]


class Movie(BaseModel):
    """A movie of the catalogue."""

    movieId: int  # noqa: N815
    title: str
    year: int | None
    genres: list[str]
    views: int
    mean: float | None


class MoviePage(BaseModel):
    """Some of the movies found; `more` says whether there are others."""

    more: bool
    offset: int
    movies: list[Movie]


class OwnRating(BaseModel):
    """A rating of one's own."""

    movieId: int  # noqa: N815
    rating: float
    rated: int


class RatingIn(BaseModel):
    """What a movie is given."""

    rating: Stars


class PairsIn(BaseModel):
    """Movies to predict for."""

    movies: list[MovieId] = Field(max_length=1000)


class Credentials(BaseModel):
    """A name and its password."""

    name: str = Field(max_length=64)
    password: str = Field(max_length=1024)


class SessionOut(BaseModel):
    """An open session: send `formKey` in the header X-Foreseen-Form with every change."""

    userId: int  # noqa: N815
    name: str | None
    role: str
    formKey: str  # noqa: N815


class TokenIn(BaseModel):
    """What to call a token."""

    label: str = Field(max_length=64)


class TokenOut(BaseModel):
    """A token; its text is told only when it is made."""

    id: int
    label: str
    made: int
    token: str | None = None


class VersionIn(BaseModel):
    """A version of the model."""

    version: Annotated[int, Field(ge=1, le=10**9)]


# Movies


@router.get("/movies")
def search_movies(
    world: TheWorld,
    query: Annotated[str, Query(max_length=200)],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0, le=1000)] = 0,
) -> MoviePage:
    """Search titles; typos are allowed."""
    rows = world.search(query, offset + limit + 1)
    found = [_movie(world, row) for row in rows[offset : offset + limit]]
    return MoviePage(more=len(rows) > offset + limit, offset=offset, movies=found)


@router.get("/movies/{movie}")
def movie_details(
    movie: MovieId, world: TheWorld, service: TheService, person: Anybody
) -> dict[str, Any]:
    """Tell all there is to tell of a movie, and what the asking person would give it."""
    row = _row(world, movie)
    told: dict[str, Any] = _movie(world, row).model_dump()
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
    return [_movie(world, row) for row in world.similar(_row(world, movie), limit)]


@router.get("/movies/{movie}/why")
def why_movie(
    movie: MovieId,
    world: TheWorld,
    service: TheService,
    person: Somebody,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> list[dict[str, Any]]:
    """Return which of one's ratings moved the prediction and how far, found by removing them."""
    _row(world, movie)
    own = own_of(service, world, person.user)
    return moved_by(world, own, movie, limit)


def moved_by(world: World, own: Own, movie: int, limit: int) -> list[dict[str, Any]]:
    """Return a person's ratings that moved a prediction most."""
    rest = own.history if movie not in own.history.movies else own.history.without(movie)
    found = influences(world.model, rest, np.array([movie], dtype=np.int64), world.now)[0]
    return [
        {**_shown_movie(world, entry.movie), "rating": entry.rating, "effect": entry.effect}
        for entry in found[:limit]
    ]


# One's own


@router.get("/me")
def who_am_i(service: TheService, person: Somebody) -> dict[str, Any]:
    """Tell who is asking."""
    return {
        "userId": person.user.id,
        "name": person.user.name,
        "role": person.user.role,
        "ratings": len(service.store.ratings(person.user.id)),
        "imports": service.store.imports(person.user.id),
    }


@router.get("/me/ratings")
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


@router.put("/me/ratings/{movie}")
def rate_movie(
    movie: MovieId, rating: RatingIn, world: TheWorld, service: TheService, person: Somebody
) -> OwnRating:
    """Rate a movie; once this answers, the rating is kept."""
    _row(world, movie)
    rated = Rated(movie, rating.rating, now())
    service.store.rate(person.user.id, [rated])
    return OwnRating(movieId=movie, rating=rated.rating, rated=rated.rated)


@router.delete("/me/ratings/{movie}", status_code=204)
def unrate_movie(movie: MovieId, service: TheService, person: Somebody) -> None:
    """Take a rating back."""
    if not service.store.unrate(person.user.id, movie):
        raise ProblemError(404, "not-rated", f"you have not rated movie {movie}")


@router.put("/me/dismissed/{movie}", status_code=204)
def dismiss_movie(movie: MovieId, world: TheWorld, service: TheService, person: Somebody) -> None:
    """Say that a movie is of no interest: it is not recommended any more."""
    _row(world, movie)
    service.store.dismiss(person.user.id, movie, now())


@router.delete("/me/dismissed/{movie}", status_code=204)
def undismiss_movie(movie: MovieId, service: TheService, person: Somebody) -> None:
    """Take it back."""
    if not service.store.undismiss(person.user.id, movie):
        raise ProblemError(404, "not-dismissed", f"you have not dismissed movie {movie}")


@router.get("/me/recommendations", response_model=None)
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
    at: Annotated[int | None, Query(ge=0, lt=END_OF_TIME)] = None,
    diversity: Annotated[float, Query(ge=0, le=1)] = 0.0,
) -> Response:
    """Rank the movies one has not rated; a rating counts from the next call on."""
    names = world.model.timeline.catalogue.genre_names
    for name in genre or ():
        if name not in names:
            raise ProblemError(422, "unknown-genre", f"'{name}' is none of {', '.join(names)}")
    wish = Wish(k, by, tuple(genre or ()), first_year, last_year, at, diversity)
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


@router.post("/me/predictions")
def my_predictions(
    pairs: PairsIn, world: TheWorld, service: TheService, person: Somebody
) -> list[dict[str, float]]:
    """Predict one's ratings of given movies, in their order; unknown movies are answered too."""
    own = own_of(service, world, person.user)
    return [
        {"movieId": p.movie, "prediction": p.rating, "low": p.low, "high": p.high}
        for p in predict(world, own.history, pairs.movies)
    ]


@router.post("/me/imports")
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


@router.get("/me/export")
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


@router.delete("/me", status_code=204)
def delete_me(service: TheService, person: Somebody, response: Response) -> None:
    """Delete the account and all that is kept of it."""
    service.store.delete_user(person.user.id)
    response.delete_cookie(SESSION_COOKIE)


# Sessions and tokens


@router.post("/accounts", status_code=201)
def sign_up(
    given: Credentials, request: Request, response: Response, service: TheService, person: Anybody
) -> SessionOut:
    """Make an account; what a guest has rated is theirs from then on."""
    if service.sign_ups.wait(address_of(request)) > 0:
        raise ProblemError(429, "too-many-tries", "too many new accounts; try again later")
    service.sign_ups.count(address_of(request))
    session = person.session if person is not None else None
    if session is None:
        session = open_guest(service, request)
    session = service.accounts.sign_up(session, given.name, given.password)
    return _opened(service, session, response)


@router.post("/guests", status_code=201)
def be_a_guest(request: Request, response: Response, service: TheService) -> SessionOut:
    """Open a session without an account, or find the one that is open.

    Send the header X-Foreseen-Form, whatever it says: other sites' forms cannot.
    """
    if FORM_HEADER not in request.headers:
        raise ProblemError(403, "foreign-form", f"send the header {FORM_HEADER}, whatever it says")
    open_one = service.accounts.session(request.cookies.get(SESSION_COOKIE))
    return _opened(service, open_one or open_guest(service, request), response)


@router.post("/session", status_code=201)
def sign_in(
    given: Credentials, request: Request, response: Response, service: TheService
) -> SessionOut:
    """Open a session."""
    session = service.accounts.sign_in(given.name, given.password, address_of(request))
    return _opened(service, session, response)


@router.delete("/session", status_code=204)
def sign_out(service: TheService, person: Somebody, response: Response) -> None:
    """End the session."""
    if person.session is not None:
        service.accounts.sign_out(person.session)
    response.delete_cookie(SESSION_COOKIE)


@router.get("/me/tokens")
def my_tokens(service: TheService, person: Somebody) -> list[TokenOut]:
    """List one's API tokens."""
    return [TokenOut(**vars(token)) for token in service.store.tokens(person.user.id)]


@router.post("/me/tokens", status_code=201)
def make_token(given: TokenIn, service: TheService, person: Somebody) -> TokenOut:
    """Make an API token; its text is shown only now."""
    token, text = service.accounts.add_token(person.user, given.label)
    return TokenOut(**vars(token), token=text)


@router.delete("/me/tokens/{token}", status_code=204)
def delete_token(
    token: Annotated[int, Field(ge=1, le=_LARGEST_ID)], service: TheService, person: Somebody
) -> None:
    """Delete an API token."""
    if not service.store.delete_token(person.user.id, token):
        raise ProblemError(404, "no-such-token", f"you have no token {token}")


# The model


@router.get("/model")
def model_health(world: TheWorld, service: TheService) -> dict[str, Any]:
    """Tell which version answers, how old it is and what it was measured at."""
    return model_card(world, service)


def model_card(world: World, service: Service) -> dict[str, Any]:
    """Return what there is to tell of the model."""
    folder = service.live.folder
    return {
        "current": world.version.number,
        "ratings": world.model.timeline.ratings.height,
        "movies": len(world.ids),
        "knowsUntil": world.now,
        "learnedUntil": world.version.until,
        "report": dict(world.model.report),
        "versions": [version.model_dump() for version in registry.versions(folder)],
        "journal": registry.journal(folder)[-20:],
    }


@router.post("/model/update")
def update_the_model(service: TheService, person: Admin) -> dict[str, Any]:  # noqa: ARG001
    """Give the model all ratings of the store; train a challenger if called for."""
    new = ratings_frame(
        (FIRST_ID + user, rated.movie, rated.rating, rated.rated)
        for user, rated in service.store.all_ratings()
    )
    if new.is_empty():
        raise ProblemError(422, "nothing-new", "nobody has rated anything here yet")
    return update_model(service.live.folder, new, whole_from=FIRST_ID).as_json()


@router.post("/model/promote")
def promote_version(given: VersionIn, service: TheService, person: Admin) -> dict[str, int]:
    """Let a version answer from now on."""
    folder = service.live.folder
    with registry.changing(folder):
        registry.promote(folder, given.version, f"asked for by user {person.user.id}")
    return {"current": given.version}


@router.post("/model/rollback")
def roll_back(service: TheService, person: Admin) -> dict[str, int]:
    """Go back to the version that answered before."""
    folder = service.live.folder
    with registry.changing(folder):
        number = registry.rollback(folder, f"asked for by user {person.user.id}")
    return {"current": number}


def open_guest(service: Service, request: Request) -> Session:
    """Make a guest, unless this address has made too many.

    Raises:
        ProblemError: If it has.
    """
    address = address_of(request)
    if service.sign_ups.wait(address) > 0:
        raise ProblemError(429, "too-many-tries", "too many new accounts; try again later")
    service.sign_ups.count(address)
    return service.accounts.open_guest()


def address_of(request: Request) -> str:
    """Return where a request comes from."""
    return request.client.host if request.client else "nowhere"


def set_session(service: Service, session: Session, response: Response) -> None:
    """Let a response carry a session's cookie."""
    response.set_cookie(
        SESSION_COOKIE,
        session.cookie,
        max_age=SESSION_SECONDS,
        httponly=True,
        secure=service.secure,
        samesite="lax",
    )


def _opened(service: Service, session: Session, response: Response) -> SessionOut:
    set_session(service, session, response)
    user = session.user
    return SessionOut(userId=user.id, name=user.name, role=user.role, formKey=session.form_key)


def _row(world: World, movie: int) -> int:
    row = world.row(movie)
    if row is None:
        raise ProblemError(404, "no-such-movie", f"the catalogue has no movie {movie}")
    return row


def _movie(world: World, row: int) -> Movie:
    entry = world.model.timeline.catalogue.table.row(row, named=True)
    views = int(world.views[row])
    return Movie(
        movieId=int(world.ids[row]),
        title=world.title(row),
        year=entry[YEAR],
        genres=list(entry[GENRES]),
        views=views,
        mean=round(float(world.means[row]), 3) if views else None,
    )


def _shown_movie(world: World, movie: int) -> dict[str, Any]:
    row = world.row(movie)
    if row is None:
        return {"movieId": movie, "title": f"movie {movie}", "year": None}
    found = _movie(world, row)
    return {"movieId": found.movieId, "title": found.title, "year": found.year}
