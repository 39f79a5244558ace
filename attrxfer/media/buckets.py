"""Places that are no local files: buckets (s3://, gs://), and whatever else fsspec opens by a URL."""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePath
from typing import Any
from urllib.request import url2pathname

from attrxfer.errors import AttrxferError, DataError, did_you_mean, in_a_line
from attrxfer.media.folders import Tree, is_hidden
from attrxfer.plugin.distribution import install
from attrxfer.storage.files import is_full_disk, write_bytes

SYNTAX = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]+)://(?P<path>.*)", re.DOTALL | re.IGNORECASE)
ALIASES = {"s3a": "s3", "gcs": "gs"}
"""Second names of one scheme, so that one file has one URL."""
PACKAGES = {"s3": "s3fs", "gs": "gcsfs"}
"""What the extra ``buckets`` installs."""


class NotThere(DataError):
    """A URL of no file or folder."""


@dataclass(frozen=True)
class Url:
    """A file or folder that fsspec opens.

    Attributes:
        scheme: "s3".
        path: What follows "://", without a slash at the end.
    """

    scheme: str
    path: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.path}"

    def __truediv__(self, name: str | PurePath) -> Url:
        inner = name if isinstance(name, str) else name.as_posix()
        return Url(self.scheme, f"{self.path}/{inner}" if self.path else inner)

    @property
    def name(self) -> str:
        """The last part."""
        return self.path.rpartition("/")[2]

    @property
    def parent(self) -> Url:
        """The folder that it is in."""
        return Url(self.scheme, self.path.rpartition("/")[0])


Place = Path | Url


def place(text: str) -> Place:
    """What a user names: a URL, or a local file. A file:// URL is a local file.

    >>> str(place("S3A://bucket/photos/")), str(place("file:///photos/a%20b.jpg")), str(place("photos//a.jpg"))
    ('s3://bucket/photos', '/photos/a b.jpg', 'photos/a.jpg')

    Raises:
        DataError: A file:// URL names another machine.
    """
    url = SYNTAX.fullmatch(text)
    if url is None:
        return Path(text)
    scheme = url["scheme"].lower()
    if scheme in ("file", "local"):
        host, slash, path = url["path"].partition("/")
        if host.lower() not in ("", "localhost"):
            raise DataError(f"{text}: names the machine {host}; a file of this one is {scheme}:///folder/name, or its path")
        return Path(url2pathname(slash + path))  # a # or ? is part of a name here
    return Url(ALIASES.get(scheme, scheme), url["path"].rstrip("/"))


def names(folder: Url) -> Iterator[str]:
    """The files below a folder, by one listing: their paths inside it, "" for ``folder`` itself where it is a file.

    Raises:
        DataError: It cannot be listed: no bucket of this name, no credentials, no connection.
        AttrxferError: What opens such URLs is not installed.
    """
    with _naming(folder):
        system, root = _open(folder)
        system.invalidate_cache()
        for path in system.find(root):
            if not path.endswith("/"):  # consoles make such empty files to show a folder
                yield path.removeprefix(root.rstrip("/")).removeprefix("/")


def walk(folder: Url) -> Tree | None:
    """What is below a folder, by the rules of ``folders.walk``; None where the URL is a file's.

    Raises:
        DataError: There is nothing; or see ``names``.
    """
    files: list[Path] = []
    hidden: set[Path] = set()
    unreadable: list[str] = []
    for name in names(folder):
        path = Path(name)
        if not name:
            return None
        if path.as_posix() != name or path.anchor or ".." in path.parts or "\0" in name:
            unreadable.append(f"{name}: no file can have this name")
            continue
        folders = path.parts[:-1]
        within = next((number for number, part in enumerate(folders, 1) if is_hidden(part)), 0)
        if within:
            hidden.add(Path(*folders[:within]))
        else:
            files.append(path)
    if not (files or hidden or unreadable):
        raise DataError(f"{folder}: no such file or folder")
    return Tree(tuple(sorted(files)), tuple(sorted(hidden)), tuple(sorted(unreadable)))


def check(folder: Url) -> None:
    """Ask for a folder once, before much work is done for it. Whether one may write there shows with the first file.

    Raises:
        DataError: No credentials, or no connection.
        AttrxferError: What opens such URLs is not installed.
    """
    with _naming(folder):
        system, path = _open(folder)
        with suppress(PermissionError):  # one who may only write may not ask
            system.exists(path)


def fetch(url: Url, path: Path, stopped: threading.Event | None = None) -> None:
    """Write the content of a URL into a local file.

    Args:
        url: The URL.
        path: The file.
        stopped: Set by another thread, it ends a download that goes on.

    Raises:
        DataError: It cannot be read.
        OSError: The disk is full.
    """
    with _naming(url):
        system, name = _open(url)
        import fsspec

        def go_on(size: int | None, value: int) -> None:
            if stopped is not None and stopped.is_set():
                raise DataError(f"{url}: stopped")

        system.get_file(name, str(path), callback=fsspec.Callback(hooks={"stopped": go_on}))


def put(path: Path, url: Url) -> None:
    """Write a local file to a URL. In a bucket, it is there whole or not at all.

    Raises:
        DataError: It cannot be written, or there is no such local file.
        AttrxferError: There is no such bucket.
    """
    with _naming(url):
        system, name = _open(url)
        try:
            system.put_file(str(path), name)
        except FileNotFoundError:
            if path.exists():
                raise AttrxferError(f"{url}: no such bucket") from None
            raise DataError(f"{path}: no such file") from None


def read_content(source: Place) -> bytes:
    """The content of a small file.

    Raises:
        FileNotFoundError: It does not exist.
        NotThere: The same, of a URL.
        OSError: It cannot be read.
        DataError: The same, of a URL.
    """
    if isinstance(source, Path):
        return source.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        fetch(source, Path(folder) / "content")
        return (Path(folder) / "content").read_bytes()


def write_content(target: Place, content: bytes) -> None:
    """Write a small file, whole or not at all.

    Raises:
        OSError: It cannot be written.
        AttrxferError: The same, to a URL.
    """
    if isinstance(target, Path):
        write_bytes(target, content)
        return
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "content").write_bytes(content)
        put(Path(folder) / "content", target)


@contextmanager
def _naming(url: Url) -> Iterator[None]:
    """Turn whatever a library raises inside into one line that names the URL; a full disk stays what it is."""
    try:
        yield
    except AttrxferError:
        raise
    except FileNotFoundError:
        raise NotThere(f"{url}: no such file or bucket") from None
    except Exception as error:  # each library has kinds of its own
        if is_full_disk(error):
            raise
        raise DataError(f"{url}: {in_a_line(error)}") from None


def _open(url: Url) -> tuple[Any, str]:
    """The file system of a URL, and the name there."""
    if find_spec("fsspec") is None:
        raise AttrxferError(f"{url}: needs fsspec: {install('buckets')}")
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(str(url))
    except ValueError:
        known = fsspec.available_protocols()
        if url.scheme in known:
            raise
        raise AttrxferError(f"{url}: fsspec opens no {url.scheme}://{did_you_mean(url.scheme, known)}") from None
    except ImportError as error:
        package = PACKAGES.get(url.scheme)
        needs = f"needs {package}: {install('buckets')}" if package else in_a_line(error)
        raise AttrxferError(f"{url}: {needs}") from None
    return system, path
