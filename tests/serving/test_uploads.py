"""Matching of uploaded exports."""

import json

import pytest
from tests.data.samples import LETTERBOXD, zipped

from foreseen.serving.snapshot import ModelSnapshot
from foreseen.serving.uploads import Upload, match_upload


@pytest.mark.parametrize(
    ("data", "small"),
    [
        (LETTERBOXD.encode(), True),
        (b"x" * (1 << 18), False),
        (zipped(**{"ratings.csv": LETTERBOXD}), True),
        (zipped(**{"ratings.csv": "x" * (1 << 20)}), False),
        (zipped(**{"ratings.csv": LETTERBOXD})[:100], True),
    ],
    ids=["file", "large file", "zip", "zip of a large file", "damaged zip"],
)
def test_size_counts_when_it_is_unpacked(data: bytes, small: bool) -> None:
    assert Upload(data, "export", "letterboxd", {}).is_small is small


def test_the_report_is_a_document_with_all_entries(snapshot: ModelSnapshot) -> None:
    upload = Upload(LETTERBOXD.encode(), "ratings.csv", "letterboxd", {})
    matched = match_upload(upload, snapshot.title_index)
    report = json.loads(matched.report)
    assert len(report["matched"]) == matched.counts["matched"] == len(matched.ratings) == 2
