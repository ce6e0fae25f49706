"""Recommendations for one user or for all: one path from a request to a ranking."""

from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foreseen.compute.tasks import completed_tasks
from foreseen.compute.threads import one_thread
from foreseen.data.encoding import Id
from foreseen.data.output import table_format
from foreseen.data.rating_scale import RatingScale
from foreseen.data.schema import (
    HIGH,
    LOW,
    MOVIE,
    PREDICTION,
    USER,
)
from foreseen.data.tabular import checked_ids
from foreseen.errors import InputError
from foreseen.models.base import Model
from foreseen.progress import progress_bar
from foreseen.ranking.batch import BatchRanker
from foreseen.ranking.blocks import key_of, stored_blocks
from foreseen.ranking.explain import Influence, explain, influences
from foreseen.ranking.output import write_all_rankings
from foreseen.ranking.rank import CRITERIA, By, diversify
from foreseen.ranking.request import RankingRequest
from foreseen.ranking.results import Ranking, Recommendation
from foreseen.ranking.two_stage import TwoStageScorer

_SHOWN_INFLUENCES: Final = 3
_NOTABLE_EFFECT: Final = 0.02
"""Least effect of a rating, in stars, that is given as a reason."""
_INFLUENCES_TRIED: Final = 40
BLOCK: Final = 100
"""Users whose rankings are stored at once."""


def recommend(
    model: Model,
    users: Id | Iterable[Id],
    k: int = 10,
    by: By | None = None,
    at: int | None = None,
    diversity: float = 0.0,
) -> list[Ranking]:
    """Return rankings of the unwatched movies of users, in the log or not.

    Args:
        model: A fitted model.
        users: An id, or ids, as in the source.
        k: How many movies; fewer are returned if fewer are unwatched.
        by: The criterion; None for the predicted rating or, without ratings, the likelihood.
        at: The second to rank as of; None for the end of the log.
        diversity: From 0 to 1; see `foreseen.ranking.rank.diversify`.

    Raises:
        InputError: If k is not positive, a user is no id, or the model cannot rank by the
            criterion.
    """
    request = _request(model, k, by, at, diversity)
    rankings: list[Ranking] = []
    with one_thread():
        for user in checked_ids(users, "user"):
            scorer = _scorer(model, model.encoding.users.code(user), at)
            entries = rank_movies(model, scorer, request)
            rankings.append(Ranking(user, len(scorer.context.history.movies) > 0, entries))
    return rankings


def recommend_all(
    model: Model,
    out: Path,
    k: int = 10,
    by: By | None = None,
    at: int | None = None,
    diversity: float = 0.0,
) -> int:
    """Write the rankings of all users of the log to a file; return the number of users.

    The extension of the file is `.parquet`, `.csv` or `.json`. Columns: userId, rank (from 1),
    movieId, prediction, low, high; and likely, unless the rankings are by rating: it would take
    longer than they do. JSON has an object per user, as `recommend` has. The movies are selected in
    two stages, see `foreseen.ranking.two_stage`. A run that was ended is resumed by the next one
    with the same arguments. Blocks of users are tasks, see `foreseen.compute.tasks`.

    Raises:
        InputError: If k is not positive, or the file has another extension.
    """
    table_format(out)
    request = _request(model, k, by, at, diversity)
    users = np.sort(model.log.users.ids)
    ranker = BatchRanker(model, request)
    key = key_of(model, request, BLOCK)

    def rank_block(first: int) -> pl.DataFrame:
        return ranker.rank(users[first : first + BLOCK])

    with (
        one_thread(),
        stored_blocks(out, key) as blocks,
        progress_bar("ranking", len(users)) as advance,
    ):
        left: list[int] = []
        for first in range(0, len(users), BLOCK):
            if blocks.holds(_name(first)):
                advance(BLOCK)
            else:
                left.append(first)
        # The first alone: it computes what all share.
        alone = ((first, rank_block(first)) for first in left[:1])
        for first, block in chain(alone, completed_tasks(rank_block, left[1:])):
            blocks.write(_name(first), block)
            advance(BLOCK)
        _write_ranked(model, blocks.files, out)
    return len(users)


def _name(first: int) -> str:
    """Return the name of the block that begins at a position of the users."""
    return f"{first:09}"


def _write_ranked(model: Model, files: Sequence[Path], out: Path) -> None:
    """Write the rankings in some files with the ids and on the scale of the source."""
    table = pl.scan_parquet(list(files))
    columns: list[pl.Expr] = []
    for name, ids in ((USER, model.encoding.users), (MOVIE, model.encoding.movies)):
        codes = table.select(pl.col(name).unique()).collect()[name]
        decoded = ids.decode(codes)
        if not decoded.equals(codes):
            columns.append(pl.col(name).replace_strict(codes, decoded))
    if not model.encoding.scale.has_ratings:
        none = pl.lit(None, pl.Float64())
        columns.extend(none.alias(name) for name in (PREDICTION, LOW, HIGH))
    write_all_rankings(files, columns, out)


