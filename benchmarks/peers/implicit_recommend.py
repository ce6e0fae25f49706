"""implicit: processor time of its batch `recommend` from given factors.

Called as `python implicit_recommend.py FACTORS K BATCH`. FACTORS is an npz file with `users`,
`movies`, and `watched_by` and `watched`, the pairs to leave out. Reads a line of standard input per
run and prints the seconds of each, after a first run that is not counted.
"""

import sys
import time

import numpy as np
import scipy.sparse as sps
from implicit.als import AlternatingLeastSquares

file, k, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
arrays = np.load(file)
users, movies = arrays["users"], arrays["movies"]
pairs = (arrays["watched_by"], arrays["watched"])
ones = np.ones(len(pairs[0]), np.float32)
watched = sps.csr_matrix((ones, pairs), shape=(len(users), len(movies)))
model = AlternatingLeastSquares(factors=users.shape[1], num_threads=1)
model.user_factors, model.item_factors = users, movies


def recommend() -> float:
    begun = time.process_time()
    for first in range(0, len(users), batch):
        rows = np.arange(first, min(first + batch, len(users)))
        model.recommend(rows, watched[rows], N=k, filter_already_liked_items=True)
    return time.process_time() - begun


recommend()
print("ready", flush=True)
for _ in sys.stdin:
    print(recommend(), flush=True)
