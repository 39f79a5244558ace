"""The folder of the page: its scripts, and scripts that hold networks and runtime, since a page that is opened from a folder
may not read the files beside it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
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
from attrxfer_web.npm import DETECTOR, RUNTIME

HERE = Path(__file__).parent
SCRIPTS = ("networks", "similarity", "resample", "paste", "photo", "faces", "png", "marks")
"""The page's own scripts, in the order in which they are loaded; after them come the data, and page.js."""
LOADER, MODULE, PROGRAM = "ort.wasm.min.js", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"
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


def write_page(folder: Path, models: Sequence[PageModel], packages: Path | None, title: str | None) -> None:
    """Write the page.

    Args:
        folder: Where; scripts of models that an earlier page had are deleted, other files stay.
        models: The models, in the page's order.
        packages: Where npm's packages lie; None: they are downloaded, once.
        title: The page's title; None: the names of the models.

    Raises:
        AttrxferError: There is another page in the folder, or the packages cannot be read.
    """
    index, data = folder / "index.html", folder / "data"
    if folder.is_file() or (index.exists() and OURS not in index.read_text(errors="replace")):
        raise AttrxferError(f"{folder if folder.is_file() else index}: not written by this exporter; choose another folder")
    runtime, detector = RUNTIME.read(packages), DETECTOR.read(packages)
    contents = {model.file.name: model.file.read_bytes() for model in models}
    contents |= {name: runtime[name] for name in (MODULE, PROGRAM)}
    contents["detector.onnx"] = next(content for name, content in detector.items() if name.endswith(".onnx"))
    for name, content in contents.items():
        write_text(data / f"{name}.js", _script(name, content))
    for stale in {path.name for path in data.glob("*.onnx.js")} - {f"{name}.js" for name in contents}:
        (data / stale).unlink()
    entries = json.dumps([model.entry for model in models], indent=1)
    write_text(data / "models.js", f"const STRENGTH_PLACE = {json.dumps(STRENGTH_PLACE)};\nconst MODELS = {entries};\n")
    write_bytes(folder / LOADER, runtime[LOADER])
    for name in (*SCRIPTS, "page"):
        write_bytes(folder / f"{name}.js", (HERE / "site" / f"{name}.js").read_bytes())
    write_bytes(folder / "style.css", (HERE / "site" / "style.css").read_bytes())
    write_bytes(folder / "licences" / "onnxruntime-web.txt", (HERE / "licences" / "onnxruntime-web.txt").read_bytes())
    write_bytes(folder / "licences" / "blazeface.txt", detector["LICENSE"])
    write_text(index, _index(models, list(contents), title))  # last: a page is there when all of it is


def _script(name: str, content: bytes) -> str:
    """A script that holds a file, compressed."""
    packed = base64.b64encode(gzip.compress(content, mtime=0)).decode()
    return f'FILES[{json.dumps(name)}] = "{packed}";\n'


def _index(models: Sequence[PageModel], data: Sequence[str], title: str | None) -> str:
    scripts = [LOADER, *(f"{name}.js" for name in SCRIPTS), "data/models.js", *(f"data/{name}.js" for name in data), "page.js"]
    return render(
        "index.html.j2",
        HERE / "site",
        title=title or ", ".join(model.entry["label"] for model in models),
        models=[{**model.entry, "licences": model.licences} for model in models],
        scripts=[quote(script) for script in scripts],
        runtime=f"ONNX Runtime Web {RUNTIME.version}",
        detector="BlazeFace",
    )
