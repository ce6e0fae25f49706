"""How quality lasts: models walked through time under different policies of keeping up."""
