"""Atomic writes, checksums, and reading of tensors."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from attrxfer.errors import DataError, in_a_line
from attrxfer.storage.drafts import ENDING, REPLACED, discard, prefix, sweep

if TYPE_CHECKING:
    from torch import Tensor


FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


def is_full_disk(error: BaseException) -> bool:
    """Whether an error says that the disk, or the user's share of it, is full."""
    return getattr(error, "errno", None) in FULL_DISK


def sync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically: temporary name in the same folder, fsync, rename."""
    with new_file(path) as file:
        file.write(content)


def write_text(path: Path, text: str) -> None:
    """``write_bytes`` for UTF-8 text."""
    write_bytes(path, text.encode())


def copy(source: Path, path: Path) -> None:
    """Copy a file atomically, without reading it into memory at once."""
    with source.open("rb") as content, new_file(path) as file:
        shutil.copyfileobj(content, file)


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """An open file with a temporary name. It is renamed to ``path`` on success and removed after an error.

    Raises:
        OSError: It cannot be written; its ``filename`` is ``path``.
    """
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        handle, name = tempfile.mkstemp(prefix=prefix(path), suffix=ENDING, dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(0o666 & ~UMASK)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync(path.parent)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A temporary folder to fill. It replaces ``path`` on success and is removed after an error.

    Raises:
        OSError: It cannot be written; its ``filename`` is ``path``.
    """
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        temporary = Path(tempfile.mkdtemp(prefix=prefix(path), suffix=ENDING, dir=path.parent))
        try:
            temporary.chmod(0o777 & ~UMASK)
            yield temporary
            for file in sorted(temporary.rglob("*")):
                sync(file)
            sync(temporary)
            if path.exists():
                old = Path(tempfile.mkdtemp(prefix=prefix(path), suffix=ENDING, dir=path.parent))
                (old / REPLACED).mkdir()
                path.replace(old / REPLACED / path.name)
                try:
                    temporary.replace(path)
                finally:
                    discard(old)
            else:
                temporary.replace(path)
            sync(path.parent)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


@contextmanager
def filled_folder(path: Path) -> Iterator[None]:
    """Inside, there is a folder to write into; one that was made for it and is still empty at the end is removed.

    Raises:
        OSError: It cannot be made.
    """
    is_new = not path.exists()
    path.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        if is_new:
            with suppress(OSError):  # it is not empty
                path.rmdir()


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Errors of the system inside name ``path``: by themselves they name its draft, or no file at all (a full disk)."""
    try:
        yield
    except OSError as error:
        named = error.filename
        if named is None or (isinstance(named, str | Path) and ENDING in str(named)):
            error.filename = str(path)
        raise


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors as safetensors, into a folder that ``new_folder`` gave.

    Raises:
        OSError: The disk is full, for example.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(dict(tensors), path)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from None


def is_file_name(text: str) -> bool:
    """Whether a text can be a file's name: it is printable, has no path separators, and is no folder's short name.

    >>> is_file_name("mouth open"), is_file_name("../mouth"), is_file_name("a\\nb"), is_file_name("..")
    (True, False, False, False)
    """
    return bool(text) and text.isprintable() and not {"/", "\\"} & set(text) and text not in (".", "..")


def sha256(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        DataError: It is no JSON: empty or full of zeros after a power cut, for example.
        OSError: It cannot be read.
    """
    content = path.read_bytes()
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        reason = "empty" if not content.strip(b"\0 \n") else " ".join(str(error).split())[:100]
        raise DataError(f"{path}: damaged ({reason})") from None


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a state dict from a safetensors file, or from a file of torch without executing its pickles.

    Raises:
        DataError: The file is missing or damaged, or holds anything but named tensors.
    """
    import torch  # takes seconds
    from safetensors.torch import load_file

    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        safe = path.suffix == ".safetensors"
        tensors = load_file(path) if safe else torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files raise many kinds of exceptions
        raise DataError(f"{path}: holds no tensors that can be read safely ({in_a_line(error, 100)})") from None
    if not isinstance(tensors, dict) or not all(isinstance(value, torch.Tensor) for value in tensors.values()):
        raise DataError(f"{path}: is not a state dict (names with tensors)")
    return dict(tensors)


def _read_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


UMASK = _read_umask()
"""The user's umask. It is read once, because reading it means setting it for all threads of the process."""
