"""The ensemble: factor models and point-in-time features, combined by a stacking network."""
