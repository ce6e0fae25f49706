"""Bayesian matrix factorisation: Gibbs sampling, and exact fold-in of users by their histories."""
