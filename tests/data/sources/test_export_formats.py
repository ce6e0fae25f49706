"""The layouts of the services, as they are in the wild."""

import json
from typing import cast

import pytest
from tests.data.samples import zipped
from tests.data.sources.export_samples import (
    EXPORTS,
    JELLYFIN_ITEMS,
    MAY_4,
    SIMKL_BACKUP,
    SIMKL_TABLE,
)

from foreseen.data.sources.exports import EXPORT_FORMATS, Provider, read_export
from foreseen.errors import DataError

DATELESS = {"movielens", "movary"}
OTHERS: dict[Provider, dict[str, int]] = {
    "tmdb": {"not rated": 1, "episode": 1},
    "jellyfin": {"Episode": 1},
    "csv": {"not rated": 1},
}


def test_there_is_a_sample_of_every_service() -> None:
    assert list(EXPORTS) == list(EXPORT_FORMATS)


@pytest.mark.parametrize("provider", EXPORTS)
def test_a_rating_is_read_with_its_film_date_and_ids(provider: Provider) -> None:
    export = read_export(EXPORTS[provider].encode(), "file", provider)
    heat = next(rating for rating in export.ratings if rating.title == "Heat")
    assert (heat.year, heat.stars) == (1995, 4.5)
    assert heat.timestamp == (None if provider in DATELESS else MAY_4)
    assert heat.imdb == (None if provider in {"letterboxd", "csv"} else "113277")
    assert (export.service, export.unreadable) == (provider, ())
    assert export.skipped == OTHERS.get(provider, {})


@pytest.mark.parametrize("provider", EXPORTS)
def test_the_service_of_a_file_is_recognised(provider: Provider) -> None:
    text = EXPORTS[provider]
    assert read_export(text.encode(), "file", None).service == provider
    assert read_export(b"\xef\xbb\xbf" + text.encode(), "file", None).service == provider
    name = "ratings-movies.json" if provider == "trakt" else "ratings.csv"
    name = (
        f"backup{'.json' if text.startswith(('[', '{')) else '.csv'}"
        if (provider in {"simkl", "jellyfin"})
        else name
    )
    archive = zipped(**{f"x/{name}": text, "readme.txt": "x"})
    assert read_export(archive, "file.zip", None).service == provider


@pytest.mark.parametrize("provider", EXPORTS)
@pytest.mark.parametrize("other", EXPORTS)
def test_the_wrong_service_names_the_right_one(provider: Provider, other: Provider) -> None:
    fits_all = {"letterboxd", "csv"}  # These read any table with a title and a rating.
    if provider == other or other in fits_all:
        return
    with pytest.raises(DataError, match=rf"looks like .*\({provider}\)"):
        read_export(EXPORTS[provider].encode(), "file", other)
    name = "backup.json" if EXPORTS[provider].startswith(("[", "{")) else "ratings.csv"
    name = "ratings-movies.json" if provider == "trakt" else name
    with pytest.raises(DataError, match=rf"\({provider}\)"):
        read_export(zipped(**{name: EXPORTS[provider]}), "file.zip", other)


