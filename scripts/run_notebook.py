"""Execute a notebook from top to bottom and store it with its outputs, without timings."""

import sys
from pathlib import Path
from typing import cast

import nbformat
from nbclient import NotebookClient


def main(file: Path) -> None:
    """Execute a notebook in its folder and write it back."""
    notebook = cast("nbformat.NotebookNode", nbformat.read(file, as_version=4))
    folder = {"metadata": {"path": str(file.parent)}}
    NotebookClient(notebook, record_timing=False, resources=folder).execute()
    nbformat.write(notebook, file)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
