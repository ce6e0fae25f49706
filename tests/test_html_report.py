"""Self-contained HTML reports."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from foreseen.html_report import write_html
from foreseen.reports.page import format_estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

pytest.importorskip("matplotlib")


def test_a_report_has_all_parts_and_no_external_resources(tmp_path: Path) -> None:
    def draw(axes: "Axes") -> None:
        axes.plot([0, 1])

    write_html(
        tmp_path / "report.html",
        "A title",
        ["A paragraph."],
        [("label", "value")],
        [("A picture", draw)],
        [("A table", ["column"], [["cell"], [1.5]])],
    )
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for part in ("A title", "A paragraph.", "label", "A picture", "A table", "column", "1.5"):
        assert part in text
    assert "data:image/png;base64," in text
    assert "http" not in text


def test_text_is_escaped(tmp_path: Path) -> None:
    write_html(tmp_path / "r.html", "<script>", ["a & b"], [], [], [("t", ["h"], [["<i>"]])])
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "<i>" not in text
    assert "a &amp; b" in text


def test_an_estimate_is_shown_with_its_interval() -> None:
    estimate = {"value": 0.87654, "low": 0.8, "high": 0.95}
    assert format_estimate(estimate) == "0.8765 (0.8000 to 0.9500)"
    assert not format_estimate(None)
