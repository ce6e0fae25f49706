"""Generated requests to a running server: none may be answered with a status of 500 or above.

The server is started here over a copy of a model, with an empty SQLite database; the requests are
sequences by several clients, generated from the OpenAPI description by schemathesis (see
`tests/serving/api/sequences.py`). The table has the number of responses by operation and status.

    python benchmarks/soak/api.py MODEL_DIR [--requests 10000]
"""

import argparse
import sys
from pathlib import Path
from typing import Final

import httpx
import schemathesis

_ROOT: Final = Path(__file__).parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "benchmarks")]

from server import CSRF_HEADER, served  # noqa: E402
from tables import markdown  # noqa: E402
from tests.serving.api.sequences import (  # noqa: E402
    ADMIN,
    Headers,
    run_sequences,
    session_headers,
)


def sign_up_administrator(address: str) -> Headers:
    """Create the account of the administrator; return the headers of its requests."""
    opened = httpx.post(f"{address}/api/v1/accounts", json=ADMIN, headers={CSRF_HEADER: "new"})
    opened.raise_for_status()
    return session_headers(opened.cookies["foreseen_session"], opened.json()["formKey"])


def main() -> None:
    """Send the requests and print the table; fail at the first wrong response."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a model folder")
    parser.add_argument("--requests", type=int, default=10_000)
    options = parser.parse_args()
    with served(options.folder, "--admin", ADMIN["name"]) as (address, *_):
        schema = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json")
        counts = run_sequences(schema, sign_up_administrator(address), options.requests)
        httpx.get(f"{address}/ready").raise_for_status()
    rows = [[label, str(status), str(count)] for (label, status), count in sorted(counts.items())]
    print(markdown(["operation", "status", "responses"], rows))
    print(f"{counts.total()} requests, none with a status of 500 or above")


if __name__ == "__main__":
    main()
