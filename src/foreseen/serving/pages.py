"""The pages. A script updates them in place through the API; they are readable without it.

To add a page, write a route here that takes a `CurrentPage` and returns `page.render(...)` with a
template that extends `base.html`. Add it to `NAVIGATION` if the header should link to it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from foreseen.data.encoding import Id
from foreseen.data.sources.export_formats import EXPORT_FORMATS
from foreseen.data.sources.personal_fields import parse_year
from foreseen.ranking.rank import By, by_rating
from foreseen.ranking.recommend import RankingRequest
from foreseen.ranking.results import Recommendation
from foreseen.serving.api.model import model_status
from foreseen.serving.api.movies import rating_influences
from foreseen.serving.api.schemas import movie_row
from foreseen.serving.dependencies import MovieCode, now
from foreseen.serving.movie_details import most_similar, movie_card, ratings_by_year
from foreseen.serving.onboarding import onboarding_movies
from foreseen.serving.recommender import predict, rating_probabilities
from foreseen.serving.rendering import CurrentPage, Page
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import Impression
from foreseen.serving.taste_profile import taste_profile

_RANKED_MOVIES: Final = 30
"""Movies requested by each ranking criterion."""
_SHOWN_MOVIES: Final = 24
"""Movies of the ranking that are visible; the script may exchange them with the others."""
_TOP_MOVIES: Final = 5
_GRID_MOVIES: Final = 24
_SIMILAR_MOVIES: Final = 8
_SHOWN_INFLUENCES: Final = 6
_INFLUENCES_TRIED: Final = 8
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/")
def for_you(
    page: CurrentPage,
    genre: Annotated[str, Query(max_length=64)] = "",
    first_year: Annotated[str, Query(max_length=4)] = "",
    last_year: Annotated[str, Query(max_length=4)] = "",
    part: bool = False,
) -> Response:
    """Show the ranking; with `part`, return only the list, to replace the one of the page."""
    snapshot, context = page.snapshot, page.context
    genre_names = snapshot.model.log.catalogue.genre_names
    request = RankingRequest(
        _RANKED_MOVIES,
        genres=(genre,) if genre in genre_names else (),
        first_year=parse_year(first_year),
        last_year=parse_year(last_year),
        influences_tried=_INFLUENCES_TRIED,
    )
    cards = _ranked_cards(page, request, ("rating", "blend"))
    if page.current is not None:
        code = snapshot.encoding.movies.code
        movies = tuple(code(card["movie"]) for card in cards[:_SHOWN_MOVIES])
        impression = Impression(now(), "rating", snapshot.version.number, movies)
        context.store.add_impression(page.current.user.id, impression)
    return page.render(
        "ranking.html" if part else "for_you.html",
        cards=cards,
        shown=_SHOWN_MOVIES,
        rated=len(page.state.ratings),
        genres=genre_names,
        genre=genre,
        first_year=first_year,
        last_year=last_year,
    )


@router.get("/rate")
def rate(
    page: CurrentPage, query: Annotated[str, Query(max_length=200)] = "", part: bool = False
) -> Response:
    """Show movies to rate: search results or, without a query, the onboarding movies."""
    snapshot, state = page.snapshot, page.state
    scale = snapshot.encoding.scale
    given = {entry.movie: scale.rating_of(entry.rating) for entry in state.ratings}
    if query.strip():
        rows = snapshot.title_search.find(query, _GRID_MOVIES)
    else:
        known = (snapshot.row(movie) for movie in (*given, *state.hidden))
        excluded = [row for row in known if row is not None]
        rows = onboarding_movies(snapshot, excluded, _GRID_MOVIES)
    return page.render(
        "grid.html" if part else "rate.html",
        cards=[_card(snapshot, row, rating=given.get(int(snapshot.ids[row]))) for row in rows],
        query=query,
        rated=len(state.ratings),
        top=[] if part else _top_cards(page),
    )


@router.get("/top")
def top(page: CurrentPage) -> Response:
    """Return the first movies of the ranking, to show beside the movies to rate."""
    return page.render("top.html", top=_top_cards(page), rated=len(page.state.ratings))


@router.get("/film/{movie}")
def film(movie: MovieCode, page: CurrentPage) -> Response:
    """Show a movie: its predicted rating and why, its ratings by year, similar movies."""
    snapshot, state = page.snapshot, page.state
    row, scale = movie_row(snapshot, movie), snapshot.encoding.scale
    others = state.history.without(movie)
    prediction = predict(snapshot, others, [movie])[0]
    influences: list[dict[str, Any]] = []
    if len(others.movies):
        influences = rating_influences(snapshot, state, movie, _SHOWN_INFLUENCES)
    years = ratings_by_year(snapshot, row)
    return page.render(
        "film.html",
        card=_card(snapshot, row),
        rating=next(
            (scale.rating_of(entry.rating) for entry in state.ratings if entry.movie == movie), None
        ),
        prediction=prediction,
        probabilities=rating_probabilities(prediction, scale),
        influences=influences,
        similar=[_card(snapshot, other) for other in most_similar(snapshot, row, _SIMILAR_MOVIES)],
        years=years,
        max_count=max((count for _, count, _ in years), default=1),
    )


@router.get("/me")
def me(page: CurrentPage) -> Response:
    """Show the user's taste, the uncertainty of predictions, the ratings and the account."""
    snapshot, state, store = page.snapshot, page.state, page.context.store
    rated = [
        _card(snapshot, row, rating=snapshot.encoding.scale.rating_of(entry.rating))
        for entry in reversed(state.ratings)
        if (row := snapshot.row(entry.movie)) is not None
    ]
    dismissed = [row for row in map(snapshot.row, state.hidden) if row is not None]
    return page.render(
        "me.html",
        rated=rated,
        taste=taste_profile(snapshot, state.ratings),
        dismissed=[_card(snapshot, row) for row in dismissed],
        imports=store.imports(page.current.user.id) if page.current else [],
        exports=EXPORT_FORMATS,
        tokens=store.tokens(page.current.user.id) if page.current else [],
    )


