"""The page that lists the reports below a folder, with their answers and tiles."""

import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from foreseen.errors import InputError
from foreseen.files import write_text
from foreseen.reports.page import template

INDEX: Final = "index.html"
_ORDER: Final = ("data", "evaluation", "tuning", "drift")
_SUMMARY: Final = re.compile(
    r'<script type="application/json" id="summary">(.*?)</script>', re.DOTALL
)


def write_index(folder: Path) -> list[Path]:
    """Write `index.html` into a folder: a list of the reports in it and in its folders.

    Returns:
        The reports, in the order of the list.

    Raises:
        InputError: If there are no reports, or Jinja2 is not installed.
    """
    reports = find_reports(folder)
    if not reports:
        raise InputError(f"{folder} has no reports; write some with: foreseen evaluate")
    entries = [{**summary, "link": _link(file.relative_to(folder))} for file, summary in reports]
    verdicts = [tile["verdict"] for _, summary in reports for tile in summary["tiles"]]
    text = template(INDEX).render(
        entries=entries,
        version=version("foreseen"),
        judged=sum(verdict != "" for verdict in verdicts),
        to_check=sum(verdict in {"fair", "poor"} for verdict in verdicts),
    )
    write_text(folder / INDEX, text)
    return [file for file, _ in reports]


def find_reports(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Return the reports below a folder with what they say of themselves: data first, drift last.

    HTML files of other programs are passed over.
    """
    found: list[tuple[Path, dict[str, Any]]] = []
    for file in sorted(folder.rglob("*.html")):
        match = _SUMMARY.search(file.read_text(encoding="utf-8", errors="replace"))
        if match is None:
            continue
        summary = json.loads(match.group(1))
        if summary["kind"] in _ORDER:
            found.append((file, summary))
    return sorted(found, key=lambda entry: _ORDER.index(entry[1]["kind"]))


def _link(file: Path) -> str:
    """Return the address of a report, which contains the way back."""
    return f"{quote(file.as_posix())}#list={'../' * (len(file.parts) - 1)}{INDEX}"
