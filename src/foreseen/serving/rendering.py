"""Rendering of pages: the templates, the navigation, and what every page depends on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, NamedTuple, Self

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

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
from foreseen.serving.paths import path_segment
from foreseen.serving.snapshot import ModelSnapshot

_STEPS: Final = 100
"""Number of steps of the input on a continuous scale."""
WEB: Final = Path(__file__).parent / "web"
"""The folder of the templates and the static files."""


class NavigationItem(NamedTuple):
    """A link of the navigation."""

    path: str
    label: str
    admins_only: bool = False


NAVIGATION: Final = (
    NavigationItem("/", "For you"),
    NavigationItem("/rate", "Rate"),
    NavigationItem("/me", "Me"),
    NavigationItem("/model", "Model", admins_only=True),
)


def hue(genres: Sequence[str]) -> int:
    """Return the hue, in degrees, of the poster of a movie by its first genre."""
    name = genres[0] if genres else ""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 360


@dataclass(frozen=True)
class RatingInput:
    """How ratings are entered and drawn: on a scale, as up to five stars.

    Attributes:
        low, high: The lowest and the highest rating.
        step: Distance of neighbouring ratings.
        unit: What follows a rating.
    """

    low: float
    high: float
    step: float
    unit: str

    @classmethod
    def of(cls, scale: RatingScale) -> Self:
        """Return the input of ratings of a scale."""
        unit = "stars" if scale.is_stars else f"of {scale.high:g}"
        return cls(scale.low, scale.high, scale.step or (scale.high - scale.low) / _STEPS, unit)

    def half_stars(self, rating: float) -> int:
        """Return the number of half stars that a rating is drawn with, from 1 to 10."""
        return 1 + round(9 * (rating - self.low) / (self.high - self.low))


def _static_version() -> str:
    """Return a digest of the static files, for URLs that browsers may cache."""
    files = sorted((WEB / "static").iterdir())
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _date(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%d %B %Y}".lstrip("0")


_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(WEB / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_GLOBALS: Final[dict[str, object]] = {
    "navigation": NAVIGATION,
    "static_version": _static_version(),
    "date": _date,
    "hue": hue,
    "segment": path_segment,
}


@dataclass(frozen=True)
class Page:
    """What a page is made from.

    Attributes:
        path: Path of the request.
        snapshot: The model.
        context: The application context.
        current: The user of the request; None without a session.
    """

    path: str
    snapshot: ModelSnapshot
    context: AppContext
    current: CurrentUser | None

    @cached_property
    def state(self) -> UserState:
        """The user's data, read from the store on first use; without a user, no data."""
        if self.current is None:
            return UserState([], self.snapshot.history([]), [])
        return user_state(self.context, self.snapshot, self.current.user)

    def render(self, template: str, **variables: object) -> Response:
        """Return the response with a template.

        The template has the variables `path`, `user`, `csrf_token`, `scale` and those given.
        """
        session = self.current.session if self.current else None
        text = _ENVIRONMENT.get_template(template, globals=_GLOBALS).render(
            path=self.path,
            user=self.current.user if self.current else None,
            csrf_token=session.csrf_token if session else "",
            scale=RatingInput.of(self.snapshot.input_scale),
            **variables,
        )
        return HTMLResponse(text, headers={"Cache-Control": "private, no-store"})


async def get_page(
    request: Request, snapshot: Snapshot, context: Context, current: OptionalUser
) -> Page:
    """Return what the requested page is made from."""
    return Page(request.url.path, snapshot, context, current)


CurrentPage = Annotated[Page, Depends(get_page)]
