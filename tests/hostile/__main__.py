"""python -m tests.hostile --cases N: spoil N bundles, and print what became of them."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import Counter
from pathlib import Path


def main() -> None:
    """Print a row an action, then each kind of fault with its first case. The exit code is 1 where there is a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description="Spoil bundles; print what became of them.")
    parser.add_argument("--cases", type=int, default=1000, help="number of spoilt bundles")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["ATTRXFER_CACHE"] = str(Path(name) / "cache")
        from attrxfer.plugin.host import load
        from tests.conftest import train
        from tests.hostile.cards import ACTIONS, Outcome, complete, peak, run

        good = train(load(), Path(name) / "run") / "bundle"
        complete(good)
        before = peak()
        counts, faults, slowest = Counter[tuple[str, str]](), dict[tuple[str, str, str], list[Outcome]](), 0.0
        for one in run(good, Path(name) / "cases", range(given.first, given.first + given.cases)):
            sound = one.result in ("works", "refused")
            counts[one.action, one.result if sound else "fault"] += 1
            slowest = max(slowest, one.seconds)
            if not sound:
                faults.setdefault((one.action, one.result, one.message[:40]), []).append(one)
    print(f"{'ACTION':10}{'WORKS':>8}{'REFUSED':>9}{'FAULT':>7}")
    for action in ACTIONS:
        print(f"{action:10}{counts[action, 'works']:8}{counts[action, 'refused']:9}{counts[action, 'fault']:7}")
    print(f"slowest {slowest:.1f} s of processor time, memory {before:.0f} MB before and {peak():.0f} MB at most")
    for (action, result, _), found in faults.items():
        print(f"{len(found)} x {action}: {result}: {found[0].message!r} (case {found[0].case}: {found[0].spoilt})")
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
