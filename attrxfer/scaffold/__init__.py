"""Writes the package of a new plugin: a working component to edit, its tests and its README."""

from __future__ import annotations

import keyword
import re
import sys
from importlib.util import find_spec
from pathlib import Path

from attrxfer.errors import AttrxferError, did_you_mean
from attrxfer.plugin.host import Host
from attrxfer.plugin.registry import KIND_NAMES
from attrxfer.storage.files import new_folder

NAME = re.compile(r"[a-z](_?[a-z0-9])*")
RESERVED = ("tests", "test")
"""Names that no package may have, since the tests beside it, or Python's own, have them."""


def new_package(name: str, kind: str, folder: Path, host: Host) -> list[Path]:
    """Write a package with one component.

    Args:
        name: Name of the package, the plugin and the component.
        kind: The component's kind.
        folder: The new folder.
        host: The installed plugins, whose names are taken.

    Returns:
        The files, relative to the folder.

    Raises:
        AttrxferError: The kind is unknown, the name is taken or invalid, or the folder exists.
    """
    if kind not in KIND_NAMES:
        raise AttrxferError(f'--kind: no kind "{kind}"{did_you_mean(kind, KIND_NAMES)}')
    problem = _problem(name, kind, host)
    if problem:
        raise AttrxferError(f'"{name}": {problem}')
    if folder.exists():
        raise AttrxferError(f"{folder}: exists already; choose another folder with -o")
    files = render(name, kind)
    with new_folder(folder) as made:
        for path, text in files.items():
            (made / path).parent.mkdir(exist_ok=True)
            (made / path).write_text(text, encoding="utf-8")
    return sorted(files)


def render(name: str, kind: str) -> dict[Path, str]:
    """The text of every file of a new package, by its path.

    Raises:
        AttrxferError: The class would have the name of something that its module imports.
    """
    import jinja2

    loader = jinja2.PackageLoader("attrxfer.scaffold")
    templates = jinja2.Environment(
        loader=loader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    names = {"name": name, "kind": kind, "cls": "".join(part.capitalize() for part in name.split("_"))}
    component = templates.get_template(f"{kind}/component.py.j2").make_module(names)
    code = str(component)
    if re.search(rf"^(from|import) .*\b{names['cls']}\b", code, re.MULTILINE):
        raise AttrxferError(f'"{name}": a class {names["cls"]} would hide what its module imports; choose another name')
    about = {
        "recipe": "",
        "example": "",
        **{key: value for key, value in vars(component).items() if isinstance(value, str)},
        **names,
    }
    about["title"] = about["summary"][0].upper() + about["summary"][1:]
    return {
        Path("pyproject.toml"): templates.get_template("package/pyproject.toml.j2").render(about),
        Path("README.md"): templates.get_template("package/README.md.j2").render(about),
        Path(name, "__init__.py"): templates.get_template("package/init.py.j2").render(about),
        Path(name, f"{kind}.py"): code,
        Path("tests", f"test_{name}.py"): templates.get_template(f"{kind}/test.py.j2").render(about),
    }


def _problem(name: str, kind: str, host: Host) -> str | None:
    """Why a package cannot have this name, with a suggestion; None if it can."""
    if not NAME.fullmatch(name):
        better = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_").lstrip("0123456789_")
        hint = f'; did you mean "{better}"?' if better else ""
        return f"a package's name has small letters, digits and single _ between them, and begins with a letter{hint}"
    if keyword.iskeyword(name):
        return f"a word of Python's own; choose another name, {name}_{kind} for example"
    taken = name in RESERVED or name in sys.stdlib_module_names or find_spec(name) is not None
    if taken or name in {plugin.name for plugin in host.plugins()}:
        return f"a module or plugin of this name exists already; choose another name, my_{name} for example"
    if name in host.registry.names(kind):
        owner = host.registry.get(kind, name).owner
        return f'the plugin "{owner}" has a component {kind} {name} already; choose another name, my_{name} for example'
    return None
