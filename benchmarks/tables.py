"""Tables in Markdown, and where in a document they are written."""

from collections.abc import Sequence
from pathlib import Path

from foreseen.evaluation.metrics import Measured
from foreseen.files import write_atomically


def shown(figure: Measured, digits: int = 3) -> str:
    """Return a figure with its 95 % interval."""
    return f"{figure.value:.{digits}f} ({figure.low:.{digits}f} to {figure.high:.{digits}f})"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def put_table(name: str, table: str, file: Path | None) -> None:
    """Print a table, and put it where a document marks its place, if one is named.

    Its place is between `<!-- NAME: begin -->` and `<!-- NAME: end -->`.

    Raises:
        ValueError: If the marks are not there.
    """
    print(table)
    if file is None:
        return
    begin, end = (f"<!-- {name}: {side} -->" for side in ("begin", "end"))
    before, found, rest = file.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        message = f"{file} has no place for the table: '{begin}' and '{end}' should stand in it"
        raise ValueError(message)
    text = f"{before}{begin}\n{table}\n{end}{after}"
    write_atomically(file, lambda path: path.write_text(text, encoding="utf-8"))
