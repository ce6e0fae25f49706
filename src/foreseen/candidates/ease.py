"""What goes with what in whole histories: a linear autoencoder in closed form (EASE: Steck, 2019).

Each movie's presence in a history is foretold from the presence of the others by ridge regression,
all at once: of the weights B = I - P / diag(P), P is the inverse of the movies' co-occurrence with
a ridge. Only movies that many have watched take part. A fit knows the log before a moment and
answers for later ones; there is one for every growth of the log by three tenths, worked out when
it is asked for.
"""

import threading
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

RECONSTRUCTED: Final = (
    "reconstructed_flat",
    "reconstructed_level",
    "reconstructed",
    "reconstructed_liked",
)
"""What a history foretells of a movie, its own movies counting all alike, by the root of 1 / age,
by 1 / age, and by how much more than the history's mean each was liked."""
_MOVIES: Final = 1500
_FEWEST_VIEWS: Final = 3
_RIDGE: Final = 300.0
_GROWTH: Final = 1.3
_FIRST: Final = 1000
_KEPT: Final = 16
_USERS_AT_ONCE: Final = 4096


@dataclass(frozen=True)
class Autoencoder:
    """A fit to a log before a moment.

    Attributes:
        movies: Rows of the catalogue that take part, of shape M.
        weights: What each of them (row) foretells of each (column), of shape M x M.
    """

    movies: NDArray[np.intp]
    weights: NDArray[np.float32]

    def reconstruct(
        self, watched: NDArray[np.int32], rating: NDArray[np.float64], count: int
    ) -> NDArray[np.float64]:
        """Return what a history foretells of every movie, of shape count x 4: `RECONSTRUCTED`.

        Args:
            watched: Rows of its movies, oldest first, of shape H.
            rating: What they were given, of shape H.
            count: Movies of the catalogue.
        """
        found = np.zeros((count, len(RECONSTRUCTED)))
        if not len(self.movies) or not len(watched):
            return found
        places = np.searchsorted(self.movies, watched)
        places = np.minimum(places, len(self.movies) - 1)
        taking_part = self.movies[places] == watched
        age = np.arange(len(watched), 0, -1)[taking_part]
        gain = (rating - rating.mean())[taking_part]
        weights = np.stack([np.ones(len(age)), age**-0.5, 1 / age, gain]).astype(np.float32)
        found[self.movies] = (weights @ self.weights[places[taking_part]]).T
        return found


@dataclass(eq=False)
class Autoencoders:
    """The fits of a log, the latest asked for remembered.

    Attributes:
        user, movie, timestamp: The log, in time order, of shape E.
        count: Movies of the catalogue.
    """

    user: NDArray[np.int32]
    movie: NDArray[np.int32]
    timestamp: NDArray[np.int64]
    count: int
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: "OrderedDict[int, Future[Autoencoder]]" = field(
        default_factory=OrderedDict[int, "Future[Autoencoder]"]
    )

    def before(self, moment: int) -> Autoencoder | None:
        """Return the latest fit that knows nothing of a moment or later; None if there is none."""
        size = int(np.searchsorted(self.timestamp, moment))
        place = _FIRST
        while (following := int(place * _GROWTH)) <= size:
            place = following
        if place > size:
            return None
        # Of the second in which the log reached that size nothing: it may not be whole.
        reached = int(self.timestamp[place - 1])
        return self._fit(int(np.searchsorted(self.timestamp, reached)))

    def _fit(self, size: int) -> Autoencoder:
        with self._lock:
            coming = self._kept.get(size)
            if mine := coming is None:
                coming = self._kept[size] = Future()
            self._kept.move_to_end(size)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        if mine:
            # Outside the lock: who asks for another fit need not wait for this one.
            try:
                coming.set_result(fit_autoencoder(self.user[:size], self.movie[:size], self.count))
            except BaseException as error:
                with self._lock:
                    self._kept.pop(size, None)
                coming.set_exception(error)
        return coming.result()


def fit_autoencoder(user: NDArray[np.int32], movie: NDArray[np.int32], count: int) -> Autoencoder:
    """Fit to who watched what, of shape E.

    Args:
        user: Rows of users.
        movie: Rows of movies.
        count: Movies of the catalogue.
    """
    views = np.bincount(movie, minlength=count)
    most = np.sort(np.argsort(-views, kind="stable")[:_MOVIES])
    movies = most[views[most] >= _FEWEST_VIEWS]
    place = np.full(count, -1)
    place[movies] = np.arange(len(movies))
    column, takes_part = place[movie], place[movie] >= 0
    owners, row = np.unique(user[takes_part], return_inverse=True)
    column = column[takes_part]
    together = np.zeros((len(movies), len(movies)), dtype=np.float32)
    for start in range(0, len(owners), _USERS_AT_ONCE):
        stop = min(start + _USERS_AT_ONCE, len(owners))
        some = (row >= start) & (row < stop)
        watched = np.zeros((stop - start, len(movies)), dtype=np.float32)
        watched[row[some] - start, column[some]] = 1
        together += watched.T @ watched
    together[np.diag_indices(len(together))] += _RIDGE
    # Counts in single precision are exact, and the ridge keeps the inverse tame.
    inverse = np.linalg.inv(together)
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return Autoencoder(movies, weights.astype(np.float32))
