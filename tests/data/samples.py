"""Small files in the real formats, shared by tests."""

import io
import zipfile

MOVIES_CSV = (
    'movieId,title,genres\n1,Toy Story (1995),Animation|Comedy\n2,"Heat, The (1995)",Crime\n'
)
RATINGS_CSV = "userId,movieId,rating,timestamp\n2,1,3.5,100\n1,2,5,50\n1,1,4.0,50\n"
LETTERBOXD = (
    "Date,Name,Year,Letterboxd URI,Rating\r\n"
    "2021-03-07,The Matrix,1999,https://boxd.it/2a1m,4.5\r\n"
    '2021-03-08,"Good, the Bad and the Ugly",1966,https://boxd.it/2apM,5\r\n'
)


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for name, text in files.items():
            bundle.writestr(name, text)
    return buffer.getvalue()
