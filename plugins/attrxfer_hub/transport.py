"""Up to the hub and down from it, by any object that has the calls of ``client.Client``."""

from __future__ import annotations

import shutil
from pathlib import Path

from attrxfer.errors import AttrxferError, BundleError
from attrxfer.model import bundle
from attrxfer.model.bundle import METADATA, WEIGHTS
from attrxfer.storage.files import new_folder
from attrxfer_hub.client import Client, explained

ONES_OWN = ".gitattributes"
"""What the hub puts into every new repository."""
SHOWN = 4


def upload(client: Client, folder: Path, repo: str, private: bool, revision: str | None, message: str) -> str:
    """Upload the files of ``folder`` as one commit; returns the address of its page.

    Raises AttrxferError, before anything is uploaded, when the repository holds something else than a bundle, or is public
    though ``private`` is asked for.
    """
    with explained(repo, revision):
        address = client.create_repo(repo, private=True, exist_ok=True) if private else client.create_repo(repo, exist_ok=True)
        if revision is not None:
            client.create_branch(repo, branch=revision, exist_ok=True)
        info = client.model_info(repo, revision=revision)
        if private and not info.private:
            raise AttrxferError(
                f"{repo}: is there already and public; make it private on {address}/settings, or choose another"
            )
        names = sorted({file.rfilename for file in info.siblings or ()} - {ONES_OWN})
        if names and METADATA not in names:
            raise AttrxferError(f"{repo}: holds something else ({_some(names)}); choose another name")
        client.upload_folder(repo_id=repo, folder_path=folder, commit_message=message, revision=revision)
    return str(address) if revision is None else f"{address}/tree/{revision}"


def download(client: Client, folder: Path, repo: str, revision: str | None) -> str:
    """Download a bundle's own two files into a new folder, checked; returns the commit they are from.

    Raises AttrxferError when the repository holds no bundle, BundleError when its files are not what its card says; the
    folder is there only when all is well.
    """
    with explained(repo, revision):
        info = client.model_info(repo, revision=revision)
        names = sorted(file.rfilename for file in info.siblings or ())
        for name in (METADATA, WEIGHTS):
            if name not in names:
                raise AttrxferError(f"{repo}: no bundle of attrxfer: it holds no {name} (but {_some(names)})")
        with new_folder(folder) as draft:
            for name in (METADATA, WEIGHTS):
                client.hf_hub_download(repo, name, revision=info.sha, local_dir=draft)
            _check(draft, repo)
    return str(info.sha)


def _check(draft: Path, repo: str) -> None:
    shutil.rmtree(draft / ".cache", ignore_errors=True)  # the client's notes on what it downloaded
    try:
        bundle.verify(draft, bundle.read_metadata(draft))
    except BundleError as error:
        raise BundleError(f"{repo}: {str(error).replace(f'{draft}/', '')}") from None


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) or "nothing") + more
