"""``python -m ecocompute_lint``: the same as the command ``ecolint``."""

from __future__ import annotations

import os
import sys

# With -m Python looks for modules in the current directory first, and those may be anybody's.
if not getattr(sys.flags, "safe_path", False) and not sys.flags.isolated:
    _OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if sys.path[:1] in ([""], [os.getcwd()]) and os.getcwd() != _OWN:
        del sys.path[0]

from ecocompute_lint.cli import main

if __name__ == "__main__":
    sys.exit(main())
