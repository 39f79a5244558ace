"""attrxfer plugins: the list, new, check."""

from __future__ import annotations

import shlex
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from attrxfer.cli.output import JSON, listing, table
from attrxfer.errors import AttrxferError
from attrxfer.plugin import host as hosts
from attrxfer.plugin.options import PATH
from attrxfer.plugin.registry import KIND_NAMES

if TYPE_CHECKING:
    from attrxfer.plugin.host import Host
    from attrxfer.plugin.registry import Component
    from attrxfer.testing.findings import Finding
    from attrxfer.testing.suite import Examples

BROKEN = 1
"""Exit code when a check of a plugin failed."""


@click.group(invoke_without_command=True)
@JSON
@click.pass_context
def plugins(context: click.Context, as_json: bool) -> None:
    """List the installed plugins, write a new one, or check one."""
    if context.invoked_subcommand is None:
        rows = [("PLUGIN", "FROM", "VERSION", "COMPONENTS")]
        listing([*rows, *[(p.name, p.distribution, p.version, str(p.components)) for p in hosts.load().plugins()]], as_json)


@plugins.command()
@click.argument("name")
@click.option("--kind", metavar="KIND", required=True, help=f"The kind of its component: {', '.join(KIND_NAMES)}.")
@click.option("-o", "--out", type=PATH, help="The new package's folder.  [default: NAME]")
def new(name: str, kind: str, out: Path | None) -> None:
    """Write the package of a new plugin.

    It holds a working component to edit, its tests and a README.
    """
    from attrxfer.scaffold import new_package

    folder = out or Path(name)
    files = new_package(name, kind, folder, hosts.load())
    click.echo(f'{folder}: a plugin with the {kind} "{name}"')
    for file in files:
        click.echo(f"  {file}")
    click.echo("next:")
    for command in (
        ["pip", "install", "-e", f"{folder}[test]"],
        ["pytest", str(folder)],
        ["attrxfer", "plugins", "check", name],
    ):
        click.echo(f"  {shlex.join(command)}")


@plugins.command()
@click.argument("package")
@click.option(
    "--example",
    "examples",
    multiple=True,
    metavar="KIND.NAME.KEY=VALUE",
    help="A setting that has no default; repeatable.",
)
def check(package: str, examples: tuple[str, ...]) -> None:
    """Check an installed plugin.

    Its components' settings and contracts, its recipes and its commands are checked. PACKAGE is the plugin's name or the
    name of the package that holds it. The exit code is 1 where a check failed.
    """
    from attrxfer.storage.cache import temporary_cache
    from attrxfer.testing.installed import find_plugins, read_examples

    host = hosts.load()
    chosen = find_plugins(package, host)
    settings = read_examples(examples, host)
    count: Counter[str] = Counter()
    with temporary_cache(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for plugin in chosen:
            click.echo(f"plugin {plugin.name} of {plugin.distribution or 'no package'} {plugin.version}".rstrip())
            for finding in _plugin(plugin.name, host, settings):
                count[finding.status] += 1
                click.echo(f"  {finding.status:8}{finding.what}" + (f": {finding.reason}" if finding.reason else ""))
            click.echo()
    click.echo(", ".join(f"{count[status]} {status.lower()}" for status in ("ok", "FAILED", "skipped")))
    if count["FAILED"]:
        sys.exit(BROKEN)


def _plugin(name: str, host: Host, examples: Examples) -> Iterator[Finding]:
    """Yield every finding about a plugin, after printing the heading of its part."""
    from attrxfer.cli import COMMANDS
    from attrxfer.testing import findings
    from attrxfer.testing.suite import subject_of

    for component in host.registry.all():
        if component.owner == name:
            _introduce(component)
            yield from findings.of_component(subject_of(component, host, examples))
    recipes = host.recipes(name)
    if recipes:
        click.echo("\nrecipes")
        for recipe in recipes:
            yield findings.of_recipe(recipe, host)
    own = click.Group()
    host.add_commands(own, name)
    if own.commands:
        click.echo("\ncommands")
        yield from findings.of_commands(own, [str(command.name) for command in COMMANDS])


def _introduce(component: Component) -> None:
    """Print a component's summary, licence and settings."""
    from attrxfer.plugin.settings import settings

    click.echo(f"\n{component.kind} {component.name}: {component.summary}")
    click.echo(f"  licence: {component.licence or 'not given; give it where the component is registered: licence=...'}")
    try:
        found = settings(component.load())
    except AttrxferError:
        return  # the first check reports it
    if found:
        table([("  SETTING", "TYPE", "BOUNDS", "DEFAULT"), *((f"  {s.name}", s.form, s.bounds, s.default) for s in found)])
    else:
        click.echo("  no settings")