@pytest.mark.parametrize("data", [b"a,b\n1,2\n", b'{"a": [1]}', b"[]", b"no table"])
def test_a_file_that_no_service_wrote_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match=r"file is not recognised; name .* --from: letterboxd, im"):
        read_export(data, "file")


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "file is empty"), (b"\0\1", "binary"), (b"[{]", "invalid JSON"), (b"PK\x03\x04", "zip")],
)
def test_a_file_that_cannot_be_read_is_not_called_unknown(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_export(data, "file")


def test_a_file_of_the_zip_that_is_not_of_the_service_is_left_out() -> None:
    history = "title,year,tmdbId,imdbId,watchedAt,comment\nHeat,1995,949,tt0113277,2024-05-04,\n"
    files = {"a/lists.csv": "a,b\n1,2\n", "a/ratings.csv": EXPORTS["movary"], "a/h.csv": history}
    export = read_export(zipped(**files), "movary.zip", "movary")
    assert (len(export.ratings), len(export.listed), export.skipped) == (1, 1, {})


def test_series_of_simkl_are_known_by_their_imdb_id_only() -> None:
    export = read_export(json.dumps(SIMKL_BACKUP).encode(), "SimklBackup.json", "simkl")
    series = {rating.title: (rating.only_by_id, rating.kind) for rating in export.ratings}
    assert series == {"Dark": (True, "show"), "Akira": (False, ""), "Heat": (False, "")}
    assert [rating.tmdb for rating in export.ratings if rating.only_by_id] == [None]


def test_the_table_of_simkl_is_read() -> None:
    export = read_export(SIMKL_TABLE.encode(), "SimklBackup.csv", None)
    assert export.service == "simkl"
    assert [(r.title, r.stars, r.tmdb, r.timestamp) for r in export.ratings] == [
        ("Heat", 4.5, "949", MAY_4)
    ]
    assert [(film.title, film.film_list) for film in export.listed] == [("Alien", "watchlist")]
    assert export.skipped == {"tv": 1}


def test_points_of_tmdb_below_one_are_read() -> None:
    text = EXPORTS["tmdb"].replace(",9.0,", ",0.5,", 1)
    assert read_export(text.encode(), "ratings.csv", "tmdb").ratings[0].stars == 0.5


def test_a_list_of_items_of_jellyfin_is_read() -> None:
    items = [{**JELLYFIN_ITEMS[0], "OriginalTitle": "Heat!"}]
    export = read_export(json.dumps(items).encode(), "items.json", None)
    assert [(r.title, r.original_title, r.tmdb) for r in export.ratings] == [
        ("Heat", "Heat!", "949")
    ]


def test_a_long_series_does_not_spoil_a_backup_of_simkl() -> None:
    episodes = [{"number": n, "watched_at": "2024-05-04T00:00:00Z"} for n in range(1500)]
    backup = {**SIMKL_BACKUP, "shows": [{**SIMKL_BACKUP["shows"][0], "seasons": [episodes]}]}
    assert len(read_export(json.dumps(backup).encode(), "b.json", None).ratings) == 3


def test_a_show_of_trakt_is_known_by_its_imdb_id_only() -> None:
    entries = cast("list[dict[str, object]]", json.loads(EXPORTS["trakt"]))
    show = {"title": "Dark", "year": 2017, "ids": {"imdb": "tt5753856", "tmdb": 70523}}
    entries.append({"rating": 9, "type": "show", "show": show})
    entries.append({"rating": 9, "type": "episode", "show": show, "episode": {"title": "x"}})
    export = read_export(json.dumps(entries).encode(), "r.json", "trakt")
    assert [(r.only_by_id, r.tmdb) for r in export.ratings] == [(False, "949"), (True, None)]
    assert export.skipped == {"episode": 1}


SLASHED = "04/05/2024"


@pytest.mark.parametrize("provider", [name for name in EXPORTS if name not in DATELESS])
def test_an_ambiguous_date_keeps_the_rating_and_is_counted(provider: Provider) -> None:
    text = EXPORTS[provider]
    for date in (
        "2024-05-04T00:00:00.0000000Z",
        "2024-05-04T00:00:00.000Z",
        "2024-05-04T00:00:00Z",
    ):
        text = text.replace(date, "2024-05-04")
    export = read_export(text.replace("2024-05-04", SLASHED).encode(), "file", provider)
    heat = next(rating for rating in export.ratings if rating.title == "Heat")
    assert (heat.stars, heat.timestamp, heat.has_ambiguous_date) == (4.5, None, True)
    assert export.ambiguous_dates >= 1
    assert read_export(EXPORTS[provider].encode(), "file", provider).ambiguous_dates == 0


@pytest.mark.parametrize("provider", ["letterboxd", "imdb", "simkl", "tmdb", "movary", "csv"])
def test_a_table_that_a_spreadsheet_saved_is_read(provider: Provider) -> None:
    text = SIMKL_TABLE if provider == "simkl" else EXPORTS[provider]
    text = text.replace(", ", " ").replace(",", ";").replace(";4.5", ";4,5").replace("9.0", "9,0")
    export = read_export(text.encode(), "file", provider)
    assert [rating.stars for rating in export.ratings if rating.title == "Heat"] == [4.5]
