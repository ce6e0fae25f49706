"""Bayesian matrix factorisation: fitted by Gibbs sampling, users folded in from their histories."""
