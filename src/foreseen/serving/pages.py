"""The pages. A script updates them in place through the API; they are readable without it.

To add a page, write a route here, or in `user_pages` if it shows what a user has stored, that takes
a `CurrentPage` and returns `page.render(...)` with a template that extends `base.html`. Add it to
`NAVIGATION` if the header should link to it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from foreseen.serving import group_pages, offline_pages, user_pages
from foreseen.serving.api.model import model_status
from foreseen.serving.api.movies import rating_influences
from foreseen.serving.api.schemas import movie_row
from foreseen.serving.cards import card, ranked_cards, rows_of_cards
from foreseen.serving.dependencies import MovieCode, now
from foreseen.serving.filters import Known, MovieFilter, release_decades
from foreseen.serving.model_history import ACTIONS, STATES, model_history
from foreseen.serving.movie_details import most_similar, ratings_by_year
from foreseen.serving.onboarding import ENOUGH_RATINGS, onboarding_movies
from foreseen.serving.recommender import rating_probabilities
from foreseen.serving.rendering import CurrentPage, Page
from foreseen.serving.store import Impression

_FIRST_MOVIES: Final = 8
"""Movies of the ranking that are visible at first."""
_MORE_MOVIES: Final = 12
_MOST_MOVIES: Final = 200
_EXCHANGED_MOVIES: Final = 8
"""Further movies of each criterion, which the slider may exchange with the visible ones."""
_TOP_MOVIES: Final = 5
_GRID_MOVIES: Final = 24
_MOST_PAGES: Final = 10
_SIMILAR_MOVIES: Final = 8
_SHOWN_INFLUENCES: Final = 6
_LEAST_INFLUENCE: Final = 0.01
"""Influences, in stars, that are smaller are left out."""
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
router.include_router(user_pages.router)
router.include_router(group_pages.router)
router.include_router(offline_pages.router)


@router.get("/")
def for_you(
    page: CurrentPage,
    genre: Annotated[list[str] | None, Query(max_length=100)] = None,
    without: Annotated[list[str] | None, Query(max_length=100)] = None,
    decade: Annotated[list[str] | None, Query(max_length=100)] = None,
    known: Known = "",
    balance: Annotated[int, Query(ge=0, le=100)] = 0,
    shown: Annotated[int, Query(ge=1, le=_MOST_MOVIES)] = _FIRST_MOVIES,
    part: bool = False,
) -> Response:
    """Show the ranking; with `part`, return only the list, to replace the one of the page."""
    snapshot, context = page.snapshot, page.context
    genres, decades = snapshot.model.log.catalogue.genre_names, release_decades(snapshot)
    names = (*genres, *map(str, decades))
    chosen = (*(genre or ()), *(without or ()), *(decade or ()))
    movie_filter = MovieFilter(
        tuple(name for name in genre or () if name in genres),
        tuple(name for name in without or () if name in genres),
        tuple(first for first in decades if str(first) in (decade or ())),
        known,
    )
    count = shown + _EXCHANGED_MOVIES
    cards = ranked_cards(page, movie_filter, count, ("rating", "blend"), reasons=True)
    cards = _balanced(cards, balance / 100)
    if page.current is not None:
        movies = tuple(int(snapshot.ids[entry["row"]]) for entry in cards[:shown])
        impression = Impression(now(), "rating", snapshot.version.number, movies)
        context.store.add_impression(page.current.user.id, impression)
    choices = {
        "genre": movie_filter.genres,
        "without": movie_filter.without,
        "decade": movie_filter.decades,
        "known": known,
        "balance": balance,
    }
    more = min(shown + _MORE_MOVIES, _MOST_MOVIES) if len(cards) > shown else None
    has_rows = not part and not movie_filter.is_active
    return page.render(
        "ranking.html" if part else "for_you.html",
        cards=cards,
        shown=shown,
        more=more,
        more_query=urlencode({**choices, "shown": more}, doseq=True),
        rows=rows_of_cards(page, [c["movie"] for c in cards[:shown]]) if has_rows else [],
        rated=len(page.state.ratings),
        enough=ENOUGH_RATINGS,
        genres=genres,
        decades=decades,
        filter=movie_filter,
        unknown=[name for name in chosen if name not in names],
        balance=balance,
    )


def _balanced(cards: list[dict[str, Any]], weight: float) -> list[dict[str, Any]]:
    """Return cards ordered by standardised predictions and likelihoods, as the slider does.

    Args:
        cards: The cards.
        weight: Of the likelihood, from 0 to 1.
    """
    if not weight or not cards:
        return cards
    scores = [np.array([entry["score"] for entry in cards], dtype=np.float64)]
    scores.append(np.log(np.array([entry["likely"] for entry in cards]) + 1e-9))
    rating, likely = ((values - values.mean()) / (values.std() or 1.0) for values in scores)
    order = np.argsort(-((1 - weight) * rating + weight * likely), kind="stable")
    return [cards[n] for n in order]


@router.get("/rate")
def rate(
    page: CurrentPage,
    query: Annotated[str, Query(max_length=200)] = "",
    more: Annotated[int, Query(ge=0, lt=_MOST_PAGES)] = 0,
    part: bool = False,
) -> Response:
    """Show movies to rate: search results or, without a query, the onboarding movies."""
    snapshot, state = page.snapshot, page.state
    scale = snapshot.encoding.scale
    given = {entry.movie: scale.rating_of(entry.rating) for entry in state.ratings}
    if query.strip():
        rows = snapshot.title_search.find(query, _GRID_MOVIES)
    else:
        rated, excluded = (
            snapshot.rows(movies) for movies in (list(given), [*state.hidden, *state.unseen])
        )
        last = (more + 1) * _GRID_MOVIES
        rows = onboarding_movies(snapshot, rated, excluded, last)[more * _GRID_MOVIES : last]
    return page.render(
        "grid.html" if part else "rate.html",
        cards=[_card_to_rate(page, row, given) for row in rows],
        query=query,
        more=(more + 1) % _MOST_PAGES if len(rows) == _GRID_MOVIES else 0,
        rated=len(state.ratings),
        enough=ENOUGH_RATINGS,
        top=[] if part else _top_cards(page),
    )


def _card_to_rate(page: Page, row: int, given: Mapping[int, float]) -> dict[str, Any]:
    snapshot = page.snapshot
    shown = card(snapshot, row, rating=given.get(int(snapshot.ids[row])))
    return shown | {"is_saved": shown["movie"] in page.saved}


@router.get("/top")
def top(page: CurrentPage) -> Response:
    """Return the first movies of the ranking, to show beside the movies to rate."""
    rated = len(page.state.ratings)
    return page.render("top.html", top=_top_cards(page), rated=rated, enough=ENOUGH_RATINGS)


@router.get("/film/{movie}")
def film(movie: MovieCode, page: CurrentPage) -> Response:
    """Show a movie: its predicted rating and why, its ratings by year, similar movies."""
    snapshot, state = page.snapshot, page.state
    row, scale = movie_row(snapshot, movie), snapshot.encoding.scale
    others = state.history.without(movie)
    prediction = page.context.recommender.predict(snapshot, others, [movie])[0]
    influences: list[dict[str, Any]] = []
    if len(others.movies):
        least = _LEAST_INFLUENCE * scale.per_star
        influences = [
            entry
            for entry in rating_influences(snapshot, state, movie, _SHOWN_INFLUENCES)
            if abs(entry["effect"]) >= least
        ]
    probabilities = rating_probabilities(prediction, scale)
    return page.render(
        "film.html",
        card=card(snapshot, row),
        rating=next(
            (scale.rating_of(entry.rating) for entry in state.ratings if entry.movie == movie), None
        ),
        is_saved=movie in state.saved,
        is_seen=movie in state.seen,
        is_dismissed=movie in state.dismissed,
        rated=len(others.movies),
        prediction=prediction,
        probabilities=probabilities,
        most_likely=max(probability for _, probability in probabilities),
        influences=influences,
        strongest=max((abs(entry["effect"]) for entry in influences), default=1.0),
        similar=[card(snapshot, other) for other in most_similar(snapshot, row, _SIMILAR_MOVIES)],
        years=ratings_by_year(snapshot, row),
    )


@router.get("/model")
def model(page: CurrentPage) -> Response:
    """Show the status of the model; administrators can also update it and select a version."""
    return page.render(
        "model.html",
        status=model_status(page.snapshot, page.context),
        history=model_history(page.snapshot, page.context.live.folder, page.language),
        states=STATES,
        actions=ACTIONS,
        is_admin=page.is_admin,
    )


def _top_cards(page: Page) -> list[dict[str, Any]]:
    return ranked_cards(page, MovieFilter(), _TOP_MOVIES, ("rating",), reasons=False)
