"""A run on two machines: here two launchers on one, each with a cache of its own. Only the run's folder is shared."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.conftest import TINY


@pytest.mark.slow
def test_two_machines_train_one_run(tmp_path: Path, trained: Path) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    settings = [part for override in TINY for part in ("--set", override)]
    train = ["-m", "attrxfer", "run", "diat_a_gender", "-q", "-o", str(tmp_path / "run"), *settings]
    machines = []
    for rank in range(2):
        launch = ["-m", "torch.distributed.run", "--nnodes", "2", "--node_rank", str(rank), "--nproc_per_node", "1"]
        launch += ["--master_addr", "127.0.0.1", "--master_port", str(port)]
        own = {**os.environ, "ATTRXFER_CACHE": str(tmp_path / f"cache{rank}"), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, *launch, *train]
        machines.append(subprocess.Popen(command, env=own, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    said = [machine.communicate(timeout=500)[1] for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], "\n".join(said)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["environment"]["processes"] == 2
    shared, alone = (load_file(folder / "bundle" / "model.safetensors") for folder in (tmp_path / "run", trained))
    assert shared.keys() == alone.keys() and all(tensor.isfinite().all() for tensor in shared.values())
    written = [path for path in (tmp_path / "cache1").rglob("*") if path.is_file() and path.parent.name == "networks"]
    assert not written, "only the first process stores networks"
