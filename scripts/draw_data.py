"""Draw the built-in data set for the guide on the data pipeline."""

import sys
from pathlib import Path

from matplotlib.figure import Figure

from foreseen.data.canonical import load_data
from foreseen.data.profile import profile_pictures

FILES = {
    "Ratings per year": "ratings-per-year.png",
    "Ratings per user": "activity.png",
}
"""The pictures of the profile that are drawn, by the start of their titles."""


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    pictures = profile_pictures(load_data("ml-latest-small"))
    for start, name in FILES.items():
        (draw,) = (draw for title, draw in pictures if title.startswith(start))
        figure = Figure(figsize=(9, 3.4), layout="constrained")
        draw(figure.subplots())
        figure.savefig(folder / name, dpi=110)
