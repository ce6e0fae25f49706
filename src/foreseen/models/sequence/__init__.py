"""The sequence model: a causal transformer over histories that predicts the next movie."""
