"""Bodies of the API's requests and responses, and parameters that several routes share."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, Field

from foreseen.messages import Message
from foreseen.serving.movie_details import movie_card
from foreseen.serving.problems import MEDIA_TYPE, ProblemError
from foreseen.serving.snapshot import ModelSnapshot

BASE: Final = "/api/v1"
LARGEST_ID: Final = 2**53
"""The largest number that JSON clients read exactly."""
PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": description, "content": {MEDIA_TYPE: {}}}
    for status, description in {
        401: "Not authenticated.",
        403: "Not allowed.",
        404: "Not found.",
        409: "Changed at the same time by another request.",
        422: "Invalid input.",
        429: "Too many requests; the header Retry-After has the seconds to wait.",
        503: "Overloaded, or the database is unavailable; Retry-After likewise.",
    }.items()
}
MovieId = (
    Annotated[int, Field(ge=-LARGEST_ID, le=LARGEST_ID)] | Annotated[str, Field(max_length=200)]
)


class Movie(BaseModel):
    """A movie of the catalogue, with the number and the mean of its ratings."""

    movieId: MovieId  # noqa: N815
    title: str
    year: int | None
    genres: list[str]
    views: int
    mean: float | None


class RankedMovie(Movie):
    """A movie with the predicted rating of the user and its interval."""

    prediction: float
    low: float
    high: float


class TitlesIn(BaseModel):
    """Titles of movies, one a line, with or without a year."""

    text: str = Field(max_length=20_000)


class AddedTitles(BaseModel):
    """The movies found by their titles, how many of them are new, and the lines without one."""

    added: int
    movies: list[Movie]
    missing: list[str]


class MoviePage(BaseModel):
    """A page of movies; `more` is whether there are further pages."""

    more: bool
    offset: int
    movies: list[Movie]


class UserRating(BaseModel):
    """A rating of the user; `rated` is its Unix time in seconds."""

    movieId: MovieId  # noqa: N815
    rating: float
    rated: int


class RatingIn(BaseModel):
    """A rating on the scale of the data, by default in half stars from 0.5 to 5."""

    rating: Annotated[float, Field(ge=-1e9, le=1e9)]


class MoviesIn(BaseModel):
    """Ids of the movies to predict ratings of."""

    movies: list[MovieId] = Field(max_length=1000)


class Credentials(BaseModel):
    """A user name and its password."""

    name: str = Field(max_length=64)
    password: str = Field(max_length=1024)


class PasswordChange(BaseModel):
    """The current and the new password."""

    old: str = Field(max_length=1024)
    new: str = Field(max_length=1024)


class SessionOut(BaseModel):
    """A session; `formKey` is its CSRF token.

    Requests that change something must send the token in the header X-Foreseen-Form.
    """

    userId: int  # noqa: N815
    name: str | None
    role: str
    formKey: str  # noqa: N815


class TokenIn(BaseModel):
    """The label of a new API token."""

    label: str = Field(max_length=64)


class TokenOut(BaseModel):
    """An API token; its text, `token`, is returned only when it is created."""

    id: int
    label: str
    made: int
    token: str | None = None


class VersionIn(BaseModel):
    """The number of a version of the model."""

    version: Annotated[int, Field(ge=1, le=10**9)]


def movie_row(snapshot: ModelSnapshot, movie: int) -> int:
    """Return the row of a movie in the catalogue.

    Raises:
        ProblemError: If the catalogue has no such movie.
    """
    row = snapshot.row(movie)
    if row is None:
        shown = snapshot.encoding.movies.identifier(movie)
        raise ProblemError(
            404, "no-such-movie", Message("the catalogue has no movie %(movie)s", movie=shown)
        )
    return row


def stars_of(snapshot: ModelSnapshot, rating: float) -> float:
    """Return a rating of the data's scale in stars.

    Raises:
        ProblemError: If it is not on the scale.
    """
    scale = snapshot.input_scale
    stars = float(scale.to_stars(rating))
    is_valid = bool(scale.contains(rating))
    if not is_valid or (scale.step is not None and abs(scale.rating_of(stars) - rating) > 1e-9):
        values = {"low": f"{scale.low:g}", "high": f"{scale.high:g}", "rating": f"{rating:g}"}
        if scale.step is None:
            detail = Message(
                "rating should be from %(low)s to %(high)s. Received: %(rating)s", **values
            )
        else:
            values["step"] = f"{scale.step:g}"
            detail = Message(
                "rating should be from %(low)s to %(high)s in steps of %(step)s. "
                "Received: %(rating)s",
                **values,
            )
        raise ProblemError(422, "invalid-input", detail)
    return stars


def describe_movie(snapshot: ModelSnapshot, row: int) -> Movie:
    """Return the description of a movie by its row in the catalogue."""
    card = movie_card(snapshot, row)
    return Movie(
        movieId=card.movie,
        title=card.title,
        year=card.year,
        genres=list(card.genres),
        views=card.views,
        mean=None if card.mean is None else round(card.mean, 3),
    )


def movie_reference(snapshot: ModelSnapshot, movie: int) -> dict[str, Any]:
    """Return the id, title and year of a movie that the catalogue may not have."""
    row = snapshot.row(movie)
    if row is None:
        shown = snapshot.encoding.movies.identifier(movie)
        return {"movieId": shown, "title": f"movie {shown}", "year": None}
    card = movie_card(snapshot, row)
    return {"movieId": card.movie, "title": card.title, "year": card.year}
