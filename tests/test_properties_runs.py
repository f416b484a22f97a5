"""What is found in a project depends on nothing but its files.

Not on their order, the number of processes, the cache and what it knows of earlier states, the
current directory, or how paths are spelled.
"""

from __future__ import annotations

import json
import os
import random
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conftest import SCRIPTS, execute
from deployment_texts import deployments, notebooks_of
from hypothesis import given
from hypothesis import strategies as st
from properties_support import OPTIONS, command, examples, folder
from python_layouts import files, modules

from ecocompute_lint.audit import audit_paths
from ecocompute_lint.findings import Finding

OVERRIDES = {"min_confidence": "possible", "context": "all", "show_good": True}
IMPORTED = (
    "MODEL = 'org/x-7b'\nKIND = True\noptions = {'load_in_8bit': True}\n",
    "from transformers import BitsAndBytesConfig\nconfig = BitsAndBytesConfig(load_in_8bit=True)\n",
    "MODEL = 'org/x-1b'\nKIND = False\noptions = {}\ndef config():\n    return None\n",
)
IMPORTER = (
    "from transformers import AutoModelForCausalLM as A, BitsAndBytesConfig as B\n"
    "from settings import MODEL, KIND, options\n"
    "m = A.from_pretrained(MODEL, quantization_config=B(load_in_8bit=KIND))\n"
    "n = A.from_pretrained(MODEL, **options, quantization_config=None)\n",
    "from transformers import AutoModelForCausalLM as A\nfrom settings import config\n"
    "m = A.from_pretrained('org/x-7b', quantization_config=config)\n",
)


@dataclass(frozen=True)
class Project:
    """Files by their paths."""

    files: dict[str, bytes]


@st.composite
def projects(draw: st.DrawFn) -> Project:
    """A few files in folders: modules that import each other, pins, deployments, notebooks."""
    found: dict[str, bytes] = {}
    if draw(st.booleans()):
        found["src/settings.py"] = draw(st.sampled_from(IMPORTED)).encode()
        found["src/app.py"] = draw(st.sampled_from(IMPORTER)).encode()
    if draw(st.booleans()):
        found["requirements.txt"] = draw(
            st.sampled_from([b"transformers==4.40\n", b"transformers>=5\n"])
        )
    for number in range(draw(st.integers(1, 3))):
        part = draw(st.sampled_from(["", "src/", "a b/é/"]))
        way = draw(st.sampled_from(["python", "python", "other", "notebook"]))
        if way == "python":
            found[f"{part}m{number}.py"] = draw(files()).data
        elif way == "notebook":
            found[f"{part}n{number}.ipynb"] = draw(notebooks_of(modules())).encode()
        else:
            file = draw(deployments())
            found[f"{part}d{number}/{file.name}"] = file.text.encode()
    return Project(found)


OLD = 1_700_000_000


def lay(root: Path, project: Project, age: int = 0) -> None:
    """Write a project; its files are old, so that stamps are relied on."""
    for name, data in project.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (OLD + age, OLD + age))


def findings(paths: list[str] | None = None, **given: Any) -> dict[str, Any]:
    """What is found in each file, by its real path."""
    report = audit_paths(paths or ["."], overrides=OVERRIDES, **given)
    assert not report.problems
    return {
        os.path.realpath(file.path): (
            file.status if file.status == "failed" else "",
            file.problem and (file.problem.message, file.problem.line),
            [replace(item, path="", message=from_anywhere(item)) for item in file.findings],
        )
        for file in report.files
        if file.findings or file.problem
    }


def from_anywhere(finding: Finding) -> str:
    """A message that names the file of a pin as it is called from its own folder."""
    return re.sub(
        r"\((?:[^()\s]*/)?(requirements\.txt|pyproject\.toml)\)", r"(\1)", finding.message
    )


def forget() -> None:
    """Another project may stand in the same place next."""
    from ecocompute_lint import fingerprints

    fingerprints._root_of.cache_clear()


@examples(4)
@given(projects(), st.randoms(use_true_random=False))
def test_order_and_spelling_of_paths_do_not_matter(project: Project, mix: random.Random) -> None:
    with folder() as root:
        lay(root, project)
        plain = findings()
        names = list(project.files)
        mix.shuffle(names)
        assert findings(names) == plain | explicit(names, plain)
        assert findings([str(root / name) for name in names]) == findings(names)
        assert findings([f"./{names[0]}", *names, "."]) == plain | explicit(names, plain)
        for name in names:
            one = findings([name])
            assert one == {k: v for k, v in explicit(names, plain).items() if k == str(root / name)}
        inside = root / Path(names[0]).parent
        os.chdir(inside)
        assert findings([str(root)]) == plain
        assert findings([os.path.relpath(root)]) == plain


def explicit(names: list[str], plain: dict[str, Any]) -> dict[str, Any]:
    """Files that are named are told to be broken as well where nothing in them matters."""
    thorough = findings(names)
    assert {k: v for k, v in thorough.items() if not v[0]} == {
        k: v for k, v in plain.items() if not v[0]
    }
    return thorough


@examples(4)
@given(projects(), projects())
def test_the_cache_does_not_matter(project: Project, other: Project) -> None:
    before = os.environ["ECOLINT_CACHE_DIR"]
    with folder() as root:
        os.environ["ECOLINT_CACHE_DIR"] = str(root / ".kept")
        try:
            lay(root, project)
            plain = findings()
            assert findings(cached=True) == plain
            assert findings(cached=True) == plain
            edited = Project({n: other.files.get(n, d + b"\n") for n, d in project.files.items()})
            lay(root, edited, age=10)
            assert findings(cached=True) == findings()
            lay(root, project, age=20)
            assert findings(cached=True) == plain
            for name in list(project.files)[1:]:
                (root / name).unlink()
            assert findings(cached=True) == findings()
            lay(root, project)
            assert findings(cached=True) == plain
        finally:
            os.environ["ECOLINT_CACHE_DIR"] = before


@examples(1)
@given(st.lists(projects(), min_size=3, max_size=6))
def test_the_number_of_processes_does_not_matter(several: list[Project]) -> None:
    with folder() as root:
        for number, project in enumerate(several):
            lay(root / f"p{number}", project)
        plain = findings()
        assert findings(jobs=3) == plain
        assert findings(jobs=0) == plain


@examples(1)
@given(projects())
def test_the_command_says_the_same_from_everywhere(project: Project) -> None:
    with folder() as root:
        lay(root, project)
        asked = [SCRIPTS / "ecolint", "--format", "gitlab", *OPTIONS]
        here = execute([*asked, "."], root)
        (root / "below").mkdir()
        below = execute([*asked, ".."], root / "below")
        assert below.status == here.status
        told = [{(issue["check_name"], issue["fingerprint"]) for issue in result.json}
                for result in (here, below)]  # fmt: skip
        assert told[0] == told[1]
        status, out, _ = command("--format", "gitlab", "--no-cache", *OPTIONS, ".")
        assert status == here.status
        for mine, theirs in zip(json.loads(out), here.json, strict=True):
            assert mine == theirs
