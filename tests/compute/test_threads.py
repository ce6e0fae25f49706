"""Independent work in threads gives the results of sequential work."""

import threading
import time

import numpy as np
import pytest

from foreseen.compute import threads
from foreseen.data.canonical import Tables
from foreseen.models.spec import parse_settings
from foreseen.models.train import train


def test_results_are_in_the_order_of_the_items() -> None:
    def slow_at_first(number: int) -> int:
        time.sleep(0.02 if number == 0 else 0)
        return number * number

    assert threads.in_parallel(slow_at_first, range(5)) == [0, 1, 4, 9, 16]
    assert threads.run_both(lambda: 1, lambda: "two") == (1, "two")


def test_calls_run_concurrently_on_several_cores() -> None:
    if threads.cores() == 1:
        pytest.skip("there is only one core")
    both = threading.Barrier(2, timeout=10)
    assert sorted(threads.in_parallel(lambda _: both.wait(), range(2))) == [0, 1]
    assert sorted(threads.run_both(both.wait, both.wait)) == [0, 1]


def test_nested_calls_run_in_the_calling_thread() -> None:
    def identify(_: int) -> set[int]:
        return {threading.get_ident(), *threads.in_parallel(lambda _: threading.get_ident(), "ab")}

    assert all(len(names) == 1 for names in threads.in_parallel(identify, range(3)))


def test_an_error_in_a_thread_is_raised_to_the_caller() -> None:
    def fail(_: int) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        threads.in_parallel(fail, range(3))
    with pytest.raises(ValueError, match="no"):
        threads.run_both(lambda: fail(0), lambda: None)


def test_a_model_does_not_depend_on_the_number_of_cores(
    tiny: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = {
        "folds": 2,
        "factors": [{"sweeps": 6, "burn_in": 2, "samples": 2, "rank": r} for r in (3, 4)],
        "loop": {"epochs": 1},
    }
    settings = parse_settings("ensemble", quick)
    parallel = train(tiny, "ensemble", settings)
    monkeypatch.setattr(threads, "cores", lambda: 1)
    sequential = train(tiny, "ensemble", settings)
    assert parallel.next_item == sequential.next_item
    for name, values in parallel.predictor.arrays().items():
        np.testing.assert_array_equal(values, sequential.predictor.arrays()[name], err_msg=name)
