"""The documentation: it builds, nothing in it has drifted from the code, and what it shows runs."""

from __future__ import annotations

import dataclasses
import doctest
import io
import json
import re
import shlex
import tomllib
import typing
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import click
import pytest
from click.testing import CliRunner

from attrxfer import recipe
from attrxfer.data import data_table
from attrxfer.interfaces import KINDS, Failure
from attrxfer.plugin import hookspecs
from attrxfer.plugin.docstrings import parameters as parameters_in
from attrxfer.plugin.host import Host
from attrxfer.plugin.parameters import schema
from attrxfer.plugin.registry import Registry
from attrxfer.recipe import schema as schema_of_recipes
from attrxfer.testing import checks
from docs import describe
from docs.generate import command_line, walk
from tests import docs_examples, docs_workspace
from tests.docs_html import Html

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
SHOWN = ("text", "html", "css", "xml", "js", "cpp")
PERFORMED = "plugins.md"
"""It makes a package and installs it: tests/scaffold/test_scaffold.py does all that it says."""
"""Languages of blocks that are shown and not tried."""
QUICK = (
    *("plugins", "components", "info", "compare", "transfer", "data inspect"),
    *("recipe ls", "recipe show", "recipe check", "recipe diff"),
)
"""Commands that are run; others are parsed, and what ``run`` would train is checked."""
PLACEHOLDER = re.compile(r"[A-Z][A-Z_/]+")


def page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# ---------------------------------------------------------------- the site


class Site(NamedTuple):
    """A built site: its pages as HTML, and as trees of sections."""

    folder: Path
    app: Any

    def sections(self, page: str) -> dict[str, Any]:
        """The sections of a page by the titles on the way to them, "Page / Title / Title"."""
        from docutils import nodes

        def below(node: Any, path: str) -> Iterator[tuple[str, Any]]:
            for section in (child for child in node.children if isinstance(child, nodes.section)):
                own = f"{path}{section.next_node(nodes.title).astext()}"
                if path:
                    yield own.partition(" / ")[2], section
                yield from below(section, f"{own} / ")

        return dict(below(self.app.env.get_doctree(page), ""))


def rows(section: Any) -> list[list[str]]:
    """The cells of the first table of a section, without its head and without what is below further titles."""
    from docutils import nodes

    tables = [child for child in section.children if isinstance(child, nodes.table)]
    if not tables:
        return []
    body = tables[0].next_node(nodes.tbody)
    return [[entry.astext() for entry in row.children] for row in body.children]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Site:
    for name in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(name, reason="needs pip install 'attrxfer[docs]'")
    from sphinx.application import Sphinx

    out, said = tmp_path_factory.mktemp("site"), io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Sphinx deprecates is its extensions' affair
        app = Sphinx(DOCS, DOCS, out / "html", out / "trees", "html", status=None, warning=said, freshenv=True)
        app.build()
    assert not said.getvalue(), said.getvalue()
    return Site(out / "html", app)


@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere(site: Site) -> None:
    pages = sorted(site.folder.rglob("*.html"))
    assert len(pages) >= len(PAGES) - 1
    for page in pages:
        found = [url for url in Html(page).loaded if re.match(r"(\w+:)?//", url)]
        assert not found, f"{page.name} loads {found}"
    for style in site.folder.rglob("*.css"):
        found = re.findall(r"(?:@import|url\()\s*['\"]?(?:\w+:)?//[^'\")]*", style.read_text(encoding="utf-8"))
        assert not found, f"{style.name} loads {found}"


@pytest.mark.slow
def test_every_link_inside_resolves(site: Site) -> None:
    pages = {path.resolve(): Html(path) for path in site.folder.rglob("*.html")}
    assert sum(len(page.links) for page in pages.values()) > 500
    for path, page in pages.items():
        for link in page.links:
            if re.match(r"\w+:", link):
                continue
            file, _, anchor = link.partition("#")
            target = (path.parent / file.partition("?")[0]).resolve() if file else path
            assert target.is_file(), f"{path.name}: {link}"
            assert not anchor or target not in pages or anchor in pages[target].ids, f"{path.name}: {link}"


def test_the_readmes_links_resolve() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text()):
        file, _, anchor = link.partition("#")
        assert (ROOT / file).is_file(), link
        titles = re.findall(r"^#+ (.+)$", (ROOT / file).read_text(), re.M) if anchor else []
        assert not anchor or anchor in [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles], link


# ---------------------------------------------------------------- nothing is left out


@pytest.mark.slow
def test_every_component_and_setting_is_documented(site: Site, host: Host) -> None:
    found = site.sections("reference/components")
    for component in host.registry.all():
        section = found[f"{component.kind} / {component.name}"]
        table = rows(section)
        assert [row[0] for row in table] == list(schema(component.load()).model.model_fields), component
        assert all(row[-1] for row in table), f"{component.kind} {component.name}: a setting has no words"
        assert component.licence in section.astext() and component.paper in section.astext()


