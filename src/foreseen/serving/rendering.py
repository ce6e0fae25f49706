"""Rendering of pages: what every page depends on, and how ratings are entered and drawn."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Final, Self
from urllib.parse import parse_qs

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse

from foreseen.data.encoding import Id
from foreseen.data.rating_scale import RatingScale
from foreseen.serving.dependencies import (
    AppContext,
    Context,
    CurrentUser,
    OptionalUser,
    Snapshot,
    UserState,
    user_state,
)
from foreseen.serving.languages import (
    COOKIE,
    VARY,
    Language,
    asked_language,
    language_of,
)
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.templates import render_template

_YEAR: Final = 365 * 86_400
_STEPS: Final = 100
"""Number of steps of the input on a continuous scale."""


@dataclass(frozen=True)
class RatingInput:
    """How ratings are entered and drawn: on a scale, as up to five stars.

    Attributes:
        low, high: The lowest and the highest rating.
        step: Distance of neighbouring ratings.
        unit: What follows a rating, for people who hear it.
    """

    low: float
    high: float
    step: float
    unit: str

    @classmethod
    def of(cls, scale: RatingScale, chosen: Language) -> Self:
        """Return the input of ratings of a scale, with its unit in a language."""
        unit = chosen.gettext("stars")
        if not scale.is_stars:
            unit = chosen.gettext("of %(highest)s", highest=chosen.number(scale.high))
        return cls(scale.low, scale.high, scale.step or (scale.high - scale.low) / _STEPS, unit)

    def half_stars(self, rating: float) -> int:
        """Return the number of half stars that a rating is drawn with, from 1 to 10."""
        return 1 + round(9 * (rating - self.low) / (self.high - self.low))


@dataclass(frozen=True)
class Page:
    """What a page is made from.

    Attributes:
        request: The request.
        path: Path of the page.
        snapshot: The model.
        context: The application context.
        current: The user of the request; None without a session.
    """

    request: Request
    path: str
    snapshot: ModelSnapshot
    context: AppContext
    current: CurrentUser | None

    @cached_property
    def state(self) -> UserState:
        """The user's data, read from the store on first use; without a user, no data."""
        if self.current is None:
            return UserState([], self.snapshot.history([]))
        return user_state(self.context, self.snapshot, self.current.user)

    @cached_property
    def language(self) -> Language:
        """The language of the page."""
        return language_of(self.request.scope)

    @property
    def is_admin(self) -> bool:
        """Whether the user may update the model."""
        return self.current is not None and self.current.user.role == "admin"

    @cached_property
    def saved(self) -> frozenset[Id]:
        """Ids of the movies of the watchlist."""
        identifier = self.snapshot.encoding.movies.identifier
        return frozenset(identifier(movie) for movie in self.state.saved)

    def _poster_of(self, card: Mapping[str, Any]) -> str | None:
        """Return the address of the poster of a movie's card; None without one."""
        posters, snapshot = self.context.posters, self.snapshot
        if posters is None:
            return None
        return posters.address(snapshot, snapshot.encoding.movies.code(card["movie"]))

    def render(self, template: str, **variables: object) -> Response:
        """Return the response with a template.

        The template has the variables `path`, `user`, `csrf_token`, `scale` and those given, and
        `is_kept`: whether browsers keep the page, so that it must not depend on the user.
        """
        session = self.current.session if self.current else None
        variables.setdefault("is_kept", False)
        text = render_template(
            template,
            self.language,
            path=self.path,
            parameters=parse_qs(self.request.url.query),
            user=self.current.user if self.current else None,
            csrf_token=session.csrf_token if session else "",
            scale=RatingInput.of(self.snapshot.input_scale, self.language),
            poster_of=self._poster_of,
            poster_credits=self.context.posters.credits if self.context.posters else (),
            **variables,
        )
        headers = {"Cache-Control": "private, no-store", "Vary": VARY}
        response = HTMLResponse(text, headers=headers)
        if (asked := asked_language(self.request.scope)) is not None:
            keep_language(response, asked, secure=self.context.secure)
        return response


def keep_language(response: Response, code: str, *, secure: bool) -> None:
    """Make a browser ask for a language from now on."""
    response.set_cookie(COOKIE, code, max_age=_YEAR, secure=secure, httponly=True, samesite="lax")


async def get_page(
    request: Request, snapshot: Snapshot, context: Context, current: OptionalUser
) -> Page:
    """Return what the requested page is made from."""
    return Page(request, request.url.path, snapshot, context, current)


CurrentPage = Annotated[Page, Depends(get_page)]
