"""Evaluation of models: splits, metrics, protocols, reports, and the search for settings."""
