"""Recognition of rating scales, and conversion to stars and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreseen.data.rating_scale import STARS, RatingScale, detect_scale
from foreseen.errors import InputError


@pytest.mark.parametrize(
    ("ratings", "scale"),
    [
        ([0.5, 3.5, 5.0, 4.0], RatingScale(0.5, 5, 0.5)),
        ([1, 2, 3, 4, 5], RatingScale(0.5, 5, 1)),
        ([0, 0, 0, 4, 5, 3], RatingScale(0, 5, 1)),
        ([1, 7, 8, 10, 3, 9], RatingScale(1, 10, 1)),
        ([0, 7, 8, 10, 3, 9], RatingScale(0, 10, 1)),
        ([7.5, 8, 9.5, 2.5], RatingScale(1, 10, 0.5)),
        ([11, 14, 20, 9, 16], RatingScale(0, 20, 1)),
        ([0, 35, 80, 100, 62], RatingScale(0, 100, 1)),
        ([-7.82, 8.79, -9.66, 3.3], RatingScale(-10, 10, None)),
        ([0.2, 0.5, 1.0, 0.75], RatingScale(0, 1, None)),
        ([0, 1, 1, 0], RatingScale(0, 1, 1, "binary")),
        ([-1, 1, 1], RatingScale(-1, 1, 1, "binary")),
        ([1, 1, 1, 1], RatingScale(0, 1, 1, "unary")),
    ],
)
def test_the_usual_scales_are_recognised(ratings: list[float], scale: RatingScale) -> None:
    assert detect_scale(np.array(ratings, dtype=float)) == scale


@pytest.mark.parametrize("error", [6, 0, 55, -4])
def test_a_typing_error_does_not_change_the_scale(error: float) -> None:
    assert detect_scale(np.array([3.0, 4.0, 3.5, error])).is_stars
    assert detect_scale(np.array([3.0, 4.0] * 500 + [error] * 2)).is_stars


def test_ratings_on_no_usual_scale_ask_for_it() -> None:
    with pytest.raises(InputError, match=r"from 1 to 1\.7e\+06, .* --scale LOW:HIGH"):
        detect_scale(np.array([1.0, 5e5, 1.7e6, 9e5]))


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("1:10", RatingScale(1, 10, None)),
        (" 0:5:0.5 ", RatingScale(0, 5, 0.5)),
        ("-10:10:0.25", RatingScale(-10, 10, 0.25)),
    ],
)
def test_a_scale_is_read_from_text(text: str, scale: RatingScale) -> None:
    assert RatingScale.parse(text) == scale


@pytest.mark.parametrize("text", ["", "1", "10:1", "1:1", "1:10:0", "1:10:20", "a:b", "nan:1"])
def test_other_texts_are_no_scale(text: str) -> None:
    with pytest.raises(InputError, match="scale should"):
        RatingScale.parse(text)


def test_stars_stay_as_they_are_to_the_bit() -> None:
    ratings = np.array([0.5, 3.0, 4.1, 5.0])
    for scale in (STARS, RatingScale(1, 5, 1)):
        np.testing.assert_array_equal(scale.to_stars(ratings), ratings)
        np.testing.assert_array_equal(scale.from_stars(ratings), ratings)
        assert scale.per_star == 1


@given(st.floats(-100, 99), st.floats(1.5, 200), st.sampled_from([None, 0.25, 0.5, 1.0]), st.data())
def test_ratings_survive_the_conversion_to_stars_and_back(
    low: float, span: float, step: float | None, data: st.DataObject
) -> None:
    scale = RatingScale(low, low + span, step)
    if step is None:
        rating = data.draw(st.floats(low, low + span))
    else:
        rating = low + step * data.draw(st.integers(0, int(span / step)))
    stars = float(scale.to_stars(rating))
    assert 0.5 - 1e-9 <= stars <= 5 + 1e-9
    assert scale.rating_of(stars) == pytest.approx(rating, abs=1e-6)
