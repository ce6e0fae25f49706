"""Names of streams and values, as messages that pages translate."""

from typing import Final

from foreseen.drift.stream_spec import KIND_LABELS, MOVIE_KIND, SHARE
from foreseen.features.user_statistics import DECADES, FIRST_DECADE
from foreseen.messages import Figure, Message

_ON_SCALE: Final = "on the scale "
LABELS: Final = (
    Message("all"),
    Message("new users"),
    Message("known users"),
    Message("active users"),
    Message("width"),
    Message("top ratings"),
    Message("half stars"),
    Message("fractions"),
    Message("all with half stars"),
    Message("all against half stars"),
    Message("all with fractions"),
    Message("all against fractions"),
    Message("movies rated for the first time"),
)
"""Labels of the default streams, but those of genres and decades."""
_UNITS: Final = {"stars": Message("stars")}


def _decade_labels() -> dict[str, Message]:
    middle = (
        Message("films of the %(year)ss", year=FIRST_DECADE + 10 * decade)
        for decade in range(1, DECADES - 1)
    )
    last = FIRST_DECADE + 10 * (DECADES - 1)
    ends = (
        Message("films of the %(year)ss or before", year=FIRST_DECADE),
        Message("films of the %(year)ss or later", year=last),
    )
    return {str(message): message for message in (*middle, *ends)}


_DECADES: Final = _decade_labels()


def subject(kind: str, label: str) -> Message:
    """Return the name of a stream."""
    named: str = label
    if kind != MOVIE_KIND:
        # Genres, labels of the default streams and those of other streams; percents are no values.
        named = _DECADES.get(label) or Message(label.replace("%", "%%"))
    return Message("%(kind)s: %(label)s", kind=KIND_LABELS.get(kind, kind), label=named)


def level(value: float, unit: str) -> Figure | Message:
    """Return a mean of a stream with its unit."""
    if unit == SHARE:
        return Figure(value, 1, "percent")
    shown = Figure(value, 2)
    if unit.startswith(_ON_SCALE):
        low, _, high = unit.removeprefix(_ON_SCALE).partition(" to ")
        return Message(
            "%(value)s on the scale %(low)s to %(high)s", value=shown, low=low, high=high
        )
    return Message("%(value)s %(unit)s", value=shown, unit=_UNITS.get(unit, unit))
