"""Results of earlier runs: taken where nothing has changed, and only there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import CLEAN, ROOT, SCRIPTS, TRAP, Command, environment
from own_rows import DEPLOYMENT, SAMPLE
from test_pins import NO_TYPE
from test_user_rules import CODE, RULE

from ecocompute_lint import cache
from ecocompute_lint.audit import Report, audit_paths
from ecocompute_lint.engine.catalogue import load_rules

Write = Callable[[str, "str | bytes"], Path]
IMPORTING = """\
from transformers import AutoModelForCausalLM
from {0} import INT8

model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct", load_in_8bit=INT8)
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own, and beside it the cache."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "kept"))
    return project


def put(name: str, content: str, *, old: bool = True) -> Path:
    """Write a file; an old one cannot change any more without a new time."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    if old:
        then = time.time() - 3600
        os.utime(path, (then, then))
    return path


def codes(report: Report) -> list[tuple[str, str]]:
    return [(finding.path, finding.code) for finding in report.findings]


def audited(**overrides: object) -> list[tuple[str, str]]:
    """What is found with the cache, which must be what is found without."""
    overrides = {"select": ["ALL"], **overrides}
    fresh = audit_paths(["."], overrides=overrides)
    kept = audit_paths(["."], overrides=overrides, cached=True)
    assert kept.files == fresh.files
    again = audit_paths(["."], overrides=overrides, cached=True)
    assert again.files == fresh.files
    return codes(kept)


def stored() -> list[Path]:
    return sorted(path for path in cache.folder().rglob("*") if path.is_file())


# --- what comes back is what was found ------------------------------------------------------------


@pytest.mark.parametrize("edits", [False, True])
def test_findings_are_the_same_cold_and_warm(here: Path, edits: bool) -> None:
    for name in ("demo_app", "ECO102", "ECO302", "ECO501"):
        if (ROOT / "fixtures" / name).is_dir():
            shutil.copytree(ROOT / "fixtures" / name, here / name)
    for number in range(70):
        put(f"plain/m{number}.py", CLEAN)
    fresh = audit_paths(["."], with_edits=edits)
    assert fresh.findings
    for _ in range(3):
        assert audit_paths(["."], with_edits=edits, cached=True).files == fresh.files
    assert audit_paths(["demo_app"], with_edits=edits, cached=True).files == tuple(
        file for file in fresh.files if file.path.startswith("demo_app")
    )


def test_nothing_is_analysed_twice(here: Path) -> None:
    put("a.py", TRAP)
    command = [sys.executable, "-X", "importtime", "-m", "ecocompute_lint", "-q"]

    def analysed(*options: str) -> bool:
        env = environment(ECOLINT_CACHE_DIR=os.environ[cache.VARIABLE])
        done = subprocess.run([*command, *options], capture_output=True, text=True, env=env)
        assert "ECO101" in done.stdout
        return "ecocompute_lint.engine.judge" in done.stderr

    assert analysed()
    assert not analysed()
    assert analysed("--no-cache")
    put("a.py", TRAP + "# more\n")
    assert analysed()
    assert not analysed()


def test_repairs_see_the_files_as_they_are(here: Path) -> None:
    put("a.py", TRAP)
    env = environment(ECOLINT_CACHE_DIR=os.environ[cache.VARIABLE])
    for options in ((), ("--fix",), ("--diff",)):
        subprocess.run([SCRIPTS / "ecolint", "-q", *options], env=env, capture_output=True)
    assert "llm_int8_threshold" in Path("a.py").read_text()
    assert audited() == []


# --- what a result rests on -----------------------------------------------------------------------


@pytest.mark.parametrize("old", [True, False])
def test_a_changed_file(old: bool) -> None:
    put("a.py", "x = 1\n" + TRAP, old=old)
    assert ("a.py", "ECO101") in audited()
    put("a.py", "x = 1\n" + TRAP.replace("True", "None"), old=old)
    assert audited() == []
    put("a.py", CLEAN, old=old)
    assert audited() == []
    put("a.py", TRAP, old=False)
    assert ("a.py", "ECO101") in audited()


def test_what_an_import_leads_to() -> None:
    put("app/a.py", IMPORTING.format("settings"))
    assert audited() == []
    put("settings.py", "INT8 = True\n")  # found above the file, where nothing was before
    assert ("app/a.py", "ECO101") in audited()
    put("settings.py", "INT8 = None\n", old=False)
    assert audited() == []
    put("app/settings.py", "INT8 = True\n")  # nearer
    assert ("app/a.py", "ECO101") in audited()
    Path("app/settings.py").unlink()
    assert audited() == []


def test_pins_around_a_file() -> None:
    put("pyproject.toml", "[project]\nname = 'x'\n")
    put("app/serve.py", NO_TYPE)
    found = [("app/serve.py", "ECO303")]
    only = {"select": ["ECO303"]}
    assert audited(**only) == []
    put("requirements.txt", "transformers==4.44.2\n")
    assert audited(**only) == found
    put("app/requirements.txt", "-r more.txt\n")  # names nothing yet
    assert audited(**only) == found
    put("app/more.txt", "transformers==5.1.0\n")
    assert audited(**only) == []
    put("app/more.txt", "transformers==4.40.0\n", old=False)
    assert audited(**only) == found
    put("app/uv.lock", '[[package]]\nname = "transformers"\nversion = "5.1.0"\n')
    assert audited(**only) == []
    Path("app/uv.lock").unlink()
    assert audited(**only) == found


def test_the_size_of_a_local_model() -> None:
    program = DEPLOYMENT.replace("mistralai/Mistral-7B-Instruct-v0.3", "./model")
    put("a.py", program)

    def sizes() -> set[float | None]:
        audited()
        return {one.params_b for one in audit_paths(["."], cached=True).findings}

    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": 32000,
        "hidden_size": 4096,
        "num_hidden_layers": 32,
        "intermediate_size": 11008,
        "num_attention_heads": 32,
    }
    assert sizes() == {None}
    put("model/config.json", json.dumps(config))
    (large,) = sizes()
    put("model/config.json", json.dumps({**config, "num_hidden_layers": 16}), old=False)
    (small,) = sizes()
    assert large is not None
    assert small is not None
    assert small < large


def test_rules_of_ones_own() -> None:
    put("ecolint.toml", 'rules = ["house"]\n')
    put("house/ACME001.yaml", RULE)
    put("app.py", CODE)
    assert ("app.py", "ACME001") in audited()
    off = RULE.replace("use_double_quant: {is: true}", "use_double_quant: {is: false}")
    put("house/ACME001.yaml", off)
    load_rules.cache_clear()  # as in a process of its own
    assert ("app.py", "ACME001") not in audited()


def test_settings() -> None:
    put("a.py", TRAP)
    assert ("a.py", "ECO101") in audited()
    assert audited(ignore=["ECO101"]) == [one for one in audited() if one[1] != "ECO101"]
    put("ecolint.toml", 'per-file-ignores = {"a.py" = ["ECO"]}\n')
    assert audited() == []


def test_comments_that_silence_nothing() -> None:
    idle = "x = 1  # noqa: ECO101\n"
    put("idle.py", idle)
    put("a.py", TRAP.replace("=True)", "=True)  # noqa: ECO101, ECO102"))
    asked = {"extend_select": ["ECO001"]}
    assert audited() == []
    assert audited(**asked) == [("a.py", "ECO001"), ("idle.py", "ECO001")]
    assert audit_paths(["a.py"], cached=True).files[0].suppressed == 1
    put("idle.py", "x = 1\n", old=False)
    put("a.py", TRAP, old=False)
    assert audited(**asked) == [("a.py", "ECO101")]
    put("idle.py", idle, old=False)
    assert ("idle.py", "ECO001") in audited(**asked)
    assert ("idle.py", "ECO001") not in audited()


def test_measurements_of_ones_own() -> None:
    put("ecolint.toml", 'data = ["own.csv"]\n')
    put("own.csv", SAMPLE)
    put("a.py", DEPLOYMENT)

    def rows() -> set[str]:
        command = [sys.executable, "-m", "ecocompute_lint", "--format", "json", "--gpu", "rtx4090d"]
        env = environment(ECOLINT_CACHE_DIR=os.environ[cache.VARIABLE])
        runs = [
            json.loads(subprocess.run([*command, *more], env=env, capture_output=True).stdout)
            for more in ((), (), ("--no-cache",))
        ]
        assert runs[0]["findings"] == runs[1]["findings"] == runs[2]["findings"] != []
        return {row for one in runs[0]["findings"] for row in one["evidence"]["rows"]}

    mine = "rtx4090d-mistral-7b-int8_mixed-bs1-lab-1"
    assert mine in rows()
    put("own.csv", "\n".join(SAMPLE.splitlines()[:2]) + "\n")
    assert mine not in rows()


def test_the_same_file_seen_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    put("sub/a.py", TRAP)
    assert {path for path, _ in audited()} == {"sub/a.py"}
    monkeypatch.chdir("sub")
    assert {path for path, _ in audited()} == {"a.py"}


# --- the store ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"ECO101", b"ECO108"),
        lambda data: b"\xff\x00" * 50,
        lambda data: signed(b"[]"),
        lambda data: signed(b'{"blank": [], "rows": 3, "results": {}}'),
        lambda data: signed(b'{"blank": {}, "rows": [], "results": {"python:a.py": [[7], []]}}'),
        lambda data: signed(data.partition(b"\n")[2].replace(b'"examined"', b'"examined",1')),
    ],
)
def test_what_is_broken_counts_as_absent(damage: Callable[[bytes], bytes]) -> None:
    put("a.py", TRAP)
    before = audited()
    (file,) = stored()
    file.write_bytes(damage(file.read_bytes()))
    assert audited() == before
    file.unlink()
    file.mkdir()
    assert audited() == before


def signed(body: bytes) -> bytes:
    from hashlib import blake2b

    return blake2b(body, digest_size=16).hexdigest().encode() + b"\n" + body


@pytest.mark.parametrize("place", ["/dev/null/kept", "file"])
def test_a_folder_that_cannot_be_written(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ecolint: Command
) -> None:
    (tmp_path / "file").write_text("taken")
    (tmp_path / "a.py").write_text(TRAP)
    result = ecolint("-q", "a.py", ECOLINT_CACHE_DIR=str(tmp_path / place))
    assert result.status == 1
    assert "a.py:2:10: ECO101" in result.stdout
    assert result.stderr == ""


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_only_be_read() -> None:
    put("a.py", TRAP)
    place = cache.folder()
    place.mkdir()
    place.chmod(0o500)
    assert ("a.py", "ECO101") in audited()
    assert not stored()


def test_runs_at_the_same_time(tmp_path: Path) -> None:
    for number in range(8):
        put(f"m{number}.py", TRAP)
    env = environment(ECOLINT_CACHE_DIR=os.environ[cache.VARIABLE])
    runs = [
        subprocess.Popen(
            [SCRIPTS / "ecolint", "-q", *(f"m{n}.py" for n in range(8) if n % 4 != left)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
        )
        for left in range(4)
    ]
    for run in runs:
        out, errors = run.communicate()
        assert out.count(b"ECO101") == 6
        assert errors == b""
    (file,) = stored()
    assert len(audited()) == 8
    assert json.loads(file.read_bytes().partition(b"\n")[2])["results"]


def test_a_part_of_the_tree_does_not_forget_the_rest() -> None:
    put("a.py", TRAP)
    put("sub/b.py", TRAP)
    audit_paths(["."], cached=True)
    put("sub/b.py", TRAP + "# more\n")
    audit_paths(["sub"], cached=True)
    (file,) = stored()
    results = json.loads(file.read_bytes().partition(b"\n")[2])["results"]
    assert sorted(results) == ["python:a.py", "python:sub/b.py"]


def test_what_was_not_used_for_long_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    put("a.py", TRAP)
    monkeypatch.setattr(cache, "_MOST_BYTES", 5000)
    for threshold in range(8):
        audit_paths(["."], overrides={"requests_per_month": 1 + threshold}, cached=True)
    assert 0 < sum(file.stat().st_size for file in stored()) <= 5000


def test_clean_and_dir(ecolint: Command, tmp_path: Path) -> None:
    put("a.py", TRAP)
    place = cache.folder()
    assert ecolint("cache", "dir", ECOLINT_CACHE_DIR=str(place)).stdout == f"{place}\n"
    audited()
    (place / "other.txt").write_text("not ours")
    result = ecolint("cache", "clean", ECOLINT_CACHE_DIR=str(place))
    assert result.status == 0
    assert result.stdout.startswith("removed 1 file, ")
    assert stored() == [place / "other.txt"]
    result = ecolint("cache", "clean", ECOLINT_CACHE_DIR=str(place))
    assert result.stdout == f"nothing to remove in {place}\n"


def test_nothing_is_kept_where_nothing_is_analysed(here: Path) -> None:
    put("a.py", CLEAN)
    audit_paths(["a.py"], cached=True)
    assert not stored()
