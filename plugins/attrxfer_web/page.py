"""The folder of the page: its scripts, and scripts that hold networks and runtime, since a page that is opened from a folder
may not read the files beside it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Model
from attrxfer.media.provenance import provenance_of, xmp_packet
from attrxfer.report.pages import render
from attrxfer.storage.files import write_bytes, write_text
from attrxfer_web.alignment import alignment_of
from attrxfer_web.npm import DETECTOR, GRAPHICS, RUNTIME

HERE = Path(__file__).parent
SCRIPTS = ("engine", "networks", "similarity", "resample", "paste", "metadata", "photo", "faces", "png", "marks")
"""The page's own scripts, in the order in which they are loaded; after them come the data, and page.js. engine.js loads
one runtime, as the browser allows."""
STRENGTH_PLACE = "STRENGTH-OF-THE-RESULT"
"""In the XMP packets: the page puts the strength there."""
OURS = '<meta name="generator" content="attrxfer">'


@dataclass(frozen=True)
class PageModel:
    """A model of the page.

    Attributes:
        file: Its ONNX file.
        makes: The attributes of results, in words.
        licences: In words.
        entry: What the page's scripts know of it.
    """

    file: Path
    makes: str
    licences: str
    entry: dict[str, Any]

    @classmethod
    def of(cls, file: Path, model: Model) -> PageModel:
        """Describe a model.

        Raises:
            AttrxferError: It was not trained on aligned faces.
        """
        makes = ", ".join(f"{name.replace('_', ' ')} = {'yes' if value else 'no'}" for name, value in model.guided.items())
        packet = xmp_packet({**provenance_of(model, 1.0), "Strength": STRENGTH_PLACE}).decode()
        entry = {
            "name": file.stem,
            "label": file.stem.replace("_", " "),
            "makes": makes,
            "file": file.name,
            "size": model.size,
            "alignment": alignment_of(model).tolist(),
            "packet": packet,
        }
        return cls(file, makes, ", ".join(dict.fromkeys(model.metadata["licences"])) or "unknown", entry)


def write_page(
    folder: Path, models: Sequence[PageModel], packages: Path | None, title: str | None, *, webgpu: bool = False
) -> None:
    """Write the page.

    Args:
        folder: Where; scripts of models that an earlier page had are deleted, other files stay.
        models: The models, in the page's order.
        packages: Where npm's packages lie; None: they are downloaded, once.
        title: The page's title; None: the names of the models.
        webgpu: Whether the page has the runtime for graphics processors too.

    Raises:
        AttrxferError: There is another page in the folder, or the packages cannot be read.
    """
    index, data = folder / "index.html", folder / "data"
    if folder.is_file() or (index.exists() and OURS not in index.read_text(errors="replace")):
        raise AttrxferError(f"{folder if folder.is_file() else index}: not written by this exporter; choose another folder")
    runtimes = {"processor": RUNTIME.read(packages)}
    if webgpu:
        runtimes["graphics"] = GRAPHICS.read(packages)
    detector = DETECTOR.read(packages)
    contents = {model.file.name: model.file.read_bytes() for model in models}
    contents["detector.onnx"] = next(content for name, content in detector.items() if name.endswith(".onnx"))
    loaded_at_once = list(contents)
    loaders = {name: content for files in runtimes.values() for name, content in files.items() if name.endswith(".js")}
    contents |= {name: content for files in runtimes.values() for name, content in files.items() if name not in loaders}
    for name, content in contents.items():
        write_text(data / f"{name}.js", _script(name, content))
    written = {f"{name}.js" for name in contents} | set(loaders)
    for stale in (*data.glob("*.onnx.js"), *data.glob("ort-wasm-*.js"), *folder.glob("ort.*.min.js")):
        if stale.name not in written:
            stale.unlink()
    entries = {
        "STRENGTH_PLACE": STRENGTH_PLACE,
        "RUNTIMES": {kind: _runtime(files) for kind, files in runtimes.items()},
        "MODELS": [model.entry for model in models],
    }
    lines = [f"const {name} = {json.dumps(value, indent=1)};\n" for name, value in entries.items()]
    write_text(data / "models.js", "".join(lines))
    for name, content in loaders.items():
        write_bytes(folder / name, content)
    for name in (*SCRIPTS, "page"):
        write_bytes(folder / f"{name}.js", (HERE / "site" / f"{name}.js").read_bytes())
    write_bytes(folder / "style.css", (HERE / "site" / "style.css").read_bytes())
    for licence in (HERE / "licences").iterdir():
        write_bytes(folder / "licences" / licence.name, licence.read_bytes())
    write_bytes(folder / "licences" / "blazeface.txt", detector["LICENSE"])
    write_text(index, _index(models, loaded_at_once, title))  # last: a page is there when all of it is


def _runtime(files: Mapping[str, bytes]) -> dict[str, str]:
    """The names of a runtime's files, for the page's scripts."""
    kinds = {".js": "loader", ".mjs": "module", ".wasm": "program"}
    return {kinds[Path(name).suffix]: name for name in files}


def _script(name: str, content: bytes) -> str:
    """A script that holds a file, compressed."""
    packed = base64.b64encode(gzip.compress(content, mtime=0)).decode()
    return f'FILES[{json.dumps(name)}] = "{packed}";\n'


def _index(models: Sequence[PageModel], data: Sequence[str], title: str | None) -> str:
    scripts = [*(f"{name}.js" for name in SCRIPTS), "data/models.js", *(f"data/{name}.js" for name in data), "page.js"]
    return render(
        "index.html.j2",
        HERE / "site",
        title=title or ", ".join(model.entry["label"] for model in models),
        models=[{**model.entry, "licences": model.licences} for model in models],
        scripts=[quote(script) for script in scripts],
        runtime=f"ONNX Runtime Web {RUNTIME.version}",
        detector="BlazeFace",
    )
