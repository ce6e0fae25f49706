"""scikit-surprise: SVD, SVD++ and KNNBaseline. They are fitted to the new users too."""

import numpy as np
import pandas as pd
from exchange import Task
from surprise import SVD, Dataset, KNNBaseline, Reader, SVDpp

task = Task.from_command_line()
known = task.known
scale = (float(known.rating.min()), float(known.rating.max()))
frame = pd.DataFrame({"user": known.user, "movie": known.movie, "rating": known.rating})
data = Dataset.load_from_df(frame, Reader(rating_scale=scale))
if task.model == "KNNBaseline":
    options = {"name": "pearson_baseline", "user_based": False, "shrinkage": 100}
    algorithm = KNNBaseline(sim_options=options, verbose=False, **task.settings)
else:
    algorithm = {"SVD": SVD, "SVD++": SVDpp}[task.model](random_state=0, **task.settings)
algorithm.fit(data.build_full_trainset())
pairs = zip(task.test.user.tolist(), task.test.movie.tolist(), strict=True)
task.write_ratings(np.array([algorithm.predict(user, movie).est for user, movie in pairs]))
