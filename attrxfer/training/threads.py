"""Threads that wait for each other, on cores that other programs may use."""

from __future__ import annotations

import os

SPINS = "10000"
"""How often a thread of GNU OpenMP looks for work before it sleeps. With its own default, 300,000, two threads take twice the
time of one where other programs use the cores; with 0 they take a third longer where none does."""
CHOICES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
"""Environment variables by which a user decides it."""


def limit_spinning() -> None:
    """Let waiting threads sleep soon, unless the user has decided it. Works only before torch is imported."""
    if not any(name in os.environ for name in CHOICES):
        os.environ["GOMP_SPINCOUNT"] = SPINS
