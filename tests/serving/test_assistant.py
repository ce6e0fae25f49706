"""`foreseen mcp`, by the client of the protocol's own package over standard input and output."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import TextContent

from foreseen.errors import InputError
from foreseen.serving.assistant import find_person
from foreseen.serving.store import Store

PROGRAM = "from foreseen.cli import main; main()"


async def call_all(folder: Path, log: Path, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """Return the names of the tools, and the structured content or the error of each call."""
    arguments = ["-c", PROGRAM, "mcp", str(folder)]
    server = StdioServerParameters(command=sys.executable, args=arguments)
    with log.open("w") as errors:
        async with Client(stdio_client(server, errors)) as client:
            found: list[Any] = [{tool.name for tool in (await client.list_tools()).tools}]
            for name, values in calls:
                result = await client.call_tool(name, values)
                shown = [part.text for part in result.content if isinstance(part, TextContent)]
                found.append("".join(shown) if result.is_error else result.structured_content)
            return found


def test_an_assistant_searches_rates_and_recommends_from_the_ratings_of_the_page(
    folder: Path, tmp_path: Path
) -> None:
    store = Store(f"sqlite:///{folder.parent / 'm.db'}")
    person = store.add_guest(1)
    names, found, rated, sheet, ranked, predicted, *errors = asyncio.run(
        call_all(
            folder,
            tmp_path / "log",
            ("search_movies", {"query": "godfathr", "limit": 1}),
            ("rate_movie", {"movie": 858, "rating": 4.5}),
            ("movie_details", {"movie": 858}),
            ("recommend_movies", {"k": 5, "genres": ["Crime"], "by": "blend"}),
            ("predict_ratings", {"movies": [318, 593]}),
            ("rate_movie", {"movie": 858, "rating": 7}),
            ("movie_details", {"movie": "no such id"}),
            ("recommend_movies", {"genres": ["Cooking"]}),
            ("recommend_movies", {"k": 1000}),
        )
    )
    assert names == {
        *("search_movies", "movie_details", "rate_movie", "recommend_movies", "predict_ratings")
    }
    assert found["movies"][0]["title"] == "The Godfather"
    assert rated == {"movieId": 858, "rating": 4.5, "ratings": 1}
    assert (sheet["rating"], sheet["year"]) == (4.5, 1972)
    assert sheet["prediction"]["low"] <= sheet["prediction"]["prediction"]
    assert (ranked["ratings"], len(ranked["recommendations"])) == (1, 5)
    assert all("Crime" in entry["genres"] for entry in ranked["recommendations"])
    assert 858 not in [entry["movieId"] for entry in ranked["recommendations"]]
    assert [entry["movieId"] for entry in predicted["predictions"]] == [318, 593]
    for error, text in zip(errors, ("from 0.5 to 5", "no such id", "Cooking", "100"), strict=True):
        assert text in error
    assert [(entry.movie, entry.rating) for entry in store.ratings(person.id)] == [(858, 4.5)]
    store.close()
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_the_person_is_the_one_named_or_the_only_one(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'ratings.db'}")
    first = find_person(store, None)
    assert find_person(store, None) == first
    for name in ("ann", "ben"):
        guest = store.add_guest(2)
        store.sign_up(guest.id, name, "digest", "viewer")
        if name == "ann":
            assert find_person(store, None).name == "ann"
    assert find_person(store, "Ben").name == "ben"
    with pytest.raises(InputError, match="several accounts"):
        find_person(store, None)
    with pytest.raises(InputError, match="no account 'eve'"):
        find_person(store, "eve")
    store.close()


def test_nothing_of_the_protocol_is_imported_by_other_commands() -> None:
    code = "import sys, foreseen.cli, foreseen.serving.app; print('mcp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
