"""Files in buckets: the outcomes are those of local files, and nothing stays on this machine."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image

from attrxfer.errors import AttrxferError, DataError
from attrxfer.media import buckets
from attrxfer.media.batch import BatchOptions, FileResult
from attrxfer.media.buckets import Place, Url, place
from attrxfer.media.manifest import Manifest
from attrxfer.media.processors import PhotoProcessor
from attrxfer.workflows import transfer as workflow
from attrxfer.workflows.transfer import TransferOptions, TransferResult, transfer
from tests.media.photos.conftest import smooth
from tests.media.video.made import Bright as BrightSquares
from tests.media.video.made import Dots, moving, write
from tests.workflows.test_workers import HOST, use_fakes

COUNT = 5
IN, OUT = place("memory://in/photos"), place("memory://out/results")


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are; and the model and detector of these tests."""
    use_fakes(monkeypatch)
    made = tmp_path / "temporary"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    return made


@pytest.fixture
def memory() -> MemoryFileSystem:
    """An empty file system in memory."""
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
    return fsspec.filesystem("memory")


@pytest.fixture
def folder(tmp_path: Path, memory: MemoryFileSystem) -> Path:
    """Photos with a cat, one without, one hidden, what is no image; here and in memory://in/photos."""
    made = tmp_path / "photos"
    for name in [f"{number}.png" for number in range(COUNT - 1)] + ["deep/4.png", ".thumbnails/5.png"]:
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(smooth(), 5 * COUNT, 1)).save(made / name)
    Image.new("RGB", (90, 70), "grey").save(made / "nobody.png")
    (made / "note.jpg").write_text("no image")
    (made / "text.txt").write_text("no image")
    for path in made.rglob("*"):
        if path.is_file():
            memory.pipe(f"/in/photos/{path.relative_to(made).as_posix()}", path.read_bytes())
    return made


def contents(root: Place) -> dict[str, bytes]:
    """What is in a folder, without the manifest."""
    if isinstance(root, Path):
        found = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    else:
        found = {name: fsspec.filesystem("memory").cat(f"/{root.path}/{name}") for name in buckets.names(root)}
    return {name: content for name, content in found.items() if not name.startswith("manifest")}


def manifest(root: Place, name: str = "manifest.json") -> dict[str, Any]:
    return json.loads(buckets.read_content(root / name))


def outcomes(result: TransferResult) -> list[tuple[str, str, str]]:
    return [(file.name.as_posix(), file.outcome, file.reason) for file in result.batch.files]


@pytest.mark.parametrize("engine", [None, '{use = "threads", workers = 3}'])
@pytest.mark.parametrize(("source", "out"), [(IN, OUT), (IN, None), (None, OUT)])
def test_files_outcomes_and_manifest_are_those_of_local_files(
    folder: Path, tmp_path: Path, temporary: Path, engine: str | None, source: Place | None, out: Place | None
) -> None:
    here = transfer("model", [folder], tmp_path / "here", HOST)
    source, out = source or folder, out or tmp_path / "there"
    there = transfer("model", [source], out, HOST, TransferOptions(engine=engine))
    assert contents(out) == contents(tmp_path / "here") and len(contents(out)) == COUNT + 1
    assert outcomes(there) == outcomes(here) and there.batch.written == COUNT
    assert there.notes == (f"left out, as hidden or made by a system: {source / '.thumbnails'}",)
    lines = [
        {**line, "input": line["input"].replace(str(folder), str(source))} for line in manifest(tmp_path / "here")["images"]
    ]
    assert manifest(out) == {**manifest(tmp_path / "here"), "images": lines}
    assert not list(temporary.iterdir())


def counted(monkeypatch: pytest.MonkeyPatch, name: str) -> list[str]:
    """The first arguments of the calls of a method of the file system."""
    calls: list[str] = []
    method: Callable[..., Any] = getattr(MemoryFileSystem, name)

    def noted(self: MemoryFileSystem, path: str, *more: Any, **named: Any) -> Any:
        calls.append(path)
        return method(self, path, *more, **named)

    monkeypatch.setattr(MemoryFileSystem, name, noted)
    return calls


