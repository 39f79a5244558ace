"""The generated parts of the pages: read from the registry, the recipe's classes, the Protocols, the command line, the hooks.

A page names the part it wants by a line ``<!-- generate: NAME -->``; ``conf.py`` puts the text there when it reads the page.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from attrxfer import interfaces
from attrxfer.cli import cli
from attrxfer.interfaces import KINDS
from attrxfer.plugin import hookspecs, host
from attrxfer.plugin.registry import Component
from attrxfer.recipe import MANY, ONE, SHARED, Report, Task, Train
from attrxfer.testing.suite import CHECKS, EVERY
from docs.describe import described, doc, prose, signature, table

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
EXAMPLES = ROOT / "tests" / "docs_examples"
SENTENCE_END = re.compile(r"\.(?=$|\s+[A-Z\"`(])")
MODULES = (
    "attrxfer",
    "attrxfer.model.loading",
    "attrxfer.model.calling",
    "attrxfer.errors",
    "attrxfer.testing",
    "attrxfer.data",
    "attrxfer.media.images",
    "attrxfer.storage.files",
    "attrxfer.model.inference",
)
"""What plugins and programs may import, beside ``attrxfer.interfaces`` and ``attrxfer.plugin.hookspecs``."""


NAVIGATION = {
    "Use": (
        "start",
        "tutorial",
        "gallery",
        "photos",
        "video",
        "clusters",
        "demo",
        "deploy",
        "browser",
        "beyond_faces",
        "rivals",
        "data",
        "recipes",
        "scores",
        "research",
        "machines",
        "hub",
        "troubleshooting",
        "questions",
    ),
    "Add your own": ("plugins", "reference/kinds", "reference/hooks", "reference/python"),
    "Look up": ("reference/recipe", "reference/components", "reference/commands", "glossary", "paper", "formulas"),
}
"""The site's pages in their order; those that are not there are left out."""


