"""npm's packages: the real ones where they can be had, and others of the same shape."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from attrxfer_web import npm, page

from attrxfer.errors import AttrxferError


@pytest.fixture(scope="module")
def packages() -> None:
    """ONNX Runtime Web and the face detector are in the cache; skips where the registry is out of reach."""
    try:
        for package in (npm.RUNTIME, npm.GRAPHICS, npm.DETECTOR):
            package.read(None)
    except AttrxferError as error:
        if "cannot be downloaded" not in str(error):
            raise
        pytest.skip(str(error))


def tarball(folder: Path, package: npm.Package, contents: Mapping[str, bytes]) -> None:
    """A package as ``npm pack`` leaves it."""
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / package.tarball, "w:gz") as archive:
        for path, content in contents.items():
            member = tarfile.TarInfo(f"package/{path}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with both packages, of small files that stand for the real ones."""
    folder = tmp_path / "packages"
    all_contents: dict[str, dict[str, bytes]] = {}
    for name in ("RUNTIME", "GRAPHICS", "DETECTOR"):
        package: npm.Package = getattr(npm, name)
        contents = {path: f"the content of {path}".encode() for path in package.files}
        small = replace(package, files={path: hashlib.sha256(content).hexdigest() for path, content in contents.items()})
        monkeypatch.setattr(page, name, small)
        tarball(folder, small, all_contents.setdefault(package.tarball, {}) | contents)
        all_contents[package.tarball] |= contents
    return folder
