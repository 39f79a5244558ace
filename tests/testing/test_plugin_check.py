"""attrxfer plugins check: what the user of a plugin would meet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from attrxfer.interfaces import Features, Locator
from attrxfer.plugin.settings import Setting, settings
from tests.conftest import attrxfer, attrxfer_process, package

CODE = '''
from pathlib import Path
from typing import Annotated

from pydantic import Field

from attrxfer.plugin.hookspecs import hookimpl
from attrxfer.interfaces import Generator


@hookimpl
def register_components(registry):
    registry.identity("good", "clumsy:Good", summary="pixels", licence="MIT")
    registry.identity("floor", "clumsy:Floor", summary="never content")
    registry.identity("slip", "clumsy:Slip", summary="divides by zero")
    registry.regularizer("gone", "clumsy:Nowhere", summary="is not there")
    registry.regularizer("poor", "clumsy:Poor", summary="needs a file")
    registry.enhancer("nested", "clumsy:Nested", summary="needs a network")


@hookimpl
def register_recipes():
    return Path(__file__).parent / "shipped"


@hookimpl
def register_commands(group):
    group.command("wave")(lambda: None)
    group.command("run")(lambda: None)
    group.command("info")(lambda: None)


class Good:
    """weight: of it."""

    def __init__(self, *, weight: Annotated[float, Field(ge=0)] = 1.0):
        self.weight = weight

    def __call__(self, step):
        return (step.output - step.source).square().mean()


class Floor(Good):
    def __call__(self, step):
        return (step.output - step.source).square().mean() + 0.1


class Slip(Good):
    def __call__(self, step):
        return step.output.mean() * (1 / 0)


class Poor(Good):
    @classmethod
    def missing(cls, weight):
        return ["a file of yours"]


class Nested(Good):
    """network: of its own."""

    def __init__(self, *, network: Generator):
        self.network = network
'''


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("clumsy")
    (folder / "shipped").mkdir()
    (folder / "shipped" / "fine.toml").write_text('extends = "diat_a_gender"\n[identity]\nuse = "good"\n')
    (folder / "shipped" / "torn.toml").write_text('extends = "diat_a_gender"\n[identity]\nuse = "good"\nwieght = 1\n')
    return package(folder, "clumsy", CODE)


@pytest.mark.slow
def test_every_part_is_tried_and_the_reasons_are_said(env: dict[str, str]) -> None:
    result = attrxfer_process("plugins", "check", "clumsy", env=env)
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert result.returncode == 1 and not result.stderr
    assert lines[:3] == ["plugin clumsy of clumsy 1.0", "", "identity floor: never content"]
    assert lines[3] == "licence: not given; give it where the component is registered: licence=..."
    assert [line.split() for line in lines[4:6]] == [
        ["SETTING", "TYPE", "BOUNDS", "DEFAULT"],
        ["weight", "float", ">=", "0", "1.0"],
    ]
    assert {
        "FAILED  it is a finite scalar with gradient: ZeroDivisionError: division by zero (clumsy.py, line 50)",
        'FAILED  its 7 checks: plugin "clumsy": regularizer "gone" cannot be imported from clumsy:Nowhere: '
        "module 'clumsy' has no attribute 'Nowhere'",
        "skipped its 7 checks: missing: a file of yours",
        "skipped its 7 checks: enhancer nested cannot be checked without network: --example 'enhancer.nested.network=...'",
        "ok      fine",
        'FAILED  torn: identity.wieght: unknown key; did you mean "weight"?',
        "ok      wave",
        "FAILED  run: hides attrxfer's own command of this name; rename it",
        "FAILED  info: hides attrxfer's own command of this name; rename it",
    } <= set(lines)
    start = "FAILED  a copy of the source costs nothing: the loss is 0.1 where T(x) is x, and"
    assert any(line.startswith(start) for line in lines)
    assert lines[-1] == "21 ok, 9 failed, 2 skipped"


@pytest.mark.slow
def test_an_example_is_a_setting_of_a_component_there_is(env: dict[str, str]) -> None:
    for example, message in (
        ("network=1", "is not of the form KIND.NAME.KEY=VALUE"),
        ("enhancr.nested.network=1", 'no kind "enhancr"; did you mean "enhancer"?'),
        ("enhancer.neste.network=1", 'no enhancer "neste"; did you mean "nested"?'),
    ):
        result = attrxfer_process("plugins", "check", "clumsy", "--example", example, env=env)
        assert result.returncode == 2 and message in result.stderr and len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(("name", "near"), [("fces", "faces"), ("atrxfer", "attrxfer")])
def test_an_unknown_plugin_gets_the_nearest_name(name: str, near: str) -> None:
    result = attrxfer("plugins", "check", name)
    assert result.returncode == 2
    assert result.stderr == f'attrxfer: no plugin "{name}" is installed; did you mean "{near}"?\n'


@pytest.mark.slow
def test_a_distributions_name_stands_for_all_its_plugins_and_leaves_no_cache(tmp_path: Path) -> None:
    env = {"ATTRXFER_PLUGINS": "baselines,synth", "ATTRXFER_CACHE": str(tmp_path / "cache")}
    result = attrxfer_process("plugins", "check", "Attrxfer", "--example", "dataset.synthetic_faces.faces=30", env=env)
    assert result.returncode == 0, result.stdout
    assert "plugin baselines of attrxfer" in result.stdout and "plugin synth of attrxfer" in result.stdout
    assert "FAILED" not in result.stdout and "skipped " not in result.stdout and not (tmp_path / "cache").exists()


def test_settings_in_words() -> None:
    class Everything:
        def __init__(
            self,
            *,
            network: Features,
            locators: tuple[Locator, ...] = (),
            share: Annotated[float, Field(gt=0, le=1)] = 0.5,
            layers: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (4, 5),
            crop: tuple[int, int] = (1, 2),
            path: Path | None = None,
            mode: Literal["paper", "mean"] = "mean",
            on: bool = True,
            by_name: dict[str, float] | None = None,
            side: Annotated[int, Field(multiple_of=16)] | Literal["auto"] = "auto",
        ) -> None: ...

    # annotations that only this function knows cannot be resolved from outside it
    Everything.__init__.__annotations__.update(
        {key: eval(value) for key, value in Everything.__init__.__annotations__.items() if isinstance(value, str)}
    )
    assert settings(Everything) == [
        Setting("network", "a features table", "", "required"),
        Setting("locators", "list of locator tables", "", "[]"),
        Setting("share", "float", "> 0, <= 1", "0.5"),
        Setting("layers", "list of int >= 1", "at least 1 of them", "[4, 5]"),
        Setting("crop", "[int, int]", "", "[1, 2]"),
        Setting("path", "path", "", "none"),
        Setting("mode", '"paper" | "mean"', "", '"mean"'),
        Setting("on", "true or false", "", "true"),
        Setting("by_name", "table of float", "", "none"),
        Setting("side", 'int a multiple of 16 or "auto"', "", '"auto"'),
    ]
