"""The commands ``attrxfer push``, ``attrxfer pull`` and ``attrxfer pack``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from attrxfer.errors import AttrxferError
from attrxfer.plugin.options import PATH

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry


@click.command()
@click.argument("bundle", type=PATH, metavar="MODEL")
@click.argument("repo", metavar="OWNER/NAME")
@click.option("--private", is_flag=True, help="Only you (or your organisation) can see it.")
@click.option("--revision", metavar="BRANCH", help="The branch; it is created if it does not exist.  [default: main]")
@click.option("--message", help="The commit message.  [default: the task]")
@click.option("--dry-run", is_flag=True, help="Print the model card and upload nothing.")
@click.pass_obj
def push(
    registry: Registry, bundle: Path, repo: str, private: bool, revision: str | None, message: str | None, dry_run: bool
) -> None:
    """Upload a bundle to the Hugging Face hub.

    MODEL is a bundle or a finished run. It becomes the repository OWNER/NAME, with a model card.

    Paths of this machine are removed from what is uploaded. The bundle on this machine is not changed.
    """
    import tempfile

    from attrxfer.model import bundle as bundles
    from attrxfer_hub.client import connect
    from attrxfer_hub.model_card import guided, model_card
    from attrxfer_hub.publish import stage, without_paths
    from attrxfer_hub.transport import upload

    _require_full(repo)
    path = bundles.find(bundle)
    metadata = bundles.read_metadata(path)
    bundles.verify(path, metadata)
    client = connect()
    public, removed = without_paths(metadata)
    readme = model_card(public, repo, registry)
    if dry_run:
        click.echo(readme, nl=False)
    else:
        with tempfile.TemporaryDirectory() as folder:
            stage(path, public, readme, Path(folder))
            message = message or f"{metadata['task']['name']}: {guided(metadata)}"
            click.echo(upload(client, Path(folder), repo, private, revision, message))
    for key, name in removed.items():
        click.echo(f"{key}: a path of this machine; only its last part is uploaded: {name}", err=True)


@click.command()
@click.argument("bundle", type=PATH, metavar="MODEL")
@click.argument("folder", type=PATH)
@click.option("--scores", type=PATH, help="Scores of `attrxfer evaluate MODEL`; they replace its own.")
@click.pass_obj
def pack(registry: Registry, bundle: Path, folder: Path, scores: Path | None) -> None:
    """Write a bundle anew, to be shipped in a plugin.

    MODEL is a bundle or a finished run. FOLDER becomes a bundle with weights in half precision, a model card, and no paths
    of this machine. Its results are compared with those of MODEL.
    """
    import numpy as np

    from attrxfer.model import bundle as bundles
    from attrxfer.model.export import compare
    from attrxfer.model.torch_model import TorchModel
    from attrxfer_hub import publish
    from attrxfer_hub.scores_file import read_scores

    if folder.exists():
        raise AttrxferError(f"{folder}: exists already; choose another folder")
    original = TorchModel(bundles.load(bundle, registry))
    removed = publish.pack(original.path, folder, registry, None if scores is None else read_scores(scores))
    packed = TorchModel(bundles.load(folder, registry))
    noise = np.random.default_rng(0).integers(0, 256, (8, packed.size, packed.size, 3)).astype(np.uint8)
    error, different = compare(original, packed.images, noise)
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    click.echo(
        f"{folder}: {size:.2f} MB; largest difference to {bundle} {error} of 255, {different:.2%} of values differ (noise)"
    )
    for key, name in removed.items():
        click.echo(f"{key}: a path of this machine; only its last part is kept: {name}", err=True)


@click.command()
@click.argument("repo", metavar="OWNER/NAME")
@click.option("-o", "--out", type=PATH, help="The bundle's folder.  [default: NAME]")
@click.option("--revision", help="A branch, tag or commit.  [default: main]")
@click.pass_obj
def pull(registry: Registry, repo: str, out: Path | None, revision: str | None) -> None:
    """Download a bundle from the Hugging Face hub.

    The bundle OWNER/NAME is checked, and its licences are printed.
    """
    from attrxfer.model import bundle as bundles
    from attrxfer_hub.client import connect
    from attrxfer_hub.transport import download

    _require_full(repo)
    folder = out or Path(repo.partition("/")[2])
    if folder.exists():
        raise AttrxferError(f"{folder}: exists already; choose another folder with -o")
    commit = download(connect(), folder, repo, revision)
    metadata = bundles.read_metadata(folder)
    click.echo(f"{repo} at {commit[:12]}: {folder}")
    for missing in _missing_components(metadata, registry):
        click.echo(
            f"missing: {missing}; no installed plugin has it; the bundle names plugins: {', '.join(metadata['plugins'])}"
        )
    click.echo(f"licences: {'; '.join(metadata['licences'])}")
    click.echo(f"next: attrxfer transfer {folder} photos/ -o out")


def _require_full(repo: str) -> None:
    if repo.count("/") != 1 or not all(repo.split("/")):
        raise AttrxferError(f"{repo}: a repository on the hub is named OWNER/NAME")


def _missing_components(metadata: dict[str, Any], registry: Registry) -> list[str]:
    """The components of the chain that are not installed here."""
    return [f"{step['kind']} {step['use']}" for step in metadata["chain"] if step["use"] not in registry.names(step["kind"])]
