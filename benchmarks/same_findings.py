"""The same findings whichever way they are come by: a check on real code.

``python benchmarks/same_findings.py FOLDER ...`` audits the folders plainly, then with several
processes, with an empty and with a full cache, and (with ``--ungated``, which takes long) with no
gate before the analysis. It prints each difference and ends with status 1 where there is one.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import nullcontext

from ecocompute_lint.audit import audit_paths
from ecocompute_lint.prefilter import without_gates

EVERYTHING = {"min_confidence": "possible", "context": "all", "show_good": True, "ignore": ()}


def findings(folders: list[str], gates: bool = True, **given: object) -> dict[str, object]:
    """Each file that has findings, with them."""
    with nullcontext() if gates else without_gates():
        report = audit_paths(folders, overrides=EVERYTHING, **given)  # type: ignore[arg-type]
    return {file.path: (file.findings, file.problem) for file in report.files if file.findings}


def differences(plain: dict[str, object], other: dict[str, object]) -> Iterable[str]:
    """The files whose findings differ."""
    return (path for path in plain.keys() | other.keys() if plain.get(path) != other.get(path))


def main() -> int:
    """Compare, and say what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    parser.add_argument("--ungated", action="store_true", help="also without the gates")
    asked = parser.parse_args()
    ways: dict[str, Callable[[], dict[str, object]]] = {
        "several processes": lambda: findings(asked.folders, jobs=max(2, os.cpu_count() or 1)),
        "an empty cache": lambda: findings(asked.folders, cached=True, jobs=0),
        "a full cache": lambda: findings(asked.folders, cached=True, jobs=0),
    }
    if asked.ungated:
        ways["no gates"] = lambda: findings(asked.folders, gates=False, jobs=0)
    failed = False
    with tempfile.TemporaryDirectory() as cache:
        os.environ["ECOLINT_CACHE_DIR"] = cache
        plain = findings(asked.folders)
        print(f"plain: {len(plain)} files with findings")
        for name, way in ways.items():
            found = sorted(differences(plain, way()))
            failed = failed or bool(found)
            print(f"{name}: {'the same' if not found else f'{len(found)} files differ'}")
            for path in found:
                print(f"  {path}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
