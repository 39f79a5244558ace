"""A stand-in of the hub's client, and a bundle to push."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrxfer_hub import client as clients
from attrxfer_hub.client import Client
from click.testing import CliRunner, Result
from torch import nn

from attrxfer.cli import cli
from attrxfer.model import bundle
from attrxfer.plugin.host import Host
from attrxfer.plugin.parameters import build
from attrxfer.recipe import Recipe

hub = pytest.importorskip("huggingface_hub")
errors = pytest.importorskip("huggingface_hub.errors")

CALLS = [name for name in vars(Client) if not name.startswith("_")]
SCORES = {
    "images": 8,
    "people": 5,
    "scores": {
        "success": {"value": 0.25, "low": 0.2, "high": 0.3, "n": 8, "unit": "share", "better": "higher"},
        "KID": {"value": None, "n": 0, "unit": "", "better": "lower"},
    },
}


class Hub:
    """A hub in memory: {repository: {branch: {file: content}}}. Every call is bound to the real client's signature first."""

    def __init__(self) -> None:
        self.repos: dict[str, dict[str, dict[str, bytes]]] = {}
        self.private: set[str] = set()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.failure: Exception | None = None

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in CALLS:
            return found

        def call(*positional: Any, **named: Any) -> Any:
            bound = inspect.signature(getattr(hub.HfApi, name)).bind(self, *positional, **named)
            self.calls.append((name, {key: value for key, value in bound.arguments.items() if key != "self"}))
            if self.failure is not None:
                raise self.failure
            return found(*positional, **named)

        return call

    def create_repo(self, repo_id: str, *, private: bool = False, exist_ok: bool = False) -> str:
        assert exist_ok or repo_id not in self.repos
        if repo_id not in self.repos:
            self.repos[repo_id] = {"main": {".gitattributes": b""}}
            self.private |= {repo_id} if private else set()
        return f"https://hub.example/{repo_id}"

    def create_branch(self, repo_id: str, *, branch: str, exist_ok: bool = False) -> None:
        assert exist_ok or branch not in self.repos[repo_id]
        self.repos[repo_id].setdefault(branch, dict(self.repos[repo_id]["main"]))

    def model_info(self, repo_id: str, *, revision: str | None = None) -> SimpleNamespace:
        if repo_id not in self.repos:
            raise error(errors.RepositoryNotFoundError, 404)
        if (revision or "main") not in self.repos[repo_id]:
            raise error(errors.RevisionNotFoundError, 404)
        files = [SimpleNamespace(rfilename=name) for name in self.repos[repo_id][revision or "main"]]
        return SimpleNamespace(sha=f"commit-{revision or 'main'}", private=repo_id in self.private, siblings=files)

    def upload_folder(
        self, *, repo_id: str, folder_path: Path, commit_message: str | None = None, revision: str | None = None
    ) -> None:
        files = {path.relative_to(folder_path).as_posix(): path.read_bytes() for path in folder_path.rglob("*")}
        self.repos[repo_id][revision or "main"] |= files

    def hf_hub_download(self, repo_id: str, filename: str, *, revision: str | None = None, local_dir: Path) -> str:
        (local_dir / ".cache" / "huggingface").mkdir(parents=True, exist_ok=True)
        assert revision is not None and revision.startswith("commit-")
        (local_dir / filename).write_bytes(self.repos[repo_id][revision.removeprefix("commit-")][filename])
        return str(local_dir / filename)


def error(kind: type[Exception], status: int) -> Exception:
    """An error of the hub as its client raises it."""
    response = SimpleNamespace(status_code=status, headers={}, request=None, text="", reason_phrase="", url="")
    made = kind.__new__(kind)
    Exception.__init__(made, "said the hub")
    made.response, made.server_message = response, "said the hub"  # type: ignore[attr-defined]
    return made


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Hub:
    made = Hub()
    monkeypatch.setattr(clients, "connect", lambda: made)
    return made


@pytest.fixture
def model(tiny: Callable[..., Recipe], host: Host, tmp_path: Path) -> Path:
    """A bundle of an untrained network, as a run would write it."""
    recipe = tiny()
    network = build(recipe.generator, {})
    assert isinstance(network, nn.Module)
    filled = recipe.filled()
    filled["data"] = {"use": "celeba", "path": "/home/jdoe/secret/celeba_subset", "size": 16}
    card = {
        "task": {"name": "gender", "guided": {"Male": False}},
        "size": 16,
        "framing": None,
        "recipe": filled,
        "plugins": {"diat": "0.1.0"},
        "licences": ["MIT", "MIT (the images: non-commercial research)"],
        "trained": {"seconds": 90, "device": "cpu", "threads": 2},
        "scores": SCORES,
    }
    bundle.save(tmp_path / "run" / "bundle", [(recipe.generator, network)], card)
    (tmp_path / "run" / "bundle" / "private_notes.txt").write_text("not for others")
    return tmp_path / "run"


@pytest.fixture
def run(host: Host) -> Iterator[Callable[..., Result]]:
    host.add_commands(cli)
    yield lambda *arguments: CliRunner().invoke(cli, [str(argument) for argument in arguments], obj=host.registry)
    for name in ("push", "pull"):
        cli.commands.pop(name, None)


Run = Callable[..., Result]
