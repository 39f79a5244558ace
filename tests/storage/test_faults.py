"""A full disk and a power cut: what was whole stays whole, and the error or the log names the file."""

from __future__ import annotations

import errno
import logging
from pathlib import Path
from typing import Any

import pytest
import torch

from attrxfer.errors import BundleError, DataError
from attrxfer.storage import files, state
from attrxfer.storage.run_folder import RunFolder


def checkpoint(number: int) -> dict[str, Any]:
    return {"stage": number, "weights": torch.full((3,), float(number))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three checkpoints were written."""
    for number in range(3):
        state.save(tmp_path / "checkpoints", f"{number:02d}", checkpoint(number))
    return tmp_path / "checkpoints"


def full_disk(*arguments: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_two_checkpoints_are_kept(folder: Path) -> None:
    assert state.names(folder) == ["01", "02"]
    loaded = state.load(folder)
    assert loaded is not None and loaded["stage"] == 2 and loaded["weights"].tolist() == [2.0] * 3
    assert state.load(folder / "none") is None


@pytest.mark.parametrize("file", [state.STATE, state.TENSORS])
@pytest.mark.parametrize("damage", [b"", b"\0" * 300, b'{"format": 2}', "a bit", None])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    folder: Path, file: str, damage: bytes | str | None, caplog: pytest.LogCaptureFixture
) -> None:
    spoilt = folder / "02" / file
    if damage is None:
        spoilt.unlink()
    else:
        content = spoilt.read_bytes()
        spoilt.write_bytes(damage if isinstance(damage, bytes) else bytes([*content[:-2], content[-2] ^ 1, content[-1]]))
    with caplog.at_level(logging.WARNING, "attrxfer"):
        loaded = state.load(folder)
    assert loaded is not None and loaded["stage"] == 1 and loaded["weights"].tolist() == [1.0] * 3
    (message,) = caplog.messages
    assert message.startswith(f"{spoilt}: ") and message.endswith("; going on from the checkpoint before it, 01")
    state.save(folder, "01b", checkpoint(7))
    assert state.names(folder) == ["01", "01b"], "the damaged one, of a later step, is removed"


def test_only_damaged_checkpoints_are_an_error(folder: Path) -> None:
    for name in state.names(folder):
        (folder / name / state.STATE).write_bytes(b"")
    with pytest.raises(BundleError, match=r"01/checkpoint.json: damaged \(empty\); there is no other checkpoint"):
        state.load(folder)


def test_a_full_disk_at_a_checkpoint_names_it_and_keeps_the_last(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors import SafetensorError

    def no_room(*arguments: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("safetensors.torch.save_file", no_room)
    with pytest.raises(OSError, match="No space left on device") as error:
        state.save(folder, "03", checkpoint(3))
    assert error.value.filename == str(folder / "03") and files.is_full_disk(error.value)
    assert {path.name for path in folder.iterdir()} == {"01", "02"}


def test_a_full_disk_names_the_file_and_not_its_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attrxfer.storage.files.os.fsync", full_disk)
    with pytest.raises(OSError, match="No space left") as error:
        files.write_text(tmp_path / "a.json", "{}")
    assert error.value.filename == str(tmp_path / "a.json") and not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"\0" * 64, b'{"symptoms": [', b"[1]", b"9" * 5000, b"[" * 5000])
def test_a_damaged_run_json_is_said_and_written_anew(content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = RunFolder(tmp_path)
    run.info.write_bytes(content)
    with caplog.at_level(logging.WARNING, "attrxfer"):
        assert run.read_info() == {}
    assert str(run.info) in caplog.text and "what it said of the run is lost" in caplog.text
    run.update_info({"forecast": 1})
    assert run.read_info() == {"forecast": 1}


@pytest.mark.parametrize(
    ("tail", "warned"),
    [(b"\0" * 100, False), (b'{"step": 3', False), (b"\0\0\n", True), (b"3\n", True), (b"[" * 5000 + b"\n", True)],
)
def test_metrics_are_read_up_to_what_a_power_cut_damaged(
    tail: bytes, warned: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = RunFolder(tmp_path)
    run.metrics.write_bytes(b'{"step": 1}\n{"step": 2}\n' + tail)
    with caplog.at_level(logging.WARNING, "attrxfer"):
        assert [line["step"] for line in run.read_metrics()] == [1, 2]
    assert ("line 3: damaged; the lines from there on are left out" in caplog.text) is warned


def test_json_that_is_no_json_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"{")
    with pytest.raises(DataError, match=r"a\.json: damaged \(Expecting"):
        files.read_json(tmp_path / "a.json")
