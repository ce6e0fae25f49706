"""Side information: features of the priors of movies and users, beside the ratings.

The features of a user depend on which movies were rated, not on the stars (the implicit feedback
of Koren, 2008). They are the attributes of these movies and the user's coordinates along the
leading directions of the matrix of who watched what (its truncated singular value decomposition,
by the randomised method of Halko et al., 2011). The features of a movie are its genres, year and
number of ratings, and the mean coordinates of its viewers along the same directions.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from foreseen.compute.truncated_svd import sparse_matrix, truncated_svd
from foreseen.data.catalogue import Catalogue
from foreseen.models.factors.user_posterior import ATTRIBUTE_DAMPING

_MIDDLE_YEAR: Final = 1985.0
_VIEWS_DAMPING: Final = 3.0
_VIEWERS_DAMPING: Final = 5.0


@dataclass(frozen=True)
class SideInformation:
    """Features of a catalogue's C movies; the last row is that of the unknown movie.

    Attributes:
        movies: Features of each movie's prior, with a constant first, of shape (C + 1) x F'.
        content: Contribution of each movie to the features of its viewers, of shape
            (C + 1) x (A + W): attributes, then watch directions.
        directions: W, the number of watch directions.
    """

    movies: NDArray[np.float64]
    content: NDArray[np.float64]
    directions: int


def side_information(
    catalogue: Catalogue,
    user: NDArray[np.intp],
    movie: NDArray[np.int32],
    directions: int,
) -> SideInformation:
    """Compute the features from who watched what; the order of the log does not matter.

    Args:
        catalogue: C movies.
        user: Users numbered 0 to U - 1, of shape E.
        movie: Rows of the catalogue, of shape E.
        directions: Maximum number of watch directions; 0 for none.
    """
    views = np.bincount(movie, minlength=len(catalogue) + 1).astype(np.float64)
    weight = views / max(views.sum(), 1)
    genres = catalogue.genres - weight @ catalogue.genres
    genres[-1] = 0
    unknown = np.isnan(catalogue.years)
    year = np.where(unknown, 0, (catalogue.years - _MIDDLE_YEAR) / 15)
    popularity = np.log1p(views)
    popularity -= weight @ popularity
    columns = [np.ones_like(year), genres, year, year**2 - 1, np.maximum(year - 0.5, 0), unknown]
    columns += [popularity / 2, popularity**2 / 8, views == 0]
    # Year and popularity last among the attributes: the fold-in finds them there.
    content = np.column_stack([genres, year - weight @ year, popularity / 2])
    content[-1] = 0
    watch = _watch_directions(user, movie, views, directions)
    if watch is not None:
        loadings, viewers = watch
        content = np.column_stack([content, loadings])
        columns.append(viewers)
    used = 0 if watch is None else watch[0].shape[1]
    return SideInformation(np.column_stack(columns).astype(np.float64), content, used)


def _watch_directions(
    user: NDArray[np.intp],
    movie: NDArray[np.int32],
    views: NDArray[np.float64],
    directions: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return each movie's contribution to its viewers' coordinates, and their mean coordinates.

    Both are scaled to a standard deviation of one, over users and over watched movies.
    """
    lengths = np.bincount(user).astype(np.float64)
    rank = min(directions, len(lengths) - 2, int((views > 0).sum()) - 2)
    if rank < 1:
        return None
    damped = np.sqrt(views + _VIEWS_DAMPING)
    weights = 1 / (np.sqrt(lengths[user]) * damped[movie])
    matrix = sparse_matrix(user, movie, weights, (len(lengths), len(views)))
    _, leading = truncated_svd(matrix, rank)
    users: NDArray[np.float64] = (matrix @ torch.from_numpy(leading)).numpy()
    scale = users.std(axis=0) + 1e-9
    watched_by = sparse_matrix(movie, user, np.ones(len(user)), (len(views), len(lengths)))
    viewers: NDArray[np.float64] = (watched_by @ torch.from_numpy(users / scale)).numpy()
    viewers /= (views + _VIEWERS_DAMPING)[:, None]
    watched = views > 0
    viewers -= viewers[watched].mean(axis=0)
    viewers[~watched] = 0
    loadings = leading / damped[:, None] / scale
    return loadings, viewers / (viewers[watched].std(axis=0) + 1e-9)


def user_features(
    starts: NDArray[np.int64],
    movie: NDArray[np.signedinteger],
    content: NDArray[np.float64],
    directions: int,
) -> NDArray[np.float64]:
    """Return the features of H histories, of shape H x F: a constant, attributes, directions.

    Args:
        starts: Where each history begins, of shape H + 1.
        movie: Rows of the catalogue, history by history, of shape E.
        content: See `SideInformation`.
        directions: Number of watch directions.
    """
    counts = np.diff(starts).astype(np.float64)
    history = np.repeat(np.arange(len(counts)), np.diff(starts))
    sums = np.zeros((len(counts), content.shape[1]))
    np.add.at(sums, history, content[movie])
    attributes = content.shape[1] - directions
    sums[:, :attributes] /= (counts + ATTRIBUTE_DAMPING)[:, None]
    sums[:, attributes:] /= np.sqrt(np.maximum(counts, 1))[:, None]
    return np.column_stack([np.ones(len(counts)), sums])
