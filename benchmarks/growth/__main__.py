"""How the time for one text grows with its size.

    python benchmarks/growth               every shape
    python benchmarks/growth shell make    those whose name begins so

Each shape is audited at 1, 2, 4 and 8 times a size, each in a process of its own.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

from growth import SHAPES, text_of  # noqa: E402

SIZES = (25_000, 50_000, 100_000, 200_000)
LIMIT = 40
SLOW = 2.0
STEEP = 1.35


def main() -> int:
    """Print a row for each shape; fail if any is slow or grows faster than its text."""
    parser = argparse.ArgumentParser(prog="growth", description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--one", nargs=2, metavar=("NAME", "SIZE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(seconds(options.one[0], int(options.one[1])))
        return 0
    wanted = [name for name in SHAPES if not options.names or name.startswith(tuple(options.names))]
    bad = 0
    for name in wanted:
        times: list[float] = []
        for size in SIZES:
            times.append(_measured(name, size))
            if times[-1] >= LIMIT:
                break
        power = math.log(times[-1] / times[-2], 2) if len(times) > 1 else 9
        slow = times[-1] > SLOW or (power > STEEP and times[-1] > SLOW / 4)
        bad += slow
        shown = "".join(f"{one:8.2f}" for one in times)
        print(f"{name:34}{shown}  n^{power:.2f} {'  <--' if slow else ''}", flush=True)
    return 1 if bad else 0


def seconds(name: str, size: int) -> float:
    """The CPU time of one audit, without that of starting up."""
    from ecocompute_lint.audit import auditor

    file, text = text_of(name, size)
    audit = auditor(file)
    audit(text_of(name, 500)[1], path=file)
    start = time.process_time()
    audit(text, path=file)
    return time.process_time() - start


def _measured(name: str, size: int) -> float:
    command = [sys.executable, str(Path(__file__).parent), "--one", name, str(size)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=True)
    except subprocess.TimeoutExpired:
        return float(LIMIT)
    return max(float(done.stdout), 0.001)


if __name__ == "__main__":
    sys.exit(main())