def test_what_is_there_is_not_fetched_and_found_by_one_listing(
    folder: Path, memory: MemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer("model", [IN], OUT, HOST)
    before, noted = contents(OUT), manifest(OUT)
    memory.rm("/out/results/deep/4.png")
    listings, fetched = counted(monkeypatch, "find"), counted(monkeypatch, "get_file")
    result = transfer("model", [IN], OUT, HOST, TransferOptions(batch=BatchOptions(skip_existing=True)))
    assert [file.name.as_posix() for file in result.batch.of("changed")] == ["deep/4.png"]
    assert listings == ["/in/photos", "/out/results"]
    assert sorted(fetched) == ["/in/photos/deep/4.png", "/in/photos/note.jpg", "/out/results/manifest.json"]
    assert contents(OUT) == before
    assert {**manifest(OUT), "images": 0} == {**noted, "images": 0}


def test_a_manifest_that_cannot_be_read_stays(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transfer("model", [IN / "0.png", IN / "1.png"], OUT, HOST, listed=True)
    before, again = manifest(OUT), TransferOptions(batch=BatchOptions(skip_existing=True))
    with monkeypatch.context() as refused:
        fails(refused, "get_file", "manifest.json", PermissionError("Access Denied"))
        with pytest.raises(DataError, match="^memory://out/results/manifest.json: Access Denied$"):
            transfer("model", [IN], OUT, HOST, again)
    assert manifest(OUT) == before
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="manifest.json: damaged: delete it to begin a new one$"):
        transfer("model", [IN], tmp_path / "here", HOST, again)


def test_shards_divide_a_bucket(folder: Path, tmp_path: Path) -> None:
    transfer("model", [folder], tmp_path / "here", HOST)
    for part in (1, 2):
        transfer("model", [IN], OUT, HOST, TransferOptions(batch=BatchOptions(shard=(part, 2))))
    assert contents(OUT) == contents(tmp_path / "here")
    lines = [line["input"] for part in (1, 2) for line in manifest(OUT, f"manifest-{part}-of-2.json")["images"]]
    assert len(lines) == len(set(lines)) == COUNT + 3


def fails(monkeypatch: pytest.MonkeyPatch, method: str, at: str, error: Exception) -> None:
    """Have a method of the file system fail at some paths."""
    right: Callable[..., Any] = getattr(MemoryFileSystem, method)

    def wrong(self: MemoryFileSystem, path: str, *more: Any, **named: Any) -> Any:
        if any(at in str(one) for one in (path, *more)):
            raise error
        return right(self, path, *more, **named)

    monkeypatch.setattr(MemoryFileSystem, method, wrong)


@pytest.mark.parametrize(
    ("method", "error", "reason"),
    [
        ("get_file", PermissionError("Access Denied"), "Access Denied"),
        ("get_file", FileNotFoundError("/in/photos/2.png"), "no such file or bucket"),
        ("put_file", RuntimeError("the connection\nwas reset"), "memory://out/results/2.png: the connection was reset"),
    ],
)
def test_what_fails_at_one_file_is_its_outcome(
    folder: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch, method: str, error: Exception, reason: str
) -> None:
    fails(monkeypatch, method, "/2.png", error)
    result = transfer("model", [IN], OUT, HOST)
    (broken,) = [file for file in result.batch.of("broken") if file.name.name == "2.png"]
    assert (str(broken.source), broken.reason) == ("memory://in/photos/2.png", reason)
    assert result.batch.written == COUNT - 1 and "2.png" not in contents(OUT)
    assert not list(temporary.iterdir())


def test_what_a_processor_says_of_a_file_names_no_temporary_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: PhotoProcessor, path: Path) -> None:
        raise OSError(f"{path} is odd")

    monkeypatch.setattr(PhotoProcessor, "read", refuse)
    (file,) = transfer("model", [IN / "1.png"], OUT, HOST).batch.files
    assert file.reason == "memory://in/photos/1.png is odd"


