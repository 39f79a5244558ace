"""A new plugin of every kind installs and passes its own tests at once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from attrxfer.cli import cli
from attrxfer.errors import AttrxferError
from attrxfer.plugin.host import Host
from attrxfer.plugin.registry import KIND_NAMES
from attrxfer.scaffold import new_package, render
from tests.conftest import attrxfer, metadata_of, on_path, pip_install

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"
READMES = '''
"""The recipe in each README is valid, once all plugins are there."""

import tomllib
from pathlib import Path

import pytest

from attrxfer import recipe
from attrxfer.plugin import host
from attrxfer.recipe.small import small_recipe

FOUND = {p.parent.name: p.read_text().split("```toml") for p in Path(__file__).parent.glob("*/README.md")}


@pytest.mark.parametrize("name", [name for name, parts in FOUND.items() if len(parts) == 2])
def test_recipe(name, tmp_path):
    file = tmp_path / f"{name}.toml"
    file.write_text(FOUND[name][1].partition("```")[0])
    assert name in repr(recipe.load(file, host.load()).filled())
    small_recipe(tomllib.loads(file.read_text()), host.load())


def test_all_are_there():
    assert len(FOUND) == 16 and sum(len(parts) == 2 for parts in FOUND.values()) == 12
'''


def run(*command: str | Path, cwd: Path, path: list[Path]) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": on_path(*path)}
    return subprocess.run(list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Path:
    """A new plugin of every kind, each as if installed: on the path and with metadata. pip would take a minute."""
    folder = tmp_path_factory.mktemp("scaffold")
    for kind in KIND_NAMES:
        new_package(f"my_{kind}", kind, folder / f"my_{kind}", host)
        metadata_of(folder / f"my_{kind}", f"my_{kind}")
    return folder


@pytest.mark.slow
def test_every_kind_passes_its_own_tests(folder: Path) -> None:
    (folder / "test_readmes.py").write_text(READMES)
    path = [folder / f"my_{kind}" for kind in KIND_NAMES]
    result = run(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", ".", cwd=folder, path=path
    )
    assert result.returncode == 0, result.stdout
    passed = re.fullmatch(r"(\d+) passed in .*", result.stdout.splitlines()[-1])  # none failed, none was skipped
    assert passed is not None and int(passed[1]) > 5 * len(KIND_NAMES), result.stdout.splitlines()[-1]


@pytest.mark.slow
def test_what_it_writes_is_clean(folder: Path) -> None:
    """As each package's own pyproject asks for; mypy takes long and sees the same packages in .ci/run."""
    rules = ("--select=E,F,W,I,B,UP,C4,SIM,RUF,PTH,PL", "--ignore=PLR2004,PLR0913,PLC0415")
    for command in (("check", *rules), ("format", "--check")):
        result = run("ruff", *command, *(f"my_{kind}" for kind in KIND_NAMES), cwd=folder, path=[])
        assert result.returncode == 0, result.stdout


@pytest.mark.slow
def test_the_authors_page_is_true_of_a_package_that_pip_installs(tmp_path: Path, host: Host) -> None:
    """docs/plugins.md, step by step: new, edit, test, use in a recipe, check."""
    blocks = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    component, test, *_ = (text for language, text in blocks if language == "python")
    (shown,) = (text for language, text in blocks if language == "text")
    recipe = next(text for language, text in blocks if language == "toml")
    root = tmp_path / "soft_colours"
    new_package("soft_colours", "identity", root, host)
    (root / "soft_colours" / "identity.py").write_text(component)
    init = root / "soft_colours" / "__init__.py"
    words = 'summary="the colours of large areas stay", licence="MIT"'
    init.write_text(init.read_text().replace('summary="edges stay where they are"', words))
    own = root / "tests" / "test_soft_colours.py"
    before, _, rest = own.read_text().partition("def test_light_costs_nothing")
    own.write_text(before + test + "\n\n" + rest[rest.index("def test_it_takes_part") :])
    (tmp_path / "soft_colours.toml").write_text(recipe)

    site = [tmp_path / "site"]
    pip_install(root, site[0])
    result = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=root, path=site)
    assert result.returncode == 0 and "10 passed" in result.stdout, result.stdout
    attrxfer = (sys.executable, "-m", "attrxfer")
    assert "valid" in run(*attrxfer, "recipe", "check", "soft_colours.toml", cwd=tmp_path, path=site).stdout
    assert run(*attrxfer, "plugins", "check", "soft_colours", cwd=tmp_path, path=site).stdout == shown


def test_the_authors_page_names_every_kind() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE) == list(KIND_NAMES)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("my-losses", "identity", 'begins with a letter; did you mean "my_losses"?'),
        ("2nd", "identity", 'did you mean "nd"?'),
        ("größe", "identity", "small letters, digits and single _"),
        ("class", "identity", "a word of Python's own; choose another name, class_identity for example"),
        ("torch", "identity", "a module or plugin of this name exists already; choose another name, my_torch for example"),
        ("diat", "identity", "a module or plugin of this name exists already"),
        ("tests", "identity", "a module or plugin of this name exists already"),
        ("pixels", "identity", 'the plugin "diat" has a component identity pixels already'),
        ("tensor", "identity", "a class Tensor would hide what its module imports"),
        ("edges", "identty", '--kind: no kind "identty"; did you mean "identity"?'),
    ],
)
def test_a_bad_name_is_one_line(name: str, kind: str, message: str, tmp_path: Path, host: Host) -> None:
    with pytest.raises(AttrxferError) as caught:
        new_package(name, kind, tmp_path / "new", host)
    assert message in str(caught.value) and "\n" not in str(caught.value) and caught.value.exit_code == 2
    assert not list(tmp_path.iterdir())


def test_a_folder_is_not_written_over_and_the_next_commands_are_said(tmp_path: Path) -> None:
    target = tmp_path / "my plugins" / "edges"
    command = ["plugins", "new", "edges", "--kind", "identity", "-o", str(target)]
    first, second = (CliRunner().invoke(cli, command) for _ in range(2))
    assert first.exit_code == 0
    assert [line.strip() for line in first.output.splitlines()[-3:]] == [
        f"pip install -e '{target}[test]'",
        f"pytest '{target}'",
        "attrxfer plugins check edges",
    ]
    assert (second.exit_code, second.output) == (2, f"attrxfer: {target}: exists already; choose another folder with -o\n")


def test_plugins_alone_still_lists_them() -> None:
    result = attrxfer("plugins")
    assert result.stdout.splitlines()[0].split() == ["PLUGIN", "FROM", "VERSION", "COMPONENTS"] and "diat" in result.stdout


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_a_template_names_its_plugin_only_by_its_name(kind: str) -> None:
    one, other = render("aaaa", kind), render("bbbb", kind)
    renamed = {Path(str(path).replace("bbbb", "aaaa")): text for path, text in other.items()}
    assert {p: t.replace("bbbb", "aaaa").replace("Bbbb", "Aaaa") for p, t in renamed.items()} == one
    assert all("{{" not in text and "{%" not in text for text in one.values())
