"""Reads the arguments of ``attrxfer plugins check``: installed plugins, and example settings of components."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from attrxfer.errors import AttrxferError, did_you_mean
from attrxfer.plugin.host import Host, PluginInfo
from attrxfer.plugin.registry import KIND_NAMES
from attrxfer.recipe.merging import apply_overrides


def find_plugins(name: str, host: Host) -> list[PluginInfo]:
    """The plugin of this name, or all plugins of the package of this name.

    Raises:
        AttrxferError: Neither is installed.
    """
    plugins = host.plugins()
    found = [plugin for plugin in plugins if plugin.name == name]
    found = found or [plugin for plugin in plugins if _normal(plugin.distribution) == _normal(name)]
    if not found:
        known = {known for plugin in plugins for known in (plugin.name, plugin.distribution)}
        raise AttrxferError(f'no plugin "{name}" is installed{did_you_mean(name, known)}')
    return found


def read_examples(texts: Sequence[str], host: Host) -> dict[tuple[str, str], Any]:
    """Settings by kind and name of their component.

    Args:
        texts: "KIND.NAME.KEY=VALUE" each.
        host: The plugins.

    Raises:
        AttrxferError: A text has another form, or names a component that is not installed.
    """
    for text in texts:
        kind, _, rest = text.partition("=")[0].partition(".")
        name, _, key = rest.partition(".")
        if not key or "=" not in text:
            raise AttrxferError(f'--example "{text}" is not of the form KIND.NAME.KEY=VALUE')
        if kind not in KIND_NAMES:
            raise AttrxferError(f'--example "{text}": no kind "{kind}"{did_you_mean(kind, KIND_NAMES)}')
        host.registry.get(kind, name)
    made, problems = apply_overrides({}, texts)
    if problems:
        raise AttrxferError("\n".join(map(str, problems)))
    return {(kind, name): settings for kind, names in made.items() for name, settings in names.items()}


def _normal(distribution: str) -> str:
    """A distribution's name in its normal form: packages write -, _ or . between the words of one name."""
    return re.sub(r"[-_.]+", "-", distribution).lower()
