"""Import of a user's ratings from an export of another service."""

import time
from collections.abc import Mapping

from foreseen.data.sources.exports import Provider, read_export
from foreseen.data.title_matching import MatchReport, TitleIndex, match_export
from foreseen.serving.store import Store, StoredRating


def store_export(
    store: Store,
    index: TitleIndex,
    user: int,
    data: bytes,
    name: str,
    provider: Provider,
    choices: Mapping[int, int] | None = None,
) -> tuple[MatchReport, int]:
    """Match the entries of an export to movies and store the ratings of those that match.

    Args:
        store: The store.
        index: Index of the catalogue.
        user: Id of the user.
        data: The content of the file.
        name: The name of the file.
        provider: The service that made it.
        choices: Movie ids by line, to resolve ambiguous entries.

    Returns:
        The match report, and the number of ratings that are new or changed.

    Raises:
        DataError: If the file does not have the provider's layout.
    """
    report = match_export(read_export(data, name, provider), index, choices)
    moment = int(time.time())
    rated_at = {entry.movie: entry.rated for entry in store.ratings(user)}
    imported: list[StoredRating] = []
    for match in report.matched:
        movie, at = match.candidates[0].movie, min(match.rating.timestamp or moment, moment)
        # A rating given here later than in the export stays; so does any if the export has no date.
        if movie in rated_at and (match.rating.timestamp is None or at <= rated_at[movie]):
            continue
        imported.append(StoredRating(movie, match.rating.stars, at))
    changed = store.rate(user, imported)
    counts = {
        "matched": len(report.matched),
        "changed": changed,
        "ambiguous": len(report.ambiguous),
        "missing": len(report.missing),
    }
    store.add_import(user, moment, provider, counts)
    return report, changed
