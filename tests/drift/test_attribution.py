"""Attribution: the stream that explains a change best names it, and dates it by an interval."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from foreseen.drift.attribution import Change, best_explanation, locate
from foreseen.drift.stream_spec import IN_STARS, StreamSpec
from foreseen.drift.streams import Stream

COUNT = 400
CHANGE = 360
END = 10 * COUNT


def stream(kind: str, shift: float, seed: int = 0, change: int = CHANGE) -> Stream:
    """Return a stream of independent values, one for each tenth rating, with a changed mean."""
    spec = StreamSpec(kind, "all", IN_STARS, kind != "taste", lambda inputs: inputs.residual)
    values = np.random.default_rng([seed, *kind.encode()]).normal(0, 1, COUNT)
    values += shift * (np.arange(COUNT) >= change)
    begins = np.arange(COUNT, dtype=np.int64) * 10
    ones: NDArray[np.float64] = np.ones(COUNT)
    return Stream(spec, values, values, ones, begins, begins + 9)


def alarm(of: Stream) -> Change:
    """Return the change of a stream over all of its values."""
    found = locate(of, 0, COUNT - 1)
    assert found is not None
    return found


def name(first: Stream, *others: Stream) -> str:
    """Return the kind that names the alarm of the first stream."""
    return best_explanation(alarm(first), [first, *others], [], END).kind


def test_the_interval_of_a_change_contains_it() -> None:
    changes = [alarm(stream("level", 1.5, seed)) for seed in range(200)]
    covered = [change.earliest <= 10 * CHANGE <= change.latest for change in changes]
    assert np.mean(covered) >= 0.95
    assert np.median([change.latest - change.earliest for change in changes]) <= 100
    assert np.median([abs(change.since - 10 * CHANGE) for change in changes]) <= 20


def test_an_interval_is_narrower_for_a_greater_change() -> None:
    wide, narrow = (alarm(stream("level", shift)) for shift in (0.8, 3.0))
    assert narrow.latest - narrow.earliest < wide.latest - wide.earliest


def test_the_greatest_likelihood_ratio_names_a_change() -> None:
    assert name(stream("taste", 1.0), stream("level", 2.0)) == "level"
    assert name(stream("taste", 2.0), stream("level", 1.0)) == "taste"


def test_one_of_many_movies_explains_a_change_only_if_it_is_likelier_than_by_chance() -> None:
    agreement = stream("agreement", -1.5)
    moved = stream("movie", -1.7)
    assert name(agreement, moved) == "movie"
    others = [
        replace(stream("movie", 0.0, seed), spec=replace(moved.spec, label=str(seed)))
        for seed in range(1, 200)
    ]
    assert name(agreement, moved, *others) == "agreement"
    assert name(agreement, stream("movie", -3.0), *others) == "movie"


def test_a_change_of_another_moment_explains_nothing() -> None:
    assert name(stream("taste", 1.5), stream("level", 3.0, change=150)) == "taste"


def test_a_change_of_what_users_watch_does_not_explain_how_they_rate() -> None:
    assert name(stream("taste", 1.5), stream("share", 3.0)) == "taste"


def test_a_larger_error_names_only_what_nothing_else_explains() -> None:
    assert name(stream("error", 2.0)) == "error"
    assert name(stream("error", 2.0), stream("taste", 1.2)) == "taste"
    assert name(stream("error", 2.0), stream("taste", 1.8), stream("spread", 1.2)) == "spread"


def test_a_change_of_level_is_preferred_to_half_stars_that_explain_little_more() -> None:
    half, level = stream("scale", 2.0), stream("level", 2.0)
    assert name(half, level) == "level"
    assert name(half, stream("level", 1.0)) == "scale"


def test_a_change_of_agreement_is_explained_by_no_taste() -> None:
    assert name(stream("taste", 2.0), stream("agreement", 1.5)) == "agreement"
    assert name(stream("taste", 2.0), stream("agreement", 0.2)) == "taste"


@pytest.mark.parametrize(("shift", "expected"), [(-0.7, "agreement"), (0, "level"), (0.7, "level")])
def test_users_who_turn_lower_the_level_at_the_moment_at_which_agreement_falls(
    shift: float, expected: str
) -> None:
    level = stream("level", -2.0)
    agreement = stream("agreement", shift)
    found = best_explanation(alarm(level), [level, agreement], [], END)
    assert found.kind == expected
    assert abs(found.since - 10 * CHANGE) <= 20


def test_the_agreement_of_some_users_is_no_other_name_for_a_change_of_level() -> None:
    level, agreement = stream("level", -2.0), stream("agreement", -0.7)
    of_some = replace(agreement, spec=replace(agreement.spec, is_concept_drift=False))
    assert name(level, of_some) == "level"


def test_users_who_turn_spread_their_ratings_wider_but_agree_less() -> None:
    assert name(stream("spread", 2.0), stream("agreement", -1.5)) == "agreement"
    assert name(stream("spread", 2.0), stream("agreement", -0.2)) == "spread"
    # A wider scale raises both, a narrower one lowers both.
    assert name(stream("spread", 2.0), stream("agreement", 1.5)) == "spread"
    assert name(stream("spread", -2.0), stream("agreement", -1.5)) == "spread"


def test_half_stars_that_were_not_given_before_are_no_change_of_level() -> None:
    level, half = stream("level", 2.0), stream("scale", 1.5)
    half = replace(half, spec=replace(half.spec, label="half stars"))
    assert name(level, half) == "level"
    new = replace(half, levels=np.where(np.arange(COUNT) < CHANGE, 0.0, 0.5))
    assert name(level, new) == "scale"


def test_a_change_of_the_width_of_the_scale_explains_that_of_top_ratings() -> None:
    top, width = stream("scale", 2.0), stream("scale", 1.5, seed=1)
    top = replace(top, spec=replace(top.spec, label="top ratings"))
    width = replace(width, spec=replace(width.spec, label="width"))
    best = best_explanation(alarm(top), [top, width], [], END)
    assert best.stream.spec.label == "width"


def test_values_after_the_last_rating_that_counts_explain_nothing() -> None:
    taste, level = stream("taste", 2.0), stream("level", 4.0, change=CHANGE + 10)
    until = 10 * (CHANGE + 10)
    first = locate(taste, 0, CHANGE + 9)
    assert first is not None
    assert best_explanation(first, [taste, level], [], until).kind == "taste"
    assert best_explanation(first, [taste, level], [], END).kind == "level"


@pytest.mark.parametrize("last", [10, 33])
def test_no_change_is_located_in_too_few_values(last: int) -> None:
    assert locate(stream("level", 3.0), 0, last) is None
