"""Tables as CSV, Parquet or JSON files."""

import csv
import json
from pathlib import Path

import polars as pl
import pytest

from foreseen.data.output import escape_formula, table_format, write_rows, write_table
from foreseen.errors import InputError

FORMULAS = [
    '=HYPERLINK("http://x.test")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1",
    "＝1",
]  # fmt: skip
TABLE = pl.DataFrame(
    {
        "movieId": [-1, 2],
        "title": ["=1+1", 'Amélie, "the"'],
        "genres": [["-x", "Drama"], ["Comedy"]],
        "low": [-0.5, 4.123456789],
    }
)


@pytest.mark.parametrize("text", FORMULAS)
def test_a_cell_that_a_spreadsheet_would_run_is_escaped(text: str, tmp_path: Path) -> None:
    assert escape_formula(text) == f"'{text}"
    file = tmp_path / "table.csv"
    write_table(pl.DataFrame({"title": [text, "plain", None]}), file)
    with file.open(encoding="utf-8", newline="") as rows:
        assert list(csv.reader(rows))[1] == [f"'{text}"]


@pytest.mark.parametrize("text", ["", "Heat", "M*A*S*H", "10 - 1", "'tis", "#1", "(500) Days"])
def test_other_text_is_kept(text: str) -> None:
    assert escape_formula(text) == text


def test_csv_escapes_text_joins_lists_and_keeps_numbers(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "table.CSV", float_precision=6)
    assert (tmp_path / "table.CSV").read_text(encoding="utf-8") == (
        "movieId,title,genres,low\n"
        "-1,'=1+1,'-x|Drama,-0.500000\n"
        '2,"Amélie, ""the""",Comedy,4.123457\n'
    )


def test_parquet_and_json_have_the_text_as_it_is(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "table.parquet")
    assert pl.read_parquet(tmp_path / "table.parquet").equals(TABLE)
    write_table(TABLE, tmp_path / "table.json")
    assert json.loads((tmp_path / "table.json").read_bytes()) == TABLE.to_dicts()


@pytest.mark.parametrize("name", ["table", "table.txt", "table.csv.gz", ".csv"])
def test_another_extension_is_refused_with_those_that_exist(name: str) -> None:
    with pytest.raises(InputError, match=r"\.csv, \.parquet, \.json\. Received: "):
        table_format(Path(name))


def test_rows_are_written_with_numbers_as_they_are_and_formulas_escaped(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "rows.csv"
    write_rows(["line", "text"], [[-1, "=A1,1"], [2, "4,5\udcff"]], file)
    assert file.read_bytes() == b'line,text\r\n-1,"\'=A1,1"\r\n2,"4,5\xff"\r\n'
