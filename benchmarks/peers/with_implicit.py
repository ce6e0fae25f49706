"""implicit: alternating least squares; EASE and recent popularity, which need no library."""

import numpy as np
import scipy.sparse as sps
from exchange import Task, index
from implicit.als import AlternatingLeastSquares

DAY = 86_400

task = Task.from_command_line()
known = task.known
users, user = index(known.user)
movies, movie = index(known.movie)
shape = (len(users), len(movies))
watched = sps.csr_matrix((np.ones(len(user), np.float32), (user, movie)), shape=shape)


def watched_by(rows: np.ndarray) -> sps.csr_matrix:
    return watched[int(user[rows[0]])]


if task.model == "ALS":
    model = AlternatingLeastSquares(random_state=0, num_threads=1, **task.settings)
    model.fit(watched, show_progress=False)
    task.rank(lambda rows: model.item_factors @ model.user_factors[user[rows[0]]], movies)
elif task.model == "EASE":
    # Steck (2019), over the movies with two or more ratings.
    often = np.flatnonzero(np.bincount(movie) > 1)
    gram = (watched[:, often].T @ watched[:, often]).toarray().astype(np.float64)
    gram[np.diag_indices(len(often))] += task.settings["regularization"]
    inverse = np.linalg.inv(gram)
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    task.rank(lambda rows: (watched_by(rows)[:, often] @ weights)[0], movies[often])
else:
    age = (known.timestamp.max() - known.timestamp) / DAY
    recent = np.bincount(movie, weights=0.5 ** (age / task.settings["half_life_days"]))
    task.rank(lambda _: recent, movies)
