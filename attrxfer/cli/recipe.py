"""attrxfer recipe: ls, show, check, diff, schema."""

from __future__ import annotations

from pathlib import Path

import click

from attrxfer.cli import completion
from attrxfer.cli.output import JSON, SET, json_text, listing
from attrxfer.errors import InvalidRecipe
from attrxfer.plugin import host
from attrxfer.plugin.options import PATH


@click.group()
def recipe() -> None:
    """List, show, check and compare recipes."""


@recipe.command("ls")
@JSON
def ls(as_json: bool) -> None:
    """List the recipes that can be run by name."""
    rows = ((name, host.summary(path)) for name, path in host.load().recipes().items())
    listing([("RECIPE", "WHAT IT DOES"), *rows], as_json)


@recipe.command()
@click.argument("name", metavar="RECIPE", shell_complete=completion.recipes)
@SET
@JSON
def show(name: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Print a recipe with all of its settings.

    They are its own, those of the recipes that it extends, and the defaults of all others.
    """
    from attrxfer.recipe import load

    found = load(name, host.load(), overrides)
    if as_json:
        json_text(found.filled())
    else:
        click.echo(found.to_toml(), nl=False)


@recipe.command()
@click.argument("name", metavar="RECIPE", shell_complete=completion.recipes)
@SET
def check(name: str, overrides: tuple[str, ...]) -> None:
    """Check a recipe.

    All of its problems are printed, with exit code 2. Also lists what is missing on this machine.
    """
    from attrxfer.recipe import load
    from attrxfer.workflows import check as workflow

    plugins = host.load()
    recipe = load(name, plugins, overrides)
    checked = workflow.check(recipe, plugins)
    if checked.problems:
        raise InvalidRecipe(name, checked.problems)
    click.echo(f"{name}: valid ({recipe.digest()[:12]})")
    for line in checked.missing:
        click.echo(f"  missing: {line}")
    if checked.missing:
        click.echo("  not checked: whether the components fit one another, because something is missing")


@recipe.command()
@click.argument("name", metavar="RECIPE", shell_complete=completion.recipes)
@click.argument("other", required=False, shell_complete=completion.recipes)
@SET
@JSON
def diff(name: str, other: str | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Print the settings in which two recipes differ.

    Without OTHER, the recipe is compared with the one that it names as its reference.
    """
    from attrxfer.workflows.compare import recipes

    listing(recipes(name, other, host.load(), overrides), as_json)


@recipe.command()
@click.option("-o", "--out", type=PATH, help="Write it to this file instead.")
def schema(out: Path | None) -> None:
    """Print the JSON schema of recipes.

    Editors complete and check recipes by it. It knows the components that are installed here.
    """
    import json

    from attrxfer.recipe.json_schema import json_schema
    from attrxfer.storage.files import write_text

    text = json.dumps(json_schema(host.load().registry), indent=2) + "\n"
    if out is None:
        click.echo(text, nl=False)
    else:
        write_text(out, text)
