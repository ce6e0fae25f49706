"""The route for several people who want to watch a film together."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from foreseen.data.encoding import Id
from foreseen.serving.api.schemas import (
    BASE,
    PROBLEMS,
    Movie,
    MovieId,
    RatingIn,
    describe_movie,
    movie_row,
    stars_of,
)
from foreseen.serving.dependencies import (
    Context,
    RequiredUser,
    Snapshot,
    now,
    user_state,
)
from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.store import StoredRating
from foreseen.serving.together import (
    GroupEntry,
    GroupReason,
    How,
    rank_for_group,
    reasons_of_person,
)

_MOST_GUESTS: Final = 4
_MOST_RATINGS: Final = 100
router = APIRouter(prefix=f"{BASE}/me", responses=PROBLEMS)


class GuestRating(RatingIn):
    """A rating of a guest."""

    movieId: MovieId  # noqa: N815


class Guest(BaseModel):
    """A person without an account: a name and a few ratings, which are not stored."""

    name: str = Field(min_length=1, max_length=32)
    ratings: list[GuestRating] = Field(max_length=_MOST_RATINGS)


class GroupIn(BaseModel):
    """The people who watch together with the user, and how their ratings are aggregated."""

    guests: list[Guest] = Field(max_length=_MOST_GUESTS)
    how: How = "least-misery"
    k: Annotated[int, Field(ge=1, le=100)] = 10


class PersonReason(BaseModel):
    """A rating of a person, and by how much it raises the prediction."""

    movieId: Id  # noqa: N815
    title: str
    rating: float
    effect: float


class PersonPrediction(BaseModel):
    """The predicted rating of one person; the name of the user is `you`.

    The reason is null for the other members of a group, whose ratings the user may not see, and
    where no single rating matters, or it is the reason of two movies already.
    """

    name: str
    prediction: float
    reason: PersonReason | None = None


class GroupMovie(Movie):
    """A movie for a group, with the aggregated prediction and that of each person."""

    score: float
    people: list[PersonPrediction]


@router.post("/together")
def rank_together(
    body: GroupIn, context: Context, snapshot: Snapshot, current: RequiredUser
) -> list[GroupMovie]:
    """Rank movies for the user and guests: movies that none of them has rated.

    Of several ratings of a movie by a guest the last one counts.
    """
    state, moment = user_state(context, snapshot, current.user), now()
    people = [state.history]
    for guest in body.guests:
        ratings: dict[int, StoredRating] = {}
        for entry in guest.ratings:
            code = snapshot.encoding.movies.code(entry.movieId)
            movie_row(snapshot, code)
            ratings[code] = StoredRating(code, stars_of(snapshot, entry.rating), moment)
        people.append(snapshot.history(list(ratings.values())))
    names = ["you", *(guest.name for guest in body.guests)]
    ranked = rank_for_group(context.recommender, snapshot, people, state.hidden, body.how, body.k)
    reasons = [
        reasons_of_person(context.recommender, snapshot, person, ranked) for person in people
    ]
    return group_movies(snapshot, ranked, names, reasons)


def group_movies(
    snapshot: ModelSnapshot,
    ranked: Sequence[GroupEntry],
    names: Sequence[str],
    reasons: Sequence[Sequence[GroupReason | None]],
) -> list[GroupMovie]:
    """Return the movies of a ranking for a group, with the names and reasons of its people.

    Args:
        snapshot: The model.
        ranked: The ranking, of length K.
        names: Names of the P people.
        reasons: The reasons of each person for each movie, of shape P x K.
    """
    return [
        GroupMovie(
            **describe_movie(snapshot, entry.row).model_dump(),
            score=round(entry.score, 3),
            people=[
                PersonPrediction(
                    name=name, prediction=round(prediction, 3), reason=_describe(of_person[place])
                )
                for name, prediction, of_person in zip(
                    names, entry.predictions, reasons, strict=True
                )
            ],
        )
        for place, entry in enumerate(ranked)
    ]


def _describe(reason: GroupReason | None) -> PersonReason | None:
    if reason is None:
        return None
    influence, title = reason
    return PersonReason(
        movieId=influence.movie,
        title=title,
        rating=influence.rating,
        effect=round(influence.effect, 3),
    )
