"""Models that predict ratings, all under the contract of `foreseen.models.base`."""
