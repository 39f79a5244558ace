"""attrxfer components, recipe, info: what there is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from attrxfer.errors import AttrxferError, InvalidRecipe, did_you_mean
from attrxfer.plugin import host
from attrxfer.plugin.registry import KIND_NAMES


def table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns; the last column is free."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)] if rows else []
    for row in rows:
        cells = [f"{cell:{width}}" for cell, width in zip(row, widths, strict=False)]
        click.echo("  ".join([*cells, row[-1]]).rstrip())


@click.command()
@click.argument("kind", required=False)
def components(kind: str | None) -> None:
    """List the components, or those of a KIND."""
    if kind is not None and kind not in KIND_NAMES:
        raise AttrxferError(f'no kind "{kind}"{did_you_mean(kind, KIND_NAMES)}')
    rows = [("KIND", "NAME", "PLUGIN", "LICENCE", "WHAT IT IS")]
    table([*rows, *[(c.kind, c.name, c.owner, c.licence, c.summary) for c in host.load().registry.all(kind)]])


@click.group()
def recipe() -> None:
    """List, show and check recipes."""


@recipe.command("ls")
def recipe_ls() -> None:
    """List the recipes that can be run by name."""
    rows = []
    for name, path in host.load().recipes().items():
        first = path.read_text().partition("\n")[0]
        rows.append((name, first.lstrip("# ").partition("        ")[2].strip() or first.lstrip("# ")))
    table([("RECIPE", "WHAT IT DOES"), *rows])


SET = click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Change a setting; repeatable.")


@recipe.command("show")
@click.argument("name")
@SET
def recipe_show(name: str, overrides: tuple[str, ...]) -> None:
    """Print a recipe with all it extends and every default filled in."""
    from attrxfer.recipe import load

    click.echo(load(name, host.load(), overrides).to_toml(), nl=False)


@recipe.command("check")
@click.argument("name")
@SET
def recipe_check(name: str, overrides: tuple[str, ...]) -> None:
    """Check a recipe: every problem at once, exit code 2; or one line, and what this machine lacks to run it."""
    from attrxfer.recipe import load
    from attrxfer.workflows.check import check

    recipe = load(name, host.load(), overrides)
    checked = check(recipe)
    if checked.problems:
        raise InvalidRecipe(name, checked.problems)
    click.echo(f"{name}: valid ({recipe.digest()[:12]})")
    for need in checked.missing:
        click.echo(f"  missing: {need}")
    if checked.missing:
        click.echo("  whether its components fit one another was not tried: something is missing")


@recipe.command("diff")
@click.argument("name")
@click.argument("other", required=False)
@SET
def recipe_diff(name: str, other: str | None, overrides: tuple[str, ...]) -> None:
    """Print where a recipe differs from OTHER; without it, from the recipe that it names as its reference."""
    from attrxfer.recipe import differences, load, shown

    loaded = host.load()
    first = load(name, loaded, overrides)
    other = other or first.reference
    if other is None:
        raise AttrxferError(f"{name}: it names no reference; name the recipe to compare with: recipe diff {name} OTHER")
    found = differences(first.filled(), load(other, loaded).filled())
    table([("SETTING", name, other), *[(key, shown(here), shown(there)) for key, here, there in found]])


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
def info(model: Path) -> None:
    """Say what a bundle, finished run, exported file, method or shipped model is: task, size, networks, data, licences."""
    from attrxfer.model import exported
    from attrxfer.model.bundle import find, read_metadata
    from attrxfer.report.markdown import conditions
    from attrxfer.report.scorecard import shown

    loaded = host.load()
    if model.is_file():
        metadata = exported.open_file(model, loaded.registry).metadata
        rows = [
            ("file", str(model)),
            ("task", f"{metadata['task']['name']}: {conditions(metadata['task']['guided'])}"),
            ("size", f"{metadata['size']} px"),
            ("chain", " -> ".join(f"{step['kind']} {step['use']}" for step in metadata["chain"])),
            ("plugins", ", ".join(f"{name} {version}" for name, version in metadata["plugins"].items())),
            ("licences", "; ".join(metadata["licences"])),
        ]
        table(rows)
        return
    if not model.exists() and str(model) in loaded.registry.names("method"):
        component = loaded.registry.get("method", str(model))
        table([("method", component.name), ("summary", component.summary), ("licence", component.licence)])
        return
    path = find(model if model.exists() else loaded.models().get(str(model), model))
    metadata = read_metadata(path)
    rows = [
        ("bundle", str(path)),
        ("task", f"{metadata['task']['name']}: {conditions(metadata['task']['guided'])}"),
        ("size", f"{metadata['size']} px"),
        ("chain", " -> ".join(f"{step['kind']} {step['use']}" for step in metadata["chain"])),
        ("trained on", metadata["recipe"]["data"]["use"]),
        ("plugins", ", ".join(f"{name} {version}" for name, version in metadata["plugins"].items())),
        ("licences", "; ".join(metadata["licences"])),
        ("weights", metadata["sha256"]["model.safetensors"]),
    ]
    reference = metadata["recipe"].get("reference")
    if reference is not None:
        recipe = path.parent / "recipe.toml"  # a bundle alone, fetched from somewhere, has none beside it
        rows.append(
            ("stands for", f"{reference}; how it differs: attrxfer recipe diff {recipe}" if recipe.is_file() else reference)
        )
    for name, score in metadata["scores"].get("scores", {}).items():
        value, bounds = shown(score)
        rows.append((f"score: {name}", value + (f" ({bounds})" if bounds else "")))
    table(rows)
