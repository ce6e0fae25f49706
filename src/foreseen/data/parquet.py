"""Tables as the bytes of a Parquet file."""

import io

import polars as pl


def to_parquet(frame: pl.DataFrame) -> bytes:
    """Return a table as the content of a Parquet file."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def from_parquet(data: bytes, schema: pl.Schema | None = None) -> pl.DataFrame:
    """Return the table of a Parquet file.

    Args:
        data: Content of the file.
        schema: Columns to return, converted to these types; None for all columns as they are.

    Raises:
        ValueError: If the content is damaged, or lacks a column or has one of another type.
    """
    try:
        frame = pl.read_parquet(data)
        if schema is None:
            return frame
        missing = [name for name in schema if name not in frame.columns]
        if missing:
            raise ValueError(f"no column {', '.join(missing)}")
        return frame.select(*schema).cast(schema)  # pyright: ignore[reportArgumentType]
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise ValueError((str(error).splitlines() or [type(error).__name__])[0]) from error
