"""Independent work in threads of our own: answers are those of one after the other."""

import threading
import time

import numpy as np
import pytest

from foreseen.compute import threads
from foreseen.data.canonical import Tables
from foreseen.models import parse_settings, train


def test_answers_come_in_the_order_of_the_items() -> None:
    def slow_at_first(number: int) -> int:
        time.sleep(0.02 if number == 0 else 0)
        return number * number

    assert threads.in_parallel(slow_at_first, range(5)) == [0, 1, 4, 9, 16]
    assert threads.side_by_side(lambda: 1, lambda: "two") == (1, "two")


def test_two_are_at_work_at_once_where_there_are_two_cores() -> None:
    if threads.cores() == 1:
        pytest.skip("there is one core only")
    both = threading.Barrier(2, timeout=10)
    assert sorted(threads.in_parallel(lambda _: both.wait(), range(2))) == [0, 1]
    assert sorted(threads.side_by_side(both.wait, both.wait)) == [0, 1]


def test_within_a_call_work_is_done_in_its_own_thread() -> None:
    def who(_: int) -> set[int]:
        return {threading.get_ident(), *threads.in_parallel(lambda _: threading.get_ident(), "ab")}

    assert all(len(names) == 1 for names in threads.in_parallel(who, range(3)))


def test_what_fails_in_a_thread_fails_for_who_asked() -> None:
    def refuse(_: int) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        threads.in_parallel(refuse, range(3))
    with pytest.raises(ValueError, match="no"):
        threads.side_by_side(lambda: refuse(0), lambda: None)


def test_a_model_is_the_same_bit_for_bit_whatever_the_cores(
    small: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = {
        "networks": 2,
        "folds": 2,
        "factors": [{"sweeps": 6, "burn_in": 2, "samples": 2, "rank": r} for r in (3, 4)],
        "loop": {"epochs": 1},
    }
    settings = parse_settings("ensemble", quick)
    several = train(small, "ensemble", settings)
    monkeypatch.setattr(threads, "cores", lambda: 1)
    alone = train(small, "ensemble", settings)
    assert several.watching == alone.watching
    for name, values in several.predictor.arrays().items():
        np.testing.assert_array_equal(values, alone.predictor.arrays()[name], err_msg=name)
