"""What a shell completes: names of recipes and models, beside files."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

from attrxfer.plugin import host
from attrxfer.plugin.registry import KIND_NAMES

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def recipes(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Registered recipes, and files."""
    return _beginning(begun, host.load().recipes(), files=True)


def models(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Shipped models and methods, and files."""
    loaded = host.load()
    return _beginning(begun, [*loaded.models(), *loaded.registry.names("method")], files=True)


def kinds(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Kinds of components."""
    return _beginning(begun, KIND_NAMES, files=False)


def _beginning(begun: str, names: Iterable[str], *, files: bool) -> list[CompletionItem]:
    found = [CompletionItem(name) for name in names if name.startswith(begun)]
    return [*found, CompletionItem(begun, type="file")] if files else found
