"""Codes of ids that are not whole numbers."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foreseen.data.encoding import FIRST_CODE, USER_LIMIT, Encoding, IdCodes
from foreseen.data.identifiers import UNKNOWN
from foreseen.data.rating_scale import RatingScale


def codes_of(*ids: str, limit: int = USER_LIMIT) -> IdCodes:
    return IdCodes(limit).extended([pl.Series("userId", list(ids))])


def test_whole_numbers_are_their_own_codes() -> None:
    ids = pl.Series("userId", [1, 0, 671])
    codes = IdCodes(USER_LIMIT).extended([ids])
    assert not codes.names
    assert codes.encode(ids).to_list() == [1, 0, 671]
    assert codes.decode(ids).to_list() == [1, 0, 671]
    assert codes.code("671") == codes.code(671) == 671


IDS = st.text(min_size=1, max_size=12) | st.integers(0, 2**70).map(str)


@given(st.lists(IDS, min_size=1, max_size=30))
def test_every_id_survives_encoding_and_decoding(ids: list[str]) -> None:
    column = pl.Series("userId", ids)
    codes = codes_of(*ids)
    encoded = codes.encode(column)
    assert encoded.dtype == pl.Int64()
    assert encoded.n_unique() == column.n_unique()
    assert encoded.min() >= 0  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]
    assert [str(value) for value in codes.decode(encoded)] == ids
    assert [codes.code(value) for value in ids] == encoded.to_list()
    assert [str(codes.identifier(code)) for code in encoded] == ids


def test_a_code_is_the_same_in_every_data_set() -> None:
    one, other = codes_of("tt0114369", "a"), codes_of("b", "tt0114369", "z")
    assert one.code("tt0114369") == other.code("tt0114369") >= FIRST_CODE


def test_codes_stay_when_ids_are_added() -> None:
    codes = codes_of("x", "y")
    more = codes.extended([pl.Series("userId", ["a", "x"])])
    assert [more.code(name) for name in ("x", "y")] == [codes.code(name) for name in ("x", "y")]
    assert codes.extended([pl.Series("userId", ["y", "17"])]) is codes


def test_an_id_without_a_code_is_unknown() -> None:
    codes = codes_of("x")
    assert codes.code("y") == UNKNOWN
    assert codes.encode(pl.Series("userId", ["x", "y", "3"])).to_list() == [codes.code("x"), -1, 3]


@pytest.mark.parametrize("identifier", ["9223372036854775807", "9007199254740993"])
def test_numbers_that_json_rounds_are_returned_as_text(identifier: str) -> None:
    codes = codes_of(identifier)
    assert codes.identifier(codes.code(identifier)) == identifier


def test_ids_that_accounts_use_get_a_code() -> None:
    codes = IdCodes(USER_LIMIT).extended([pl.Series("userId", [1, USER_LIMIT + 5])])
    assert codes.code(USER_LIMIT + 5) >= FIRST_CODE
    assert codes.identifier(codes.code(USER_LIMIT + 5)) == USER_LIMIT + 5


def test_tables_have_codes_and_stars_inside() -> None:
    table = pl.DataFrame({"userId": ["u", "7"], "movieId": [3, 2], "rating": [10.0, 1.0]})
    encoding = Encoding(scale=RatingScale(1, 10, 1)).extended([table])
    encoded = encoding.encode(table)
    assert encoded["userId"][1] == 7
    assert encoded["movieId"].to_list() == [3, 2]
    assert encoded["rating"].to_list() == [5.0, 0.5]
    assert encoding.decode(encoded).equals(table)
