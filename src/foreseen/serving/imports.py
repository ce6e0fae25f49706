"""Taking in what a person has rated elsewhere."""

from collections.abc import Mapping

from foreseen.data.sources.exports import Provider, read_export
from foreseen.data.title_matching import MatchReport, match_export
from foreseen.serving.dependencies import Service, now
from foreseen.serving.snapshot import World
from foreseen.serving.store import Rated, User


def take_in(
    service: Service,
    world: World,
    user: User,
    data: bytes,
    name: str,
    provider: Provider,
    choices: Mapping[int, int] | None = None,
) -> tuple[MatchReport, int]:
    """Match an export and keep what was matched.

    Returns:
        What became of every rating, and how many of the kept ones are new or changed.

    Raises:
        DataError: If the file is not of the provider's layout.
    """
    report = match_export(read_export(data, name, provider), world.titles, choices)
    moment = now()
    known = {entry.movie: entry.rated for entry in service.store.ratings(user.id)}
    rated: list[Rated] = []
    for match in report.matched:
        movie, at = match.candidates[0].movie, min(match.rating.timestamp or moment, moment)
        # What was rated here since is newer than the export; one without dates may be of any age.
        if movie in known and (match.rating.timestamp is None or at <= known[movie]):
            continue
        rated.append(Rated(movie, match.rating.stars, at))
    changed = service.store.rate(user.id, rated)
    counts = {
        "matched": len(report.matched),
        "changed": changed,
        "ambiguous": len(report.ambiguous),
        "missing": len(report.missing),
    }
    service.store.add_import(user.id, moment, provider, counts)
    return report, changed
