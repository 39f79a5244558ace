"""The command line. Commands are thin; whatever takes long to import is imported inside them."""

from __future__ import annotations

import copy
import logging
import sys
import traceback

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
    verbosity,
)
from attrxfer.errors import AttrxferError, printable
from attrxfer.plugin import distribution


class Group(click.Group):
    """Prints an error that a user can mend as one line, without a traceback."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command, with the options that every command has."""
        verbosity.add_to(cmd)
        super().add_command(cmd, name)

    def invoke(self, ctx: click.Context) -> object:
        try:
            with distribution.training_packages():
                return super().invoke(ctx)
        except AttrxferError as error:
            if verbosity.is_verbose(ctx):
                traceback.print_exc()
            lines = [printable(line) for line in str(error).split("\n")]
            click.echo("\n".join(lines) if len(lines) > 1 else f"attrxfer: {lines[0]}", err=True)
            sys.exit(error.exit_code)
        except BrokenPipeError:  # the reader of a pipe has left, as head does: click ends without a word
            raise
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            click.echo(f"attrxfer: {printable(f'{place}{error.strerror or error}')}", err=True)
            sys.exit(AttrxferError.exit_code)


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
    from attrxfer.plugin.host import load
    from attrxfer.training.threads import limit_spinning

    limit_spinning()
    _show_log()
    try:
        host = load()
        host.add_commands(cli)
    except AttrxferError as error:
        if sys.argv[1:2] == ["doctor"]:  # doctor reports what is broken, so it must run all the same
            cli(prog_name="attrxfer")
        click.echo(f"attrxfer: {error}", err=True)
        sys.exit(error.exit_code)
    cli(prog_name="attrxfer", obj=host.registry)


def _show_log() -> None:
    """Print on stderr what the core and the plugins report: by itself Python prints warnings only."""
    log = logging.getLogger("attrxfer")
    log.setLevel(logging.INFO)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(handler)
