"""Streaming of the entries of JSON documents."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreseen.data.sources import json_entries
from foreseen.data.sources.json_entries import read_entries
from foreseen.errors import DataError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.lists(VALUES), st.sampled_from([None, 0, 3]), st.integers(1, 40))
def test_the_entries_of_a_list_are_those_of_the_json_module(
    values: list[object], indent: int | None, block: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_entries, "_BLOCK", block)
        data = json.dumps(values, indent=indent, ensure_ascii=False).encode()
        assert [entry for _, entry in read_entries(data, "f")] == values


def test_the_lists_of_an_object_are_read_with_their_keys() -> None:
    data = b'\xef\xbb\xbf {"a": 1, "b": [1, 2], "c": {"d": [3]}, "e": [], "f": [{"g": 4}] } '
    assert list(read_entries(data, "f")) == [("b", 1), ("b", 2), ("f", {"g": 4})]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "should be a JSON list or object"),
        (b"7", "should be a JSON list or object"),
        (b"[1, 2", "f: invalid JSON in entry 2: ',' is missing"),
        (b"[1,, 2]", "invalid JSON in entry 2: Expecting value"),
        (b"[1] 2", "text after the end"),
        (b'{"a"}', "':' is missing"),
        (b"{1: 2}", "a key should be text"),
        (b"[" * 30_000, "brackets are too deep"),
        (b"[" + b"9" * 5000 + b"]", "a number is too long"),
        (b'["' + b"x" * 600_000 + b'"]', "it has over 524,288 characters"),
        (b'["' + b"x" * 2_000_000 + b'"]', "invalid JSON"),
        (b"{" + b'"":0,' * 2000 + b'"":0}', "over 1,000 keys"),
        (b'[{"a": "\0"}]', "binary"),
    ],
)
def test_other_documents_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(read_entries(data, "f"))
