"""Draw the block diagrams of the documentation as SVG: the data flow and the ensemble.

python scripts/draw_diagrams.py docs/figures
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

_FONT: Final = "font-family='system-ui, sans-serif'"
_COLOURS: Final = {
    "data": "#dbe9f6",
    "model": "#e3f1df",
    "use": "#fbe9d0",
    "check": "#f1e2f0",
}


@dataclass(frozen=True)
class Box:
    """A labelled box; `x` and `y` are its left upper corner, in pixels."""

    x: int
    y: int
    width: int
    title: str
    lines: tuple[str, ...] = ()
    kind: str = "data"

    @property
    def height(self) -> int:
        """Height in pixels, from the number of lines."""
        return 34 + 17 * len(self.lines)

    def svg(self) -> str:
        """Return the box as SVG."""
        middle = self.x + self.width / 2
        texts = [
            f"<text x='{middle}' y='{self.y + 22}' font-weight='600'>{escape(self.title)}</text>"
        ]
        texts += [
            f"<text x='{middle}' y='{self.y + 41 + 17 * n}' font-size='13'>{escape(line)}</text>"
            for n, line in enumerate(self.lines)
        ]
        return (
            f"<rect x='{self.x}' y='{self.y}' width='{self.width}' height='{self.height}' rx='6' "
            f"fill='{_COLOURS[self.kind]}' stroke='#555'/>{''.join(texts)}"
        )


def arrow(points: Sequence[tuple[float, float]]) -> str:
    """Return a line through points that ends in an arrowhead."""
    path = " L ".join(f"{x} {y}" for x, y in points)
    return (
        f"<path d='M {path}' fill='none' stroke='#444' stroke-width='1.5' marker-end='url(#head)'/>"
    )


def down(upper: Box, lower: Box) -> str:
    """Return an arrow from the bottom of a box straight to the top of another."""
    left = max(upper.x, lower.x)
    right = min(upper.x + upper.width, lower.x + lower.width)
    x = (left + right) / 2
    return arrow([(x, upper.y + upper.height), (x, lower.y - 3)])


def across(left: Box, right: Box) -> str:
    """Return an arrow from the right side of a box straight to the left side of another."""
    upper = max(left.y, right.y)
    lower = min(left.y + left.height, right.y + right.height)
    y = (upper + lower) / 2
    return arrow([(left.x + left.width, y), (right.x - 3, y)])


def document(width: int, height: int, parts: Sequence[str], label: str) -> str:
    """Return a whole SVG document on a white ground."""
    head = (
        "<defs><marker id='head' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' "
        "markerHeight='7' orient='auto'><path d='M 0 0 L 8 4 L 0 8 z' fill='#444'/></marker></defs>"
    )
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' role='img' "
        f"aria-label='{escape(label)}' {_FONT} font-size='15' text-anchor='middle' fill='#111'>"
        f"{head}<rect width='{width}' height='{height}' fill='white' stroke='none'/>"
        f"{''.join(parts)}</svg>\n"
    )


def architecture() -> str:
    """Return the data flow through the folders."""
    sources = Box(20, 20, 200, "data/sources", ("files, archives,", "downloads, exports"))
    tables = Box(280, 20, 200, "data/canonical", ("checked tables", "in time order"))
    features = Box(540, 20, 220, "features/", ("log and views, statistics", "as of a moment"))
    candidates = Box(820, 20, 200, "candidates/", ("what may be", "watched next"))
    models = Box(540, 140, 220, "models/", ("predicted ratings", "and their uncertainty"), "model")
    ranking = Box(820, 140, 200, "ranking/", ("ordered, diversified,", "explained"), "use")
    evaluation = Box(
        280, 140, 200, "evaluation/", ("protocols, metrics,", "tuning, reports"), "check"
    )
    drift = Box(20, 140, 200, "drift/", ("backtest, detectors,", "update policies"), "check")
    registry = Box(
        280, 260, 480, "registry/", ("versions, champion and challenger, updates",), "model"
    )
    serving = Box(820, 260, 200, "serving/, cli/", ("page, API, commands",), "use")
    parts = [box.svg() for box in (
        sources, tables, features, candidates, models, ranking, evaluation, drift, registry,
        serving,
    )]  # fmt: skip
    parts += [
        across(sources, tables), across(tables, features), across(features, candidates),
        down(features, models), down(candidates, ranking), across(models, ranking),
        down(models, registry), down(ranking, serving), across(registry, serving),
        arrow([(540, 175), (483, 175)]), arrow([(280, 175), (223, 175)]),
        arrow([(920, 311), (920, 340), (8, 340), (8, 54), (17, 54)]),
        "<text x='520' y='334' font-size='13'>rating events return as one more source</text>",
    ]  # fmt: skip
    label = "Data flow: sources, features, candidates, models, ranking, registry, serving"
    return document(1040, 356, parts, label)


def ensemble() -> str:
    """Return the block diagram of the ensemble."""
    history = Box(20, 20, 240, "user's history", ("ratings before the moment",))
    log = Box(300, 20, 240, "interaction log", ("all ratings before the moment",))
    movie = Box(580, 20, 240, "movie", ("genres, year, franchise",))
    factors = Box(
        20, 120, 380, "Bayesian factor models",
        ("Gibbs sampling, side information;", "refreshed as the log grows"), "model",
    )  # fmt: skip
    features = Box(
        440, 120, 380, "point-in-time features",
        ("biases, recency, popularity,", "taste by genre and decade"), "data",
    )  # fmt: skip
    fold = Box(
        20, 240, 380, "fold-in",
        ("exact posterior of the user's vector;", "features of the one-step residuals"), "model",
    )  # fmt: skip
    network = Box(
        220, 350, 400, "stacking network",
        ("two dense layers; trained on", "out-of-sample predictions"), "model",
    )  # fmt: skip
    offset = Box(
        220,
        460,
        400,
        "rating = factors' rating + correction",
        ("+ global offset; interval",),
        "use",
    )
    order = Box(860, 20, 360, "history in order", ("movies, ratings, times",))
    sequence = Box(
        860, 120, 360, "sequence model",
        ("causal transformer: next movie,", "movies of the next thirty days"), "model",
    )  # fmt: skip
    logits = Box(
        660, 350, 560, "conditional logits",
        ("candidates and their features;", "next movie, next liked movie"), "model",
    )  # fmt: skip
    lists = Box(660, 460, 560, "likely, blend", ("ranking criteria",), "use")
    parts = [
        box.svg()
        for box in (
            history, log, movie, order, factors, features, sequence, fold, network, offset,
            logits, lists,
        )
    ]  # fmt: skip
    parts += [
        down(history, factors), down(log, features), arrow([(350, 71), (350, 117)]),
        down(movie, features), down(factors, fold), down(fold, network),
        arrow([(530, 188), (530, 347)]), down(network, offset),
        arrow([(740, 188), (740, 347)]), arrow([(400, 270), (690, 270), (690, 347)]),
        "<text x='585' y='263' font-size='13'>predicted rating</text>",
        down(order, sequence), arrow([(1040, 188), (1040, 347)]),
        "<text x='1120' y='263' font-size='13'>log probabilities</text>",
        down(logits, lists),
    ]  # fmt: skip
    label = (
        "The ensemble: factor models, fold-in and features enter a stacking network; with a "
        "sequence model they enter logits of the next movie"
    )
    return document(1240, 530, parts, label)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "architecture.svg").write_text(architecture(), encoding="utf-8")
    (folder / "ensemble-blocks.svg").write_text(ensemble(), encoding="utf-8")
