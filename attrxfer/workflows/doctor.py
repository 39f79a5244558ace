"""What attrxfer finds on this machine, and what is wrong. Each part is found out even where another one fails."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from attrxfer.errors import AttrxferError, Interrupted, one_line
from attrxfer.plugin import distribution
from attrxfer.plugin.host import Host, entry_points

LEAST_FREE = 1e9
"""Bytes of free disk; a small run takes a tenth of that."""


class Row(NamedTuple):
    """A line of the answer.

    Attributes:
        name: What it is about.
        value: What was found; where something is wrong, with the remedy.
        wrong: Whether something is wrong.
    """

    name: str
    value: str
    wrong: bool = False


def sections() -> Iterator[tuple[str, Iterator[Row]]]:
    """Every part of the report: its title and its rows, which are found while they are read."""
    hosts: list[Host] = []
    for title, look in (
        ("versions", versions),
        ("machine", machine),
        ("extras", extras),
        ("plugins", lambda: plugins(hosts.append)),
        ("cache", cache),
        ("self-test", lambda: self_test(hosts[0] if hosts else None)),
    ):
        yield title, _safely(look)


def _safely(look: Callable[[], Iterator[Row]]) -> Iterator[Row]:
    """The rows, and where finding them failed a last row with the error."""
    try:
        yield from look()
    except Exception as error:  # a machine may be broken in any way
        yield Row("broken", f"{type(error).__name__}: {one_line(error)}", True)


def versions() -> Iterator[Row]:
    """Python, attrxfer, and the packages that attrxfer requires."""
    yield Row("python", f"{platform.python_version()} on {platform.platform()}")
    yield Row(distribution.name(), metadata.version(distribution.name()))
    for requirement, extras in _requirements():
        if not extras:
            yield _installed(requirement)


def machine() -> Iterator[Row]:
    """The processor and accelerators."""
    if distribution.name() == distribution.RUNTIME:
        yield Row("processor", f"{os.cpu_count()} cores; {distribution.RUNTIME} runs exported files only, without torch")
        return
    try:
        import torch

        from attrxfer.model.inference import has_bfloat16
    except Exception as error:  # a broken installation of torch may raise anything
        yield Row("torch", f"cannot be imported: {one_line(error)}; install it again", True)
        return
    threads = torch.get_num_threads()
    names = ("OMP_NUM_THREADS", "GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    limits = ", ".join(f"{name}={os.environ[name]}" for name in names if name in os.environ)
    yield Row("processor", f"{os.cpu_count()} cores, {threads} used" + (f" ({limits})" if limits else ""))
    device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    count = torch.accelerator.device_count() if device else 0
    yield Row("accelerators", f"{count} x {device.type}" if device else "none: training runs on the processor")
    yield Row("precision auto", "bf16" if has_bfloat16() else "no (float32): no units that calculate in bfloat16")


def extras() -> Iterator[Row]:
    """The extras, and the command that installs what is missing."""
    found: dict[str, list[str]] = {
        extra: [] for extra in metadata.metadata(distribution.name()).get_all("Provides-Extra") or []
    }
    for requirement, names in _requirements():
        for extra in names:
            found[extra] += [requirement.name] if _version(requirement) is None else []
    for extra, missing in sorted(found.items()):
        if extra != "test":
            value = f"missing {', '.join(missing)}: {distribution.install(extra)}" if missing else "present"
            yield Row(extra, value)


def plugins(found: Callable[[Host], None]) -> Iterator[Row]:
    """Every plugin, each loaded by itself, so that a broken one hides no other.

    Args:
        found: Called with the host of the plugins that work.
    """
    try:
        points = entry_points()
    except AttrxferError as error:
        yield Row("plugins", str(error), True)
        return
    good = []
    for point in points:
        version = f"{point.dist.name} {point.dist.version}" if point.dist else ""
        try:
            alone = Host([point])
            for component in alone.registry.all():
                component.load()
            yield Row(point.name, f"{version}, {len(alone.registry.all())} components")
            good.append(point)
        except AttrxferError as error:
            yield Row(point.name, f"{version}, broken: {error}", True)
    try:
        host = Host(good)
        host.recipes()
        found(host)
    except AttrxferError as error:
        yield Row("together", str(error), True)


def cache() -> Iterator[Row]:
    """The cache, whose files may be deleted at any time."""
    from attrxfer.storage.cache import cache_folder

    folder = cache_folder()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    writable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    yield Row(
        "folder", str(folder) + ("" if writable else ": cannot be written to; name another in $ATTRXFER_CACHE"), not writable
    )
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
        size = sum(file.stat().st_size for file in files)
        yield Row(path.stem, f"{_entries(files)}, {_bytes(size)}")
    free = shutil.disk_usage(there).free
    little = free < LEAST_FREE
    yield Row("free disk", _bytes(free) + (f": less than {_bytes(LEAST_FREE)}; make room" if little else ""), little)


def self_test(host: Host | None) -> Iterator[Row]:
    """Train a tiny run, stop and resume it, compare the weights with those of an unbroken run, transfer an image."""
    if host is None:
        yield Row("train", "not tried: no plugins to try it with", True)
        return
    if host.self_test() is None:
        yield Row("train", "not tried: no installed plugin names a recipe for it")
        return
    began = time.monotonic()
    try:
        from attrxfer.storage.cache import temporary_cache

        with temporary_cache(), tempfile.TemporaryDirectory(prefix="attrxfer-doctor-") as folder:
            for name, action in _actions(Path(folder), host).items():
                yield Row(name, action())
        yield Row("time", f"{time.monotonic() - began:.1f} s")
    except Interrupted:
        raise KeyboardInterrupt from None  # the run that could go on is deleted
    except Exception as error:  # any failure is an answer
        message = one_line(error)
        yield Row("failed", message if isinstance(error, AttrxferError) else f"{type(error).__name__}: {message}", True)


def _actions(folder: Path, host: Host) -> dict[str, Callable[[], str]]:
    """The parts of the self-test in their order; each returns what it found, or raises."""
    from attrxfer.model.bundle import load
    from attrxfer.model.card import WEIGHTS
    from attrxfer.model.torch_model import TorchModel
    from attrxfer.recipe.small import small_recipe
    from attrxfer.storage.run_folder import RunFolder
    from attrxfer.training.loop import Training

    name = host.self_test()
    assert name is not None  # self_test has asked
    recipe = small_recipe(name, host)
    whole, parts = RunFolder(folder / "whole"), RunFolder(folder / "parts")

    def train() -> str:
        training = Training(recipe, whole, host, quiet=True)
        training.create_folder()
        training.train()
        return f"{len(list(whole.read_metrics()))} steps of {name} at {recipe.train.size} px"

    def resume() -> str:
        def stop(stage: Any, key: str, done: int) -> None:
            training.interruption.requested = key == "adversarial"

        training = Training(recipe, parts, host, quiet=True, watch=stop)
        training.create_folder()
        try:
            training.train()
        except Interrupted:
            Training(recipe, parts, host, quiet=True).train()
        first, second = (run.bundle / WEIGHTS for run in (whole, parts))
        if first.read_bytes() != second.read_bytes():
            raise AttrxferError("a run that was stopped and resumed ended with other weights than an unbroken one")
        return "stopped, resumed: the same weights to the bit"

    def transfer() -> str:
        import numpy as np

        made = TorchModel(load(whole.bundle, host.registry))
        images = np.random.default_rng(0).integers(0, 256, (2, made.size, made.size, 3)).astype(np.uint8)
        if made.images(images).shape != images.shape or not np.array_equal(made.images(images, 0.0), images):
            raise AttrxferError("the trained bundle does not return images as it should")
        return "the bundle transfers images"

    return {"train": train, "resume": resume, "transfer": transfer}


def _requirements() -> Iterator[tuple[Any, list[str]]]:
    """The requirements of the installed attrxfer, and the extras that each belongs to ([]: always required)."""
    from packaging.requirements import Requirement

    names = metadata.metadata(distribution.name()).get_all("Provides-Extra") or []
    for text in metadata.requires(distribution.name()) or []:
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or marker.evaluate({"extra": ""}):
            yield requirement, []
        else:
            yield requirement, [extra for extra in names if marker.evaluate({"extra": extra})]


def _installed(requirement: Any) -> Row:
    version = _version(requirement)
    if version is None:
        return Row(requirement.name, f"missing: pip install '{requirement.name}{requirement.specifier}'", True)
    fits = requirement.specifier.contains(version, prereleases=True)
    remedy = f": too old or too new: pip install '{requirement.name}{requirement.specifier}'"
    return Row(requirement.name, version + ("" if fits else remedy), not fits)


def _version(requirement: Any) -> str | None:
    try:
        return metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return None


def _entries(files: list[Path]) -> str:
    """How many entries these files are; an image cache and its .json count as one."""
    count = len({file.with_suffix("") for file in files})
    return f"{count} entries" if count != 1 else "1 entry"


def _bytes(size: float) -> str:
    """
    >>> _bytes(950), _bytes(2_345_678), _bytes(4e9)
    ('950 bytes', '2.3 MB', '4.0 GB')
    """
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size:.0f} bytes"
