"""Tables of the command line."""

import pytest

from foreseen.cli.output import print_backtest, print_json, print_search

ESTIMATE = {"value": 0.9, "low": 0.8, "high": 1.0}


def test_json_keeps_letters_beyond_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"title": "Amélie"})
    assert capsys.readouterr().out == '{\n  "title": "Amélie"\n}\n'


def test_a_backtest_is_printed_with_intervals_and_its_delay(
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = {"policy": "full", "events": 1200, "rmse": ESTIMATE, "trainings": 3}
    document = {"data": "d", "model": "bias", "delay": 60}
    print_backtest({**document, "results": [{**result, "train_seconds": 7.2}]})
    shown = " ".join(capsys.readouterr().out.split())
    assert "1,200 ratings" in shown
    assert "delay 60 seconds" in shown
    assert "0.9000 (0.80-1.00)" in shown


def test_a_search_is_printed_with_the_best_trial_and_its_changes_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    defaults = {"width": 8, "loop": {"epochs": 5, "rate": 0.01}}
    trials = [
        {"number": 0, "settings": {}, "figures": {"rmse": 0.9, "rmse_user": 0.8}, "seconds": 1.0},
        {
            "number": 1,
            "settings": {"width": 8, "loop": {"epochs": 7, "rate": 0.02}},
            "figures": {"rmse": 0.85, "rmse_user": 0.8},
            "seconds": 2.0,
        },
    ]
    print_search(
        {"data": "d", "model": "m", "measured": "x", "defaults": defaults, "trials": trials}
    )
    lines = capsys.readouterr().out.splitlines()
    changed, unchanged = (
        next(n for n, line in enumerate(lines) if text in line)
        for text in ("epochs 7, rate 0.02", "none")
    )
    assert changed < unchanged
    assert "width" not in lines[changed]
