"""The folder that ``--to web`` writes, and npm's packages."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from attrxfer_web import npm
from attrxfer_web.alignment import alignment_of, three_points
from attrxfer_web.exporter import WebExporter
from attrxfer_web.page import SCRIPTS

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import GathersFiles
from tests.attrxfer_web.conftest import tarball
from tests.conftest import attrxfer

FIVE: list[list[float]] = [[5, 6], [11, 6], [8, 9], [6, 12], [10, 12]]


def model(name: str, alignment: Any = FIVE) -> Any:
    """What the page asks of a model."""
    return SimpleNamespace(
        name=name,
        size=16,
        guided={"Wavy_Hair": True, "Male": False},
        alignment=None if alignment is None else np.array(alignment, np.float32),
        metadata={"task": {"name": name}, "licences": ["MIT", "MIT", "<none>"], "sha256": {"w": "abc"}},
    )


def gathered(folder: Path, packages: Path, *names: str, title: str | None = None, webgpu: bool = False) -> Path:
    """A page with models of these names."""
    source = folder.parent / "files"
    source.mkdir(exist_ok=True)
    files = {source / f"{name}.onnx": model(name) for name in names}
    for path in files:
        path.write_bytes(path.name.encode())
    exporter: Any = WebExporter(files=SimpleNamespace(), packages=packages, title=title, webgpu=webgpu)  # type: ignore[arg-type]
    assert isinstance(exporter, GathersFiles)
    exporter.gather(files, folder)
    return folder


def held(script: Path) -> tuple[str, bytes]:
    """The file that a script of the page holds."""
    match = re.fullmatch(r'FILES\[("[^"]+")\] = "([\w+/=]+)";\n', script.read_text())
    assert match is not None
    return json.loads(match[1]), gzip.decompress(base64.b64decode(match[2]))


def test_the_page_holds_models_runtime_and_detector(tmp_path: Path, stand_ins: Path) -> None:
    site = gathered(tmp_path / "site", stand_ins, "wavy hair", "age#1")
    page = (site / "index.html").read_text()
    assert "<title>wavy hair, age#1</title>" in page and "Licences: MIT, &lt;none&gt;" in page
    assert "connect-src 'none'" in page and "//" not in re.sub("<script.*|<!doctype.*", "", page), "no address of any host"
    scripts = re.findall('<script src="([^"]+)">', page)
    assert scripts[-1] == "page.js" and "data/age%231.onnx.js" in scripts and not [name for name in scripts if "ort" in name]
    assert [f"{name}.js" for name in SCRIPTS] == scripts[: len(SCRIPTS)]
    files = dict(held(path) for path in (site / "data").glob("*.js") if path.name != "models.js")
    assert files["age#1.onnx"] == b"age#1.onnx" and b".wasm" in files["ort-wasm-simd-threaded.wasm"]
    assert len(files) == 5 and b"face_detection" in files["detector.onnx"]
    assert (site / "ort.wasm.min.js").read_bytes() == b"the content of dist/ort.wasm.min.js"
    assert runtimes(site).keys() == {"processor"}
    entries = json.loads((site / "data" / "models.js").read_text().partition("MODELS = ")[2].rstrip(";\n"))
    assert [entry["name"] for entry in entries] == ["wavy hair", "age#1"]
    assert entries[0]["makes"] == "Wavy Hair = yes, Male = no" and entries[0]["alignment"] == [[5, 6], [11, 6], [8, 12]]
    assert "STRENGTH-OF-THE-RESULT</attrxfer:Strength>" in entries[0]["packet"]
    assert (site / "licences" / "blazeface.txt").read_bytes() == b"the content of LICENSE"
    assert "MIT License" in (site / "licences" / "onnxruntime-web.txt").read_text()
    notices = (site / "licences" / "onnxruntime-third-party.txt").read_text()
    assert all(name in notices for name in ("Eigen", "emsdk", "protocolbuffers/protobuf", "microsoft/mimalloc"))
    assert "Rich Felker" in (site / "licences" / "musl.txt").read_text()


def runtimes(site: Path) -> dict[str, dict[str, str]]:
    """What the page knows of its runtimes."""
    text = (site / "data" / "models.js").read_text().partition("RUNTIMES = ")[2].partition(";\nconst")[0]
    found: dict[str, dict[str, str]] = json.loads(text)
    return found


def test_a_runtime_for_graphics_processors_is_there_where_it_is_asked_for(tmp_path: Path, stand_ins: Path) -> None:
    site = gathered(tmp_path / "site", stand_ins, "age", webgpu=True)
    known = runtimes(site)
    assert known.keys() == {"processor", "graphics"}
    for files in known.values():
        assert (site / files["loader"]).is_file()
        assert all(held(site / "data" / f"{files[part]}.js")[0] == files[part] for part in ("module", "program"))
    gathered(site, stand_ins, "age")
    assert not [path for path in site.rglob("*") if "jspi" in path.name], "what is not asked for does not stay"
    assert (site / "ort.wasm.min.js").is_file()


def test_a_second_export_replaces_the_first_and_nothing_else(tmp_path: Path, stand_ins: Path) -> None:
    site = gathered(tmp_path / "site", stand_ins, "age", "gender")
    (site / "CNAME").write_text("mine")
    gathered(site, stand_ins, "gender", title="Try <it>")
    assert (site / "CNAME").read_text() == "mine" and "<title>Try &lt;it&gt;</title>" in (site / "index.html").read_text()
    assert sorted(path.name for path in (site / "data").glob("*.onnx.js")) == ["detector.onnx.js", "gender.onnx.js"]

    other = tmp_path / "other"
    other.mkdir()
    (other / "index.html").write_text("my own page")
    with pytest.raises(AttrxferError, match=r"other/index.html: not written by this exporter; choose another folder"):
        gathered(other, stand_ins, "age")
    assert [path.name for path in other.iterdir()] == ["index.html"]
    with pytest.raises(AttrxferError, match=r"CNAME: not written by this exporter"):
        gathered(site / "CNAME", stand_ins, "age")


def test_points_of_both_kinds_of_landmarks_are_the_same_three(tmp_path: Path) -> None:
    many = np.zeros((1, 68, 2), np.float32)
    many[0, 36:42], many[0, 42:48], many[0, 48], many[0, 54] = FIVE[0], FIVE[1], FIVE[3], FIVE[4]
    assert np.array_equal(three_points(many), three_points(np.array([FIVE])))
    for alignment, has in ((None, "have no landmarks"), (FIVE[:4], "have 4 points")):
        with pytest.raises(AttrxferError, match=f"cats: the page aligns faces by 5 or 68 landmarks.*{has}"):
            alignment_of(model("cats", alignment))


# ---------------------------------------------------------------- npm

SMALL = npm.Package("small", "1.0.0", {"dist/a.js": hashlib.sha256(b"alert()").hexdigest()})


@pytest.mark.parametrize("layout", ["small", "node_modules/small"])
def test_a_package_is_read_as_npm_leaves_it(layout: str, tmp_path: Path) -> None:
    file = tmp_path / layout / "dist" / "a.js"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"alert()")
    assert SMALL.read(tmp_path) == {"a.js": b"alert()"}
    file.write_bytes(b"alert(1)")
    with pytest.raises(AttrxferError, match=rf"{layout}: dist/a.js is not that of small 1.0.0 \(SHA-256 differs\)"):
        SMALL.read(tmp_path)


def test_a_package_is_downloaded_once_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here from a folder, as the registry has it."""
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", tmp_path.as_uri())
    with pytest.raises(AttrxferError, match=r"small-1.0.0.tgz: cannot be downloaded \(.*npm pack small@1.0.0, and here: --set"):
        SMALL.read(None)
    folder = tmp_path / "small" / "-"
    folder.mkdir(parents=True)
    tarball(folder, SMALL, {"dist/a.js": b"other"})
    with pytest.raises(AttrxferError, match=r"small/-/small-1.0.0.tgz: dist/a.js is not that of small 1.0.0"):
        SMALL.read(None)
    (folder / SMALL.tarball).write_bytes(b"a page of the network's owner")
    with pytest.raises(AttrxferError, match=r"not the package small 1.0.0"):
        SMALL.read(None)
    assert not (tmp_path / "cache" / "npm").exists(), "what is wrong is not kept"
    tarball(folder, SMALL, {"dist/a.js": b"alert()"})
    assert SMALL.read(None) == {"a.js": b"alert()"}
    (folder / SMALL.tarball).unlink()
    assert SMALL.read(None) == {"a.js": b"alert()"}
    (kept,) = (tmp_path / "cache" / "npm").iterdir()
    kept.write_bytes(b"damaged")
    with pytest.raises(AttrxferError, match=r"small-1.0.0.tgz: cannot be downloaded"):
        SMALL.read(None)
    tarball(folder, SMALL, {"dist/a.js": b"alert()"})
    assert SMALL.read(None) == {"a.js": b"alert()"}


def test_mistakes_are_one_line(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    mistakes: list[tuple[list[str | Path], str]] = [
        (["--to", "onnx", trained, trained], "--to onnx writes one model into a file: name one MODEL; for several: --to web"),
        (["--to", "web", "--set", "packges=.", trained], 'exporter.packges: unknown key; did you mean "packages"?'),
        (["--to", "web", "--set", "packages", trained], '--set: "packages" is not of the form a.b=value'),
        (
            ["--to", "web", "--set", f"packages={tmp_path / 'empty'}", trained],
            "empty: has neither onnxruntime-web-1.30.0.tgz nor",
        ),
    ]
    for arguments, message in mistakes:
        result = attrxfer("export", *arguments, "-o", tmp_path / "out")
        assert result.returncode == 2 and message in result.stderr, result.stderr
        assert len(result.stderr.splitlines()) == 1 and not (tmp_path / "out").exists()
