"""A stranger's bundle works or is refused in one line, whatever is wrong with it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import attrxfer
from attrxfer.errors import BundleError
from attrxfer.plugin.parameters import build as original
from tests.conftest import attrxfer as command


@pytest.fixture
def bundle(trained: Path, tmp_path: Path) -> Path:
    """A copy of a good bundle, to be spoilt."""
    return Path(shutil.copytree(trained / "bundle", tmp_path / "bundle"))


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("size", True, "size: input should be a valid integer"),
        ("size", 10**6, "size: input should be less than or equal to 4096"),
        ("size", 10**400, "size: no number of usual size"),
        ("size", float("nan"), "size: no number of usual size"),
        ("licences", ["MIT\x1b[2J"], "licences.0: holds control characters"),
        ("unknown", {"a": "\u202e"}, "unknown.a: holds control characters"),
        ("licences", ["MIT"] * 20_000, "licences: more than 10000 items"),
        ("sha256", {"../x": "0" * 64}, "sha256.../x: no plain file name"),
        ("sha256", {"..": "0" * 64}, "no plain file name"),
        ("alignment", [[1, 2], [1, 2], [1, 2], [3]], "alignment.3: "),
        ("framing", {"source": [10, 10], "crop": [5, 5, 6, 5]}, "framing: crop is not inside source"),
        ("chain", [{"kind": "metric", "use": "kid"}], "chain.0.kind: input should be 'generator' or 'enhancer'"),
        ("chain", [], "chain: "),
        ("plugins", {"a": 1}, "plugins.a: "),
    ],
)
def test_the_line_names_the_key(bundle: Path, part: str, value: object, message: str) -> None:
    card = json.loads((bundle / "attrxfer.json").read_text())
    (bundle / "attrxfer.json").write_text(json.dumps({**card, part: value}))
    with pytest.raises(BundleError) as caught:
        attrxfer.load(bundle)
    text = str(caught.value)
    assert f"attrxfer.json: damaged ({'' if message == 'no plain file name' else message}" in text and message in text
    assert "\n" not in text and text.isprintable()
    assert command("info", bundle).returncode == 2


@pytest.mark.parametrize("text", ["[" * 5000 + "]" * 5000, "9" * 5000, '{"a":' * 5000, "NaN", "\xff"])
def test_json_that_cannot_be_read_is_one_line(bundle: Path, text: str) -> None:
    (bundle / "attrxfer.json").write_text(text, encoding="latin-1")
    result = command("info", bundle)
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1 and "attrxfer.json" in result.stderr


def test_a_card_has_a_largest_size(bundle: Path) -> None:
    (bundle / "attrxfer.json").write_text(" " * 4_000_001)
    with pytest.raises(BundleError, match=r"damaged \(larger than 4 MB\)"):
        attrxfer.load(bundle)


@pytest.mark.parametrize(
    "chain",
    [
        [{"kind": "generator", "use": "masked", "width": 256, "blocks": 32}],
        [{"kind": "generator", "use": "masked", "width": 4, "blocks": 32, "norm": "batch"}],
    ],
)
def test_a_network_larger_than_its_weights_is_never_built(
    bundle: Path, chain: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from attrxfer.model import bundle as bundles

    card = json.loads((bundle / "attrxfer.json").read_text())
    (bundle / "attrxfer.json").write_text(json.dumps({**card, "chain": chain}))
    seen = []

    def build(*arguments: object) -> object:
        import torch

        seen.append(str(torch.empty(0).device))
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(bundles, "build", build)
    with pytest.raises(BundleError, match=r"model\.safetensors: does not fit generator masked"):
        attrxfer.load(bundle)
    assert seen == ["meta"]


def test_what_another_version_wrote_is_kept(bundle: Path) -> None:
    card = json.loads((bundle / "attrxfer.json").read_text())
    for key in ("response", "texture", "attribute", "weights", "framing", "alignment", "trained"):
        card.pop(key, None)
    card["later"] = {"a": [1]}
    card["task"]["later"] = 1
    (bundle / "attrxfer.json").write_text(json.dumps(card))
    metadata = attrxfer.load(bundle).metadata
    assert metadata["later"] == {"a": [1]} and metadata["task"]["later"] == 1
