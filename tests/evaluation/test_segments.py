import polars as pl
from tests.conftest import ratings_of

from foreseen.data.catalogue import Catalogue
from foreseen.data.schema import MOVIES_SCHEMA
from foreseen.evaluation.segments import with_activity, with_cell
from foreseen.features.interaction_log import InteractionLog


def test_activity_buckets_include_their_edges() -> None:
    events = with_activity(pl.DataFrame({"known": [0, 1, 5, 6, 20, 21, 100, 101]}))
    assert events["activity"].to_list() == [
        "0", "1-5", "1-5", "6-20", "6-20", "21-100", "21-100", ">100",
    ]  # fmt: skip


def test_a_cell_depends_on_the_fitted_log_alone() -> None:
    catalogue = Catalogue.of(pl.DataFrame(schema=MOVIES_SCHEMA))
    fitted = InteractionLog.of(ratings_of((1, 10, 3.0, 1), (2, 11, 3.0, 2)), catalogue)
    events = ratings_of((1, 11, 4.0, 5), (1, 12, 4.0, 6), (3, 10, 4.0, 7), (3, 12, 4.0, 8))
    assert with_cell(events, fitted)["cell"].to_list() == [
        "known user, known movie", "new movie", "new user", "new user",
    ]  # fmt: skip