@pytest.mark.parametrize(
    ("method", "at", "error", "message"),
    [
        ("find", "in", ValueError("no credentials"), "memory://in/photos: no credentials"),
        ("find", "in", FileNotFoundError(), "memory://in/photos: no such file or bucket"),
        ("exists", "out", ValueError("no credentials"), "memory://out/results: no credentials"),
        ("put_file", "out", FileNotFoundError(), "memory://out/results/0.png: no such bucket"),
    ],
)
def test_a_bucket_that_cannot_be_used_ends_it_in_one_line(
    folder: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch, method: str, at: str, error: Exception, message: str
) -> None:
    monkeypatch.setattr(Manifest, "write", lambda self: None)
    fails(monkeypatch, method, at, error)
    with pytest.raises(AttrxferError) as caught:
        transfer("model", [IN], OUT, HOST)
    assert str(caught.value) == message and not list(temporary.iterdir())


def test_ctrl_c_removes_what_was_fetched_and_ends_a_download(
    folder: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [f"y{number}.png" for number in range(8)] + ["z.png"]:
        fsspec.filesystem("memory").pipe(f"/in/photos/{name}", (folder / "0.png").read_bytes())

    def endless(self: MemoryFileSystem, path: str, local: str, callback: Any) -> None:
        Path(local).write_bytes(b"")
        while path.endswith("z.png"):
            time.sleep(0.01)
            callback.relative_update(1)
        Path(local).write_bytes(self.cat(path))

    def interrupt(file: FileResult, done: int, total: int) -> None:
        assert list(temporary.iterdir())
        raise KeyboardInterrupt

    monkeypatch.setattr(MemoryFileSystem, "get_file", endless)
    with pytest.raises(KeyboardInterrupt):
        transfer("model", [IN], OUT, HOST, on_result=interrupt)
    assert not list(temporary.iterdir())
    assert [line["output"] for line in manifest(OUT)["images"]] == ["0.png"]


def test_a_key_cannot_lead_out_of_the_results_folder(folder: Path, tmp_path: Path, memory: MemoryFileSystem) -> None:
    for key in ("../../up.png", "/root.png", "deep//twice.png", "nul\0.png"):
        memory.store[f"/in/photos/{key}"] = memory.store["/in/photos/1.png"]
    result = transfer("model", [IN], tmp_path / "out" / "deep", HOST)
    assert result.incomplete and sum("no file can have this name" in note for note in result.notes) == 4
    assert result.batch.written == COUNT
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["deep"]


def test_results_inside_the_folder_are_no_inputs_and_nothing_is_overwritten(folder: Path, memory: MemoryFileSystem) -> None:
    out = IN / "results"
    first, second = (transfer("model", [IN], out, HOST) for _ in range(2))
    assert outcomes(first) == outcomes(second)
    with pytest.raises(AttrxferError, match="memory://in/photos/0.png: the result would overwrite it"):
        transfer("model", [IN], IN, HOST)


def test_one_file_has_its_own_name(folder: Path, tmp_path: Path) -> None:
    transfer("model", [IN / "0.png"], place("memory://out/mine.png"), HOST)
    transfer("model", [folder / "0.png"], tmp_path / "out", HOST)
    assert contents(place("memory://out")) == {"mine.png": (tmp_path / "out" / "0.png").read_bytes()}
    for source, wrong, message in (
        (IN, "mine.png", "memory://out/mine.png: names one file, but several results"),
        (IN / "0.png", "mine.jpg", "results keep the format of the file: name it memory://out/mine.png"),
    ):
        with pytest.raises(AttrxferError, match=message):
            transfer("model", [source], place("memory://out") / wrong, HOST)


def test_a_format_that_pillow_does_not_write_is_broken(folder: Path, memory: MemoryFileSystem, tmp_path: Path) -> None:
    assert ".psd" in Image.registered_extensions()
    memory.pipe("/in/drawing.psd", (folder / "0.png").read_bytes())
    result = transfer("model", [place("memory://in/drawing.psd")], OUT, HOST, TransferOptions(aligned=True))
    assert [file.outcome for file in result.batch.files] == ["broken"] and not contents(OUT)
    assert result.batch.files[0].reason == "PSD files can be read, but not written: make it a PNG first"
    with pytest.raises(DataError, match="gone.png: no such file$"):
        buckets.put(tmp_path / "gone.png", Url("memory", "out/gone.png"))


@pytest.mark.slow
def test_a_video_goes_from_bucket_to_bucket(
    tmp_path: Path, memory: MemoryFileSystem, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "load_model", lambda *arguments, **named: Dots())
    monkeypatch.setattr(workflow, "load_detector", lambda *arguments: BrightSquares())
    memory.pipe("/in/a.mkv", write(tmp_path / "a.mkv", moving(3)).read_bytes())
    memory.pipe("/in/b.mkv", b"no video")
    steps: list[str] = []
    result = transfer("model", [place("memory://in")], OUT, HOST, on_steps=lambda path, done, total: steps.append(path.name))
    assert [(file.outcome, file.written.frames) for file in result.batch.files] == [("changed", 3), ("broken", 0)]
    assert set(contents(OUT)) == {"a.mkv"} and set(steps) == {"a.mkv"} and not list(temporary.iterdir())


def test_a_list_names_what_is_missing_and_what_it_names_twice(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = [folder / "lost", folder / "more" / "lost", place("memory://nothing"), place("memory://refused")]
    sources = [IN / "0.png", IN / "0.png", IN / "gone.png", folder / "1.png", folder / "lost.png", *bad]
    fails(monkeypatch, "find", "refused", PermissionError("Access Denied"))
    result = transfer("model", sources, tmp_path / "out", HOST, listed=True)
    assert [(file.name.name, file.outcome) for file in result.batch.files] == [
        ("0.png", "changed"), ("gone.png", "broken"), ("1.png", "changed"), ("lost.png", "broken"),
    ]  # fmt: skip
    assert [file.reason for file in result.batch.of("broken")] == [
        "no such file or bucket", "No such file or directory"
    ]  # fmt: skip
    reasons = ("no such file or folder", "no such file or folder", "no such file or folder", "Access Denied")
    assert result.notes == (
        "left out, as named already: memory://in/photos/0.png",
        *(f"left out: {path}: {reason}" for path, reason in zip(bad, reasons, strict=True)),
    )
    assert result.incomplete and len(manifest(tmp_path / "out")["images"]) == 4


def test_missing_packages_and_unknown_schemes_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AttrxferError, match=r'^s3x://b: fsspec opens no s3x://; did you mean "s3"\?$'):
        buckets.check(Url("s3x", "b"))
    for package, url in (("s3fs", "s3://b"), ("gcsfs", "gs://b")):
        monkeypatch.setitem(__import__("sys").modules, package, None)
        with pytest.raises(AttrxferError, match=rf"^{url}: needs {package}: pip install 'attrxfer\[buckets\]'$"):
            buckets.check(Url(url[:2], "b"))
    monkeypatch.setattr(buckets, "find_spec", lambda name: None)
    with pytest.raises(AttrxferError, match=r"^s3://b: needs fsspec: pip install 'attrxfer\[buckets\]'$"):
        buckets.check(Url("s3", "b"))


def test_a_full_disk_is_no_fault_of_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(monkeypatch, "get_file", "/2.png", OSError(28, "No space left on device"))
    with pytest.raises(OSError, match="No space left"):
        transfer("model", [IN], OUT, HOST)


def test_nothing_there_is_said(memory: MemoryFileSystem) -> None:
    with pytest.raises(DataError, match="^memory://in/nothing: no such file or folder$"):
        transfer("model", [place("memory://in/nothing")], OUT, HOST)
    memory.pipe("/in/text/a.txt", b"text")
    with pytest.raises(DataError, match="memory://in/text: no images or videos here .*; it holds one other file, a.txt"):
        transfer("model", [place("memory://in/text")], OUT, HOST)
