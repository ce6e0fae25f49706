"""river: biased matrix factorisation learned online, rating by rating, in time order."""

import numpy as np
from exchange import Task
from river import optim, reco

task = Task.given()
rate, penalty = task.settings["rate"], task.settings["penalty"]
model = reco.BiasedMF(
    n_factors=task.settings["factors"],
    bias_optimizer=optim.SGD(rate),
    latent_optimizer=optim.SGD(rate),
    l2_bias=penalty,
    l2_latent=penalty,
    latent_initializer=optim.initializers.Normal(mu=0.0, sigma=0.05, seed=0),
)
known, asked = task.known, task.asked
for user, movie, rating in zip(known.user, known.movie, known.rating, strict=True):
    model.learn_one(user=user, item=movie, y=rating)
predictions = np.empty(len(asked.user))
start = 0
while start < len(predictions):
    # What shares a second is answered before any of it is learned.
    stop = int(np.searchsorted(asked.timestamp, asked.timestamp[start], side="right"))
    for row in range(start, stop):
        predictions[row] = model.predict_one(user=asked.user[row], item=asked.movie[row])
    for row in range(start, stop):
        model.learn_one(user=asked.user[row], item=asked.movie[row], y=asked.rating[row])
    start = stop
task.rate(predictions)
