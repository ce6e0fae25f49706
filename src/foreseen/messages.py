"""Texts that the pages show in other languages."""

from typing import Self


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
            values: The values.
        """
        message = super().__new__(cls, template % values)
        message.template, message.values = template, values
        return message


def message_of(error: Exception) -> str:
    """Return the message of an error, a `Message` if it was raised with one."""
    message = error.args[0] if error.args else None
    return message if isinstance(message, Message) else str(error)
