"""push and pull against a stand-in of the hub's client, every call of which must fit the real client's signature."""

from __future__ import annotations

import inspect
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from attrxfer_hub import client as clients
from attrxfer_hub.client import Client
from attrxfer_hub.publish import without_paths
from click.testing import Result

from attrxfer.errors import AttrxferError
from tests.attrxfer_hub.conftest import CALLS, Hub, Run, error, errors, hub


def refused(result: Result) -> str:
    """The one line that a mistake gets."""
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1 and "Traceback" not in result.output, result.output
    return result.stderr


# ---------------------------------------------------------------- there and back


def test_the_protocol_is_a_part_of_the_real_client() -> None:
    for name in CALLS:
        real = inspect.signature(getattr(hub.HfApi, name)).parameters
        for parameter in inspect.signature(getattr(Client, name)).parameters.values():
            assert parameter.name in real and parameter.kind == real[parameter.name].kind, f"{name}: {parameter}"


def test_what_is_pushed_is_pulled(
    run: Run, model: Path, stand_in: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in model.rglob("*") if path.is_file()}
    result = run("push", model, "me/younger")
    assert result.exit_code == 0 and result.stdout == "https://hub.example/me/younger\n", result.output
    assert result.stderr == ("recipe.data.path: a path of this machine; only its last part is uploaded: celeba_subset\n")
    files = stand_in.repos["me/younger"]["main"]
    assert files.keys() == {".gitattributes", "README.md", "attrxfer.json", "model.safetensors"}
    assert b"jdoe" not in b"".join(files.values()) and b"secret" not in b"".join(files.values())
    assert before == {path: path.read_bytes() for path in model.rglob("*") if path.is_file()}
    assert dict(stand_in.calls)["upload_folder"]["commit_message"] == "gender: Male = false"
    monkeypatch.chdir(tmp_path)
    result = run("pull", "me/younger")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "me/younger at commit-main: younger",
        "licences: MIT; MIT (the images: non-commercial research)",
        "next: attrxfer transfer younger photos/ -o out",
    ]
    assert {path.name for path in Path("younger").iterdir()} == {"attrxfer.json", "model.safetensors"}
    import attrxfer

    images = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(attrxfer.load("younger")(images), attrxfer.load(model)(images))


def test_a_branch_a_message_and_a_private_repository(run: Run, model: Path, stand_in: Hub, tmp_path: Path) -> None:
    result = run("push", model, "me/x", "--private", "--revision", "v2", "--message", "second")
    assert result.stdout == "https://hub.example/me/x/tree/v2\n" and stand_in.private == {"me/x"}
    assert "attrxfer.json" not in stand_in.repos["me/x"]["main"]
    assert dict(stand_in.calls)["upload_folder"]["commit_message"] == "second"
    assert "has no attrxfer.json" in refused(run("pull", "me/x", "-o", tmp_path / "main"))
    assert run("pull", "me/x", "--revision", "v2", "-o", tmp_path / "v2").exit_code == 0


def test_a_dry_run_prints_the_card_and_calls_nobody(run: Run, model: Path, stand_in: Hub) -> None:
    result = run("push", model, "me/younger", "--dry-run")
    assert result.exit_code == 0 and result.stdout.startswith("---\n") and "# younger" in result.stdout
    assert stand_in.calls == []


# ---------------------------------------------------------------- what is refused


def test_nothing_is_uploaded_in_public_by_mistake_nor_over_something_else(run: Run, model: Path, stand_in: Hub) -> None:
    stand_in.repos = {"me/public": {"main": {}}, "me/bert": {"main": {".gitattributes": b"", "config.json": b"{}"}}}
    assert "exists already and is public" in refused(run("push", model, "me/public", "--private"))
    assert "holds no bundle but config.json" in refused(run("push", model, "me/bert"))
    assert "upload_folder" not in dict(stand_in.calls)


