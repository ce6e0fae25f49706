"""Measures of benchmarks, each with a peer and a bound, and their common table."""

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from tables import markdown

from foreseen.files import write_atomically

COLUMNS: Final = ("", "Foreseen", "peer", "ratio", "bound", "within", "benchmark")


@dataclass(frozen=True)
class Measure:
    """A number that a benchmark measured.

    Attributes:
        name: What was measured.
        value: The number.
        unit: Its unit.
        peer: What it is compared with; empty if there is nothing.
        of_peer: The same number of the peer, in the same unit.
        at_most, at_least: Bound of the ratio to the peer, or of the number if there is no peer.
        digits: Decimals of the number.
    """

    name: str
    value: float
    unit: str = ""
    peer: str = ""
    of_peer: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    digits: int = 1

    @property
    def ratio(self) -> float | None:
        """The number divided by that of the peer."""
        return None if self.of_peer is None else self.value / self.of_peer

    @property
    def is_within(self) -> bool | None:
        """Whether the bound is kept; None if there is none."""
        judged = self.value if self.ratio is None else self.ratio
        if self.at_most is not None:
            return judged <= self.at_most
        return None if self.at_least is None else judged >= self.at_least

    def cells(self) -> list[str]:
        """Return the cells of the table, without the last."""
        peer = "" if self.of_peer is None else f"{self.peer}: {self._number(self.of_peer)}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        bounds = (("at most", self.at_most), ("at least", self.at_least))
        bound = ", ".join(f"{word} {limit:g}" for word, limit in bounds if limit is not None)
        within = {True: "yes", False: "**no**", None: ""}[self.is_within]
        return [self.name, self._number(self.value), peer, ratio, bound, within]

    def _number(self, value: float) -> str:
        return f"{value:,.{self.digits}f} {self.unit}".strip()


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add the option to write the measures of a benchmark into a file."""
    parser.add_argument("--measures", type=Path, help="file to write the measures into, as JSON")


def write(measures: Iterable[Measure], file: Path | None) -> None:
    """Write measures into a file, if one is given."""
    if file is not None:
        text = json.dumps([asdict(measure) for measure in measures], indent=2)
        write_atomically(file, lambda path: path.write_text(text, encoding="utf-8"))


def read(file: Path) -> list[Measure]:
    """Return the measures in a file."""
    return [Measure(**fields) for fields in json.loads(file.read_text(encoding="utf-8"))]


def table_of(measures: Sequence[tuple[str, Measure]]) -> str:
    """Return a table of the measures of several benchmarks, in Markdown."""
    return markdown(COLUMNS, [[*measure.cells(), name] for name, measure in measures])