def test_every_parameter_of_a_built_in_has_a_line_in_args(host: Host) -> None:
    names = {component: list(schema(component.load()).model.model_fields) for component in host.registry.all()}
    assert sum(map(len, names.values())) > 100
    for component, parameters in names.items():
        words = parameters_in(component.load())
        assert [name for name in parameters if not words.get(name)] == [], component


@pytest.mark.slow
def test_every_kind_is_documented_with_contract_and_example(site: Site) -> None:
    from attrxfer.testing.suite import CHECKS

    found = site.sections("reference/kinds")
    assert [name for name in found if name in KINDS] == list(KINDS)
    for kind, promises in CHECKS.items():
        text = found[kind].astext()
        assert all(promise.__name__ in text for promise in promises), kind
        assert f"class {KINDS[kind].__name__}" in text and (ROOT / f"tests/docs_examples/{kind}.py").read_text().strip() in text


@pytest.mark.slow
def test_every_hook_is_documented(site: Site) -> None:
    hooks = [name for name, thing in vars(hookspecs).items() if hasattr(thing, "attrxfer_spec")]
    assert len(hooks) >= 3 and list(site.sections("reference/hooks")) == hooks


@pytest.mark.slow
def test_every_command_and_option_is_documented(site: Site) -> None:
    found = site.sections("reference/commands")
    assert len(found) > 10
    for path, command in walk("attrxfer", command_line()):
        if isinstance(command, click.Group):
            continue
        options = [", ".join(one.opts) for one in command.params if isinstance(one, click.Option) and not one.hidden]
        assert [row[0] for row in rows(found[path])] == options, path


@pytest.mark.slow
def test_every_recipe_key_is_documented(site: Site, host: Host) -> None:
    found = site.sections("reference/recipe")
    assert {"extends", *schema_of_recipes.PLAIN, *(f"[{section}]" for section in schema_of_recipes.SECTIONS)} <= found.keys()
    for name, cls in (("task", recipe.Task), ("train", recipe.Train), ("report", recipe.Report)):
        table = rows(found[f"[{name}]"])
        assert [row[0] for row in table] == [key.name for key in dataclasses.fields(cls)]
        assert all(row[-1] for row in table), f"[{name}]: a key has no words"
    tables = {f"[train] / [train.{one.name}]": one for one in host.registry.all("stage")}
    tables |= {f'[data] / use = "{one.name}"': one for one in host.registry.all("dataset")}
    for title, component in tables.items():
        assert [row[0] for row in rows(found[title])] == list(schema(component.load()).model.model_fields), title


@pytest.mark.slow
def test_every_recipe_is_listed(site: Site, host: Host) -> None:
    section = site.sections("recipes")["The recipes that come with it"]
    assert [row[0] for row in rows(section)] == list(host.recipes()) and all(row[1] for row in rows(section))


@pytest.mark.slow
def test_every_symptom_of_training_is_explained(site: Site) -> None:
    names = typing.get_args(Failure)
    found = site.sections("troubleshooting")
    assert len(names) >= 4 and all(f"Warnings in training / {name}" in found for name in names)


def test_every_extra_that_is_named_exists() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for page in PAGES:
        named = re.findall(r"(?:attrxfer|'\.)\[(\w+)\]", page.read_text())
        assert set(named) <= extras.keys(), page
    start = (DOCS / "start.md").read_text()
    assert [extra for extra in extras if f"[{extra}]" not in start] == [], "extras that docs/start.md does not list"


