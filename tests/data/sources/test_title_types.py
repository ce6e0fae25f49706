"""The meaning of title types."""

import pytest

from foreseen.data.sources.title_types import TitleType, classify_type


@pytest.mark.parametrize(
    "name",
    [
        *("", "Movie", "movie", "Film", "Feature Film", "Película", "Spielfilm", "TV Movie"),
        *("tvMovie", "Fernsehfilm", "Short", "Kurzfilm", "Cortometraje", "Court métrage"),
        *("TV Special", "Video", "Vídeo", "Documentary", "Téléfilm", "Filme"),
    ],
)
def test_films_in_many_languages(name: str) -> None:
    assert classify_type(name) is TitleType.FILM


@pytest.mark.parametrize(
    "name",
    [
        *("TV Series", "tvSeries", "Fernsehserie", "Serie TV", "Série télévisée", "Episodio de TV"),
        *("TV Episode", "Folge", "Videospiel", "Video Game", "Podcast Series", "tv", "show"),
        *("anime", "Season", "Videojuego", "Jeu vidéo"),
    ],
)
def test_series_and_games(name: str) -> None:
    assert classify_type(name) is TitleType.SERIES


@pytest.mark.parametrize("name", ["TV Mini Series", "Miniserie", "Minissérie", "Dizi", "Concert"])
def test_mini_series_and_what_is_not_known(name: str) -> None:
    assert classify_type(name) is TitleType.UNKNOWN
