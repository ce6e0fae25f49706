"""Messages: stored with what they are made of, and read again."""

import json

import pytest

from foreseen.messages import Day, Figure, Message, Series, parts_of, with_parts

REASON = Message("rating level down since %(since)s by %(share)s", since=Day(86_400),
                 share=Figure(0.125, 1, "percent"))  # fmt: skip
MESSAGE = Message("kept version %(version)s (%(difference)s of %(count)s): %(reasons)s", version=2,
                  difference=Figure(-0.25, 2, "signed"), count=Figure(1234),
                  reasons=Series((REASON, "requested")))  # fmt: skip
TEXT = "kept version 2 (-0.25 of 1,234): rating level down since 1970-01-02 by 12.5%; requested"


def test_a_stored_message_is_read_with_its_values() -> None:
    assert MESSAGE == TEXT
    parts = json.loads(json.dumps(parts_of(MESSAGE)))
    read = with_parts(TEXT, parts)
    assert isinstance(read, Message)
    assert (read, read.values) == (MESSAGE, MESSAGE.values)
    reasons = read.values["reasons"]
    assert isinstance(reasons, Series)
    assert isinstance(reasons.texts[0], Message)


@pytest.mark.parametrize(
    "parts",
    [
        None,
        {},
        {"day": 0},
        {"text": "%(texts)s", "values": {"texts": {"series": [1]}}},
        {"text": "another text", "values": {}},
        {"text": "%(missing)s", "values": {}},
        {"text": "%(n)s", "values": {"n": {"number": 1, "digits": 1, "form": "unknown"}}},
        {"text": "%(day)s", "values": {"day": {"day": 10**20}}},
    ],
)
def test_a_text_whose_parts_do_not_give_it_is_returned_unchanged(parts: object) -> None:
    assert with_parts(TEXT, parts) == TEXT
    assert not isinstance(with_parts(TEXT, parts), Message)
    assert parts_of(TEXT) is None
