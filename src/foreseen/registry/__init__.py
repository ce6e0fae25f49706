"""Versions of a trained model in a folder: files, audit log, promotion of challengers, updates."""
