"""attrxfer doctor: says what is there, what is missing and what is broken, and survives all of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pytest

from attrxfer.model.torch_model import TorchModel
from attrxfer.plugin.host import Host
from attrxfer.workflows import doctor
from attrxfer.workflows.doctor import Row
from tests.conftest import attrxfer_process, package


def wrong(rows: Iterable[Row]) -> list[str]:
    return [row.name for row in rows if row.wrong]


@pytest.mark.slow
def test_a_broken_plugin_is_named_and_the_rest_is_tried(tmp_path: Path) -> None:
    env = package(tmp_path, "broken", "import nowhere_to_be_found")
    result = attrxfer_process("doctor", env=env)
    lines = [line.split() for line in result.stdout.splitlines()]
    (named,) = [line for line in lines if line[:2] == ["!", "broken"]]
    assert result.returncode == 1 and not result.stderr, result.stderr
    assert "No module named 'nowhere_to_be_found'" in " ".join(named) and "uninstall it" in " ".join(named)
    for name in ("python", "torch", "processor", "diat", "faces", "folder", "free", "train", "resume", "transfer"):
        assert any(line[:1] == [name] for line in lines), name
    assert result.stdout.endswith("1 thing is wrong: see the lines that begin with !\n")


def test_a_component_that_cannot_be_imported_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = """
from attrxfer.plugin.hookspecs import hookimpl
@hookimpl
def register_components(registry): registry.identity("x", "half_broken:Nowhere", summary="")
"""
    package(tmp_path, "half_broken", code)
    monkeypatch.syspath_prepend(tmp_path)
    hosts: list[Host] = []
    rows = list(doctor.plugins(hosts.append))
    assert wrong(rows) == ["half_broken"] and "has no attribute 'Nowhere'" in next(row.value for row in rows if row.wrong)
    assert "half_broken" not in {plugin.name for plugin in hosts[0].plugins()} and hosts[0].registry.get("identity", "pixels")


def test_extras_are_those_of_the_installed_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    known = set(metadata.metadata("attrxfer").get_all("Provides-Extra") or []) - {"test"}
    version = metadata.version

    def without_onnx(name: str) -> str:
        if name == "onnx":
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", without_onnx)
    rows = {row.name: row.value for row in doctor.extras()}
    assert rows.keys() == known
    assert rows["export"] == "missing onnx: pip install 'attrxfer[export]'"
    assert not wrong(doctor.extras()), "an extra that is not installed is no fault"


def test_a_library_that_is_too_old_or_missing_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    version = metadata.version

    def aged(name: str) -> str:
        if name == "rich":
            raise metadata.PackageNotFoundError(name)
        return "0.1" if name == "kornia" else version(name)

    monkeypatch.setattr(metadata, "version", aged)
    rows = {row.name: row for row in doctor.versions()}
    assert wrong(rows.values()) == ["kornia", "rich"]
    assert rows["kornia"].value == "0.1: too old or too new: pip install 'kornia>=0.7'"
    assert rows["rich"].value == "missing: pip install 'rich>=13'"


def test_the_cache_is_counted_and_a_full_disk_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path / "cache"))
    assert [row.name for row in doctor.cache()] == ["folder", "free disk"]
    (tmp_path / "cache" / "images").mkdir(parents=True)
    for name in ("a.npy", "a.json", "b.npy"):
        (tmp_path / "cache" / "images" / name).write_bytes(bytes(500_000))
    (tmp_path / "cache" / "backends.json").write_text("{}")
    rows = {row.name: row.value for row in doctor.cache()}
    assert rows["images"] == "2 entries, 1.5 MB" and rows["backends"] == "1 entry, 2 bytes"
    (tmp_path / "file").touch()
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path / "file" / "cache"))
    assert wrong(doctor.cache()) == ["folder"]
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))
    assert wrong(doctor.cache()) == ["free disk"]


@pytest.mark.slow
def test_the_self_test_finds_what_does_not_work(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [row.name for row in doctor.self_test(host)] == ["train", "resume", "transfer", "time"]
    monkeypatch.setattr(TorchModel, "images", lambda self, images, strength=1.0: images[:1])
    rows = list(doctor.self_test(host))
    assert wrong(rows) == ["failed"] and rows[-1].value == "the trained bundle does not return images as it should"
    assert wrong(doctor.self_test(None)) == ["train"]
