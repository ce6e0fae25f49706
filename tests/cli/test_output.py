"""Output of the command line: tables, JSON, and streams that cannot be written."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from foreseen.cli.output import (
    PrintError,
    after_change,
    prepare_streams,
    print_backtest,
    print_file,
    print_json,
    print_search,
    print_table,
)

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


def stream(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")


def content(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode(stream.encoding)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_console_that_lacks_a_character_gets_escapes_in_json_and_substitutes_in_tables(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = {"title": "Amélie", "other": "千と千尋", "path": "\udcff"}
    printed, shown = stream(encoding), stream(encoding)
    monkeypatch.setattr(sys, "stdout", printed)
    prepare_streams()
    print_json(document)
    assert json.loads(content(printed)) == document
    monkeypatch.setattr(sys, "stdout", shown)
    prepare_streams()
    print_table("千", ["title"], [[title] for title in document.values()])
    assert "Am" in content(shown)
    assert ("Amélie" in content(shown)) == (encoding != "ascii")
    assert ("千" in content(shown)) == (encoding == "utf-8")


def test_a_closed_standard_output_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    prepare_streams()
    print_json({})
    sys.stdout.close()


needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full needs Linux")


@needs_full
@pytest.mark.parametrize("printing", ["table", "json", "file"])
def test_a_full_disk_behind_standard_output_is_an_error_unless_a_change_is_complete(
    printing: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").write_text("content")
    with Path("/dev/full").open("w") as full:
        # Its buffer is flushed when it is closed.
        monkeypatch.setattr("foreseen.cli.output._discard_stdout", lambda: None)
        monkeypatch.setattr(sys, "stdout", full)

        def show() -> None:
            if printing == "table":
                print_table(None, ["a"], [["b"]])
            elif printing == "json":
                print_json({})
            else:
                print_file(tmp_path / "file")

        with pytest.raises(PrintError, match="cannot be written"):
            show()
        with after_change():
            show()
        assert "foreseen: done, but standard output cannot be written" in capsys.readouterr().err
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())


@needs_full
def test_a_command_reports_a_full_disk_behind_standard_output() -> None:
    words = [sys.executable, "-m", "foreseen", "data", "list"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    message = b"foreseen: standard output cannot be written (No space left on device)\n"
    assert done.stderr == message


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end processes on Unix")
@pytest.mark.parametrize("further", [[], ["--json"]])
def test_a_reader_that_ends_early_ends_a_command_without_a_message(further: list[str]) -> None:
    words = [sys.executable, "-m", "foreseen", "data", "list", *further]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_the_package_is_a_command_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "foreseen", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("foreseen ")
