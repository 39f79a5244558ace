"""The distribution that attrxfer was installed from: the whole one, or the one that only runs exported files, without torch."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata

from attrxfer.errors import AttrxferError

WHOLE, RUNTIME = "attrxfer", "attrxfer-runtime"
FOR_TRAINING = frozenset({"torch", "torchvision", "timm", "kornia", "accelerate", "safetensors"})
"""The packages that ``attrxfer-runtime`` does without."""


@functools.cache
def name() -> str:
    """``attrxfer``, or ``attrxfer-runtime`` where only that is installed."""
    for one in (WHOLE, RUNTIME):
        try:
            metadata.distribution(one)
        except metadata.PackageNotFoundError:
            continue
        return one
    return WHOLE


def install(extra: str) -> str:
    """The command that installs an extra, for messages."""
    return f"pip install '{name()}[{extra}]'"


@contextmanager
def training_packages() -> Iterator[None]:
    """Turn the import of a training package that is not installed into an error that says what to install.

    Raises:
        AttrxferError: One was missing inside the context.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = str(error.name).partition(".")[0]
        if missing not in FOR_TRAINING:
            raise
        if name() == RUNTIME:
            raise AttrxferError(
                f"missing: {missing}: {RUNTIME} runs exported files only; for bundles and training install {WHOLE} in its place"
            ) from None
        raise AttrxferError(f"missing: {missing}: pip install {missing}") from None