def test_the_words_for_settings() -> None:
    assert doctest.testmod(describe).failed == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_example_keeps_the_promises_of_its_kind(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTRXFER_CACHE", str(tmp_path))
    registry = Registry()
    docs_examples.register_components(registry)
    made = [check for check in checks(SimpleNamespace(registry=registry)) if check.subject.component.kind == kind]  # type: ignore[arg-type]
    assert made
    for check in made:
        if check.missing:
            pytest.skip(f"missing: {'; '.join(check.missing)}")
        check()


# ---------------------------------------------------------------- what is shown runs


class Block(NamedTuple):
    """A code block: its language, what else its first line says, its text and where it is."""

    language: str
    word: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", text, re.M | re.S)
    return [Block(match[1], match[2], match[3], text.count("\n", 0, match.start()) + 1) for match in found]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    docs_workspace.make(folder, host)
    return folder


class Reader:
    """Does in the workspace what a reader of one page would do."""

    def __init__(self, host: Host) -> None:
        import torch

        self.host = host
        self.exported: set[Path] = set()
        self.names: dict[str, Any] = {"images": torch.zeros(2, 3, 16, 16), "__name__": "page"}

    def sh(self, text: str) -> None:
        """Every ``attrxfer`` in it is parsed; quick ones are run."""
        for words in commands(text):
            context = parsed(words)
            if context is None:
                continue
            path = context.command_path.removeprefix("attrxfer ")
            if path == "run":
                self.check_run(**context.params)
            elif path == "export":
                self.exported.add(context.params["out"])
            elif path in QUICK and not self.only_parsed(words, **context.params):
                result = self.invoke(words)
                assert result.exit_code == 0, f"{shlex.join(words)}: {result.output}"

    def only_parsed(self, words: Sequence[str], model: Path | None = None, backend: str = "torch", **_: Any) -> bool:
        """Whether it holds a placeholder, or first has to export a model, which takes long."""
        return any(map(PLACEHOLDER.fullmatch, words)) or model in self.exported or backend != "torch"

    def check_run(self, recipe: str | None, overrides: Sequence[str], data: Path | None, resume: Path | None, **_: Any) -> None:
        """What would be trained is a valid recipe."""
        from attrxfer import recipe as recipes

        if recipe is not None:
            assert data is None or data.exists() or PLACEHOLDER.fullmatch(str(data)), f"{data}: neither there nor a placeholder"
            there = data is not None and data.exists()
            table = data_table(data, self.host.registry.all("dataset")) if data is not None and there else None
            recipes.load(recipe, self.host, overrides, table)

    def console(self, text: str) -> None:
        """Lines after ``$`` are run; the lines below are what they say, ``...`` for anything."""
        checker = doctest.OutputChecker()
        for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
            line, _, expected = part.partition("\n")
            (words,) = commands(line)
            found = self.invoke(words).output
            matches = checker.check_output(expected, found, doctest.ELLIPSIS)
            assert matches, f"{line}\n--- expected\n{expected}--- found\n{found}"

    def toml(self, text: str, word: str) -> None:
        """A recipe, or with the word "fragment" what can be laid over one; a file that is named is kept."""
        from attrxfer import recipe as recipes

        tomllib.loads(text)
        name = next((part for part in text.partition("\n")[0].split() if part.endswith(".toml")), "recipe.toml")
        if name != "pyproject.toml":
            path = Path(name).name
            Path(path).write_text(f'extends = "diat_a"\n{text}' if word == "fragment" else text)
            recipes.load(path, self.host)

    def python(self, text: str) -> None:
        exec(compile(text, "page", "exec"), self.names)

    def invoke(self, words: Sequence[str]) -> Any:
        return CliRunner().invoke(command_line(), words, obj=self.host.registry, prog_name="attrxfer")


def commands(text: str) -> Iterator[list[str]]:
    """What ``attrxfer`` is called with in a shell's text."""
    for part in re.split(r"&&|\n", text.replace("\\\n", " ")):
        bare = re.sub(r"'[^']*'|\"[^\"]*\"", "", part)
        assert not re.search(r"\{[^}]*,|\[", bare), f"a shell reads braces and brackets: put quotes round them: {part}"
        words = [word for word in shlex.split(part, comments=True) if not re.match(r"[A-Z_]+=", word)]
        if "attrxfer" in words and (words[0] == "attrxfer" or "-m" in words):
            yield words[words.index("attrxfer") + 1 :]


def parsed(words: Sequence[str]) -> click.Context | None:
    """The command and its options, not run. Raises click's UsageError; None where the words only ask for the version."""
    context = command_line().make_context("attrxfer", list(words)) if words[0] != "--version" else None
    while context is not None and isinstance(context.command, click.Group):
        left = [*context._protected_args, *context.args]
        if not left and context.command.invoke_without_command:
            break
        name, command, rest = context.command.resolve_command(context, left)
        assert name is not None and command is not None
        context = command.make_context(name, rest, parent=context)
    return context


def _refuse(training: Any) -> None:
    raise AssertionError("no page trains in a test: show the command in a block of sh")


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if page.name != PERFORMED], ids=page_id)
def test_what_a_page_shows_runs(page: Path, workspace: Path, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace)
    monkeypatch.setattr("attrxfer.training.loop.Training.train", _refuse)
    reader = Reader(host)
    for block in blocks(page):
        try:
            if block.language == "toml":
                reader.toml(block.text, block.word)
            elif block.language in ("sh", "console", "python"):
                getattr(reader, block.language)(block.text)
            elif block.language == "json":
                json.loads(block.text)
            else:
                assert block.language in SHOWN, f"a block of {block.language}: use sh, console, toml, python, json or text"
        except (Exception, SystemExit) as error:
            raise AssertionError(f"{page_id(page)}, line {block.line}: {error}") from error


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_within_the_text_exist(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for span in re.findall(r"`(attrxfer [^`]+)`", text):
        command: click.Command = command_line()
        words = shlex.split(" ".join(span.split()))[1:]
        while isinstance(command, click.Group) and words and not words[0].startswith("-") and words[0] != "...":
            assert words[0] in command.commands, f"{page_id(page)}: {span}"
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts} | {"-h", "--help"}
        assert {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)} <= known, f"{page_id(page)}: {span}"
