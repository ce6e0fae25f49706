"""Candidate generation: which movies a user may watch next, and the features that rank them."""
