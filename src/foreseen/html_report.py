"""Reports as pages: one HTML file, pictures first, tables under them, that needs no network."""

import base64
import io
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from foreseen.errors import InputError
from foreseen.files import write_whole

Picture = tuple[str, Callable[[Any], None]]
"""A title, and what draws the picture on matplotlib's Axes."""
PageTable = tuple[str, Sequence[str], Sequence[Sequence[object]]]
"""A title, the header, and the rows."""

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ name }}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
figure { margin: 1.5rem 0; } img { max-width: 100%; background: white; border-radius: 4px; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
td, th { padding: .2rem .7rem; border-bottom: 1px solid #8884; text-align: left; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
</style></head><body>
<h1>{{ name }}</h1>
{% for text in lead %}<p>{{ text }}</p>
{% endfor %}
<table>{% for label, value in facts %}<tr><th scope="row">{{ label }}</th>
<td class="number">{{ value }}</td></tr>{% endfor %}</table>
{% for title, image in figures %}<figure>
<img alt="{{ title }}" src="data:image/png;base64,{{ image }}">
<figcaption>{{ title }}</figcaption></figure>
{% endfor %}
{% for title, header, rows in tables %}<h2>{{ title }}</h2>
<table><tr>{% for name in header %}<th scope="col">{{ name }}</th>{% endfor %}</tr>
{% for row in rows %}<tr>{% for value in row %}<td>{{ value }}</td>{% endfor %}</tr>
{% endfor %}</table>{% endfor %}
</body></html>
"""


def write_page(
    out: Path,
    name: str,
    lead: Sequence[str],
    facts: Sequence[tuple[str, str]],
    pictures: Sequence[Picture],
    tables: Sequence[PageTable],
) -> None:
    """Write a page.

    Args:
        out: The file.
        name: Title of the page.
        lead: Sentences under it.
        facts: Labels and values, in a small table.
        pictures: What is drawn, one below the other.
        tables: What is listed under the pictures.

    Raises:
        InputError: If the libraries that draw are not installed.
    """
    try:
        from jinja2 import Environment
        from matplotlib.figure import Figure
    except ImportError as error:
        message = f"{error.name} draws the page and is not installed: pip install foreseen[report]"
        raise InputError(message) from error
    drawn: list[tuple[str, str]] = []
    for title, draw in pictures:
        figure = Figure(figsize=(9, 3.4), layout="constrained")
        draw(figure.subplots())
        buffer = io.BytesIO()
        figure.savefig(buffer, dpi=110, format="png")
        drawn.append((title, base64.b64encode(buffer.getvalue()).decode()))
    page = Environment(autoescape=True).from_string(_PAGE)
    text = page.render(name=name, lead=lead, facts=facts, figures=drawn, tables=tables)
    write_whole(out, partial(Path.write_text, data=text, encoding="utf-8"))


def show_figure(figure: dict[str, float] | None) -> str:
    """Return a figure with its interval; nothing for one that is not there."""
    if figure is None:
        return ""
    return f"{figure['value']:.4f} ({figure['low']:.4f} to {figure['high']:.4f})"
