"""Sorting by packed columns gives what a sort by the columns gives."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foreseen.data.ordering import count_distinct, sorted_by

NAMES = ("a", "b", "c")
SMALL = st.integers(0, 3)
WIDE = st.sampled_from((-(2**63), -1, 0, 2**40, 2**52 + 1, 2**63 - 1))
ROWS = st.lists(st.tuples(*[SMALL | WIDE] * 3), max_size=30) | st.lists(
    st.tuples(*[SMALL | st.integers(2**29, 2**30)] * 3), max_size=30
)


def numbered(rows: list[tuple[int, ...]]) -> pl.DataFrame:
    table = pl.DataFrame(rows, schema=dict.fromkeys(NAMES, pl.Int64()), orient="row")
    return table.with_row_index("place")


@settings(max_examples=200, deadline=None)
@given(ROWS, st.integers(1, 3))
def test_rows_are_sorted_as_by_columns_and_equal_rows_keep_their_order(
    rows: list[tuple[int, ...]], width: int
) -> None:
    table, names = numbered(rows), NAMES[:width]
    expected = table.sort(names, maintain_order=True)
    assert sorted_by(table, names).equals(expected)
    assert sorted_by(expected, names).equals(expected)
    assert count_distinct(table, names) == table.select(names).n_unique()


@pytest.mark.parametrize("values", [["b", "a", "b"], [2.5, 1.0, 2.5], [2, None, 2]])
def test_other_columns_are_sorted_too(values: list[object]) -> None:
    table = pl.DataFrame({"a": values, "place": [0, 1, 2]}, strict=False)
    assert sorted_by(table, ("a",))["place"].to_list() == [1, 0, 2]
    assert count_distinct(table, ("a",)) == 2
