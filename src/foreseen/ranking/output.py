"""Rankings as CSV, Parquet or JSON files."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from foreseen.data.output import sink_table, table_format, write_table
from foreseen.data.schema import GENRES, HIGH, LOW, MOVIE, PREDICTION, TITLE, USER, YEAR
from foreseen.data.sources.fields import convert_ids
from foreseen.files import write_atomically, write_text

if TYPE_CHECKING:
    from foreseen.ranking.results import Ranking

_DECIMALS: Final = 6
_SCHEMA: Final = pl.Schema(
    {
        USER: pl.String(),
        "rank": pl.Int64(),
        MOVIE: pl.String(),
        TITLE: pl.String(),
        YEAR: pl.Int64(),
        GENRES: pl.List(pl.String()),
        PREDICTION: pl.Float64(),
        LOW: pl.Float64(),
        HIGH: pl.Float64(),
        "likely": pl.Float64(),
        "why": pl.String(),
    }
)


def write_rankings(rankings: "Sequence[Ranking]", file: Path) -> None:
    """Write rankings of some users: in CSV and Parquet one row per movie, in JSON one per user.

    Raises:
        InputError: If the extension is of no format.
    """
    if table_format(file) == ".json":
        document = [ranking.as_json() for ranking in rankings]
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        write_text(file, text)
        return
    rows = [
        (
            str(ranking.user), rank, str(entry.movie), entry.title, entry.year, list(entry.genres),
            entry.prediction, entry.low, entry.high, entry.likely, entry.why,
        )
        for ranking in rankings
        for rank, entry in enumerate(ranking.recommendations, start=1)
    ]  # fmt: skip
    table = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    table = table.with_columns(convert_ids(table[USER]), convert_ids(table[MOVIE]))
    write_table(table, file, _DECIMALS)


def write_all_rankings(files: Sequence[Path], columns: Sequence[pl.Expr], out: Path) -> None:
    """Write the rankings of all users, as `write_rankings` does, without holding all in memory.

    Args:
        files: Parquet files of consecutive users, with the columns userId, rank, movieId,
            prediction, low, high and, unless ranked by rating, likely; users in sequence, movies in
            rank order.
        columns: Columns to replace.
        out: The file to write.

    Raises:
        InputError: If the extension is of no format.
    """
    if table_format(out) == ".json":
        write_atomically(out, partial(_write_json, files, columns))
    else:
        sink_table(pl.scan_parquet(list(files)).with_columns(columns), out, _DECIMALS)


def _write_json(files: Sequence[Path], columns: Sequence[pl.Expr], out: Path) -> None:
    """Write a list with an object per user."""
    movie = pl.struct(pl.exclude(USER, "rank"))
    with out.open("w", encoding="utf-8") as stream:
        stream.write("[")
        separator = ""
        for file in files:
            table = pl.read_parquet(file).with_columns(columns)
            table = table.group_by(USER, maintain_order=True).agg(recommendations=movie)
            table = table.with_columns(known=pl.lit(value=True))
            users = table.select(USER, "known", "recommendations").write_json()[1:-1]
            if users:
                stream.write(separator + users)
                separator = ","
        stream.write("]")