def page(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def site_map() -> str:
    """The navigation, and a list of the pages with the first sentence of each."""
    parts = []
    for caption, names in NAVIGATION.items():
        there = [name for name in names if (DOCS / f"{name}.md").is_file()]
        parts.append(f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(there) + "\n```")
        parts.append(f"## {caption}")
        parts.append("\n".join(_line(name) for name in there))
    return page(*parts)


def _line(name: str) -> str:
    heading, _, rest = (DOCS / f"{name}.md").read_text(encoding="utf-8").strip().partition("\n")
    text = re.sub(r"^```.*?^```$", "", rest, flags=re.M | re.S)
    first = next(" ".join(block.split()) for block in text.split("\n\n") if re.match(r"\s*[\w`\"*]", block))
    end = SENTENCE_END.search(first)
    return f"- [{heading.removeprefix('# ')}]({name}.md): {first[: end.start()] if end else first}."


# ---------------------------------------------------------------- recipes


def recipe_keys() -> str:
    """Every section of a recipe with its keys."""
    registry = host.load().registry
    parts = [_section("task", Task), "## `[data]`", _uses("dataset", "one table; `--data PATH` fills it")]
    parts += [_component(component, 3, f'use = "{component.name}"') for component in registry.all("dataset")]
    parts += ["## `[selection]`", _uses("selection", "one table; `selection = []` takes every image")]
    for kind in (*ONE, *MANY):
        many = "one table or an array of tables (`[[" + kind + "]]`); `" + kind + " = []` is none"
        parts += [f"## `[{kind}]`", _uses(kind, many if kind in MANY else "one table")]
    parts += [_section("train", Train)]
    parts += [_component(component, 3, f"[train.{component.name}]") for component in registry.all("stage")]
    return page(*parts, _section("report", Report))


def _section(name: str, cls: type) -> str:
    what, settings = described(cls)
    return page(f"## `[{name}]`", first_large(what.partition(": ")[2]), settings)


def _uses(kind: str, how: str) -> str:
    names = ", ".join(f"[`{one.name}`](components.md#{kind}-{one.name})" for one in host.load().registry.all(kind))
    return f"Kind [{kind}](components.md#{kind}); {how}. `use`: {names}."


def first_large(text: str) -> str:
    return text[:1].upper() + text[1:]


def recipe_list() -> str:
    """The recipes that can be run by name, with what their first line says."""
    rows = []
    for name, path in host.load().recipes().items():
        rows.append((f"`{name}`", prose(host.summary(path))))
    return table(("recipe", "what it does"), rows)


# ---------------------------------------------------------------- components


def components() -> str:
    """Every component by kind: settings, bounds, defaults, licence, paper."""
    parts = []
    for kind in KINDS:
        parts += [f"## `{kind}`", f"[What every {kind} must offer](kinds.md#{kind})."]
        parts += [_component(component, 3, component.name) for component in host.load().registry.all(kind)]
    return page(*parts)


def _component(component: Component, level: int, title: str) -> str:
    stage = component.kind == "stage"
    what, settings = described(component.load(), SHARED if stage else ("size",))
    about = [f"plugin `{component.owner}`", f"licence: {prose(component.licence)}" if component.licence else ""]
    if component.paper:
        about.append(prose(component.paper))
    label = f"({component.kind}-{component.name})=\n" if title == component.name else ""
    summary = first_large(prose(component.summary)) + "."
    return page(f"{label}{'#' * level} `{title}`", summary, what, settings, f"*{'; '.join(filter(None, about))}*")


def kinds() -> str:
    """Every kind: its Protocol, its contract in words, a whole example."""
    parts = ["## Every kind", _promises(EVERY)]
    for kind, protocol in KINDS.items():
        names = ", ".join(f"[`{one.name}`](components.md#{kind}-{one.name})" for one in host.load().registry.all(kind))
        parts += [f"## `{kind}`", f"Installed: {names}." if names else "", _source(protocol)]
        parts += ["What is checked:", _promises(CHECKS[kind]), *_example(kind)]
    return page(*parts)


def _source(protocol: type) -> str:
    """The Protocol as it stands in the code, after those it builds on."""
    bases = [base for base in protocol.__mro__[1:] if base.__module__.startswith("attrxfer.")]
    code = "\n\n".join(inspect.getsource(one).strip() for one in (*reversed(bases), protocol))
    return f"```python\n{code}\n```"


def _promises(checks: tuple[Callable[..., None], ...]) -> str:
    """A check's name is what it checks; its docstring says more."""
    lines = []
    for check in checks:
        words = check.__name__.removeprefix("check_").replace("_", " ")
        more = " ".join((inspect.getdoc(check) or "").split())
        lines.append(f"- `{check.__name__}`: {words}{'. ' + prose(more) if more else ''}")
    return "\n".join(lines)


def _example(kind: str) -> list[str]:
    file = EXAMPLES / f"{kind}.py"
    if not file.is_file():
        return []
    return ["An example, whole:", f"```{{literalinclude}} /../{file.relative_to(ROOT).as_posix()}\n:language: python\n```"]


# ---------------------------------------------------------------- commands, hooks, Python


def commands() -> str:
    """Every command with its options, plugins' own commands included."""
    return page(*(_command(path, command) for path, command in walk("attrxfer", command_line()) if path != "attrxfer"))


def command_line() -> click.Group:
    """``attrxfer`` as its users have it, without changing what this process has loaded."""
    whole = copy.copy(cli)
    whole.commands = dict(cli.commands)
    host.load().add_commands(whole)
    return whole


def walk(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """A command and all below it, each with its full name."""
    yield path, command
    if isinstance(command, click.Group):
        for name, inner in sorted(command.commands.items()):
            if inner.hidden:
                continue
            yield from walk(f"{path} {name}", inner)


def _command(path: str, command: click.Command) -> str:
    context = click.Context(command, info_name=path)
    says = inspect.cleandoc(command.help or "")
    if isinstance(command, click.Group):
        names = ", ".join(f"[`{path} {name}`](#{path.replace(' ', '-')}-{name})" for name in sorted(command.commands))
        return page(f"## `{path}`", prose(says), f"Commands: {names}.")
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    rows = []
    for option in (one for one in command.params if isinstance(one, click.Option)):
        record = option.get_help_record(context)
        if record is not None:
            rows.append((", ".join(f"`{name}`" for name in option.opts), _value(option, context), prose(record[1])))
    return page(f"## `{path}`", prose(says), f"```text\n{usage}\n```", table(("option", "value", "what it does"), rows))


def _value(option: click.Option, context: click.Context) -> str:
    return "" if option.is_flag else f"`{option.make_metavar(context)}`"


def hooks() -> str:
    """Every hook with its signature."""
    found = [(name, hook) for name, hook in vars(hookspecs).items() if hasattr(hook, f"{hookspecs.PROJECT}_spec")]
    return page(*(f"## `{name}`\n\n```python\n{signature(f'def {name}', hook)}\n```\n\n{doc(hook)}" for name, hook in found))


def python() -> str:
    """The public names by module."""
    parts, seen = [], set[Any]()
    for name in MODULES:
        module = importlib.import_module(name)
        parts += [f"## `{name}`", prose((inspect.getdoc(module) or "").partition("\n\n")[0])]
        parts += [_name(f"{name}.{key}", thing) for key, thing in public(module).items() if thing not in seen]
        seen |= set(public(module).values())
    parts += ["## `attrxfer.interfaces`", prose((inspect.getdoc(interfaces) or "").partition("\n\n")[2])]
    others = {key: getattr(interfaces, key) for key in interfaces.__all__ if inspect.isclass(getattr(interfaces, key))}
    parts += [_interface(key, thing) for key, thing in others.items() if thing not in KINDS.values()]
    return page(*parts)


def public(module: Any) -> dict[str, Any]:
    """The functions and classes that a module offers: those of ``__all__``, else its own without an underscore."""
    things = {key: thing for key, thing in vars(module).items() if not key.startswith("_")}
    things = {key: thing for key, thing in things.items() if getattr(thing, "__module__", "") == module.__name__}
    named = {key: getattr(module, key) for key in getattr(module, "__all__", things)}
    return {key: thing for key, thing in named.items() if inspect.isroutine(thing) or inspect.isclass(thing)}


def _name(path: str, thing: Any) -> str:
    short, parts = path.rpartition(".")[2], [doc(thing)]
    if inspect.isclass(thing) and issubclass(thing, Exception):
        code = f"class {short}({thing.__mro__[1].__name__})"
    else:
        code = signature(f"class {short}" if inspect.isclass(thing) else short, thing).removesuffix(" -> None")
        parts += [_member(name, one) for name, one in vars(thing).items() if name == "__call__" or not name.startswith("_")]
    return page(f"### `{path}`", f"```python\n{code}\n```", *parts)


def _member(name: str, member: Any) -> str:
    if not inspect.isfunction(member) or not inspect.getdoc(member):
        return ""
    return page(f"```python\n{signature('' if name == '__call__' else '.' + name, member)}\n```", doc(member))


def _interface(name: str, thing: type) -> str:
    return page(f"### `attrxfer.interfaces.{name}`", f"```python\n{inspect.getsource(thing).strip()}\n```")


PAGES: Mapping[str, Callable[[], str]] = {
    "map": site_map,
    "recipe": recipe_keys,
    "recipes": recipe_list,
    "components": components,
    "kinds": kinds,
    "commands": commands,
    "hooks": hooks,
    "python": python,
}
