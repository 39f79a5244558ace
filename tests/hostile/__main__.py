"""python -m tests.hostile --cases N: spoil N inputs of each kind, and print what became of them."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.hostile.trial import Outcome

SAID_EVERY = 100


def main() -> None:
    """Print a row a kind and action, then each sort of fault with its first case. The exit code is 1 where there is one."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description="Spoil inputs; print what became of them.")
    parser.add_argument("--cases", type=int, default=1000, help="number of spoilt inputs of each kind")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    parser.add_argument("--kinds", nargs="+", default=(), help="which kinds; all where it is left out")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        # before torch is imported
        os.environ |= {"ATTRXFER_CACHE": str(Path(name) / "cache"), "OMP_NUM_THREADS": "1"}
        from tests.hostile.every import outcomes

        faults = show(outcomes(Path(name), range(given.first, given.first + given.cases), given.kinds))
    raise SystemExit(faults > 0)


def show(outcomes: Iterable[Outcome]) -> int:
    """Print what became of inputs; returns how many faults there are."""
    counts: Counter[tuple[str, str, str]] = Counter()
    most: dict[tuple[str, str], tuple[float, float]] = {}
    faults: list[Outcome] = []
    for one in outcomes:
        row = one.kind, one.action
        counts[(*row, one.result if one.is_sound else "fault")] += 1
        seconds, megabytes = most.get(row, (0.0, 0.0))
        most[row] = max(seconds, one.seconds), max(megabytes, one.megabytes)
        if counts.total() % SAID_EVERY == 0:
            print(f"{one.kind}: {counts.total()} cases, {len(faults)} faults before", file=sys.stderr, flush=True)
        if not one.is_sound:
            faults.append(one)
            print(f"{one.kind} {one.case}, {one.action}: {one.result}: {one.message!r} ({one.spoilt})", flush=True)
    print(f"{'KIND':10} {'ACTION':20}{'WORKS':>8}{'REFUSED':>9}{'FAULT':>7}{'SECONDS':>9}{'MB':>7}")
    for (kind, action), (seconds, megabytes) in most.items():
        works, refused, wrong = (counts[kind, action, result] for result in ("works", "refused", "fault"))
        print(f"{kind:10} {action:20}{works:8}{refused:9}{wrong:7}{seconds:9.1f}{megabytes:7.0f}")
    sorts = Counter((one.kind, one.result, one.message[:40]) for one in faults)
    for (kind, result, _), count in sorts.most_common():
        first = next(one for one in faults if (one.kind, one.result) == (kind, result))
        print(f"{count} x {kind}: {result}: {first.message!r} (case {first.case}: {first.spoilt})")
    return len(faults)


if __name__ == "__main__":
    main()