def test_a_changed_bundle_is_not_pushed(run: Run, model: Path, stand_in: Hub) -> None:
    with (model / "bundle" / "model.safetensors").open("ab") as file:
        file.write(b"x")
    assert "changed since the bundle was made" in refused(run("push", model, "me/younger"))
    assert stand_in.calls == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.safetensors", b"\x80\x04pickle", "me/x: model.safetensors: changed since the bundle was made"),
        ("attrxfer.json", b"{", "me/x: attrxfer.json: damaged"),
        ("attrxfer.json", b'{"format": 2}', "me/x: attrxfer.json: damaged (sha256: missing"),
        ("attrxfer.json", b'{"format": 3}', "me/x: attrxfer.json: not a bundle of format 2"),
        ("attrxfer.json", None, "not a bundle: it has no attrxfer.json (only .gitattributes, README.md, model."),
    ],
)
def test_what_is_no_whole_bundle_leaves_no_folder(
    run: Run, model: Path, stand_in: Hub, tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    run("push", model, "me/x")
    files = stand_in.repos["me/x"]["main"]
    if content is None:
        del files[name]
    else:
        files[name] = content
    assert message in refused(run("pull", "me/x", "-o", tmp_path / "got" / "x"))
    assert not list((tmp_path).glob("got/*"))


def test_a_card_without_the_weights_checksum_is_refused(run: Run, model: Path, stand_in: Hub, tmp_path: Path) -> None:
    run("push", model, "me/x")
    files = stand_in.repos["me/x"]["main"]
    files["attrxfer.json"] = json.dumps({**json.loads(files["attrxfer.json"]), "sha256": {}}).encode()
    assert "no checksum of model.safetensors" in refused(run("pull", "me/x", "-o", tmp_path / "x"))


def test_an_existing_folder_is_left_alone(run: Run, stand_in: Hub, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    assert "there: exists already; choose another folder with -o" in refused(run("pull", "me/x", "-o", tmp_path / "there"))
    assert stand_in.calls == []


@pytest.mark.parametrize("repo", ["younger", "me/", "https://hub.example/me/x", "a/b/c"])
def test_a_repository_is_owner_and_name(run: Run, model: Path, stand_in: Hub, repo: str) -> None:
    assert "is named OWNER/NAME" in refused(run("push", model, repo))
    assert "is named OWNER/NAME" in refused(run("pull", repo))


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (error(errors.HfHubHTTPError, 401), "not logged in, or the token is no longer valid: log in with `hf auth login`"),
        (error(errors.HfHubHTTPError, 403), "no right to write there: use a token with the role write"),
        (error(errors.HfHubHTTPError, 500), "the hub refused (500): said the hub"),
        (error(errors.RepositoryNotFoundError, 404), "no such repository, or a private one"),
        (error(errors.GatedRepoError, 403), "its owner must grant you access"),
        (error(errors.RevisionNotFoundError, 404), "no revision"),
        (errors.HFValidationError("Repo id must\nuse letters"), "Repo id must use letters"),
        (errors.LocalTokenNotFoundError("no token"), "not logged in"),
        (errors.LocalEntryNotFoundError("offline"), "no answer from http"),
        (errors.OfflineModeIsEnabled("offline"), "no answer from http"),
        (errors.HTTPError("name or service not known"), "(name or service not known): check the network"),
        (ConnectionRefusedError(111, "Connection refused"), "no answer from http"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_the_hubs_errors_are_one_line_with_the_remedy(
    run: Run, model: Path, stand_in: Hub, tmp_path: Path, failure: Exception, message: str
) -> None:
    stand_in.failure = failure
    assert message in refused(run("push", model, "me/x"))
    assert message in refused(run("pull", "me/x", "-o", tmp_path / "x"))
    assert not (tmp_path / "x").exists()


def test_a_full_disk_is_not_called_a_missing_network(run: Run, stand_in: Hub, tmp_path: Path) -> None:
    stand_in.failure = OSError(28, "No space left on device")
    assert "No space left on device" in refused(run("pull", "me/x", "-o", tmp_path / "x"))


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(AttrxferError, match=r"pip install 'attrxfer\[hub\]'"):
        clients.connect()


def test_a_component_that_is_not_installed_is_named(run: Run, model: Path, stand_in: Hub, tmp_path: Path) -> None:
    run("push", model, "me/x")
    files = stand_in.repos["me/x"]["main"]
    card = json.loads(files["attrxfer.json"])
    card["chain"].append({"kind": "enhancer", "use": "theirs"})
    files["attrxfer.json"] = json.dumps({**card, "plugins": {"theirs": "2.0"}}).encode()
    assert "missing: enhancer theirs" in run("pull", "me/x", "-o", tmp_path / "x").stdout


# ---------------------------------------------------------------- what leaves the machine


@pytest.mark.parametrize(
    ("key", "value", "left"),
    [
        ("path", "/home/me/faces", "faces"),
        ("path", "C:\\Users\\me\\faces\\", "faces"),
        ("path", "C:/Users/me/faces", "faces"),
        ("path", "\\\\server\\share\\faces", "faces"),
        ("path", "~/faces", "faces"),
        ("path", "../me/faces", "faces"),
        ("path", "family/faces", "faces"),
        ("table", "/home/me/table.csv", "table.csv"),
        ("table", "file:///home/me/table.csv", "table.csv"),
        ("path", "faces", None),
        ("reference", "paper/diat_a_gender", None),
        ("licence", "MIT (the images: non-commercial research)", None),
    ],
)
def test_paths_are_cut_wherever_they_stand(key: str, value: str, left: str | None) -> None:
    card: dict[str, Any] = {"chain": [{"use": "x", "network": {key: value}}], "size": 64, "none": None}
    public, cut = without_paths(card)
    assert public["chain"][0]["network"][key] == (value if left is None else left)
    assert cut == ({} if left is None else {f"chain.0.network.{key}": left})
    assert public["size"] == 64 and public["none"] is None and card["chain"][0]["network"][key] == value


@pytest.mark.slow
def test_help_needs_neither_torch_nor_the_client() -> None:
    import subprocess

    modules = "attrxfer_hub.commands, attrxfer_hub.transport, attrxfer.model.bundle"
    code = f"import sys, {modules}; print({{'torch', 'huggingface_hub'}} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


def test_other_peoples_files_beside_a_bundle_stay_at_home(run: Run, model: Path, stand_in: Hub) -> None:
    shutil.copy(model / "bundle" / "model.safetensors", model / "bundle" / "checkpoint.pt")
    run("push", model / "bundle", "me/x")
    assert not {"checkpoint.pt", "private_notes.txt"} & stand_in.repos["me/x"]["main"].keys()


# ---------------------------------------------------------------- pack


def test_a_packed_bundle_is_small_and_gives_nearly_the_same(run: Run, model: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    folder = tmp_path / "younger"
    result = run("pack", model, folder)
    assert result.exit_code == 0, result.output
    assert "largest difference" in result.stdout and "celeba_subset" in result.stderr
    original, packed = (load_file(path / "model.safetensors") for path in (model / "bundle", folder))
    assert {tensor.dtype for tensor in packed.values() if tensor.dim() > 1} == {torch.float16}
    for name, tensor in original.items():
        if tensor.dim() < 2:
            assert torch.equal(packed[name], tensor), name
    import attrxfer

    images = torch.rand(2, 3, 16, 16) * 2 - 1
    torch.testing.assert_close(attrxfer.load(folder)(images), attrxfer.load(model)(images), atol=2 / 255, rtol=0)
    card = (folder / "README.md").read_text()
    assert card.startswith("# younger\n") and "attrxfer transfer younger photos/" in card and "jdoe" not in card
    assert "jdoe" not in (folder / "attrxfer.json").read_text()
    assert "exists already" in refused(run("pack", model, folder))
