"""The peak memory of a transfer, measured in a process of its own: ``python -m attrxfer_metrics.memory``.

In the process that scores, a transfer would reuse memory that was freed before, and its peak would not show.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

RESET, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
log = logging.getLogger("attrxfer")


def peak_memory(bundle: Path, count: int) -> float | None:
    """Growth of the resident memory of a new process, at its peak, while a bundle transfers one batch.

    Args:
        bundle: The bundle's folder.
        count: Images in the batch.

    Returns:
        MB (2^20 bytes); None where it cannot be measured (not Linux, or the process failed, which is logged).
    """
    if not RESET.exists():
        return None
    command = [sys.executable, "-m", "attrxfer_metrics.memory", str(bundle), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        log.warning("peak memory could not be measured: %s", done.stderr.strip().rpartition("\n")[2])
        return None
    return float(done.stdout)


def measured(bundle: Path, count: int) -> float:
    """The same for this process."""
    import numpy as np

    from attrxfer.model.loading import load_model
    from attrxfer.storage.conversion import to_tensor

    transfer = load_model(bundle)
    images = to_tensor(np.zeros((count, transfer.size, transfer.size, 3), np.uint8))
    RESET.write_text("5", encoding="utf-8")  # resets the peak
    before = _resident("VmRSS")
    transfer(images)
    return _resident("VmHWM") - before


def _resident(field: str) -> float:
    line = next(line for line in STATUS.read_text(encoding="utf-8").splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    print(measured(Path(sys.argv[1]), int(sys.argv[2])))
