"""Tables that are computed block by block, so that a run that was ended can be resumed."""

import hashlib
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from glob import escape
from importlib.metadata import version
from pathlib import Path

import numpy as np
import polars as pl

from foreseen.files import is_stream, write_atomically
from foreseen.models.base import Model


class BlockStore:
    """The blocks of a table, each in a Parquet file of a folder."""

    def __init__(self, folder: Path) -> None:
        """Use the blocks that the folder has; it need not exist."""
        self._folder = folder
        self._files: set[Path] = set()

    @property
    def files(self) -> list[Path]:
        """The files of the blocks, in the order of their names."""
        return sorted(self._files)

    def holds(self, name: str) -> bool:
        """Return whether an earlier run has stored the block of a name, and it can be read."""
        file = self._file(name)
        try:
            pl.read_parquet(file)
        except (OSError, pl.exceptions.PolarsError):
            # Missing, or damaged: blocks can be computed again.
            return False
        self._files.add(file)
        return True

    def write(self, name: str, block: pl.DataFrame) -> None:
        """Store the block of a name."""
        write_atomically(self._file(name), block.write_parquet)
        self._files.add(self._file(name))

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.parquet"


@contextmanager
def stored_blocks(file: Path, key: str) -> Generator[BlockStore]:
    """Yield a store for the blocks of a table until the table is written.

    The blocks are in a hidden folder beside the file, which is deleted after the block of code,
    unless it raises: then the next run with the same key uses them.

    Args:
        file: The file of the table. For a FIFO or a device nothing is kept.
        key: What the blocks depend on, as `key_of` returns it.
    """
    if is_stream(file):
        with tempfile.TemporaryDirectory() as scratch:
            yield BlockStore(Path(scratch))
        return
    yield BlockStore(file.parent / f".{file.name}.{key}.unfinished")
    for folder in file.parent.glob(f".{escape(file.name)}.*.unfinished"):
        shutil.rmtree(folder, ignore_errors=True)


def key_of(model: Model, *parts: object) -> str:
    """Return 16 hexadecimal digits that depend on all that the predictions of a model depend on.

    Args:
        model: The model.
        parts: Everything else that the blocks depend on, with a `repr` that shows it.
    """
    log = model.log
    digest = hashlib.sha256(version("foreseen").encode())
    described = (
        model.name,
        model.predictor.settings,
        model.uncertainty,
        model.next_item,
        model.scale,
        model.encoding,
        len(log.users),
        int(log.ratings.hash_rows(seed=0).sum()),
        int(log.catalogue.table.hash_rows(seed=0).sum()),
        parts,
    )
    digest.update(repr(described).encode())
    arrays = dict(model.predictor.arrays())
    if model.sequence is not None:
        arrays |= {f"sequence {name}": array for name, array in model.sequence.arrays().items()}
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
