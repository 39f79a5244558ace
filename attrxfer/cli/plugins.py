"""attrxfer plugins, plugins new, plugins check: for who uses plugins, and for who writes them."""

from __future__ import annotations

import re
import shlex
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from attrxfer.cli.looking import table
from attrxfer.errors import AttrxferError, did_you_mean
from attrxfer.plugin import host as hosts
from attrxfer.plugin.registry import KIND_NAMES

if TYPE_CHECKING:
    from attrxfer.plugin.host import Host
    from attrxfer.plugin.registry import Component
    from attrxfer.testing.findings import Finding

BROKEN = 1
"""Exit code when a plugin breaks a promise."""


@click.group(invoke_without_command=True)
@click.pass_context
def plugins(context: click.Context) -> None:
    """List the installed plugins; or make a new one, or check one."""
    if context.invoked_subcommand is None:
        rows = [("PLUGIN", "FROM", "VERSION", "COMPONENTS")]
        table([*rows, *[(p.name, p.distribution, p.version, str(p.components)) for p in hosts.load().plugins()]])


@plugins.command()
@click.argument("name")
@click.option("--kind", required=True, help=f"Of its component: {', '.join(KIND_NAMES)}.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The package's folder.  [default: NAME]")
def new(name: str, kind: str, out: Path | None) -> None:
    """Write the package of a plugin NAME: a component that works, to be edited, with its tests and README."""
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
    help="A setting without which a component cannot be tried; repeatable.",
)
def check(package: str, examples: tuple[str, ...]) -> None:
    """Check an installed plugin, by its own name or its PACKAGE's: its settings, contract, recipes and commands.

    Exit code 1 says that something failed.
    """
    from attrxfer.storage.cache import temporary_cache

    host = hosts.load()
    chosen = [plugin for plugin in host.plugins() if package == plugin.name]
    chosen = chosen or [plugin for plugin in host.plugins() if _same(package, plugin.distribution)]
    if not chosen:
        known = {name for plugin in host.plugins() for name in (plugin.name, plugin.distribution)}
        raise AttrxferError(f'no plugin "{package}" is installed{did_you_mean(package, known)}')
    settings = _examples(examples, host)
    count: Counter[str] = Counter()
    with temporary_cache(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for plugin in chosen:
            click.echo(f"plugin {plugin.name}, of {plugin.distribution or 'no distribution'} {plugin.version}".rstrip())
            for finding in _plugin(plugin.name, host, settings):
                count[finding.status] += 1
                click.echo(f"  {finding.status:8}{finding.what}" + (f": {finding.reason}" if finding.reason else ""))
            click.echo()
    click.echo(", ".join(f"{count[status]} {status.lower()}" for status in ("ok", "FAILED", "skipped")))
    if count["FAILED"]:
        sys.exit(BROKEN)


def _plugin(name: str, host: Host, examples: Mapping[tuple[str, str], Any]) -> Iterator[Finding]:
    """Every finding about a plugin, below the headings that this prints."""
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
        yield from _commands(own)


def _commands(own: click.Group) -> Iterator[Finding]:
    from attrxfer.cli import COMMANDS
    from attrxfer.testing.findings import Finding

    taken = [command.name for command in COMMANDS]
    for name, command in own.commands.items():
        if name in taken:
            yield Finding("FAILED", name, "attrxfer has a command of this name, which nobody can reach any more")
        else:
            yield Finding("ok", name, command.get_short_help_str(100))


def _introduce(component: Component) -> None:
    """What a recipe's author needs to know of a component."""
    from attrxfer.plugin.settings import settings

    click.echo(f"\n{component.kind} {component.name}: {component.summary}")
    click.echo(f"  licence {component.licence or 'not named; name it where the component is registered: licence=...'}")
    try:
        found = settings(component.load())
    except AttrxferError:
        return  # the first check says it
    if found:
        table([("  SETTING", "TYPE", "BOUNDS", "DEFAULT"), *((f"  {s.name}", s.form, s.bounds, s.default) for s in found)])
    else:
        click.echo("  nothing to set")


def _examples(texts: Sequence[str], host: Host) -> dict[tuple[str, str], Any]:
    """The settings by kind and name. Raises AttrxferError for a text of another form and for a component there is not."""
    from attrxfer.recipe.merging import apply_overrides

    for text in texts:
        kind, _, rest = text.partition("=")[0].partition(".")
        name, _, key = rest.partition(".")
        if not key or "=" not in text:
            raise AttrxferError(f'--example "{text}" is not of the form KIND.NAME.KEY=VALUE')
        if kind not in KIND_NAMES:
            raise AttrxferError(f'--example "{text}": no kind "{kind}"{did_you_mean(kind, KIND_NAMES)}')
        host.registry.get(kind, name)
    made, problems = apply_overrides({}, texts)
    if problems:
        raise AttrxferError("\n".join(map(str, problems)))
    return {(kind, name): settings for kind, names in made.items() for name, settings in names.items()}


def _same(one: str, other: str) -> bool:
    """Whether two names are one distribution's, which may be written with -, _ or . between its words."""
    normal = [re.sub(r"[-_.]+", "-", name).lower() for name in (one, other)]
    return normal[0] == normal[1]
