"""Upload to the hub and download from it, with a ``client.Client``."""

from __future__ import annotations

import shutil
from pathlib import Path

from attrxfer.errors import AttrxferError, BundleError
from attrxfer.model import bundle
from attrxfer.model.card import METADATA, WEIGHTS
from attrxfer.storage.files import new_folder
from attrxfer_hub.client import Client, explained

CREATED_BY_HUB = ".gitattributes"
"""The file that the hub puts into every new repository."""
SHOWN = 4
"""File names that an error lists, at most."""


def upload(client: Client, folder: Path, repo: str, private: bool, revision: str | None, message: str) -> str:
    """Upload the files of a folder as one commit.

    Args:
        client: The hub's client.
        folder: What is uploaded.
        repo: OWNER/NAME; it is created if it does not exist.
        private: Whether only its owner may see the repository.
        revision: The branch, which is created if it does not exist; None is the main branch.
        message: The commit message.

    Returns:
        The address of the page.

    Raises:
        AttrxferError: The repository holds something other than a bundle, or is public though ``private`` is True (then
            nothing is uploaded); or the hub refused.
    """
    with explained(repo, revision):
        address = client.create_repo(repo, private=True, exist_ok=True) if private else client.create_repo(repo, exist_ok=True)
        if revision is not None:
            client.create_branch(repo, branch=revision, exist_ok=True)
        info = client.model_info(repo, revision=revision)
        if private and not info.private:
            raise AttrxferError(
                f"{repo}: exists already and is public; make it private on {address}/settings, or choose another"
            )
        names = sorted({file.rfilename for file in info.siblings or ()} - {CREATED_BY_HUB})
        if names and METADATA not in names:
            raise AttrxferError(f"{repo}: holds no bundle but {_some(names)}; choose another name")
        client.upload_folder(repo_id=repo, folder_path=folder, commit_message=message, revision=revision)
    return str(address) if revision is None else f"{address}/tree/{revision}"


def download(client: Client, folder: Path, repo: str, revision: str | None) -> str:
    """Download a bundle's two files into a new folder and check them. After an error the folder does not exist.

    Args:
        client: The hub's client.
        folder: The new folder.
        repo: OWNER/NAME.
        revision: A branch, tag or commit; None is the main branch.

    Returns:
        The commit that was downloaded.

    Raises:
        AttrxferError: The repository holds no bundle, or the hub refused.
        BundleError: The files do not match the bundle's metadata.
    """
    with explained(repo, revision):
        info = client.model_info(repo, revision=revision)
        names = sorted(file.rfilename for file in info.siblings or ())
        for name in (METADATA, WEIGHTS):
            if name not in names:
                raise AttrxferError(f"{repo}: not a bundle: it has no {name} (only {_some(names)})")
        with new_folder(folder) as draft:
            for name in (METADATA, WEIGHTS):
                client.hf_hub_download(repo, name, revision=info.sha, local_dir=draft)
            _check(draft, repo)
    return str(info.sha)


def _check(draft: Path, repo: str) -> None:
    shutil.rmtree(draft / ".cache", ignore_errors=True)  # where the client records its downloads
    try:
        bundle.verify(draft, bundle.read_metadata(draft))
    except BundleError as error:
        raise BundleError(f"{repo}: {str(error).replace(f'{draft}/', '')}") from None


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) or "nothing") + more
