"""The list of reports."""

from pathlib import Path

import pytest
from tests.cli.conftest import run_command

from foreseen.errors import InputError
from foreseen.reports.index import find_reports, write_index
from foreseen.reports.page import Kind, Page, Provenance, Tile, Verdict, write_page


def write(folder: Path, path: str, kind: Kind, verdict: Verdict = "good") -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    tile = Tile("<b>label</b>", "1", "", verdict)
    write_page(folder / path, Page(kind, f"{path} </script>", "Good.", [tile], [], Provenance("d")))


def test_reports_are_listed_with_data_first_and_a_way_back(tmp_path: Path) -> None:
    write(tmp_path, "a/b/report.html", "drift", "poor")
    write(tmp_path, "description.html", "data")
    (tmp_path / "other.html").write_text("<p>not a report</p>")
    assert write_index(tmp_path) == [tmp_path / "description.html", tmp_path / "a/b/report.html"]
    page = (tmp_path / "index.html").read_text("utf-8")
    assert 'href="description.html#list=index.html"' in page
    assert 'href="a/b/report.html#list=../../index.html"' in page
    assert "1 of 2 verdicts to check" in page
    assert "&lt;b&gt;label" in page
    assert "<b>" not in page
    again = write_index(tmp_path)
    assert len(again) == 2  # The list does not list itself.


def test_a_report_says_of_itself_what_is_listed(tmp_path: Path) -> None:
    write(tmp_path, "r.html", "tuning")
    ((_, summary),) = find_reports(tmp_path)
    assert summary["title"] == "r.html </script>"
    assert summary["tiles"][0]["label"] == "<b>label</b>"


def test_a_folder_without_reports_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no reports"):
        write_index(tmp_path)
    done = run_command("reports", tmp_path)
    assert done.exit_code == 2
    assert "has no reports" in done.stderr
