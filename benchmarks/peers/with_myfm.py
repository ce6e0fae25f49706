"""myFM: Bayesian factorisation machines, plain, and with implicit lists and genres."""

import numpy as np
import scipy.sparse as sps
from exchange import Task, number
from myfm import MyFMRegressor, RelationBlock

SWEEPS = 200

task = Task.given()
known, asked = task.known, task.asked
users, user = number(np.concatenate([known.user, asked.user]))
movies, movie = number(np.concatenate([known.movie, asked.movie]))
count = len(known.user)
shape = (len(users), len(movies))
watched = sps.csr_matrix((np.ones(count), (user[:count], movie[:count])), shape=shape)


def listed(matrix: sps.csr_matrix) -> sps.csr_matrix:
    """Scale rows to length one: a list weighs as much however long it is."""
    length = np.sqrt(np.maximum(np.asarray(matrix.sum(axis=1)).ravel(), 1))
    return sps.diags(1 / length) @ matrix


about_users, about_movies = [sps.identity(shape[0])], [sps.identity(shape[1])]
if task.model == "with lists and genres":
    names = sorted({name for own in task.genres.values() for name in own})
    place = {name: n for n, name in enumerate(names)}
    marks = [(n, place[g]) for n, m in enumerate(movies) for g in task.genres.get(int(m), [])]
    rows, columns = np.array(marks).T
    genres = sps.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(shape[1], len(names)))
    about_users.append(listed(watched))
    about_movies += [listed(watched.T.tocsr()), genres]
groups = [block.shape[1] for block in (*about_users, *about_movies)]
blocks = [sps.hstack(parts).tocsr() for parts in (about_users, about_movies)]


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
task.rate(machine.predict(None, relations(slice(count, None))))