def _request(
    model: Model, k: int, by: By | None, at: int | None, diversity: float
) -> RankingRequest:
    if not isinstance(k, int | np.integer) or k < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"k should be a whole number of 1 or more. Received: {k}")
    if by is None:
        by = default_criterion(model)
    if by not in CRITERIA:
        raise InputError(f"by should be one of {', '.join(CRITERIA)}. Received: {by}")
    if by == "rating":
        model.encoding.scale.check_has_ratings("rank by likely")
    return RankingRequest(
        int(k), by, at=at, diversity=diversity, influences_tried=_INFLUENCES_TRIED
    )


def default_criterion(model: Model) -> By:
    """Return the criterion to rank by: the predicted rating, or the likelihood without ratings."""
    return "rating" if model.encoding.scale.has_ratings else "likely"


def _scorer(model: Model, user: int, at: int | None) -> TwoStageScorer:
    before = model.log.end if at is None else at + 1
    history = model.history(user, None if at is None else before)
    return TwoStageScorer(model, history, before, exact=True)


def rank_movies(
    model: Model, scorer: TwoStageScorer, request: RankingRequest, hidden: Collection[int] = ()
) -> tuple[Recommendation, ...]:
    """Return the movies that a user has not rated, ranked and described.

    Args:
        model: The model.
        scorer: The user's scores, as of the moment of the request.
        request: What the ranking should contain.
        hidden: Ids of further movies to leave out.
    """
    rows = select(scorer, request, hidden)
    return describe(model, scorer, rows, request.influences_tried)


def select(
    scorer: TwoStageScorer, request: RankingRequest, hidden: Collection[int] = ()
) -> NDArray[np.intp]:
    """Return the rows of the movies of a ranking, best first; see `rank_movies`."""
    catalogue = scorer.context.view.catalogue
    excluded = ~request.matching(catalogue)
    watched = catalogue.movies.rows([*map(int, scorer.context.history.movies), *hidden])
    excluded[watched[watched >= 0]] = True
    rows = scorer.best(request.by, excluded, request.offered)
    score = CRITERIA[request.by](scorer.scores)[0]
    return diversify(score, rows, catalogue.genre_weights, request.k, request.diversity)


def describe(
    model: Model, scorer: TwoStageScorer, rows: NDArray[np.intp], influences_tried: int
) -> tuple[Recommendation, ...]:
    """Return the recommendations of movies in rank order, with explanations.

    Args:
        model: The model.
        scorer: The user's scores; those of the movies are complete.
        rows: Rows of the catalogue, of shape K, in rank order.
        influences_tried: See `RankingRequest`.
    """
    context, catalogue = scorer.context, scorer.context.view.catalogue
    movies, encoding = rows.astype(np.int32), model.encoding
    sentences = explain(context, movies, encoding.scale)
    if not encoding.scale.has_ratings:
        influences_tried = 0
    moved_by = influences(model, context, movies, influences_tried)
    predictions, likely = scorer.scores.predictions, scorer.scores.likely
    return tuple(
        Recommendation(
            movie=encoding.movies.identifier(catalogue.movies.ids[movie]),
            title=model.titles[movie],
            year=None if np.isnan(catalogue.years[movie]) else int(catalogue.years[movie]),
            genres=catalogue.genre_lists[movie],
            prediction=_on_scale(predictions.mean[0, movie], encoding.scale),
            low=_on_scale(predictions.low[0, movie], encoding.scale),
            high=_on_scale(predictions.high[0, movie], encoding.scale),
            likely=float(likely[0, movie]),
            why=", ".join([sentence, *_reason(model, strongest)]),
            moved_by=tuple(entry.decoded(encoding) for entry in strongest[:_SHOWN_INFLUENCES]),
        )
        for movie, sentence, strongest in zip(map(int, rows), sentences, moved_by, strict=True)
    )


def _on_scale(stars: float, scale: RatingScale) -> float | None:
    return float(scale.from_stars(stars)) if scale.has_ratings else None


def _reason(model: Model, moved_by: Sequence[Influence]) -> list[str]:
    raised = [entry for entry in moved_by if entry.effect >= _NOTABLE_EFFECT]
    if not raised:
        return []
    scale = model.encoding.scale
    title = model.titles[int(model.log.catalogue.movies.rows([raised[0].movie])[0])]
    effect = raised[0].effect * scale.per_star
    return [f"your {scale.rating_of(raised[0].rating):g} for {title} adds {effect:.2f}"]
