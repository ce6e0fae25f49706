"""RecTools: SASRec and HSTU, causal transformers over each user's latest movies.

The settings are those of RecTools. A fit ends after `epochs`, or earlier after `LIMIT`.
"""

import logging
import warnings
from datetime import timedelta

import numpy as np
import pandas as pd
import torch
from exchange import LENGTH, Task
from pytorch_lightning import Trainer, seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import HSTUModel, SASRecModel

LIMIT = timedelta(minutes=15)

warnings.filterwarnings("ignore")
logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
torch.set_num_threads(1)
seed_everything(0)
task = Task.from_command_line()
known = task.known
frame = pd.DataFrame(
    {
        Columns.User: known.user,
        Columns.Item: known.movie,
        Columns.Weight: 1.0,
        Columns.Datetime: pd.to_datetime(known.timestamp, unit="s"),
    }
)
data = Dataset.construct(frame)
settings = dict(task.settings)
epochs = settings.pop("epochs")


def trainer() -> Trainer:
    return Trainer(
        max_epochs=epochs,
        max_time=LIMIT,
        accelerator="cpu",
        devices=1,
        enable_progress_bar=False,
        enable_model_summary=False,
        logger=False,
        enable_checkpointing=False,
    )


shared = {
    "n_blocks": 2,
    "n_heads": 2,
    "n_factors": 64,
    "session_max_len": 100,
    "batch_size": 64,
    "get_trainer_func": trainer,
    "recommend_torch_device": "cpu",
    "train_min_user_interactions": 2,
    **settings,
}
users = np.unique(task.test.user)
context = None
if task.model == "SASRec":
    model = SASRecModel(**shared)
else:
    # The time of the rating to predict is an input.
    model = HSTUModel(**shared)
    moment = dict(zip(task.test.user, task.test.timestamp, strict=True))
    context = pd.DataFrame(
        {
            Columns.User: users,
            Columns.Datetime: pd.to_datetime([moment[user] for user in users], unit="s"),
        }
    )
    context[Columns.Weight] = 1.0
model.fit(data)
rankings = model.recommend(users=users, dataset=data, k=LENGTH, filter_viewed=True, context=context)
task.write_rankings(rankings[Columns.User].to_numpy(), rankings[Columns.Item].to_numpy())
