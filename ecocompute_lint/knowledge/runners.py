"""The calls by which Python code runs a command, or builds an image that does."""

from __future__ import annotations

from collections.abc import Mapping

RUNNERS = frozenset(
    "run call check_call check_output Popen system popen getoutput run_commands getstatusoutput "
    "create_subprocess_exec create_subprocess_shell run_cmd run_command".split()
)
BUILDERS: Mapping[str, tuple[str, ...]] = {
    "pip_install": ("pip", "install"),
    "uv_pip_install": ("uv", "pip", "install"),
    "conda_install": ("conda", "install"),
    "micromamba_install": ("micromamba", "install"),
}
"""Methods of Modal's images, by the command that they stand for."""
RUNS = rf"\b(?:{'|'.join(sorted({*RUNNERS, *BUILDERS}))})\s*\("
MAGIC_INSTALLS = r"^[ \t]*[!%](?=[^\n]*\binstall\b)"
"""The start of a line, with MULTILINE, that a notebook gives to the shell."""
