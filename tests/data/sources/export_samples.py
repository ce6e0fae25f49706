"""A small export of each service with one rating of one film, and what is not one, by service."""

import json
from typing import Any

from foreseen.data.sources.exports import Provider

SIMKL_BACKUP: dict[str, Any] = {
    "shows": [
        {
            "user_rating": 9,
            "status": "completed",
            "show": {"title": "Dark", "year": 2017, "ids": {"imdb": "tt5753856", "tmdb": "70523"}},
        }
    ],
    "anime": [
        {
            "user_rating": 8,
            "user_rated_at": "2024-05-05T10:00:00Z",
            "anime_type": "movie",
            "show": {"title": "Akira", "year": 1988, "ids": {"simkl": 1, "imdb": "tt0094625"}},
        }
    ],
    "movies": [
        {
            "added_to_watchlist_at": "2024-05-01T00:00:00Z",
            "last_watched_at": "2024-05-02T00:00:00Z",
            "user_rating": None,
            "status": "completed",
            "movie": {"title": "Alien", "year": 1979, "ids": {"imdb": "tt0078748"}},
        },
        {
            "user_rating": 9,
            "user_rated_at": "2024-05-04T00:00:00Z",
            "status": "completed",
            "movie": {"title": "Heat", "year": 1995, "ids": {"imdb": "tt0113277", "tmdb": "949"}},
        },
    ],
}
SIMKL_TABLE = (
    "SIMKL_ID,Title,Type,Year,Watchlist,LastEpWatched,WatchedDate,Rating,Memo,TVDB,TMDB,IMDB\n"
    '53992,Heat,movie,1995,completed,,2024-05-04,9,"a, memo",,949,tt0113277\n'
    "2090,Alien,movie,1979,plantowatch,,,,,,348,tt0078748\n"
    "39687,Dark,tv,2017,completed,S03E08,2024-05-04,9,,334824,70523,\n"
)
JELLYFIN_ITEMS: list[dict[str, Any]] = [
    {
        "Name": "Heat",
        "Type": "Movie",
        "ProductionYear": 1995,
        "ProviderIds": {"Tmdb": "949", "Imdb": "tt0113277"},
        "UserData": {"Rating": 9, "Played": True, "LastPlayedDate": "2024-05-04T00:00:00.0000000Z"},
    },
    {
        "Name": "Alien",
        "Type": "Movie",
        "ProductionYear": 1979,
        "ProviderIds": {},
        "UserData": {"Played": True, "PlayCount": 2, "IsFavorite": True},
    },
    {
        "Name": "Pilot",
        "Type": "Episode",
        "ProviderIds": None,
        "UserData": {"Rating": 5, "Played": True},
    },
]
EXPORTS: dict[Provider, str] = {
    "letterboxd": (
        "Date,Name,Year,Letterboxd URI,Rating\r\n2024-05-04,Heat,1995,https://boxd.it/2ahM,4.5\r\n"
    ),
    "imdb": (
        "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime "
        "(mins),Year,Genres,Num Votes,Release Date,Directors\n"
        'tt0113277,9,2024-05-04,Heat,Heat,x,Film,8.3,170,1995,"Crime, Drama",1,1995-12-15,M. Mann\n'
    ),
    "trakt": json.dumps(
        [
            {
                "rated_at": "2024-05-04T00:00:00.000Z",
                "rating": 9,
                "type": "movie",
                "movie": {"title": "Heat", "year": 1995, "ids": {"imdb": "tt0113277", "tmdb": 949}},
            }
        ]
    ),
    "movielens": (
        "movie_id,imdb_id,tmdb_id,rating,average_rating,title\r\n"
        "6,0113277,949,4.5,3.9,Heat (1995)\r\n"
    ),
    "simkl": json.dumps(SIMKL_BACKUP),
    "tmdb": (
        "TMDb ID,IMDb ID,Type,Name,Release Date,Season Number,Episode Number,Rating,Your Rating,"
        "Date Rated\n"
        "949,tt0113277,movie,Heat,1995-12-15T00:00:00Z,,,7.9,9.0,2024-05-04T00:00:00Z\n"
        "348,tt0078748,movie,Alien,1979-05-25T00:00:00Z,,,8.1,,2024-05-04T00:00:00Z\n"
        "70523,tt5753856,tv,Dark,2017-12-01T00:00:00Z,,,8.4,9.0,2024-05-04T00:00:00Z\n"
        "70523,tt5753856,tv,Dark,2017-12-01T00:00:00Z,1,2,8.4,9.0,2024-05-04T00:00:00Z\n"
    ),
    "movary": "title,year,tmdbId,imdbId,userRating\nHeat,1995,949,tt0113277,9\n",
    "jellyfin": json.dumps({"Items": JELLYFIN_ITEMS, "TotalRecordCount": 3, "StartIndex": 0}),
    "csv": "film,released,score,seen\nHeat,1995,90,2024-05-04\nAlien,1979,,2024-05-05\n",
}
MAY_4: int = 1_714_780_800
