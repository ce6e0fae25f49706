"""Values of any types as text."""

import pytest

from foreseen.data.sources.values import text_columns


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, None, 12345678901234567], ["1", None, "12345678901234567"]),
        ([3.5, 4.0], ["3.5", "4.0"]),
        ([True, False, None], ["1", "0", None]),
        (["a", None, ""], ["a", None, ""]),
        ([b"\xc3\xa9", None], ["é", None]),
        ([b"\xff", b"A"], ["\ufffd", "A"]),
        ([1, "1", 1.5, b"1", True], ["1", "1", "1.5", "1", "1"]),
        ([2**70, 1], [str(2**70), "1"]),
        ([None, None], [None, None]),
        ([[1], {"a": 1}], ["[1]", "{'a': 1}"]),
        ([[1], [2]], ["[1]", "[2]"]),
        ([], []),
    ],
)
def test_values_become_text(values: list[object], expected: list[str | None]) -> None:
    assert text_columns({"a": values})["a"].to_list() == expected
