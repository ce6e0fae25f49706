"""Rankings as callers get them, with the ids and on the scale of the source."""

from dataclasses import dataclass
from html import escape
from typing import Any

from foreseen.data.encoding import Id
from foreseen.data.schema import GENRES, HIGH, LOW, MOVIE, PREDICTION, RATING, TITLE, USER, YEAR
from foreseen.ranking.explain import Influence


@dataclass(frozen=True)
class Recommendation:
    """One movie of a ranking, with the id and on the scale of the source.

    `prediction`, `low` and `high` are None if the data have no ratings; `moved_by` holds the
    ratings with the strongest influence.
    """

    movie: Id
    title: str
    year: int | None
    genres: tuple[str, ...]
    prediction: float | None
    low: float | None
    high: float | None
    likely: float
    why: str
    moved_by: tuple[Influence, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the recommendation as the command line prints it."""
        return {
            MOVIE: self.movie,
            TITLE: self.title,
            YEAR: self.year,
            GENRES: list(self.genres),
            PREDICTION: _rounded(self.prediction),
            LOW: _rounded(self.low),
            HIGH: _rounded(self.high),
            "likely": round(self.likely, 6),
            "why": self.why,
            "movedBy": [
                {MOVIE: entry.movie, RATING: entry.rating, "effect": round(entry.effect, 4)}
                for entry in self.moved_by
            ],
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


@dataclass(frozen=True)
class Ranking:
    """The recommendations for one user, best first; `known` is whether the user has ratings."""

    user: Id
    known: bool
    recommendations: tuple[Recommendation, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the ranking as the command line prints it."""
        recommendations = [entry.as_json() for entry in self.recommendations]
        return {USER: self.user, "known": self.known, "recommendations": recommendations}

    def __str__(self) -> str:
        note = "" if self.known else " (no ratings)"
        lines = [
            f"{place:3}. {_named(entry)}  {_interval(entry) or f'{entry.likely:.1%}'}"
            for place, entry in enumerate(self.recommendations, start=1)
        ]
        return "\n".join([f"user {self.user}{note}", *lines])

    def _repr_html_(self) -> str:
        """Return the ranking as a table, for notebooks."""
        rows = "".join(
            f"<tr><td>{place}</td><td>{escape(_named(entry))}</td>"
            f"<td>{escape(', '.join(entry.genres))}</td><td>{_interval(entry)}</td>"
            f"<td>{entry.likely:.1%}</td><td>{escape(entry.why)}</td></tr>"
            for place, entry in enumerate(self.recommendations, start=1)
        )
        columns = ("", "movie", "genres", "rating", "likely", "why")
        header = "".join(f"<th>{name}</th>" for name in columns)
        caption = f"user {escape(str(self.user))}{'' if self.known else ' (no ratings)'}"
        return (
            f"<table><caption>{caption}</caption><thead><tr>{header}</tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )


def _named(entry: Recommendation) -> str:
    return f"{entry.title} ({entry.year})" if entry.year else entry.title


def _interval(entry: Recommendation) -> str:
    if entry.prediction is None:
        return ""
    return f"{entry.prediction:.2f} ({entry.low:.1f} to {entry.high:.1f})"
