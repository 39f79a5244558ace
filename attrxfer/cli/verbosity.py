"""-v and -q, which every command has, plugins' commands too."""

from __future__ import annotations

import logging

import click

QUIET, VERBOSE = "attrxfer.quiet", "attrxfer.verbose"
"""Keys of the context's ``meta``."""
VERBOSE_HELP = "Print more: what is read and kept where, and of an error where it arose."
QUIET_HELP = "Print no progress, notes and summaries; errors are printed, and what a list was asked for."


def add_to(command: click.Command) -> None:
    """Give a command, and all below a group, the options -v and -q, where it has no such options of its own."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            add_to(inner)
        if not command.invoke_without_command:
            return
    taken = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    for option in (
        click.Option(["-v", "--verbose"], is_flag=True, expose_value=False, callback=_verbose, help=VERBOSE_HELP),
        click.Option(["-q", "--quiet"], is_flag=True, expose_value=False, callback=_quiet, help=QUIET_HELP),
    ):
        if not taken & set(option.opts):
            command.params.append(option)


def is_quiet() -> bool:
    """Whether the command that runs was given -q."""
    return bool(click.get_current_context().meta.get(QUIET))


def is_verbose(context: click.Context) -> bool:
    """Whether the command was given -v."""
    return bool(context.meta.get(VERBOSE))


def _verbose(context: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        context.meta[VERBOSE] = True
        _log_from(logging.DEBUG, context)


def _quiet(context: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        context.meta[QUIET] = True
        _log_from(logging.ERROR, context)


def _log_from(level: int, context: click.Context) -> None:
    """Print what is logged at this level or above, until the command ends."""
    if context.meta.get(QUIET) and context.meta.get(VERBOSE):
        raise click.UsageError("-v and -q together", context)
    log = logging.getLogger("attrxfer")
    before = log.level
    log.setLevel(level)
    context.call_on_close(lambda: log.setLevel(before))
