"""The labelled set of real code, and how it is fetched and scored."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, environment

sys.path.insert(0, str(ROOT / "benchmarks"))

from accuracy import baseline, command, page
from accuracy.fetching import Ways, fetch
from accuracy.labelled import Claim, Labelled, Reported, label_files, load, raw_rows
from accuracy.scoring import FALSE, MISS, codes_of, run, score

from ecocompute_lint.engine.catalogue import load_rules

SHARED = {"python.jsonl", "other.jsonl"}
"""These are labels that others hold too: they say less of themselves."""
ROWS = [(file.name, row) for file in label_files() for row in raw_rows(file)]
LISTS = ("findings", "possible", "tempting_negatives")
# Rules of the catalogue that are not written yet, or speak of no single file.
PLANNED = {"ECO109", "ECO304", "ECO305", "ECO401", "ECO402", "ECO501"}
PLANNED |= {"ECO901", "ECO902", "ECO903", "ECO904"}
KNOWN = {rule.code for rule in load_rules()} | PLANNED
NAME = re.compile(r"[\w.-]+/[\w.-]+")
INT8 = (
    "from transformers import AutoModelForCausalLM\r\n"
    "\r\n"
    'model = AutoModelForCausalLM.from_pretrained("facebook/opt-6.7b", load_in_8bit=True)\r\n'
    'print(model.generate(**{"input_ids": None}))\r\n'
)


# --- the labels -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [file.name for file in label_files()])
def test_rows_are_well_formed(name: str) -> None:
    for _, row in (item for item in ROWS if item[0] == name):
        assert {"path", "context", *LISTS} <= row.keys()
        assert row["path"]
        assert not row["path"].startswith("/")
        if "repo" in row:
            assert NAME.fullmatch(row["repo"])
            assert re.fullmatch(r"[0-9a-f]{40}", row["commit"])
        else:
            assert row["package"]
            assert row["version"]
            assert re.fullmatch(r"[0-9a-f]{64}", row["sha256"])
            assert row["archive"].endswith((".whl", ".tar.gz", ".zip"))


@pytest.mark.parametrize("name", [file.name for file in label_files()])
def test_entries_are_well_formed(name: str) -> None:
    for _, row in (item for item in ROWS if item[0] == name):
        for kind in (*LISTS, "good"):
            for entry in row.get(kind, ()):
                # A tempting place may speak of no rule in particular.
                assert entry.get("code") in KNOWN or kind == "tempting_negatives", row["path"]
                assert entry.get("why") or name in SHARED
                _check_places(entry, row.get("lines_total"), row["path"])


def _check_places(entry: dict[str, Any], total: int | None, path: str) -> None:
    spans = [*(entry.get("accept_lines") or ()), *(entry.get("call_lines") or ())]
    for line in (entry.get("line"), entry.get("kw_line"), entry.get("cell_line"), *spans):
        if line is not None:
            assert isinstance(line, int), path
            assert 1 <= line <= (total or line), (path, line)
    for name in ("accept_lines", "accept_cell_lines"):
        if entry.get(name):
            first, last = entry[name]
            assert first <= last, path


def test_no_file_is_labelled_twice() -> None:
    names = [file.name for file in load()]
    assert len(names) == len(set(names))
    for file in load():
        places = [(claim.code, claim.cell, claim.line) for claim in file.findings]
        assert len(places) == len(set(places)), file.name


def test_the_set_is_large_and_holds_enough_without_findings() -> None:
    files = load()
    assert len({file.source for file in files}) >= 100
    assert 3 * sum(not file.findings for file in files) >= len(files)
    assert sum(bool(file.tempting) for file in files) >= len(files) / 4
    complete = {"batching.jsonl", "quant.jsonl", "execution.jsonl"} <= {name for name, _ in ROWS}
    assert len(files) >= (300 if complete else 250)


# --- scoring --------------------------------------------------------------------------------------


def labelled(path: str = "app.py", **lists: Any) -> Labelled:
    row = {"repo": "some/body", "commit": "a" * 40, "path": path}
    return Labelled.of({**row, **{name: [] for name in LISTS}, **lists})


def entry(line: int, code: str = "ECO101", **more: Any) -> dict[str, Any]:
    return {"code": code, "line": line, "why": "because", **more}


@pytest.mark.parametrize(
    ("line", "more", "covered"),
    [
        (10, {}, True),
        (13, {}, True),
        (14, {}, False),
        (20, {"kw_line": 19}, True),
        (40, {"call_lines": [30, 41]}, True),
        (55, {"accept_lines": [50, 60]}, True),
        (61, {"accept_lines": [50, 60]}, False),
    ],
)
def test_a_report_near_a_place_is_at_it(line: int, more: dict[str, Any], covered: bool) -> None:
    claim = Claim.of(entry(10, **more))
    assert claim.covers(Reported("ECO101", line)) is covered
    assert not claim.covers(Reported("ECO107", line))


def test_lines_of_notebooks_count_inside_the_cell() -> None:
    claim = Claim.of(entry(900, cell=3, cell_line=4))
    assert claim.covers(Reported("ECO101", 5, cell=3))
    assert not claim.covers(Reported("ECO101", 5, cell=2))
    assert not claim.covers(Reported("ECO101", 900, cell=3))


def test_what_is_exotic_or_left_open_counts_neither_way() -> None:
    file = labelled(findings=[entry(10, exotic=True)], possible=[entry(30)])
    for reports in ([], [Reported("ECO101", 10), Reported("ECO101", 30)]):
        scores = score([(file, reports)], ["ECO101"])
        assert scores.total == score([], ["ECO101"]).total
        assert not scores.disagreements


def test_counts_and_disagreements() -> None:
    findings = [entry(10), entry(50), entry(70, "ECO107")]
    file = labelled(findings=findings, tempting_negatives=[entry(30, why="a tokenizer")])
    reports = [Reported("ECO101", line, message="said") for line in (11, 30, 90)]
    scores = score([(file, reports)], ["ECO101", "ECO107"])
    one = scores.rules["ECO101"]
    assert (one.positives, one.found, one.false) == (2, 1, 2)
    assert (one.precision, one.recall) == (1 / 3, 1 / 2)
    other = scores.rules["ECO107"]
    assert (other.precision, other.recall) == (None, 0)
    assert [(item.kind, item.line, item.why) for item in scores.disagreements] == [
        (FALSE, 30, "a tokenizer"),
        (FALSE, 90, "said"),
        (MISS, 50, "because"),
        (MISS, 70, "because"),
    ]


def test_a_small_set_from_text_to_table(tmp_path: Path) -> None:
    files = [
        labelled("windows.py", findings=[entry(3), entry(3, "ECO107"), entry(40)]),
        labelled("broken.py", findings=[entry(1)]),
        labelled("quiet.py", good=[]),
        labelled("deploy.tf", kind="other", findings=[entry(1)]),
        labelled("gone.py", findings=[entry(1)]),
    ]
    folder = tmp_path / files[0].source.folder
    folder.mkdir()
    (folder / "windows.py").write_bytes(INT8.encode())
    (folder / "broken.py").write_text("model = from_pretrained(load_in_8bit=True\n")
    (folder / "quiet.py").write_text('"""load_in_8bit=True is mentioned only."""\n')
    (folder / "deploy.tf").write_text("text-generation-launcher --quantize bitsandbytes\n")
    done = run(files, tmp_path, codes_of(files), unread=False)
    assert [file.path for file in done.missing] == ["gone.py"]
    assert [file.path for file in done.unread] == ["deploy.tf"]
    assert [file.path for file, _ in done.failed] == ["broken.py"]
    one = done.ecolint.rules["ECO101"]
    assert (one.positives, one.found, one.false) == (3, 1, 0)
    assert done.ecolint.rules["ECO107"].recall == 1
    simple = done.baseline.rules["ECO101"]
    assert (simple.positives, simple.found, simple.false) == (3, 2, 1)
    scores = page.scores_of(done)
    assert scores["rules"]["ECO101"] == [3, 1, 0]
    assert "| 0.33 |" in "\n".join(page.table(done.ecolint.rules, done.baseline.rules))


def test_good_choices_are_scored_by_themselves() -> None:
    file = labelled(findings=[entry(3)], good=[entry(8, "ECO902")], possible=[entry(9, "ECO903")])
    assert [claim.code for claim in file.greens.expected] == ["ECO902"]
    assert [claim.code for claim in file.greens.possible] == ["ECO903"]
    assert not any(code.startswith("ECO9") for code in codes_of([file, file.greens]))
    assert labelled().good is None
    assert "| ECO902 | 2 | 1 | 0 |" in page.green_section({"ECO902": [2, 1, 0]}, [file])
    assert page.green_section({}, [file]) == ""


def test_the_expressions_are_fast_and_find_the_plain_case() -> None:
    text = "for p in prompts:\n" + "    x = 1\n" * 15 + "    out = model.generate(p)\n"
    assert [item.line for item in baseline.search(text)] == [17]
    # Long bodies without a match took exponential time once.
    assert baseline.search("for p in prompts:\n" + "        x = 1\n" * 3000) == []


# --- fetching -------------------------------------------------------------------------------------


def _git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_repository_is_fetched_at_its_commit(tmp_path: Path) -> None:
    origin = tmp_path / "mirrors" / "some+body"
    origin.mkdir(parents=True)
    _git(origin, "init", "-q")
    for text in ("first\r\n", "second\n"):
        (origin / "app.py").write_bytes(text.encode())
        (origin / "weights.bin").write_bytes(b"0")
        _git(origin, "add", ".")
        _git(origin, "commit", "-q", "-m", text.strip())
    row = {"repo": "some/body", "commit": _git(origin, "rev-parse", "HEAD~1"), "path": "app.py"}
    file = Labelled.of({**row, **{name: [] for name in LISTS}})
    lost = labelled()
    texts = tmp_path / "texts"
    failed = fetch([file, lost], texts, Ways(tmp_path / "mirrors", network=False))
    assert list(failed) == [lost.source]
    assert (texts / file.source.folder / "app.py").read_bytes() == b"first\r\n"
    assert not (texts / file.source.folder / "weights.bin").exists()
    assert not (texts / lost.source.folder).exists()


def _archive(folder: Path, names: list[str]) -> str:
    file = folder / "thing-1.0.tar.gz"
    with tarfile.open(file, "w:gz") as made:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 5
            made.addfile(info, io.BytesIO(b"x = 1"))
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _packaged(sha256: str) -> Labelled:
    row = {"package": "thing", "version": "1.0", "archive": "thing-1.0.tar.gz", "sha256": sha256}
    return Labelled.of({**row, "path": "thing/app.py", **{name: [] for name in LISTS}})


def test_an_archive_counts_by_its_hash(tmp_path: Path) -> None:
    names = ["thing-1.0/thing/app.py", "thing-1.0/../../evil.py"]
    right = _packaged(_archive(tmp_path, names))
    wrong = _packaged("0" * 64)
    ways = Ways(network=False, archives=tmp_path)
    failed = fetch([wrong], tmp_path / "texts", ways)
    assert failed == {wrong.source: "the archive is not the one that was labelled"}
    assert fetch([right], tmp_path / "texts", ways) == {}
    assert (tmp_path / "texts/thing-1.0/thing/app.py").read_text() == "x = 1"
    assert not list(tmp_path.rglob("evil.py"))


def test_what_cannot_be_had_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "load", lambda: [_packaged("0" * 64), labelled()])
    assert command.main(["fetch", "--offline", "--texts", str(tmp_path / "texts")]) == 0
    said = capsys.readouterr().out
    assert "not available: thing==1.0" in said
    assert "0 of 2 sources" in said


# --- the page -------------------------------------------------------------------------------------


def test_the_page_is_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "benchmarks/accuracy", "--check", "--texts", "no-such-folder"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("which", ["PAGE", "SCORES"])
@pytest.mark.parametrize("gone", [False, True])
def test_a_stale_page_fails(
    which: str, gone: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = getattr(page, which)
    stale = tmp_path / stored.name
    if not gone:
        digits = re.compile(r"(?<=labels\": \")\w+|\d+(?= files are scored)")
        stale.write_text(digits.sub("0", stored.read_text(encoding="utf-8")), encoding="utf-8")
    monkeypatch.setattr(page, which, stale)
    assert command.main(["--check", "--texts", str(tmp_path)]) == 1
