"""Extracts the texts of the pages, and updates the catalogues of all languages.

    python scripts/update_messages.py            # all languages
    python scripts/update_messages.py fr         # creates the catalogue of a new one, too

New texts have no translation yet; those that are no longer used are removed. A text that changed
keeps no translation, because a similar text may mean something else.
"""

import sys
from pathlib import Path
from typing import Any, cast

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg  # pyright: ignore[reportUnknownVariableType]
from babel.messages.pofile import read_po, write_po

from foreseen.serving.languages import LOCALES, SOURCE, catalogue_file, language_codes

ROOT = Path(__file__).parents[1]
KEYWORDS = {"_": (1,), "gettext": (1,), "ngettext": (1, 2), "Message": (1,)}
HEADER = "# Texts of the pages of Foreseen; `make messages` adds and removes texts."


def extract() -> Catalog:
    """Return the texts of the code, with the files that they are in."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = cast("Any", parse_mapping_cfg)(file, "babel.cfg")
    catalogue = Catalog(fuzzy=False)
    found = extract_from_dir(ROOT / "src", methods, options, keywords=KEYWORDS)
    for file, _, message, comments, context in found:
        place = (f"src/{Path(file).as_posix()}", 1)
        catalogue.add(message, None, [place], auto_comments=comments, context=context)
    return catalogue


def main() -> None:
    """Update the catalogues, and print how many texts have no translation."""
    template = extract()
    for code in {*language_codes(), *sys.argv[1:]} - {SOURCE}:
        file = catalogue_file(code)
        catalogue = Catalog(code, project="foreseen", header_comment=HEADER, fuzzy=False)
        if file.exists():
            with file.open("rb") as source:
                catalogue = read_po(source, code)
        template.creation_date = catalogue.creation_date
        catalogue.update(template, no_fuzzy_matching=True, update_header_comment=False)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as out:
            write_po(out, catalogue, width=0, ignore_obsolete=True, include_lineno=False)
        missing = sum(1 for entry in catalogue if entry.id and not any(entry.string or ()))
        print(f"{file.relative_to(LOCALES.parents[3])}: {missing} texts without a translation")


if __name__ == "__main__":
    main()
