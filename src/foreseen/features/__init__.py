"""Point-in-time features: statistics of users and movies that use only earlier ratings."""