@router.get("/sign-in")
def sign_in(page: CurrentPage) -> Response:
    """Show the sign-in form."""
    return page.render("sign_in.html")


@router.get("/model")
def model(page: CurrentPage) -> Response:
    """Show the status of the model; administrators can also update it and select a version."""
    return page.render(
        "model.html",
        status=model_status(page.snapshot, page.context),
        is_admin=page.current is not None and page.current.user.role == "admin",
    )


def _card(snapshot: ModelSnapshot, row: int, **more: object) -> dict[str, Any]:
    return {**vars(movie_card(snapshot, row)), **more}


def _top_cards(page: Page) -> list[dict[str, Any]]:
    return _ranked_cards(page, RankingRequest(_TOP_MOVIES), ("rating",))


def _ranked_cards(
    page: Page, request: RankingRequest, criteria: Sequence[By]
) -> list[dict[str, Any]]:
    """Return the cards of the movies that rank highest by any criterion, ordered by `rating`."""
    snapshot, state, recommender = page.snapshot, page.state, page.context.recommender
    entries: dict[Id, Recommendation] = {}
    for by in criteria:
        for entry in recommender.rank(
            snapshot, state.history, state.hidden, replace(request, by=by)
        ):
            entries.setdefault(entry.movie, entry)
    scores = by_rating(recommender.scorer(snapshot, state.history).scores)[0]
    cards: list[dict[str, Any]] = []
    for entry in entries.values():
        row = snapshot.row(snapshot.encoding.movies.code(entry.movie))
        assert row is not None  # noqa: S101
        cards.append(
            _card(
                snapshot,
                row,
                prediction=entry.prediction,
                low=entry.low,
                high=entry.high,
                score=float(scores[row]),
                likely=entry.likely,
                why=entry.why,
            )
        )
    return sorted(cards, key=lambda card: -card["score"])
