"""The rules for ids, ratings and timestamps."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreseen.data.schema import TIMESTAMP, USER
from foreseen.data.sources.fields import convert_columns, convert_ids, parse_field, parse_id


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("862", "862"),
        ("862.0", "862"),
        (" 7 ", "7"),
        ("0", "0"),
        ("007", "007"),
        ("-1", "-1"),
        ("1.5", "1.5"),
        ("tt0114369", "tt0114369"),
        ("9223372036854775807", "9223372036854775807"),
        ("550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440000"),
        ("Zoë Ω", "Zoë Ω"),
    ],
)
def test_any_text_is_an_id(text: str, identifier: str) -> None:
    assert parse_id("userId", text) == identifier
    assert convert_ids(pl.Series("userId", [text, "x"])).to_list() == [identifier, "x"]


@pytest.mark.parametrize("text", ["", " ", "9" * 5000, "a\x1bb", "a\u202eb"])
def test_an_id_is_not_empty_and_has_no_control_characters(text: str) -> None:
    with pytest.raises(ValueError, match=r"^movieId (is|should) .{6,150}$"):
        parse_id("movieId", text)
    assert convert_ids(pl.Series("movieId", [text, "x"])).to_list() == [None, "x"]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (pl.Series([1.0, 2.0]), [1, 2]),
        (pl.Series([1, 2], dtype=pl.UInt8), [1, 2]),
        (pl.Series(["1", "2.0"]), [1, 2]),
        (pl.Series([-1, 2]), ["-1", "2"]),
        (pl.Series([1.5, 2.0, float("nan")]), ["1.5", "2", None]),
        (pl.Series(["a", "b"], dtype=pl.Categorical()), ["a", "b"]),
        (pl.Series([2**64 - 1], dtype=pl.UInt64), [str(2**64 - 1)]),
    ],
)
def test_ids_of_a_column_are_numbers_if_all_are(ids: pl.Series, expected: list[object]) -> None:
    assert convert_ids(ids).to_list() == expected


@pytest.mark.parametrize(
    ("text", "unit", "seconds"),
    [
        ("1112486027", "seconds", 1_112_486_027),
        ("1112486027.9", "seconds", 1_112_486_027),
        ("1112486027900", "milliseconds", 1_112_486_027),
        ("2005-04-02 23:53:47", "seconds", 1_112_486_027),
        ("2005-04-02T23:53:47Z", "seconds", 1_112_486_027),
        ("2005-04-03T01:53:47.5+02:00", "seconds", 1_112_486_027),
        ("2005-04-02 23:53:47 UTC", "seconds", 1_112_486_027),
        ("2005-04-02", "seconds", 1_112_400_000),
    ],
)
def test_a_timestamp_is_a_number_or_a_date(text: str, unit: str, seconds: int) -> None:
    assert parse_field(TIMESTAMP, text, unit) == seconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-5", "0 or more"),
        ("1260759144000", r"\(milliseconds\?\)"),
        ("1260759144000000", r"\(microseconds\?\)"),
        ("1969-12-31", "0 or more"),
        ("2100-01-01", "before the year 2100"),
        ("2005-13-45", "a date as in"),
        ("0001-01-01T00:00:00+23:00", "should be"),
        ("yesterday", "a number"),
    ],
)
def test_a_timestamp_out_of_range_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_field(TIMESTAMP, text)


@pytest.mark.parametrize(
    ("factor", "unit"),
    [
        (1, "seconds"),
        (1000, "milliseconds"),
        (1_000_000, "microseconds"),
        (1_000_000_000, "nanoseconds"),
    ],
)
def test_the_unit_of_a_column_is_found(factor: int, unit: str) -> None:
    column = pl.DataFrame({TIMESTAMP: [1_112_486_027 * factor, 978_300_760 * factor]})
    for frame in (column, column.cast(pl.String), column.cast(pl.Float64)):
        seconds, found = convert_columns(frame)
        assert found == unit
        assert seconds[TIMESTAMP].to_list() == [1_112_486_027, 978_300_760]


@given(st.lists(st.text(alphabet="0123456789.eE+-_ infa:T", max_size=20) | st.text(max_size=5)))
def test_columns_are_converted_by_the_rules_of_single_fields(texts: list[str]) -> None:
    frame = pl.DataFrame(
        {USER: texts, TIMESTAMP: texts}, schema={USER: pl.String, TIMESTAMP: pl.String}
    )
    converted, unit = convert_columns(frame)
    for name in (USER, TIMESTAMP):
        for text, value in zip(texts, converted[name], strict=True):
            assert value is None or str(value) == str(parse_field(name, text, unit))
