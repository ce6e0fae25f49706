"""The web page: rendered here, changed in place by one small script through the API."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from foreseen.data.sources.personal import parse_year
from foreseen.ranking.rank import By
from foreseen.ranking.recommend import RankingRequest, Recommendation
from foreseen.serving.api.model import model_card
from foreseen.serving.api.movies import moved_by
from foreseen.serving.api.schemas import MovieId, row_of
from foreseen.serving.dependencies import (
    Anybody,
    Own,
    Person,
    Service,
    TheService,
    TheWorld,
    now,
    own_of,
)
from foreseen.serving.recommender import predict, star_chances, taste_of
from foreseen.serving.snapshot import World
from foreseen.serving.store import Shown

_FOLDER: Final = Path(__file__).parent / "web"
_EACH: Final = 30
_SHOWN: Final = 24
_GRID: Final = 24
_SIMILAR: Final = 8
_INFLUENCES: Final = 6
_TRIED: Final = 8
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


def _stamp() -> str:
    files = sorted((_FOLDER / "static").iterdir())
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _day(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%d %B %Y}".lstrip("0")


def hue(genres: list[str] | tuple[str, ...]) -> int:
    """Return the hue, in degrees, of the card of a movie of these genres."""
    name = genres[0] if genres else ""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 360


_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_GLOBALS: Final[dict[str, object]] = {"stamp": _stamp(), "day": _day, "hue": hue}


@router.get("/")
def for_you(
    world: TheWorld,
    service: TheService,
    person: Anybody,
    genre: Annotated[str, Query(max_length=64)] = "",
    first_year: Annotated[str, Query(max_length=4)] = "",
    last_year: Annotated[str, Query(max_length=4)] = "",
    part: bool = False,
) -> Response:
    """Show the ranking; with `part`, only its list, to be put in place of the one on the page."""
    genres = world.model.log.catalogue.genre_names
    years = [parse_year(year) for year in (first_year, last_year)]
    wanted = (genre,) if genre in genres else ()
    wish = RankingRequest(_EACH, "rating", wanted, years[0], years[1], influences_tried=_TRIED)
    own = _own(service, world, person)
    cards = _ranked(service, world, own, wish)
    if person is not None:
        movies = tuple(card["movie"] for card in cards[:_SHOWN])
        service.store.add_shown(
            person.user.id, Shown(now(), "rating", world.version.number, movies)
        )
    return _page(
        "ranking.html" if part else "for_you.html",
        person,
        "for you",
        cards=cards,
        shown=_SHOWN,
        rated=len(own.rated),
        genres=genres,
        genre=genre,
        first_year=first_year,
        last_year=last_year,
    )


@router.get("/rate")
def rate(
    world: TheWorld,
    service: TheService,
    person: Anybody,
    query: Annotated[str, Query(max_length=200)] = "",
    part: bool = False,
) -> Response:
    """Show movies to rate: found by their titles, or well chosen."""
    own = _own(service, world, person)
    given = {entry.movie: entry.rating for entry in own.rated}
    if query.strip():
        rows = world.search(query, _GRID)
    else:
        known = (world.row(movie) for movie in (*given, *own.hidden))
        rows = world.newcomer_grid([row for row in known if row is not None], _GRID)
    cards = [_card(world, row) | {"rating": given.get(int(world.ids[row]))} for row in rows]
    side = _ranked(service, world, own, RankingRequest(5))[:5] if not part else []
    return _page(
        "grid.html" if part else "rate.html",
        person,
        "rate",
        cards=cards,
        query=query,
        rated=len(own.rated),
        top=side,
    )


@router.get("/top")
def top(world: TheWorld, service: TheService, person: Anybody) -> Response:
    """Show the first five of the ranking, to be put beside what is being rated."""
    own = _own(service, world, person)
    cards = _ranked(service, world, own, RankingRequest(5))[:5]
    return _page("top.html", person, "rate", top=cards, rated=len(own.rated))


@router.get("/film/{movie}")
def film(movie: MovieId, world: TheWorld, service: TheService, person: Anybody) -> Response:
    """Show one movie: what you would give it and why, its past, what is like it."""
    row = row_of(world, movie)
    own = _own(service, world, person)
    rest = own.history.without(movie)
    prediction = predict(world, rest, [movie])[0]
    years = world.yearly(row)
    return _page(
        "film.html",
        person,
        "",
        card=_card(world, row),
        rating=next((entry.rating for entry in own.rated if entry.movie == movie), None),
        prediction=prediction,
        chances=star_chances(prediction),
        influences=moved_by(world, own, movie, _INFLUENCES) if len(rest.movies) else [],
        similar=[_card(world, other) for other in world.similar(row, _SIMILAR)],
        years=years,
        most=max((count for _, count, _ in years), default=1),
    )


@router.get("/me")
def me(world: TheWorld, service: TheService, person: Anybody) -> Response:
    """Show one's taste, how sure the model is, one's ratings and account."""
    own = _own(service, world, person)
    rated = [
        _card(world, row) | {"rating": entry.rating, "rated": entry.rated}
        for entry in reversed(own.rated)
        if (row := world.row(entry.movie)) is not None
    ]
    return _page(
        "me.html",
        person,
        "me",
        rated=rated,
        taste=taste_of(world, own.rated),
        dismissed=[_card(world, row) for row in map(world.row, own.hidden) if row is not None],
        imports=service.store.imports(person.user.id) if person else [],
        tokens=service.store.tokens(person.user.id) if person else [],
    )


@router.get("/sign-in")
def sign_in(person: Anybody) -> Response:
    """Show the form to sign in with."""
    return _page("sign_in.html", person, "sign in")


@router.get("/model")
def model(world: TheWorld, service: TheService, person: Anybody) -> Response:
    """Show how the model is, and let an administrator choose among versions."""
    card = model_card(world, service)
    return _page(
        "model.html",
        person,
        "model",
        health=card,
        admin=person is not None and person.user.role == "admin",
    )


def _own(service: Service, world: World, person: Person | None) -> Own:
    if person is None:
        return Own([], world.history([]), [])
    return own_of(service, world, person.user)


def _ranked(service: Service, world: World, own: Own, wish: RankingRequest) -> list[dict[str, Any]]:
    """Return the cards of what leads by any way of ranking, in the order of predicted rating."""
    ways: tuple[By, ...] = ("rating", "blend") if wish.k > 5 else ("rating",)
    found: dict[int, tuple[Recommendation, float]] = {}
    for by in ways:
        ranked = service.recommender.rank(world, own.history, own.hidden, replace(wish, by=by))
        scores = service.recommender.shortlist(world, own.history).scores
        for entry in ranked:
            row = world.row(entry.movie)
            assert row is not None  # noqa: S101
            worth = float(
                scores.predictions.mean[0, row] - scores.predictions.standard_error[0, row]
            )
            found.setdefault(entry.movie, (entry, worth))
    cards: list[dict[str, Any]] = []
    for entry, worth in sorted(found.values(), key=lambda pair: -pair[1]):
        row = world.row(entry.movie)
        assert row is not None  # noqa: S101
        cards.append(
            _card(world, row)
            | {
                "prediction": entry.prediction,
                "low": entry.low,
                "high": entry.high,
                "worth": worth,
                "likely": entry.likely,
                "why": entry.why,
            }
        )
    return cards


def _card(world: World, row: int) -> dict[str, Any]:
    entry = world.model.log.catalogue.table.row(row, named=True)
    return {
        "movie": int(world.ids[row]),
        "title": world.title(row),
        "year": entry["year"],
        "genres": list(entry["genres"]),
        "views": int(world.views[row]),
        "mean": float(world.means[row]),
    }


def _page(template: str, person: Person | None, here: str, **facts: object) -> Response:
    text = _ENVIRONMENT.get_template(template, globals=_GLOBALS).render(
        person=person.user if person else None,
        form_key=person.session.form_key if person and person.session else "",
        here=here,
        **facts,
    )
    return HTMLResponse(text, headers={"Cache-Control": "private, no-store"})
