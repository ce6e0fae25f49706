"""Reading of report pages by tests."""

import json
import re
from typing import Any


def headings(text: str) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", text)


def table_of(text: str, title: str) -> list[list[str]]:
    """Return the cells of a table, the header first."""
    part = text.partition(f"<summary>{title}</summary>")[2].partition("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", part, re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def charts_of(text: str) -> dict[str, Any]:
    """Return the charts by the titles of their figures, each with its rows."""
    document = _script(text, "charts")
    titles = re.findall(r"<figcaption><strong>(.*?)</strong>", text)
    assert len(titles) == len(document["charts"])
    tables = document["datasets"]
    return {
        title: (chart, [row for name, rows in tables.items() if name in str(chart) for row in rows])
        for title, chart in zip(titles, document["charts"].values(), strict=True)
    }


def tiles_of(text: str) -> dict[str, dict[str, str]]:
    """Return the tiles by their labels."""
    return {tile["label"]: tile for tile in _script(text, "summary")["tiles"]}


def _script(text: str, name: str) -> Any:  # noqa: ANN401
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', text)
    assert found is not None
    return json.loads(found[1])
