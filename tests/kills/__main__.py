"""python -m tests.kills --kills N: kill jobs at N random moments, and print how they ended."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path


def main() -> None:
    """Print a line a job that was killed, then a row a kind of job. The exit code is 1 where an end differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description="Kill jobs; print how they ended.")
    parser.add_argument("--kills", type=int, default=200, help="number of kills")
    parser.add_argument("--first", type=int, default=0, help="number of the first trial")
    parser.add_argument("--jobs", nargs="+", default=(), help="which jobs; all where it is left out")
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported
    from tests.kills.suite import Outcome, outcomes

    rows: dict[str, list[Outcome]] = {}
    with tempfile.TemporaryDirectory() as name:
        for one in outcomes(Path(name), given.kills, given.first, given.jobs):
            rows.setdefault(one.job, []).append(one)
            print(
                f"{one.job} {one.trial}: {', '.join(one.moments) or 'not killed'}: {one.wrong or 'same'} {one.left}", flush=True
            )
    print(f"{'JOB':10}{'KILLS':>7}{'ENDS':>7}{'SAME':>7}{'CLEAN':>7}{'TEMPORARY':>11}")
    for job, ends in rows.items():
        kills = sum(len(one.moments) for one in ends)
        same, clean = sum(not one.wrong for one in ends), sum(not one.left for one in ends)
        print(f"{job:10}{kills:7}{len(ends):7}{same:7}{clean:7}{sum(one.temporary for one in ends):11}")
    raise SystemExit(any(one.wrong or one.left for ends in rows.values() for one in ends))


if __name__ == "__main__":
    main()
