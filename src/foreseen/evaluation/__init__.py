"""How good the models are: splits, metrics, protocols, reports."""
