"""The command line. Commands are thin; whatever takes long to import is imported inside them."""

from __future__ import annotations

import copy
import logging
import sys

import click

from attrxfer.cli import (
    ablate,
    compare,
    components,
    doctor,
    evaluate,
    export,
    figure,
    info,
    models,
    plugins,
    recipe,
    run,
    sweep,
    transfer,
)
from attrxfer.cli.boundary import Group, end, escape_what_the_terminal_lacks
from attrxfer.errors import AttrxferError, Interrupted
from attrxfer.plugin import distribution


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name=distribution.name())
def cli() -> None:
    """Turn images without an attribute into images with it, while the subject stays the same."""


COMMANDS = (
    *(run.run, transfer.transfer, export.export, evaluate.evaluate, compare.compare, ablate.ablate, sweep.sweep),
    figure.figure,
    *(plugins.plugins, components.components, recipe.recipe, info.info, models.models, doctor.doctor),
)
"""attrxfer's own commands; ``plugins check`` refuses a plugin's command of the same name."""
for command in COMMANDS:
    cli.add_command(command)
synonym = copy.copy(run.run)
synonym.hidden = True
cli.add_command(synonym, "train")  # what people try


def main() -> None:
    """The entry point ``attrxfer``."""
    try:
        _main()
    except KeyboardInterrupt:  # before a command began
        end(Interrupted("stopped"))


def _main() -> None:
    from attrxfer.plugin.host import load
    from attrxfer.training.threads import limit_spinning

    limit_spinning()
    escape_what_the_terminal_lacks((sys.stdout, sys.stderr))
    _show_log()
    try:
        host = load()
        host.add_commands(cli)
    except AttrxferError as error:
        if sys.argv[1:2] == ["doctor"]:  # doctor reports what is broken, so it must run all the same
            cli(prog_name="attrxfer")
        end(error)
    cli(prog_name="attrxfer", obj=host.registry)


def _show_log() -> None:
    """Print on stderr what the core and the plugins report: by itself Python prints warnings only."""
    log = logging.getLogger("attrxfer")
    log.setLevel(logging.INFO)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(handler)
