"""``--device`` of the commands that make results."""

from __future__ import annotations

from pathlib import Path

import pytest

from attrxfer.errors import AttrxferError
from attrxfer.plugin.host import Host
from tests.conftest import attrxfer


@pytest.mark.parametrize("command", ["evaluate", "figure", "serve", "demo", "transfer"])
def test_a_device_that_is_not_here_is_one_line(command: str, trained: Path, tmp_path: Path) -> None:
    if command == "serve":
        pytest.importorskip("fastapi_offline")
    if command == "demo":
        pytest.importorskip("gradio")
    photo = trained / "samples" / "source.png"
    more: dict[str, list[str | Path]] = {
        "evaluate": ["-o", tmp_path / "out"],
        "figure": ["--images", photo, "-o", tmp_path / "a.png"],
        "transfer": [photo, "--aligned", "-o", tmp_path / "out"],
        "serve": ["--port", "0"],
    }
    result = attrxfer(command, trained, *more.get(command, []), "--device", "cuda:99")
    assert result.returncode == AttrxferError.exit_code
    assert '--device: no device "cuda:99" here; this machine has' in result.stderr


def test_a_page_names_its_device_in_the_command_for_a_photo(trained: Path, host: Host) -> None:
    pytest.importorskip("gradio")
    from attrxfer_demo.offer import offers

    (offer,) = offers([trained], None, host.registry, "cpu:0")
    assert offer.device == "cpu:0" and "--device cpu:0" in offer.command("photo.png", 1.0, crop=True)


def test_a_server_takes_a_device_or_a_backend(trained: Path, host: Host) -> None:
    from attrxfer_serve.service import opened_model

    with pytest.raises(AttrxferError, match="--device is for the backend torch: leave --backend eager or --device out"):
        opened_model(trained, "eager", host.registry, "cpu:0")
