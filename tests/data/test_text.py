"""Text from files that others wrote."""

import pytest

from foreseen.data.text import clean_text, decode, excerpt, split_rows
from foreseen.errors import DataError


def test_an_excerpt_is_short_and_printable() -> None:
    assert excerpt("Heat (1995)") == "Heat (1995)"
    assert excerpt("a\x1b[31m\u202eb\udc80") == r"a\x1b[31m\u202eb\udc80"
    assert excerpt("x" * 100, 10) == "x" * 10 + "..."
    assert len(excerpt("\U0010ffff" * 100)) < 170


def test_a_clean_text_has_no_control_characters() -> None:
    assert clean_text("  Am\u00e9lie\x1b[2J\n\u202e x\0y ") == "Am\u00e9lie [2J x y"
    assert clean_text("\u0645\u200c\u062e") == "\u0645\u200c\u062e"  # joiners are part of words
    assert clean_text("\ud800") == "?"


def test_text_is_decoded_from_utf_8_or_windows_1252() -> None:
    text = "Am\u00e9lie \u2013 \u201cM\u201d"
    for encoding in ("utf-8", "utf-8-sig", "cp1252"):
        assert decode(text.encode(encoding), "f") == text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a,b\n1,\0\n", r"f, line 2: a binary file"),
        (b"a" * 100_000 + b"\n\0", r"f, line 2: a binary file"),
        ("a,b".encode("utf-16"), "UTF-16"),
        (b'a,b\n1,"x\n2,3\n', r'f, line 2: a quote \("\) is opened and never closed'),
        (b'a,b\n1,"x' + b"\n1,2" * 2000, "line 2: a quote"),
        (b"a,b\n" + b"x" * 200_000, "line 2: a line should have at most 131,072 characters"),
        (b"a\n" * 11, "at most 10 lines"),
    ],
)
def test_text_that_cannot_be_split_is_refused_with_its_line(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(split_rows(data, "f", ",", 10_000 if len(data) > 30 else 10))


def test_only_line_ends_end_a_line() -> None:
    data = "1|a\x85b\u2028c\x0cd\r\n2|e\r3|f".encode()
    assert list(split_rows(data, "f", "|")) == [
        (1, ["1", "a\x85b\u2028c\x0cd"]),
        (2, ["2", "e"]),
        (3, ["3", "f"]),
    ]


def test_a_quoted_field_may_contain_line_ends() -> None:
    data = b'\n\na,"b\nc"\r\n\r\nd,"e"\n'
    assert list(split_rows(data, "f", ",")) == [(3, ["a", "b\nc"]), (6, ["d", "e"])]
