"""The history model: ridge attention over a user's ratings, without a user table."""
