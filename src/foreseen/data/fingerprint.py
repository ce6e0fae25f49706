"""A fingerprint of a data set together with settings, to name stored results by."""

import hashlib
import json
from importlib.metadata import version

from foreseen.data.canonical import Tables


def fingerprint(tables: Tables, *parts: object) -> str:
    """Return 16 hexadecimal digits that depend on the tables, `parts` and the package's version.

    Args:
        tables: The data; ratings and movies count.
        parts: Everything else that the results depend on, serialisable as JSON.

    Raises:
        TypeError: If a part cannot be serialised.
    """
    document = [
        int(tables.ratings.hash_rows(seed=0).sum()),
        tables.ratings.height,
        int(tables.movies.hash_rows(seed=0).sum()),
        version("foreseen"),
        *parts,
    ]
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()[:16]
