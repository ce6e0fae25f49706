"""What is known of movies and watch lists, whoever works it out beside."""

import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from foreseen.features.interaction_log import InteractionLog
from foreseen.models.factors.side_information import side_information


@pytest.fixture
def impatient_threads() -> Generator[None]:
    """Threads that take turns as often as they can, so that they meet at every place."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("impatient_threads")
def test_threads_that_work_side_by_side_get_what_one_alone_gets(log: InteractionLog) -> None:
    user, movie = log.user[:300].astype(np.intp), log.movie[:300]

    def content(_: int) -> bytes:
        found = side_information(log.catalogue, user, movie, 20)
        return found.content.tobytes() + found.movies.tobytes()

    alone = content(0)
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(content, range(150))) == {alone}
