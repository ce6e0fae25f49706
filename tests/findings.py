"""A drift finding to replace parts of."""

from foreseen.drift.finding import Finding

FOUND = Finding(
    kind="level",
    label="all",
    unit="stars",
    is_concept_drift=True,
    since=100,
    earliest=90,
    latest=110,
    found=200,
    named=200,
    before=0.0,
    after=-0.5,
    ratings=50,
    evidence=50,
    deviations=-8.0,
)
