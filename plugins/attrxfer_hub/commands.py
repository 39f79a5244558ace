"""attrxfer push, pull."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from attrxfer.errors import AttrxferError

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("repo", metavar="OWNER/NAME")
@click.option("--private", is_flag=True, help="Only you (or your organisation) can see it.")
@click.option("--revision", metavar="BRANCH", help="Put it on this branch, made if need be.  [default: main]")
@click.option("--message", help="What the commit is called.  [default: the task]")
@click.option("--dry-run", is_flag=True, help="Print the model card and upload nothing.")
@click.pass_obj
def push(
    registry: Registry, bundle: Path, repo: str, private: bool, revision: str | None, message: str | None, dry_run: bool
) -> None:
    """Upload BUNDLE (or the bundle of a finished run) to the Hugging Face hub as OWNER/NAME, with a model card.

    Paths of this machine are left out of what is uploaded; the bundle itself stays as it is.
    """
    import tempfile

    from attrxfer.model import bundle as bundles
    from attrxfer_hub.client import connect
    from attrxfer_hub.model_card import guided, model_card
    from attrxfer_hub.publish import stage, without_paths
    from attrxfer_hub.transport import upload

    _require_full(repo)
    path = bundles.find(bundle)
    card = bundles.read_metadata(path)
    bundles.verify(path, card)
    client = connect()
    public, cut = without_paths(card)
    readme = model_card(public, repo, registry)
    if dry_run:
        click.echo(readme, nl=False)
    else:
        with tempfile.TemporaryDirectory() as folder:
            stage(path, public, readme, Path(folder))
            message = message or f"{card['task']['name']}: {guided(card)}"
            click.echo(upload(client, Path(folder), repo, private, revision, message))
    for key, name in cut.items():
        click.echo(f"{key}: a path of this machine, of which only the last part leaves it: {name}", err=True)


@click.command()
@click.argument("repo", metavar="OWNER/NAME")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The bundle's folder.  [default: NAME]")
@click.option("--revision", help="A branch, tag or commit.  [default: main]")
@click.pass_obj
def pull(registry: Registry, repo: str, out: Path | None, revision: str | None) -> None:
    """Download the bundle OWNER/NAME from the Hugging Face hub, check it, and say what its licences are."""
    from attrxfer.model import bundle as bundles
    from attrxfer_hub.client import connect
    from attrxfer_hub.transport import download

    _require_full(repo)
    folder = out or Path(repo.partition("/")[2])
    if folder.exists():
        raise AttrxferError(f"{folder}: is there already; choose another folder with -o")
    commit = download(connect(), folder, repo, revision)
    card = bundles.read_metadata(folder)
    click.echo(f"{repo} at {commit[:12]}: {folder}")
    for missing in _lacking(card, registry):
        click.echo(f"needs {missing}, which no installed plugin has; its card names plugins: {', '.join(card['plugins'])}")
    click.echo(f"licences: {'; '.join(card['licences'])}")
    click.echo(f"use it: attrxfer transfer {folder} photos/ -o out")


def _require_full(repo: str) -> None:
    if repo.count("/") != 1 or not all(repo.split("/")):
        raise AttrxferError(f"{repo}: a repository on the hub is named OWNER/NAME")


def _lacking(card: dict[str, Any], registry: Registry) -> list[str]:
    """The components of the chain that are not installed here."""
    return [f"{step['kind']} {step['use']}" for step in card["chain"] if step["use"] not in registry.names(step["kind"])]
