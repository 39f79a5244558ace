"""Scores of transfers on held-out images."""
