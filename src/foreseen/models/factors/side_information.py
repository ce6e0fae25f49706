"""What is known of movies and of watch lists beside the ratings, as features of their priors.

A user's prior is told what they watch, whatever they thought of it (the implicit feedback of
Koren, 2008), in two ways: by the attributes of the movies, and by the leading directions of the
matrix of who watched what (its truncated singular value decomposition, by the randomised method
of Halko et al., 2011). A movie's prior is told
its genres, year and views, and where its viewers stand along the same directions.
"""

import threading
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from foreseen.data.catalogue import Catalogue

_MIDDLE_YEAR: Final = 1985.0
_TASTE_DAMPING: Final = 5.0
_VIEWS_DAMPING: Final = 3.0
_COMPANY_DAMPING: Final = 5.0
_SPARE: Final = 10
_POWERS: Final = 6
_DRAWING: Final = threading.Lock()
"""PyTorch's decomposition draws from the one generator of the whole process."""


@dataclass(frozen=True)
class SideInformation:
    """Features of a catalogue's C movies; the last row is the unknown movie's.

    Attributes:
        movies: Features of each movie's prior, with a constant first, of shape (C + 1) x F'.
        content: What each movie adds to the features of who watches it, of shape
            (C + 1) x (A + W): attributes, then watch directions.
        directions: W, the number of the latter.
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
    """Work out the features from who watched what; the order of the log does not matter.

    Args:
        catalogue: C movies.
        user: Users numbered 0 to U - 1, of shape E.
        movie: Rows of the catalogue, of shape E.
        directions: Most leading directions of the watch matrix to keep; 0 for none.
    """
    views = np.bincount(movie, minlength=len(catalogue) + 1).astype(np.float64)
    weight = views / max(views.sum(), 1)
    genres = catalogue.genres - weight @ catalogue.genres
    genres[-1] = 0
    unknown = np.isnan(catalogue.years)
    year = np.where(unknown, 0, (catalogue.years - _MIDDLE_YEAR) / 15)
    popular = np.log1p(views)
    popular -= weight @ popular
    columns = [np.ones_like(year), genres, year, year**2 - 1, np.maximum(year - 0.5, 0), unknown]
    columns += [popular / 2, popular**2 / 8, views == 0]
    content = np.column_stack([genres, year - weight @ year, popular / 2])
    content[-1] = 0
    watch = _watch_directions(user, movie, views, directions)
    if watch is not None:
        lists, company = watch
        content = np.column_stack([content, lists])
        columns.append(company)
    used = 0 if watch is None else watch[0].shape[1]
    return SideInformation(np.column_stack(columns).astype(np.float64), content, used)


def _watch_directions(
    user: NDArray[np.intp],
    movie: NDArray[np.int32],
    views: NDArray[np.float64],
    directions: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return what each movie adds to its viewers' coordinates, and its viewers' mean ones.

    Both are scaled to a deviation of one, over users and over watched movies.
    """
    lengths = np.bincount(user).astype(np.float64)
    rank = min(directions, len(lengths) - 2, int((views > 0).sum()) - 2)
    if rank < 1:
        return None
    damped = np.sqrt(views + _VIEWS_DAMPING)
    weights = 1 / (np.sqrt(lengths[user]) * damped[movie])
    matrix = _sparse(user, movie, weights, (len(lengths), len(views)))
    with _DRAWING, torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        leading: NDArray[np.float64] = torch.svd_lowrank(
            matrix, q=min(rank + _SPARE, len(lengths), len(views)), niter=_POWERS
        )[2][:, :rank].numpy()
    users: NDArray[np.float64] = (matrix @ torch.from_numpy(leading)).numpy()
    spread = users.std(axis=0) + 1e-9
    seen = _sparse(movie, user, np.ones(len(user)), (len(views), len(lengths)))
    company: NDArray[np.float64] = (seen @ torch.from_numpy(users / spread)).numpy()
    company /= (views + _COMPANY_DAMPING)[:, None]
    watched = views > 0
    company -= company[watched].mean(axis=0)
    company[~watched] = 0
    lists = leading / damped[:, None] / spread
    return lists, company / (company[watched].std(axis=0) + 1e-9)


def _sparse(
    row: NDArray[np.integer],
    column: NDArray[np.integer],
    values: NDArray[np.float64],
    shape: tuple[int, int],
) -> torch.Tensor:
    indices = torch.from_numpy(np.stack([row, column]).astype(np.int64))
    return torch.sparse_coo_tensor(
        indices, torch.from_numpy(values), shape, check_invariants=True
    ).coalesce()


def user_features(
    starts: NDArray[np.int64],
    movie: NDArray[np.signedinteger],
    content: NDArray[np.float64],
    directions: int,
) -> NDArray[np.float64]:
    """Return the features of H histories, of shape H x F: a constant, then what kind they are."""
    counts = np.diff(starts).astype(np.float64)
    owner = np.repeat(np.arange(len(counts)), np.diff(starts))
    sums = np.zeros((len(counts), content.shape[1]))
    np.add.at(sums, owner, content[movie])
    attributes = content.shape[1] - directions
    sums[:, :attributes] /= (counts + _TASTE_DAMPING)[:, None]
    sums[:, attributes:] /= np.sqrt(np.maximum(counts, 1))[:, None]
    return np.column_stack([np.ones(len(counts)), sums])
