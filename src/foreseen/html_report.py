"""Self-contained HTML reports: one file with pictures and tables, without external resources."""

import base64
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from foreseen.errors import InputError
from foreseen.files import write_text

Picture = tuple[str, Callable[[Any], None]]
"""A title, and a function that draws on a matplotlib `Axes`."""
PageTable = tuple[str, Sequence[str], Sequence[Sequence[object]]]
"""A title, the column names, and the rows."""

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
figure { margin: 1.5rem 0; } img { max-width: 100%; background: white; border-radius: 4px; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
td, th { padding: .2rem .7rem; border-bottom: 1px solid #8884; text-align: left; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
</style></head><body>
<h1>{{ title }}</h1>
{% for text in paragraphs %}<p>{{ text }}</p>
{% endfor %}
<table>{% for label, value in summary %}<tr><th scope="row">{{ label }}</th>
<td class="number">{{ value }}</td></tr>{% endfor %}</table>
{% for caption, image in images %}<figure>
<img alt="{{ caption }}" src="data:image/png;base64,{{ image }}">
<figcaption>{{ caption }}</figcaption></figure>
{% endfor %}
{% for heading, header, rows in tables %}<h2>{{ heading }}</h2>
<table><tr>{% for name in header %}<th scope="col">{{ name }}</th>{% endfor %}</tr>
{% for row in rows %}<tr>{% for value in row %}<td>{{ value }}</td>{% endfor %}</tr>
{% endfor %}</table>{% endfor %}
</body></html>
"""


def write_html(
    out: Path,
    title: str,
    paragraphs: Sequence[str],
    summary: Sequence[tuple[str, str]],
    pictures: Sequence[Picture],
    tables: Sequence[PageTable],
) -> None:
    """Write a report.

    Args:
        out: The file.
        title: Title of the page.
        paragraphs: Text under the title.
        summary: Labels and values, shown as a table of two columns.
        pictures: Shown one below the other.
        tables: Shown under the pictures.

    Raises:
        InputError: If Jinja2 or matplotlib is not installed.
    """
    try:
        from jinja2 import Environment
        from matplotlib.figure import Figure
    except ImportError as error:
        message = f"{error.name} is needed for reports; install it: pip install 'foreseen[report]'"
        raise InputError(message) from error
    images: list[tuple[str, str]] = []
    for caption, draw in pictures:
        figure = Figure(figsize=(9, 3.4), layout="constrained")
        draw(figure.subplots())
        buffer = io.BytesIO()
        figure.savefig(buffer, dpi=110, format="png")
        images.append((caption, base64.b64encode(buffer.getvalue()).decode()))
    page = Environment(autoescape=True).from_string(_PAGE)
    text = page.render(
        title=title, paragraphs=paragraphs, summary=summary, images=images, tables=tables
    )
    write_text(out, text)
