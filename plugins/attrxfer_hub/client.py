"""huggingface_hub's client: the calls that push and pull use, and its errors as one line with the remedy."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from attrxfer.errors import AttrxferError

LOG_IN = "log in with `hf auth login`, or put a token into the environment variable HF_TOKEN"


class Client(Protocol):
    """The calls of ``huggingface_hub.HfApi`` that push and pull use."""

    def create_repo(self, repo_id: str, *, private: bool = ..., exist_ok: bool = ...) -> Any:
        """Create a repository.

        Returns:
            The address of its page; the attribute ``repo_id`` is OWNER/NAME.
        """
        ...

    def create_branch(self, repo_id: str, *, branch: str, exist_ok: bool = ...) -> None: ...

    def model_info(self, repo_id: str, *, revision: str | None = ...) -> Any:
        """Describe a repository.

        Returns:
            An object with ``sha``, ``private`` and ``siblings``, each of which has ``rfilename``.
        """
        ...

    def upload_folder(
        self, *, repo_id: str, folder_path: str | Path, commit_message: str | None = ..., revision: str | None = ...
    ) -> Any: ...

    def hf_hub_download(
        self, repo_id: str, filename: str, *, revision: str | None = ..., local_dir: str | Path | None = ...
    ) -> Any: ...


def connect() -> Client:
    """A client with this machine's login.

    Raises:
        AttrxferError: huggingface_hub is not installed.
    """
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.utils import disable_progress_bars
    except ImportError:
        raise AttrxferError("missing: huggingface_hub: pip install 'attrxfer[hub]'") from None
    if not sys.stderr.isatty():
        disable_progress_bars()
    client: Client = HfApi(library_name="attrxfer")
    return client


@contextmanager
def explained(repo: str, revision: str | None = None) -> Iterator[None]:
    """Inside, the client's errors become an AttrxferError of one line. Errors of the local disk pass unchanged."""
    from huggingface_hub import errors

    try:
        yield
    except errors.RevisionNotFoundError:
        raise AttrxferError(f"{repo}: there is no revision {revision}") from None
    except errors.GatedRepoError:
        raise AttrxferError(f"{repo}: its owner must grant you access: request it on its page, then {LOG_IN}") from None
    except errors.RepositoryNotFoundError:
        raise AttrxferError(f"{repo}: no such repository, or a private one: check its name, or {LOG_IN}") from None
    except errors.HFValidationError as error:
        raise AttrxferError(f"{repo}: {_line(error)}") from None
    except errors.LocalEntryNotFoundError as error:  # in old versions a subclass of HfHubHTTPError, though there was no answer
        raise AttrxferError(_no_answer(repo, error)) from None
    except errors.HfHubHTTPError as error:
        raise AttrxferError(f"{repo}: {_refusal(error)}") from None
    except errors.LocalTokenNotFoundError:
        raise AttrxferError(f"{repo}: not logged in: {LOG_IN}") from None
    except (errors.HTTPError, OSError) as error:
        if isinstance(error, OSError) and (error.filename is not None or error.errno == errno.ENOSPC):
            raise
        raise AttrxferError(_no_answer(repo, error)) from None


def _no_answer(repo: str, error: BaseException) -> str:
    from huggingface_hub import constants

    return (
        f"{repo}: no answer from {constants.ENDPOINT} ({_line(error)}): check the network, "
        f"and HF_ENDPOINT and HF_HUB_OFFLINE where they are set"
    )


def _refusal(error: Any) -> str:
    status = getattr(error.response, "status_code", None)
    if status == 401:
        return f"not logged in, or the token is no longer valid: {LOG_IN}"
    if status == 403:
        return "no right to write there: use a token with the role write, and a name below your own or your organisation's"
    return f"the hub refused ({status}): {error.server_message or _line(error)}"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
