"""Report pages: their text is escaped, estimates are written with their intervals."""

from pathlib import Path

from foreseen.reports.page import (
    Page,
    Provenance,
    Section,
    Table,
    Tile,
    format_estimate,
    write_page,
)


def test_text_is_escaped(tmp_path: Path) -> None:
    table = Table("a & b", ["<h>"], [["<i>"]])
    tile = Tile("</script><b>", "1", "<u>")
    page = Page("data", "<t>", "<q>", [tile], [Section("<s>", tables=[table])], Provenance("<d>"))
    write_page(tmp_path / "r.html", page)
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "a &amp; b" in text
    for tag in ("<h>", "<i>", "<b>", "<u>", "<t>", "<q>", "<s>", "<d>"):
        assert tag not in text
    assert "http:" not in text


def test_an_estimate_is_shown_with_its_interval() -> None:
    estimate = {"value": 0.87654, "low": 0.8, "high": 0.95}
    assert format_estimate(estimate) == "0.8765 (0.8000 to 0.9500)"
    assert not format_estimate(None)
