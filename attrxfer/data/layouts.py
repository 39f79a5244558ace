"""Finds the data set component for ``--data PATH``."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from attrxfer.errors import DataError
from attrxfer.interfaces import Recognises
from attrxfer.plugin.registry import Component


def data_table(path: Path, components: Iterable[Component]) -> dict[str, str]:
    """The table [data] for ``--data PATH``.

    Raises:
        DataError: As ``recognise`` does.
    """
    return {"use": recognise(path, components), "path": str(path.resolve())}


def recognise(path: Path, components: Iterable[Component]) -> str:
    """The name of the data set component that recognises ``path`` with the highest confidence.

    Raises:
        DataError: The path does not exist, no component recognises it, or two have equal confidence.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    able = [(component, loaded) for component in components if isinstance(loaded := component.load(), Recognises)]
    ranked = sorted(((loaded.recognise(path), component.name) for component, loaded in able), reverse=True)
    sure = [item for item in ranked if item[0] > 0]
    if not sure:
        layouts = "; ".join(f"{component.name}: {component.summary}" for component, _ in able)
        raise DataError(f"{path}: not a layout that an installed data set reads ({layouts})")
    if len(sure) > 1 and sure[0][0] == sure[1][0]:
        raise DataError(
            f'{path}: could be "{sure[0][1]}" or "{sure[1][1]}"; say which with '
            f"--set data.use={sure[0][1]} --set {shlex.quote(f'data.path={path}')}"
        )
    return sure[0][1]
