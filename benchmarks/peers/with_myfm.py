"""myFM: Bayesian factorisation machines on ids, and with implicit feedback and genres."""

import numpy as np
import scipy.sparse as sps
from exchange import Task, index
from myfm import MyFMRegressor, RelationBlock

SWEEPS = 200

task = Task.from_command_line()
known, test = task.known, task.test
users, user = index(np.concatenate([known.user, test.user]))
movies, movie = index(np.concatenate([known.movie, test.movie]))
count = len(known.user)
shape = (len(users), len(movies))
watched = sps.csr_matrix((np.ones(count), (user[:count], movie[:count])), shape=shape)


def scaled(matrix: sps.csr_matrix) -> sps.csr_matrix:
    """Scale rows of a binary matrix to length one (the implicit feedback of Koren, 2008)."""
    length = np.sqrt(np.maximum(np.asarray(matrix.sum(axis=1)).ravel(), 1))
    return sps.diags(1 / length) @ matrix


user_blocks, movie_blocks = [sps.identity(shape[0])], [sps.identity(shape[1])]
if task.model == "implicit feedback and genres":
    names = sorted({name for movie_genres in task.genres.values() for name in movie_genres})
    columns_of = {name: n for n, name in enumerate(names)}
    cells = [(n, columns_of[g]) for n, m in enumerate(movies) for g in task.genres.get(int(m), [])]
    rows, columns = np.array(cells).T
    genres = sps.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(shape[1], len(names)))
    user_blocks.append(scaled(watched))
    movie_blocks += [scaled(watched.T.tocsr()), genres]
groups = [block.shape[1] for block in (*user_blocks, *movie_blocks)]
blocks = [sps.hstack(parts).tocsr() for parts in (user_blocks, movie_blocks)]


def relations(part: slice) -> list[RelationBlock]:
    return [RelationBlock(user[part], blocks[0]), RelationBlock(movie[part], blocks[1])]


machine = MyFMRegressor(random_seed=0, **task.settings)
machine.fit(
    None,
    known.rating,
    X_rel=relations(slice(0, count)),
    n_iter=SWEEPS,
    n_kept_samples=SWEEPS - 20,
    group_shapes=groups,
)
task.write_ratings(machine.predict(None, relations(slice(count, None))))
