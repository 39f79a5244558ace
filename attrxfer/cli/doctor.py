"""attrxfer doctor: what is there, what is missing, what is broken."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from attrxfer.plugin.registry import one_line

if TYPE_CHECKING:
    from attrxfer.plugin.host import Host
    from attrxfer.workflows.doctor import Row

WRONG = 1
"""Exit code when something has to be mended."""
WIDTH = 16


@click.command()
def doctor() -> None:
    """Look at this installation: versions, devices, extras, plugins, cache, disk, and a self-test of a few seconds.

    Exit code 1 says that something is wrong; a missing extra is not.
    """
    from attrxfer.workflows import doctor as looks

    hosts: list[Host] = []
    wrong = 0
    for title, look in (
        ("versions", looks.versions),
        ("machine", looks.machine),
        ("extras", looks.extras),
        ("plugins", lambda: looks.plugins(hosts.append)),
        ("cache", looks.cache),
        ("self-test", lambda: looks.self_test(hosts[0] if hosts else None)),
    ):
        click.echo(title)
        for name, value, is_wrong in _safely(look):
            wrong += is_wrong
            click.echo(f"{'!' if is_wrong else ' ':2}{name:{WIDTH}}  {value}")
    if wrong:
        click.echo(f"{wrong} {'things are' if wrong > 1 else 'thing is'} wrong: see the lines that begin with !")
        sys.exit(WRONG)
    click.echo("all is well")


def _safely(look: Callable[[], Iterator[Row]]) -> Iterator[Row]:
    """What a look finds, and as the last thing what it broke on."""
    from attrxfer.workflows.doctor import Row

    try:
        yield from look()
    except Exception as error:  # a machine may be broken in any way
        yield Row("broken", f"{type(error).__name__}: {one_line(error)}", True)
