"""Examples of requests and responses, for the description of the API."""

from typing import Any, Final

_MOVIE: Final[dict[str, Any]] = {
    "movieId": 858,
    "title": "The Godfather",
    "year": 1972,
    "genres": ["Crime", "Drama"],
    "views": 200,
    "mean": 4.487,
}
_OTHER: Final[dict[str, Any]] = {
    "movieId": 318,
    "title": "Shawshank Redemption, The",
    "year": 1994,
    "genres": ["Crime", "Drama"],
}
_PREDICTED: Final = {"prediction": 4.612, "low": 3.874, "high": 5.0}
_RATED: Final = {"movieId": 858, "rating": 4.5, "rated": 1_735_689_600}
_SESSION: Final = {"userId": 7, "name": "ann", "role": "user", "formKey": "3f1c..."}
_CREDENTIALS: Final = {"name": "ann", "password": "a long sentence is a good password"}
_TOKEN: Final[dict[str, Any]] = {"id": 1, "label": "laptop", "made": 1_735_689_600, "token": None}
_CSV: Final = (
    "tmdbID,imdbID,Title,Year,Rating10,WatchedDate\r\n"
    "238,tt0068646,The Godfather,1972,9,2025-01-01\r\n"
)
_IMPORT: Final = {
    "id": 1,
    "at": 1_735_689_600,
    "service": "letterboxd",
    "matched": 120,
    "changed": 118,
    "ambiguous": 1,
    "missing": 4,
}
_ENTRY: Final = {
    "line": 2,
    "title": "The Godfather",
    "year": 1972,
    "candidates": [{"movieId": 858, "title": "Godfather, The", "year": 1972}],
}
_NO_ENTRIES: Final[dict[str, Any]] = {"matched": [], "ambiguous": [], "missing": []}
_VERSION: Final = {"number": 2, "model": "ensemble", "ratings": 100_004, "why": "drift"}
_GROUP: Final[dict[str, Any]] = {
    "groupId": 3,
    "isOwner": True,
    "members": ["ann", "ben"],
    "expires": 1_735_776_000,
    "invitation": None,
}
_PERSON_REASON: Final = {
    "movieId": 318,
    "title": "The Shawshank Redemption",
    "rating": 5,
    "effect": 0.21,
}
_TOGETHER: Final[list[Any]] = [
    {
        **_MOVIE,
        "score": 4.31,
        "people": [
            {"name": "you", "prediction": 4.612, "reason": _PERSON_REASON},
            {"name": "Ben", "prediction": 4.31, "reason": None},
        ],
    }
]
PARAMETERS: Final[dict[str, Any]] = {
    "movie": "858",
    "token": 1,
    "group": 3,
    "member": "ben",
    "how": "least-misery",
    "query": "godfathr",
    "limit": 10,
    "offset": 0,
    "k": 10,
    "by": "blend",
    "genre": ["Crime"],
    "first_year": 1970,
    "last_year": 1999,
    "at": 1_735_689_600,
    "diversity": 0.2,
    "from": "letterboxd",
    "choose": ["12:858"],
    "columns": "title=film,rating=score",
    "scale": "1:10",
}
"""Examples of parameters, by name."""
REQUESTS: Final[dict[str, Any]] = {
    "PUT /me/ratings/{movie}": {"rating": 4.5},
    "POST /me/predictions": {"movies": [858, 318]},
    "POST /me/watchlist/titles": {"text": "The Godfather (1972)\nSeven"},
    "POST /me/imports": {"file": "letterboxd.zip"},
    "POST /me/together": {
        "guests": [{"name": "Ben", "ratings": [{"movieId": 858, "rating": 5}]}],
        "how": "least-misery",
        "k": 10,
    },
    "POST /me/groups/join": {"invitation": "Zk3v..."},
    "POST /accounts": _CREDENTIALS,
    "POST /session": _CREDENTIALS,
    "PUT /me/password": {"old": "the present password", "new": "a longer sentence is better"},
    "POST /me/tokens": {"label": "laptop"},
    "POST /model/promote": {"version": 2},
}
"""Bodies of requests, by method and path."""
RESPONSES: Final[dict[str, Any]] = {
    "GET /movies": {"more": False, "offset": 0, "movies": [_MOVIE]},
    "GET /movies/{movie}": {
        **_MOVIE,
        "years": [{"year": 1996, "ratings": 31, "mean": 4.452}],
        "prediction": {
            "rating": 4.612,
            "low": 3.874,
            "high": 5.0,
            "chances": {"4": 0.21, "4.5": 0.31, "5": 0.48},
        },
        "rating": None,
    },
    "GET /movies/{movie}/similar": [_MOVIE],
    "GET /movies/{movie}/why": [
        {
            "movieId": 296,
            "title": "Pulp Fiction",
            "year": 1994,
            "rating": 5,
            "effect": 0.18,
        }
    ],
    "GET /me": {"userId": 7, "name": "ann", "role": "user", "ratings": 25, "imports": [_IMPORT]},
    "GET /me/ratings": {"total": 25, "offset": 0, "ratings": [_RATED]},
    "PUT /me/ratings/{movie}": _RATED,
    "GET /me/recommendations": {
        "userId": 7,
        "known": True,
        "version": 2,
        "by": "blend",
        "recommendations": [
            {
                **_OTHER,
                **_PREDICTED,
                "likely": 0.012,
                "why": "users with ratings like yours liked it",
                "movedBy": [{"movieId": 858, "rating": 4.5, "effect": 0.12}],
            }
        ],
    },
    "POST /me/predictions": [{"movieId": 858, **_PREDICTED}],
    "POST /me/imports": {
        "changed": 1,
        "added": {"seen": 0, "watchlist": 0},
        "service": "letterboxd",
        "scale": {"low": 0.5, "high": 5},
        "matched": [{**_ENTRY, "rating": 4.5}],
        "ambiguous": [],
        "missing": [],
        "unreadable": [],
        "repeated": 0,
        "skipped": 0,
        "skippedKinds": {},
        "unknownTypes": {},
        "ambiguousDates": 0,
        "lists": {"seen": _NO_ENTRIES, "watchlist": _NO_ENTRIES},
    },
    "GET /me/export": {
        "user": {"id": 7, "name": "ann", "role": "user", "made": 1_735_689_600},
        "ratings": [{"movie": 858, "rating": 4.5, "rated": 1_735_689_600}],
        "dismissed": [],
        "watchlist": [318],
        "seen": [296],
        "unseen": [],
        "imports": [_IMPORT],
        "shown": [{"at": 1_735_689_600, "by": "rating", "version": 2, "movies": [318]}],
        "tokens": [_TOKEN],
    },
    "GET /me/watchlist": [{**_MOVIE, **_PREDICTED}],
    "POST /me/watchlist/titles": {"added": 1, "movies": [_MOVIE], "missing": ["Seven"]},
    "GET /me/seen": [_MOVIE],
    "GET /me/dismissed": [_MOVIE],
    "GET /me/unseen": [_MOVIE],
    "GET /me/ratings.csv": _CSV,
    "GET /me/seen.csv": "tmdbID,imdbID,Title,Year,WatchedDate\r\n"
    "680,tt0110912,Pulp Fiction,1994,2025-01-01\r\n",
    "GET /me/watchlist.csv": "tmdbID,imdbID,Title,Year,WatchedDate,Date\r\n"
    "278,tt0111161,The Shawshank Redemption,1994,,2025-01-01\r\n",
    "POST /me/together": _TOGETHER,
    "GET /me/groups": [_GROUP],
    "POST /me/groups": {**_GROUP, "invitation": "Zk3v..."},
    "POST /me/groups/join": {**_GROUP, "isOwner": False},
    "POST /me/groups/{group}/invitation": {**_GROUP, "invitation": "Zk3v..."},
    "GET /me/groups/{group}/movies": _TOGETHER,
    "POST /guests": {**_SESSION, "name": None},
    "POST /accounts": _SESSION,
    "POST /session": _SESSION,
    "GET /me/tokens": [_TOKEN],
    "POST /me/tokens": {**_TOKEN, "token": "9b2f..."},
    "GET /model": {
        "current": 2,
        "degraded": False,
        "ratings": 100_004,
        "movies": 9066,
        "knowsUntil": 1_476_640_645,
        "learnedUntil": 1_476_640_645,
        "report": {"validation_rmse": 0.853},
        "versions": [_VERSION],
        "journal": [{"at": 1_735_689_600, "what": "promoted", "why": "significantly better"}],
    },
    "POST /model/update": {
        "observed": 25,
        "ratings": 100_029,
        "findings": [],
        "reasons": [],
        "version": 2,
        "challenger": None,
        "decision": "no reason to retrain",
    },
    "POST /model/promote": {"current": 2},
    "POST /model/rollback": {"current": 1},
}
"""Bodies of responses, by method and path."""
