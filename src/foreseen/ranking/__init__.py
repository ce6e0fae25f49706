"""Ranking: scores to an ordered list of unwatched movies, with explanations."""
