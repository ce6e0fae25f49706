"""Checks on whole tables: the scale of the ratings, repeated ratings, the share of bad rows."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from foreseen.data.ordering import count_distinct
from foreseen.data.output import write_rows
from foreseen.data.rating_scale import STARS, RatingScale, detect_scale
from foreseen.data.schema import MOVIE, RATING, RATINGS_SCHEMA, TIME_ORDER, USER
from foreseen.data.sources import RawTables
from foreseen.data.sources.rows import LINE, BadRow, BadRows, RowText
from foreseen.errors import DataError, InputError

_MAX_BAD_SHARE: Final = 0.01
_MAX_SHOWN: Final = 10
_WHOLE: Final = r"^[0-9]+$"
_logger: Final = logging.getLogger(__name__)


def scale_of(raw: RawTables) -> RatingScale:
    """Return the scale that the ratings of a source seem to be on, and log an unusual one.

    Raises:
        DataError: If they are on no usual scale.
    """
    try:
        scale = detect_scale(raw.ratings[RATING].to_numpy()) if raw.ratings.height else STARS
    except InputError as error:
        raise DataError(f"{raw.ratings_file}: {error}") from error
    if not scale.has_ratings:
        _logger.warning(
            "%s has likes or views, without ratings to predict; rankings are by likelihood",
            raw.ratings_file,
        )
    elif not scale.is_stars:
        _logger.warning(
            "%s: ratings are taken to be on the scale %s; to give another: --scale LOW:HIGH",
            raw.ratings_file,
            scale,
        )
    return scale


def ratings_on_scale(raw: RawTables, scale: RatingScale) -> tuple[pl.DataFrame, list[BadRow]]:
    """Return the ratings on a scale; and the others, as bad rows."""
    is_valid = pl.Series(scale.contains(raw.ratings[RATING].to_numpy()))
    if is_valid.all():
        return raw.ratings, []
    bad = BadRows(raw.ratings_file)
    for row in raw.ratings.filter(~is_valid).iter_rows(named=True):
        value = row[RATING]
        reason = f"rating should be on the scale {scale}. Received: {value:g}"
        bad.add(_row_text(row), reason, raw.ratings.height)
    return raw.ratings.filter(is_valid), bad.found


def _row_text(row: Mapping[str, Any]) -> RowText:
    text = ",".join(str(row[name]) for name in RATINGS_SCHEMA)
    return RowText(row[LINE], text, {})


def warn_of_odd_ids(ratings: pl.DataFrame, file: str) -> None:
    """Log a warning if a few ids are texts among whole numbers, as typing errors are."""
    for name in (USER, MOVIE):
        if ratings.schema[name] != pl.String():
            continue
        odd = ratings.filter(~pl.col(name).str.contains(_WHOLE)).sort(*TIME_ORDER, LINE)
        if 0 < odd.height <= _MAX_BAD_SHARE * ratings.height:
            _logger.warning(
                "%s: %s of %s values of %s are no whole numbers, such as '%s' in line %s",
                file, f"{odd.height:,}", f"{ratings.height:,}", name, odd[name][0], odd[LINE][0],
            )  # fmt: skip


def without_duplicates(ratings: pl.DataFrame, file: str) -> tuple[pl.DataFrame, list[BadRow]]:
    """Keep the first rating of each (user, movie) pair; return the later ones as bad rows.

    Keeping the last one would leak the future into a point-in-time history.
    """
    if count_distinct(ratings, (USER, MOVIE)) == ratings.height:
        return ratings, []
    ordered = ratings.sort(*TIME_ORDER, LINE)
    first = ordered.unique([USER, MOVIE], keep="first", maintain_order=True)
    repeated = ordered.join(first, on=LINE, how="anti").join(
        first.select(USER, MOVIE, first_line=LINE), on=[USER, MOVIE]
    )
    bad = BadRows(file)
    for row in repeated.iter_rows(named=True):
        reason = f"user {row[USER]} already rated movie {row[MOVIE]} in line {row['first_line']}"
        bad.add(_row_text(row), reason, ordered.height)
    return first, bad.found


def skip(bad: Sequence[BadRow], rows: int, file: Path | None, allowed: float | None) -> None:
    """List bad rows in a CSV file.

    Args:
        bad: The bad rows.
        rows: Number of rows, good and bad.
        file: The file; None if bad rows are an error.
        allowed: Largest share of bad rows; None for a hundredth.

    Raises:
        DataError: If bad rows are an error, or there are too many.
    """
    if file is None:
        raise DataError(_message(bad))
    allowed = _MAX_BAD_SHARE if allowed is None else allowed
    if len(bad) > allowed * rows:
        raise DataError(
            f"{bad[0]}; {len(bad):,} of {rows:,} rows are bad, more than {allowed:.2%}: correct "
            "the file, or allow more with --max-bad-rows SHARE"
        )
    table = ((row.file, row.line, row.reason, row.text) for row in bad)
    write_rows(["file", "line", "reason", "text"], table, file)


def _message(bad: Sequence[BadRow]) -> str:
    shown = [f"  {row}" for row in bad[:_MAX_SHOWN]]
    if len(bad) > _MAX_SHOWN:
        shown.append(f"  and {len(bad) - _MAX_SHOWN} more")
    count = "1 bad row" if len(bad) == 1 else f"{len(bad)} bad rows"
    fix = "correct the file, or skip and list such rows with --skip-bad-rows FILE"
    return "\n".join([f"{count}; {fix}:", *shown])
