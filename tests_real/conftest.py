"""What all tests share: a hub of tiny models, and the record of what was found."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# Read when the libraries are first imported: before the tests are.
HOME = Path(tempfile.mkdtemp(prefix="tiny-models-"))
os.environ["HF_HUB_CACHE"] = str(HOME / "hub")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
