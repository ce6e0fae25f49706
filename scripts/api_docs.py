"""Write the API documentation of every module, with pdoc."""

import pkgutil
import sys
import warnings
from pathlib import Path

import pdoc
import pdoc.render

import foreseen

# Steps that Alembic runs, not modules that anybody imports.
_MIGRATIONS = "foreseen.serving.store.migrations"


def main(out: Path) -> None:
    """Document the package and all that is in it."""
    # Names of the package are looked up when used; pdoc reads what is there already.
    for name in foreseen.__all__:
        setattr(foreseen, name, getattr(foreseen, name))
    modules = [
        info.name
        for info in pkgutil.walk_packages(foreseen.__path__, "foreseen.")
        if not info.name.startswith(_MIGRATIONS)
    ]
    # pdoc goes into packages by itself unless they have an __all__, and says so each time.
    warnings.filterwarnings("ignore", message="The module specification")
    pdoc.render.configure(docformat="google")
    pdoc.pdoc("foreseen", *modules, f"!{_MIGRATIONS}.*", output_directory=out)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
