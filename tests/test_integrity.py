"""Checksums of bytes and of JSON documents."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreseen.integrity import from_json, sha256, to_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_a_checksum_is_that_of_the_standard() -> None:
    assert sha256(b"abc").startswith("ba7816bf8f01cfea")


@given(document=st.dictionaries(st.text(), VALUES, max_size=4))
def test_a_document_is_read_as_it_was_written(document: dict[str, object]) -> None:
    document.pop("checksum", None)
    assert from_json(to_json(document)) == (document, True)


@given(document=st.dictionaries(st.text(), VALUES, max_size=4), place=st.integers(0, 10**6))
def test_a_changed_byte_is_found_or_changes_nothing(
    document: dict[str, object], place: int
) -> None:
    document.pop("checksum", None)
    content = bytearray(to_json(document))
    content[place % len(content)] ^= 4
    try:
        found, has_checksum = from_json(bytes(content))
    except ValueError:
        return
    # The name of the checksum itself has changed if there is none.
    assert found == document if has_checksum else set(found) > set(document)


def test_a_document_without_a_checksum_is_read_and_reported() -> None:
    assert from_json(b'{"a": 1}') == ({"a": 1}, False)


def test_keys_may_be_written_in_another_order() -> None:
    document = json.loads(to_json({"a": 1, "b": [2]}))
    reordered = json.dumps(dict(reversed(document.items()))).encode()
    assert from_json(reordered) == ({"a": 1, "b": [2]}, True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\x00", "not UTF-8 text"),
        (b"[1]", "not a JSON object"),
        (b"{", "not valid JSON"),
        (b'{"a": ' + 9000 * b"9" + b"}", "integer string conversion"),
        (100_000 * b"[", "nested too deeply"),
        (b'{"a": 1, "checksum": "ab"}', "does not match its checksum"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_other_content_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        from_json(content)
