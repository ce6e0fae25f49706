"""Tables in Markdown, and where they are written in a document."""

from collections.abc import Sequence
from pathlib import Path

from foreseen.evaluation.metrics import Estimate
from foreseen.files import write_atomically


def with_interval(estimate: Estimate, digits: int = 3) -> str:
    """Return an estimate with its 95 % interval, as text."""
    interval = f"{estimate.low:.{digits}f} to {estimate.high:.{digits}f}"
    return f"{estimate.value:.{digits}f} ({interval})"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def put_table(name: str, table: str, file: Path | None) -> None:
    """Print a table, and write it into a document if one is given.

    It replaces what is between `<!-- NAME: begin -->` and `<!-- NAME: end -->`.

    Raises:
        ValueError: If the document has no such markers.
    """
    print(table)
    if file is None:
        return
    begin, end = (f"<!-- {name}: {side} -->" for side in ("begin", "end"))
    before, found, rest = file.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{file} should contain '{begin}' and '{end}'")
    text = f"{before}{begin}\n{table}\n{end}{after}"
    write_atomically(file, lambda path: path.write_text(text, encoding="utf-8"))
