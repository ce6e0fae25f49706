"""Texts that the pages show in other languages, with what they are made of."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, Self, cast

Form = Literal["plain", "signed", "percent"]
_FORMATS: Final[dict[Form, str]] = {"plain": ",.{}f", "signed": "+,.{}f", "percent": ".{}%"}


@dataclass(frozen=True)
class Day:
    """A value of a message: the day of a second, in UTC."""

    second: int

    def __str__(self) -> str:
        return datetime.fromtimestamp(self.second, UTC).strftime("%Y-%m-%d")


@dataclass(frozen=True)
class Figure:
    """A value of a message: a number with a number of decimals."""

    value: float
    digits: int = 0
    form: Form = "plain"

    def __str__(self) -> str:
        return format(self.value, _FORMATS[self.form].format(self.digits))


@dataclass(frozen=True)
class Series:
    """A value of a message: several texts."""

    texts: tuple[str, ...]

    def __str__(self) -> str:
        return "; ".join(self.texts)


class Message(str):
    """An English text with values inserted, of which pages show the translation.

    `Message("no film %(title)s", title="Heat")` equals "no film Heat". The catalogues of messages
    are keyed by the text without its values.

    Attributes:
        template: The text without its values.
        values: The values, by the names of their placeholders.
    """

    template: str
    values: dict[str, object]

    def __new__(cls, template: str, /, **values: object) -> Self:
        """Insert values into a text.

        Args:
            template: The text, with placeholders such as %(title)s.
            values: The values; messages, `Day`, `Figure` and `Series` are translated as well.
        """
        message = super().__new__(cls, template % values)
        message.template, message.values = template, values
        return message


def message_of(error: Exception) -> str:
    """Return the message of an error, a `Message` if it was raised with one."""
    message = error.args[0] if error.args else None
    return message if isinstance(message, Message) else str(error)


def parts_of(text: str) -> dict[str, Any] | None:
    """Return what a message is made of, to be stored beside it; None for another text."""
    if not isinstance(text, Message):
        return None
    values = {name: _encoded(value) for name, value in text.values.items()}
    return {"text": text.template, "values": values}


def with_parts(text: str, parts: object) -> str:
    """Return a stored text as a `Message`.

    Args:
        text: The text.
        parts: What `parts_of` returned; None for a text that was stored without, which is returned
            unchanged, as is one of which the parts give another text.
    """
    try:
        message = _decoded(parts)
    except (KeyError, TypeError, ValueError, OverflowError, OSError, RecursionError):
        return text
    return message if isinstance(message, Message) and message == text else text


def _encoded(value: object) -> object:
    match value:
        case Message():
            return parts_of(value)
        case Day(second):
            return {"day": second}
        case Figure(number, digits, form):
            return {"number": number, "digits": digits, "form": form}
        case Series(texts):
            return {"series": [_encoded(text) for text in texts]}
        case _:
            return value


def _decoded(part: object) -> object:
    match part:
        case {"text": str(template), "values": dict()}:
            values = cast("dict[str, dict[str, object]]", part)["values"]
            return Message(template, **{name: _decoded(value) for name, value in values.items()})
        case {"day": int(second)}:
            return Day(second)
        case {"number": int(number) | float(number), "digits": int(digits), "form": str(form)}:
            return Figure(number, digits, cast("Form", form))
        case {"series": list()}:
            texts = cast("dict[str, list[object]]", part)["series"]
            return Series(tuple(_decoded_text(text) for text in texts))
        case _:
            return part


def _decoded_text(part: object) -> str:
    text = _decoded(part)
    if not isinstance(text, str):
        raise TypeError
    return text
