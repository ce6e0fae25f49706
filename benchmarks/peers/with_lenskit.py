"""LensKit: damped bias, item kNN and biased matrix factorisation, with its fallback to bias."""

import lenskit
import numpy as np
import pandas as pd
from exchange import Task
from lenskit.als import BiasedMFScorer
from lenskit.basic import BiasScorer
from lenskit.data import ItemList, from_interactions_df
from lenskit.knn import ItemKNNScorer
from lenskit.pipeline import predict_pipeline
from lenskit.training import TrainingOptions

SCORERS = {"bias": BiasScorer, "item kNN": ItemKNNScorer, "biased MF": BiasedMFScorer}

task = Task.from_command_line()
frame = pd.DataFrame(
    {"user_id": task.known.user, "item_id": task.known.movie, "rating": task.known.rating}
)
pipeline = predict_pipeline(SCORERS[task.model](**task.settings), fallback=True)
pipeline.train(from_interactions_df(frame), TrainingOptions(rng=0))
predictions = np.empty(len(task.test.user))
for user in np.unique(task.test.user):
    rows = np.flatnonzero(task.test.user == user)
    items = ItemList(item_ids=task.test.movie[rows])
    predictions[rows] = lenskit.predict(pipeline, int(user), items).scores()
task.write_ratings(predictions)
