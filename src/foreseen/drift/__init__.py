"""Concept drift: its detection, and prequential backtests of update policies."""
