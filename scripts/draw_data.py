"""Draw the built-in data set for the guide on the data pipeline."""

import sys
from pathlib import Path

from matplotlib.figure import Figure

from foreseen.data.canonical import load_data
from foreseen.data.profile import profile_pictures

_FILES = {0: "ratings-per-year.png", 3: "activity.png"}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    drawn = profile_pictures(load_data("ml-latest-small"))
    for place, name in _FILES.items():
        figure = Figure(figsize=(9, 3.4), layout="constrained")
        drawn[place][1](figure.subplots())
        figure.savefig(folder / name, dpi=110)
