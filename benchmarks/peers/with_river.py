"""river: biased matrix factorisation trained online, rating by rating in time order."""

import numpy as np
from exchange import Task
from river import optim, reco

task = Task.from_command_line()
rate, penalty = task.settings["rate"], task.settings["penalty"]
model = reco.BiasedMF(
    n_factors=task.settings["factors"],
    bias_optimizer=optim.SGD(rate),
    latent_optimizer=optim.SGD(rate),
    l2_bias=penalty,
    l2_latent=penalty,
    latent_initializer=optim.initializers.Normal(mu=0.0, sigma=0.05, seed=0),
)
known, test = task.known, task.test
for user, movie, rating in zip(known.user, known.movie, known.rating, strict=True):
    model.learn_one(user=user, item=movie, y=rating)
predictions = np.empty(len(test.user))
start = 0
while start < len(predictions):
    # Ratings of the same second are all predicted before the model is updated with any of them.
    stop = int(np.searchsorted(test.timestamp, test.timestamp[start], side="right"))
    for row in range(start, stop):
        predictions[row] = model.predict_one(user=test.user[row], item=test.movie[row])
    for row in range(start, stop):
        model.learn_one(user=test.user[row], item=test.movie[row], y=test.rating[row])
    start = stop
task.write_ratings(predictions)
