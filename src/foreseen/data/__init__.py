"""Data sets: sources, canonical tables, the movie catalogue, and id maps."""
