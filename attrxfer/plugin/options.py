"""Options that commands of the core and of plugins share."""

from __future__ import annotations

import click

DEVICE = click.option(
    "--device",
    metavar="DEVICE",
    default="cpu",
    show_default=True,
    help="Where a bundle's networks run: cpu, cuda, mps.",
)
"""The option of every command that makes results."""
