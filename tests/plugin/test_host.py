"""The host with plugins that misbehave, in this process: installed packages are folders with metadata."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from attrxfer.errors import PluginError
from attrxfer.plugin.host import PIN, Host

HOOK = "from attrxfer.plugin.hookspecs import hookimpl\n"
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """install(entry point, code, distribution=...) makes a plugin of one module; only such plugins are loaded."""
    monkeypatch.syspath_prepend(tmp_path)
    made: list[str] = []

    def install(name: str, code: str, *, distribution: str = "") -> None:
        module = f"plugin_{name}_{distribution or name}"
        info = tmp_path / f"{distribution or name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution or name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[attrxfer]\n{name} = {module}\n")
        (tmp_path / f"{module}.py").write_text(HOOK + code)
        made.append(module)
        pinned = ",".join(dict.fromkeys(module.split("_")[1] for module in made))
        monkeypatch.setenv(PIN, pinned)

    yield install
    for module in made:
        sys.modules.pop(module, None)


def refusal() -> str:
    with pytest.raises(PluginError) as caught:
        Host()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_components_belong_to_the_plugin_that_registered_them(install: Install) -> None:
    for name in ("one", "other"):
        install(name, f"@hookimpl\ndef register_components(registry): registry.generator('{name}', 'a:B', summary='')\n")
    host = Host()
    assert {(c.name, c.owner) for c in host.registry.all()} == {("one", "one"), ("other", "other")}
    assert [(p.name, p.distribution, p.version, p.components) for p in host.plugins()] == [
        ("one", "one", "1.0", 1),
        ("other", "other", "1.0", 1),
    ]


def test_a_hook_that_raises_is_named_with_its_plugin(install: Install) -> None:
    install("faulty", "@hookimpl\ndef register_components(registry): registry.generator('x')\n")
    assert refusal().startswith('plugin "faulty": register_components failed: ')


def test_a_kind_that_does_not_exist_names_the_plugin(install: Install) -> None:
    install("faulty", "@hookimpl\ndef register_components(registry): registry.generatr('x', 'a:B', summary='')\n")
    assert refusal() == 'plugin "faulty": no kind "generatr"; did you mean "generator"?'


def test_a_hook_with_other_arguments_is_one_line(install: Install) -> None:
    install("faulty", "@hookimpl\ndef register_components(components): pass\n")
    message = refusal()
    assert '"faulty"' in message and "register_components" in message and "components" in message


def test_a_module_that_raises_anything_is_one_line(install: Install) -> None:
    install("faulty", "raise ValueError('one\\ntwo')\n")
    assert 'plugin "faulty"' in refusal() and "one two" in refusal()


def test_functions_without_the_mark_are_no_hooks(install: Install) -> None:
    install("unmarked", "def register_components(registry): 1 / 0\ndef register_recipes(): 1 / 0\n")
    host = Host()
    assert host.registry.all() == [] and host.recipes() == {}


def test_one_name_of_two_distributions_is_refused(install: Install) -> None:
    install("twice", "", distribution="first")
    install("twice", "", distribution="second")
    message = refusal()
    assert 'two distributions have a plugin "twice"' in message
    assert '"first"' in message and '"second"' in message


def test_recipes_are_named_by_their_path(install: Install, tmp_path: Path) -> None:
    (tmp_path / "shipped" / "paper").mkdir(parents=True)
    (tmp_path / "shipped" / "a.toml").touch()
    (tmp_path / "shipped" / "paper" / "b.toml").touch()
    (tmp_path / "shipped" / "notes.txt").touch()
    code = f"@hookimpl\ndef register_recipes():\n    from pathlib import Path\n    return Path({str(tmp_path / 'shipped')!r})\n"
    install("cook", code)
    assert Host().recipes() == {name: tmp_path / "shipped" / f"{name}.toml" for name in ("a", "paper/b")}


def test_a_missing_recipe_folder_names_the_plugin(install: Install) -> None:
    install("cook", "@hookimpl\ndef register_recipes():\n    from pathlib import Path\n    return Path('/no/such')\n")
    with pytest.raises(PluginError, match=r'plugin "cook": register_recipes returned /no/such, which is not a folder'):
        Host().recipes()


def test_commands_are_added_and_failures_named(install: Install) -> None:
    install("extra", "@hookimpl\ndef register_commands(group): group.command('greet')(lambda: None)\n")
    group = click.Group()
    Host().add_commands(group)
    assert list(group.commands) == ["greet"]
    install("faulty", "@hookimpl\ndef register_commands(group): group.nothing\n")
    with pytest.raises(PluginError, match='plugin "faulty": register_commands failed'):
        Host().add_commands(click.Group())


def test_no_plugins_can_be_asked_for(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv(PIN, "")
    assert Host().plugins() == []
    assert caplog.messages == [f"{PIN} is set and names no plugin, so there are no recipes and no components"]


def test_shipped_models_are_named_by_their_folder(install: Install, tmp_path: Path) -> None:
    shipped = tmp_path / "shipped"
    (shipped / "younger").mkdir(parents=True)
    (shipped / "younger" / "attrxfer.json").write_text("{}")
    (shipped / "notes").mkdir()
    code = f"@hookimpl\ndef register_models():\n    from pathlib import Path\n    return Path({str(shipped)!r})\n"
    install("zoo", code)
    assert Host().models() == {"younger": shipped / "younger"}
    install("other", code)
    with pytest.raises(PluginError, match='model "younger" is shipped by both "other" and "zoo"|by both "zoo" and "other"'):
        Host().models()


def test_a_plugin_names_the_recipe_of_the_self_test(install: Install) -> None:
    install("silent", "")
    assert Host().self_test() is None
    install("cook", "@hookimpl\ndef register_self_test(): return 'soup'\n")
    assert Host().self_test() == "soup"
