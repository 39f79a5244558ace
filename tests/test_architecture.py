"""Data flows one way: what may import what, read from the imports themselves."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = sorted((ROOT / "attrxfer").rglob("*.py"))
PLUGINS = sorted((ROOT / "plugins").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

LAYERS = (
    {"errors"},
    {"interfaces"},
    {"storage", "plugin"},
    {"data", "scaffold", "media"},
    {"recipe"},
    {"model"},
    {"training"},
    {"evaluation"},
    {"report"},
    {"workflows"},
    {"testing"},
    {"cli"},
)
"""A folder imports folders of the layers above its own line, and none of its own line."""
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}
PUBLIC = {"errors", "interfaces", "plugin", "storage", "data", "model", "media", "report"}
"""What plugins may import."""


def imports(path: Path) -> list[tuple[str, bool]]:
    """Modules a file imports, and whether only for annotations (below ``if TYPE_CHECKING``)."""
    tree = ast.parse(path.read_text())
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    found: list[tuple[str, bool]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in for_types) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names = [f"{module}.{alias.name}" for alias in node.names] if module == "attrxfer" else [module]
            found += [(name, id(node) in for_types) for name in names]
    return found


def part(module: str) -> str | None:
    """The part of the core that a module name belongs to."""
    pieces = module.split(".")
    return pieces[1] if pieces[0] == "attrxfer" and len(pieces) > 1 else None


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_imports_downwards_only(path: Path) -> None:
    own = path.relative_to(ROOT / "attrxfer").parts[0].removesuffix(".py")
    if own in ("__init__", "__main__"):
        return
    for module, for_types in imports(path):
        other = part(module)
        if other is not None and other != own and not for_types:
            assert LAYER[other] < LAYER[own], f"{own} imports {other}"
        assert not module.startswith("attrxfer_"), f"the core imports the plugin {module}"


def test_the_core_knows_no_paper_data_set_or_network() -> None:
    for path in CORE:
        named = re.search(r"(?<![a-z])(face|dlib|diat|celeba|vgg|resnet|smiling|eyeglasses)", path.read_text().lower())
        assert named is None, f"{path.name} says {named[0]}"


def test_only_devices_imports_accelerate_and_only_the_host_makes_a_manager() -> None:
    devices = ROOT / "attrxfer" / "training" / "devices.py"
    for path in [*CORE, *PLUGINS]:
        modules = {module.split(".")[0] for module, _ in imports(path)}
        assert "accelerate" not in modules or path == devices, path
    for path in CORE:
        assert "PluginManager" not in path.read_text() or path.name == "host.py", path


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: str(path.relative_to(ROOT)))
def test_plugins_import_public_names_only(path: Path) -> None:
    package = path.relative_to(ROOT / "plugins").parts[0]
    for module, _ in imports(path):
        other = part(module)
        assert other is None or other in PUBLIC, f"{path.name} imports {module}"
        assert not module.startswith("attrxfer_") or module.split(".")[0] == package, f"{path.name} imports {module}"


def test_applying_a_model_loads_no_training_code() -> None:
    """transfer, and the modules a bundle's chain comes from, import neither the training loop nor stages."""
    for path in [*(ROOT / "attrxfer" / "model").glob("*.py"), *(ROOT / "attrxfer" / "media").rglob("*.py")]:
        assert not any("training" in module for module, _ in imports(path))
    for path in (ROOT / "plugins" / "attrxfer_diat").glob("generator.py"):
        assert not any("stages" in module or "adversarial" in module for module, _ in imports(path))


@pytest.mark.parametrize("path", [*CORE, *PLUGINS], ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_short_and_every_function_is_annotated(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.returns is not None, f"{path.name}: {node.name}"
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            assert all(a.annotation is not None or a.arg in ("self", "cls") for a in arguments), f"{path.name}: {node.name}"


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_of_tests_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


def test_tests_mirror_the_folders() -> None:
    """Every folder of the core and every plugin has its folder of tests; no folder of tests is without what it tests."""
    tested = {
        path.parent.relative_to(ROOT / root).as_posix()
        for root in ("attrxfer", "plugins")
        for path in (ROOT / root).rglob("__init__.py")
    }
    tests = {path.parent.relative_to(ROOT / "tests").as_posix() for path in TESTS if path.name.startswith("test_")}
    assert {folder.split("/")[0] for folder in tested - {"."}} <= tests
    assert tests - tested == {"benchmarks", "golden", "hostile"}, "golden: public names; hostile: spoilt files for all parts"


def test_functions_are_short() -> None:
    lengths = sorted(
        node.end_lineno - node.lineno + 1
        for path in [*CORE, *PLUGINS]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None
    )
    assert lengths[int(len(lengths) * 0.9)] <= 30


def test_every_package_is_typed() -> None:
    packages = [ROOT / "attrxfer", *[p for p in (ROOT / "plugins").iterdir() if (p / "__init__.py").is_file()]]
    assert len(packages) == 12 and all((package / "py.typed").is_file() for package in packages)
