"""Search over the titles of a catalogue by substring, by words, then by edit distance."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from foreseen.data.title_keys import normalise_title

_LEAST_SIMILARITY: Final = 70.0
"""Least similarity of a fuzzy match, in percent."""
_CLOSE: Final = 88.0
"""The same beside titles that contain the query or its words."""
_FEW_TRIGRAMS: Final = 5
"""Queries with fewer trigrams are compared with every title: one typo can change all of them."""
_COMPARED: Final = 500
"""Titles that a longer query is compared with: those that share the most trigrams."""
_FUZZY_PER_RESULT: Final = 8
_CONTAINS, _EQUALS, _STARTS = 200, 40, 20
"""Scores of a title that contains the query, and what is added if it equals or starts with it."""
_HAS_WORDS: Final = 160
"""Score of a title that has the words of the query in any order."""
_OF_YEAR: Final = 600
"""What is added if the movie is of the year that the query ends with."""
_POPULARITY_IF_CONTAINED, _POPULARITY_IF_FUZZY = 10, 3
"""Weights of the logarithm of the number of ratings."""
_YEAR: Final = re.compile(r"^(?P<title>.+?) (?P<year>(?:18|19|20)[0-9]{2})$")


class TitleSearch:
    """An index of C titles: normalised titles, and the titles of each trigram."""

    def __init__(
        self, titles: Sequence[str], views: NDArray[np.float64], years: NDArray[np.float64]
    ) -> None:
        """Index titles.

        Args:
            titles: In the order of the catalogue, of length C.
            views: Number of ratings of each movie, of shape C.
            years: Years of release, of shape C; NaN if unknown.
        """
        self._titles = [normalise_title(title) for title in titles]
        self._years = years
        self._popularity: list[float] = np.log1p(views).tolist()
        # All titles as one text, which is searched faster than title by title. A word of a title
        # is preceded by a space.
        self._text = "".join(f" {title}\n" for title in self._titles)
        self._ends = np.cumsum([len(title) + 2 for title in self._titles])
        by_trigram: dict[str, list[int]] = {}
        for row, title in enumerate(self._titles):
            for trigram in _trigrams(title):
                by_trigram.setdefault(trigram, []).append(row)
        self._by_trigram = {
            trigram: np.array(rows, dtype=np.int32) for trigram, rows in by_trigram.items()
        }

    def find(self, query: str, k: int) -> list[int]:
        """Return the rows of up to k movies, best first; typos are allowed.

        Titles that contain the query rank first, then those that have its words in any order, then
        fuzzy matches; popular movies rank higher. If the query ends with a year, movies of that
        year that match the rest precede all others.
        """
        query = normalise_title(query)
        if not query:
            return []
        scores = self._scores(query, k)
        year = _YEAR.match(query)
        if year is not None:
            for row, score in self._scores(year["title"], k).items():
                is_of_year = self._years[row] == int(year["year"])
                scores[row] = max(scores.get(row, 0.0), score + _OF_YEAR * is_of_year)
        return sorted(scores, key=lambda row: (-scores[row], row))[:k]

    def _scores(self, query: str, k: int) -> dict[int, float]:
        """Return the scores of the movies that match a normalised query, by row."""
        scores: dict[int, float] = {}
        words = query.split()
        if len(words) > 1:
            having = [self._rows_with(f" {word}") for word in words]
            for row in having[0].intersection(*having[1:]):
                scores[row] = _HAS_WORDS + self._popularity_if_contained(row)
        for row in self._rows_with(query):
            title = self._titles[row]
            score = _CONTAINS + _EQUALS * (title == query) + _STARTS * title.startswith(query)
            scores[row] = score + self._popularity_if_contained(row)
        if len(scores) < k:
            least = _CLOSE if scores else _LEAST_SIMILARITY
            for row, score in self._fuzzy_matches(query, _FUZZY_PER_RESULT * k, least):
                scores.setdefault(row, score)
        return scores

    def _rows_with(self, part: str) -> set[int]:
        """Return the rows of the titles that contain a text; a space precedes each title."""
        # To the end of the line, so that each title is found once.
        found = [match.start() for match in re.finditer(re.escape(part) + ".*", self._text)]
        return set(np.searchsorted(self._ends, found, side="right").tolist())

    def _popularity_if_contained(self, row: int) -> float:
        return _POPULARITY_IF_CONTAINED * self._popularity[row]

    def _fuzzy_matches(self, query: str, limit: int, least: float) -> list[tuple[int, float]]:
        """Return rows and scores of titles that are at least so similar to a normalised query."""
        similar = process.extract(
            query,
            {row: self._titles[row] for row in self._compared_with(query)},
            scorer=fuzz.partial_ratio,
            limit=limit,
            score_cutoff=least,
        )
        matches: list[tuple[int, float]] = []
        for title, partial, row in similar:
            # A title shorter than the query must match as a whole: it occurs in many words.
            similarity = partial if len(title) >= len(query) else fuzz.ratio(query, title)
            if similarity >= least:
                popularity = _POPULARITY_IF_FUZZY * self._popularity[row]
                matches.append((row, similarity + popularity))
        return matches

    def _compared_with(self, query: str) -> list[int]:
        """Return the rows of the titles that share the most trigrams with a query."""
        trigrams = _trigrams(query)
        if len(trigrams) < _FEW_TRIGRAMS:
            return list(range(len(self._titles)))
        shared = np.zeros(len(self._titles), dtype=np.int64)
        for trigram in trigrams & self._by_trigram.keys():
            shared[self._by_trigram[trigram]] += 1
        sharing = np.flatnonzero(shared)
        return sharing[np.argsort(-shared[sharing], kind="stable")[:_COMPARED]].tolist()


def _trigrams(text: str) -> set[str]:
    return {text[start : start + 3] for start in range(len(text) - 2)}
