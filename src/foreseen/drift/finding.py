"""A finding: what changed in a log, since when, by how much, and on what evidence."""

from dataclasses import dataclass, replace
from typing import Any

from foreseen.data.rating_scale import RatingScale
from foreseen.drift import finding_text
from foreseen.drift.stream_spec import IN_STARS
from foreseen.messages import Day, Figure, Message


@dataclass(frozen=True)
class Finding:
    """A change, with the stream that names it.

    A change that is not named yet has the stream that is its most likely name.

    Attributes:
        kind: Kind of the stream.
        label: Name of the stream within its kind.
        unit: Unit of the stream.
        is_concept_drift: Whether users rate differently, so that the model has to be retrained.
        since: Second of the first rating after the change.
        earliest: First second of the interval in which the change lies.
        latest: Last second of it.
        found: Second of the rating at which the change was confirmed.
        named: Second of the last rating that its name depends on; None if it is not named yet.
        before: Mean before the change.
        after: Mean after it.
        ratings: Ratings of the log from the change until it was named.
        evidence: Ratings of the stream after the change.
        deviations: Difference of the standardised means, in standard errors.
        explains: Alarms of other streams that the change explains.
    """

    kind: str
    label: str
    unit: str
    is_concept_drift: bool
    since: int
    earliest: int
    latest: int
    found: int
    named: int | None
    before: float
    after: float
    ratings: int
    evidence: int
    deviations: float
    explains: "tuple[Finding, ...]" = ()

    def __str__(self) -> str:
        return self.message

    @property
    def message(self) -> Message:
        """The finding in a sentence."""
        values: dict[str, object] = {
            "subject": finding_text.subject(self.kind, self.label),
            "since": Day(self.since),
            "before": finding_text.level(self.before, self.unit),
            "after": finding_text.level(self.after, self.unit),
            "evidence": self._evidence,
        }
        if self.after > self.before:
            return Message(
                "%(subject)s up since %(since)s: %(before)s before, %(after)s after (%(evidence)s)",
                **values,
            )
        return Message(
            "%(subject)s down since %(since)s: %(before)s before, %(after)s after (%(evidence)s)",
            **values,
        )

    @property
    def _evidence(self) -> Message:
        """When the change was, when it was found and named, and on how much evidence."""
        values: dict[str, object] = {
            "earliest": Day(self.earliest),
            "latest": Day(self.latest),
            "found": Day(self.found),
            "evidence": Figure(self.evidence),
            "deviations": Figure(abs(self.deviations), 1),
        }
        if self.named is None:
            return Message(
                "changed between %(earliest)s and %(latest)s, found %(found)s, not named for "
                "certain yet: %(evidence)s ratings, %(deviations)s standard errors",
                **values,
            )
        if self.named > self.found:
            return Message(
                "changed between %(earliest)s and %(latest)s, found %(found)s, named %(named)s on "
                "%(evidence)s ratings, %(deviations)s standard errors",
                **values,
                named=Day(self.named),
            )
        return Message(
            "changed between %(earliest)s and %(latest)s, found %(found)s on %(evidence)s ratings, "
            "%(deviations)s standard errors",
            **values,
        )

    def is_named_since(self, second: int) -> bool:
        """Return whether the finding got its name at a second or later."""
        return self.named is not None and self.named >= second

    def on_scale(self, scale: RatingScale) -> "Finding":
        """Return the finding with means on the scale of the data, where they are in stars."""
        if scale.is_stars:
            return self
        explains = tuple(finding.on_scale(scale) for finding in self.explains)
        if self.unit != IN_STARS:
            return replace(self, explains=explains)
        before, after = self.before * scale.per_star, self.after * scale.per_star
        return replace(
            self, unit=f"on the scale {scale}", before=before, after=after, explains=explains
        )

    def as_json(self) -> dict[str, Any]:
        """Return the finding as `metrics.json` and the command line contain it."""
        return {
            "what": self.kind,
            "which": self.label,
            "since": self.since,
            "earliest": self.earliest,
            "latest": self.latest,
            "found": self.found,
            "named": self.named,
            "before": self.before,
            "after": self.after,
            "ratings": self.ratings,
            "evidence": self.evidence,
            "deviations": self.deviations,
            "sentence": str(self),
            "explains": [str(finding) for finding in self.explains],
        }
