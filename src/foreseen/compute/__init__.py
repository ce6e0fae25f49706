"""Numerical infrastructure: compiled loops, threads, small matrices, caching."""
