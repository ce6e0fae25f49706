"""Reading of Parquet files of unknown origin, after a check in a process of its own.

A damaged file can end the process that reads it: Polars may ask for more memory than there is, on
which Rust aborts. A file whose checksum is verified needs no check.
"""

import subprocess
import sys
from typing import Final

import polars as pl

from foreseen.data.parquet import from_parquet

_TIMEOUT: Final = 600.0
_MAX_ROWS: Final = 20_000_000
_MAX_ROWS_PER_BYTE: Final = 20
_MAGIC: Final = b"PAR1"
_CHECK: Final = f"""
import io, sys
import polars as pl
content = sys.stdin.buffer.read()
try:
    rows = pl.scan_parquet(io.BytesIO(content)).select(pl.len()).collect().item()
    if rows > max({_MAX_ROWS}, {_MAX_ROWS_PER_BYTE} * len(content)):
        sys.exit("it states " + str(rows) + " rows, too many for its size")
    pl.read_parquet(content)
except Exception as error:
    sys.exit(str(error))
"""


def from_unknown_parquet(content: bytes) -> pl.DataFrame:
    """Return the table of a Parquet file.

    Raises:
        ValueError: If it is damaged, or states over 20 million rows and over 20 per byte.
    """
    if not content.startswith(_MAGIC) or not content.endswith(_MAGIC):
        raise ValueError("it does not begin and end with PAR1")
    command = [sys.executable, "-I", "-c", _CHECK]
    try:
        child = subprocess.run(
            command, input=content, capture_output=True, check=False, timeout=_TIMEOUT
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"it cannot be read within {_TIMEOUT:.0f} s") from error
    if child.returncode:
        text = child.stderr.decode(errors="replace").strip()
        is_reason = child.returncode == 1 and "panicked" not in text
        raise ValueError(text.splitlines()[0] if is_reason and text else "its content is damaged")
    return from_parquet(content)
