"""Bodies of the responses that routes build as JSON documents, for the description of the API."""

from typing import Any

from pydantic import BaseModel

from foreseen.serving.api.schemas import Movie, MovieId, TokenOut, UserRating


class Person(BaseModel):
    """The user of a request, with the number of ratings and the last imports."""

    userId: int  # noqa: N815
    name: str | None
    role: str
    ratings: int
    imports: list[dict[str, Any]]


class RatingPage(BaseModel):
    """A page of the user's ratings, and the number of all."""

    total: int
    offset: int
    ratings: list[UserRating]


class RatingEffect(BaseModel):
    """A rating of the user, and its effect on a prediction."""

    movieId: MovieId  # noqa: N815
    rating: float
    effect: float


class Influence(RatingEffect):
    """A rating of the user with its movie, and its effect on a prediction."""

    title: str
    year: int | None


class RankedRecommendation(BaseModel):
    """A recommended movie: the predicted rating, its interval, and why.

    `likely` is the probability that the movie is among the next that the user rates highly.
    """

    movieId: MovieId  # noqa: N815
    title: str
    year: int | None
    genres: list[str]
    prediction: float | None
    low: float | None
    high: float | None
    likely: float
    why: str
    movedBy: list[RatingEffect]  # noqa: N815


class Recommendations(BaseModel):
    """A ranking; `known` is whether the user has ratings, `version` is that of the model."""

    userId: int  # noqa: N815
    known: bool
    version: int
    by: str
    recommendations: list[RankedRecommendation]


class PredictedRating(BaseModel):
    """A predicted rating with its 80 % interval."""

    movieId: MovieId  # noqa: N815
    prediction: float
    low: float
    high: float


class YearOfRatings(BaseModel):
    """The number and the mean of the ratings of a movie in a year."""

    year: int
    ratings: int
    mean: float


class PredictedDistribution(BaseModel):
    """A predicted rating, its interval, and the probability of every rating."""

    rating: float
    low: float
    high: float
    chances: dict[str, float]


class MovieDetails(Movie):
    """A movie with its ratings by year; with a user, the prediction and the user's rating."""

    years: list[YearOfRatings]
    prediction: PredictedDistribution | None = None
    rating: float | None = None


class MatchedMovie(BaseModel):
    """A movie that an entry of an import may refer to."""

    movieId: MovieId  # noqa: N815
    title: str
    year: int | None


class ImportedEntry(BaseModel):
    """An entry of an import, with one movie, several, or none; `rating` is in stars."""

    line: int
    title: str
    year: int | None
    candidates: list[MatchedMovie]
    rating: float | None = None


class UnreadableLine(BaseModel):
    """An entry that could not be read, and the reason."""

    line: int
    text: str
    reason: str


class ImportedList(BaseModel):
    """The entries of a list of an import."""

    matched: list[ImportedEntry]
    ambiguous: list[ImportedEntry]
    missing: list[ImportedEntry]


class ImportReport(ImportedList):
    """The report of an import, with the numbers of ratings and listed movies that are new."""

    changed: int
    added: dict[str, int]
    service: str
    scale: dict[str, float]
    unreadable: list[UnreadableLine]
    repeated: int
    skipped: int
    skippedKinds: dict[str, int]  # noqa: N815
    unknownTypes: dict[str, int]  # noqa: N815
    ambiguousDates: int  # noqa: N815
    lists: dict[str, ImportedList]


class StoredUser(BaseModel):
    """A stored user."""

    id: int
    name: str | None
    role: str
    made: int


class ExportedRating(BaseModel):
    """A rating in the export of a user's data."""

    movie: MovieId
    rating: float
    rated: int


class UserExport(BaseModel):
    """All stored data of a user."""

    user: StoredUser
    ratings: list[ExportedRating]
    dismissed: list[MovieId]
    watchlist: list[MovieId]
    seen: list[MovieId]
    unseen: list[MovieId]
    imports: list[dict[str, Any]]
    shown: list[dict[str, Any]]
    tokens: list[TokenOut]


class CurrentVersion(BaseModel):
    """The number of the version in use."""

    current: int


class ModelStatus(CurrentVersion):
    """The status of the model; times are Unix times in seconds."""

    degraded: bool
    ratings: int
    movies: int
    knowsUntil: int  # noqa: N815
    learnedUntil: int  # noqa: N815
    report: dict[str, Any]
    versions: list[dict[str, Any]]
    journal: list[dict[str, Any]]


class UpdateDecision(BaseModel):
    """What an update found, and whether it promoted a challenger."""

    model_config = {"extra": "allow"}

    findings: list[dict[str, Any]]
