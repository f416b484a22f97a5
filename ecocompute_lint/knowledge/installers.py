"""Commands that install packages: the words that start them, and the flags that have a value.

Sources: the commands' own help texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from ecocompute_lint.frozen import dataclass


def _flags(**texts: str) -> dict[str, str]:
    return {flag: kind for kind, text in texts.items() for flag in text.split()}


@dataclass(frozen=True, slots=True)
class Installer:
    """One installer.

    `verbs` are the words that make it install; `meaning` says what a flag with a value gives:
    ``index`` (in place of PyPI), ``more`` (an index beside), ``channel``, ``requirement`` (the
    value is one), ``ref`` (a tag or branch of the repositories), ``prerelease`` (``allow``), or
    ``other``. `switches` are flags without a value that count.
    """

    programs: re.Pattern[str]
    verbs: frozenset[tuple[str, ...]]
    meaning: Mapping[str, str] = field(default_factory=dict)
    switches: Mapping[str, str] = field(default_factory=dict)
    conda: bool = False


_PIP = _flags(
    index="-i --index-url --default-index",
    more="--extra-index-url -f --find-links --index",
    requirement="-e --editable",
    prerelease="--prerelease",
    other=(
        "-r --requirement -c --constraint -t --target -b --build --platform --python-version "
        "--implementation --abi --root --prefix --src --upgrade-strategy --no-binary "
        "--only-binary --progress-bar --global-option --install-option --config-settings -C "
        "--report --proxy --retries --timeout --exists-action --trusted-host --cert "
        "--client-cert --cache-dir --log --python -p --root-user-action --group --override "
        "--overrides --constraints --requirements --build-constraint --resolution "
        "--index-strategy --keyring-provider --link-mode --torch-backend --exclude-newer "
        "--use-feature --use-deprecated --extra --directory --project -P --upgrade-package "
        "--no-build-isolation-package --python-platform --reinstall-package"
    ),
)
_PRE = {"--pre": "pre", "--no-index": "alone"}
_ADD = {
    **_PIP,
    **_flags(
        ref="--tag --rev --branch",
        other="--optional -G --group --extras -E --source --package --script --marker -m --markers "
        "--bounds -dG --section -S --platform",
    ),
}
_ADD_SWITCHES = {**_PRE, "--allow-prereleases": "pre", "--prerelease": "pre"}
_CONDA = _flags(
    channel="-c --channel",
    other="-n --name -p --prefix --file -f --solver --experimental-solver --platform --subdir "
    "--repodata-fn --revision -r --root-prefix --pyc",
)

INSTALLERS: tuple[Installer, ...] = (
    Installer(re.compile(r"pip[\d.]*"), frozenset({("install",)}), _PIP, _PRE),
    Installer(
        re.compile(r"uv"),
        frozenset({("pip", "install"), ("add",)}),
        {**_ADD, "--tag": "ref", "--prerelease": "prerelease"},
        _PRE,
    ),
    Installer(re.compile(r"poetry|pdm|rye"), frozenset({("add",)}), _ADD, _ADD_SWITCHES),
    Installer(re.compile(r"pipenv"), frozenset({("install",)}), _PIP, _PRE),
    Installer(
        re.compile(r"conda|mamba|micromamba"),
        frozenset(
            {
                *(("install",), ("create",), ("update",), ("upgrade",)),
                *(("env", "create"), ("env", "update")),
            }
        ),
        _CONDA,
        {"--override-channels": "alone"},
        conda=True,
    ),
)
"""The first whose program matches."""

WRAPPERS = frozenset(
    "sudo env exec time nohup command nice timeout call then do else run stdbuf xvfb-run".split()
)
"""Words that start the command behind them."""
RUNNERS = frozenset("conda mamba micromamba uv poetry pipenv pdm rye hatch".split())
"""Programs whose ``run`` starts another command."""
ENVIRONMENT: Mapping[str, str] = {
    "PIP_PRE": "pre",
    "PIP_INDEX_URL": "index",
    "PIP_EXTRA_INDEX_URL": "more",
    "PIP_FIND_LINKS": "more",
    "UV_PRERELEASE": "prerelease",
    "UV_INDEX_URL": "index",
    "UV_DEFAULT_INDEX": "index",
    "UV_EXTRA_INDEX_URL": "more",
    "UV_INDEX": "more",
    "UV_FIND_LINKS": "more",
}
"""Variables that say what flags say."""
