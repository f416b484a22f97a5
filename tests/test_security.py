"""Nothing of an audited repository is imported or run, whichever way ecolint is started."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from conftest import CLEAN, ROOT, SCRIPTS, TRAP, Command, Result, execute

# Modules of ours, of what we use and of the standard library, as a repository may name its own.
SHADOWS = (
    "click yaml libcst rich pathspec platformdirs jinja2 packaging tomllib tomli json random "
    "tempfile subprocess multiprocessing concurrent struct selectors pickle runpy sitecustomize "
    "usercustomize conftest setup transformers torch bitsandbytes ecolint flake8 pycodestyle"
).split()
SPAWNED = """
import sys, threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
if __name__ == "__main__":
    from ecocompute_lint.cli import main
    sys.exit(main(["check", "--jobs=2", "--no-cache", "--format=concise", "."]))
"""


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A repository whose every module leaves a mark when it is run."""
    mark = f"open({str(tmp_path / 'marks')!r}, 'a').write(__name__ + ' ')\n"
    for name in SHADOWS:
        (tmp_path / f"{name}.py").write_text(mark)
    for name in ("ecocompute_rules", "xdist"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(mark)
    for number in range(8):
        (tmp_path / f"app{number}.py").write_text(mark + TRAP)
    (tmp_path / "ecolint.toml").write_text('rules = ["rules"]\n')
    (tmp_path / "rules").mkdir()
    return tmp_path


def run(tree: Path, *command: str | Path) -> Result:
    known = str(ROOT) if "PYTHONPATH" in os.environ else ""
    done = execute(command, tree, env={"PYTHONPATH": known} if known else None)
    assert not (tree / "marks").exists(), (tree / "marks").read_text()
    return done


@pytest.mark.parametrize(
    "arguments",
    [
        ["--format=concise", "--no-cache"],
        ["--format=html", "--output=../report.html"],
        ["--diff"],
        ["--fix", "--jobs=2"],
        ["explain", "app0.py:3"],
        ["rules"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_the_command(hostile: Path, arguments: list[str]) -> None:
    found = run(hostile, SCRIPTS / "ecolint", *arguments)
    assert found.status in (0, 1), found.stderr


@pytest.mark.parametrize("isolated", [(), ("-I",)], ids=["-m", "-I -m"])
def test_the_module(hostile: Path, isolated: tuple[str, ...]) -> None:
    if isolated and "PYTHONPATH" in os.environ:
        pytest.skip("an isolated Python sees the installed package only")
    if sys.version_info < (3, 11):
        (hostile / "runpy.py").unlink()  # Python itself imports it, before ecolint begins
    for name in ("sitecustomize", "usercustomize"):
        assert (hostile / f"{name}.py").exists()
    found = run(hostile, sys.executable, *isolated, "-m", "ecocompute_lint", "--format=concise")
    assert found.status == 1
    assert "app7.py:3:10: ECO101" in found.stdout


def test_processes_that_are_spawned(
    hostile: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    script = tmp_path_factory.mktemp("elsewhere") / "spawned.py"
    script.write_text(SPAWNED)
    found = run(hostile, sys.executable, script)
    assert found.status == 1, found.stderr
    assert "app7.py:3:10: ECO101" in found.stdout


def test_the_flake8_plugin(hostile: Path) -> None:
    """flake8 imports what its own configuration names; there is none here."""
    found = run(hostile, SCRIPTS / "flake8", "--isolated", "--select=ECO", "app0.py")
    assert "ECO101" in found.stdout


TAGS = {
    "call": "!!python/object/apply:os.system ['touch marks']",
    "object": "!!python/object:subprocess.Popen {args: touch marks}",
    "module": "!!python/module:sitecustomize",
    "new": '!!python/object/new:eval [\'open("marks", "w")\']',
    "name": "!!python/name:os.system",
}


@pytest.mark.parametrize("name", TAGS)
def test_tags_of_yaml(hostile: Path, name: str) -> None:
    (hostile / "rules" / "X.yaml").write_text(f"code: XY100\nname: {TAGS[name]}\n")
    (hostile / "environment.yml").write_text(f"name: {TAGS[name]}\ndependencies: [vllm]\n")
    (hostile / "compose.yaml").write_text(f"# vllm\nservices:\n  a:\n    command: {TAGS[name]}\n")
    found = run(hostile, SCRIPTS / "ecolint", "--no-cache")
    assert found.status == 2
    assert "rules/X.yaml:2: not valid YAML: could not" in found.stderr
    (hostile / "rules" / "X.yaml").unlink()
    assert run(hostile, SCRIPTS / "ecolint", "--no-cache").status == 1


@pytest.mark.parametrize(
    "line",
    [
        'data = ["{}/table.csv"]',
        'rules = ["{}/rules"]',
        'rules = ["linked"]',
        'data = ["linked/table.csv"]',
        'baseline = "{}/known.json"',
        'baseline = "../outside/known.json"',
        'baseline = "linked/known.json"',
    ],
)
@pytest.mark.parametrize("in_git", [True, False], ids=["git", "no git"])
def test_settings_reach_no_further_than_the_tree(
    ecolint: Command, tmp_path: Path, line: str, in_git: bool
) -> None:
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    (outside / "rules").mkdir(parents=True)
    for secret in ("table.csv", "known.json", "rules/x.yaml"):
        (outside / secret).write_text("token: 0123456789\n")
    tree.mkdir()
    (tree / "linked").symlink_to(outside)
    if in_git:
        (tree / ".git").mkdir()
    (tree / "a.py").write_text(TRAP)
    (tree / "ecolint.toml").write_text(line.format(outside) + "\n")
    found = execute([SCRIPTS / "ecolint", "--format=json"], tree)
    assert found.status == 2
    assert "lies outside of" in found.stdout + found.stderr
    assert "0123456789" not in found.stdout + found.stderr
    # Who names the configuration vouches for it.
    vouched = execute([SCRIPTS / "ecolint", "--config=ecolint.toml", "--format=concise"], tree)
    assert "lies outside of" not in vouched.stderr
    del ecolint


def test_links_in_a_tree_are_not_read_on_its_word(
    ecolint: Command, write, git: Command, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.py").write_text("MODEL = 'token-0123456789'\n")
    (outside / "secret.txt").write_text("transformers==4.1.0123456789\n")
    (outside / "rule.yaml").write_text("token-0123456789: 1\n")
    git("init", "-q")
    root = write("a.py", "from secret import MODEL\n" + TRAP.replace("True)", "True)\n")).parent
    write("b.py", "from transformers import AutoModel\nfrom secret import MODEL\n"
          "AutoModel.from_pretrained(MODEL, load_in_8bit=True)\n")  # fmt: skip
    (root / "secret.py").symlink_to(outside / "secret.py")
    write("requirements.txt", f"-r {outside}/secret.txt\n-r secret.txt\n-r {os.devnull}\n")
    (root / "secret.txt").symlink_to(outside / "secret.txt")
    found = ecolint("--format=json", "--show-good")
    assert found.status == 1
    assert "0123456789" not in found.stdout + found.stderr
    write("ecolint.toml", 'rules = ["rules"]\n')
    (root / "rules").mkdir()
    (root / "rules" / "x.yaml").symlink_to(outside / "rule.yaml")
    found = ecolint()
    assert (found.status, "leads out of the tree" in found.stderr) == (2, True)
    assert "0123456789" not in found.stdout + found.stderr


def test_a_linked_configuration(
    ecolint: Command, write, git: Command, tmp_path_factory: pytest.TempPathFactory
) -> None:
    secret = tmp_path_factory.mktemp("outside") / "credentials"
    secret.write_text("token-0123456789 = 1\n")
    git("init", "-q")
    (write("a.py", CLEAN).parent / "ecolint.toml").symlink_to(secret)
    found = ecolint()
    assert found.status == 2
    assert "ecolint.toml: a link that leads out of" in found.stdout + found.stderr
    assert "0123456789" not in found.stdout + found.stderr


def test_a_report_replaces_nothing_elsewhere(
    ecolint: Command, write, tmp_path_factory: pytest.TempPathFactory
) -> None:
    theirs = tmp_path_factory.mktemp("home") / ".profile"
    theirs.write_text("mine\n")
    root = write("a.py", TRAP).parent
    (root / "report.json").symlink_to(theirs)
    (root / "known.json").symlink_to(theirs.with_name("new"))
    for arguments in (["--format=json", "--output=report.json"], ["--write-baseline=known.json"]):
        found = ecolint(*arguments)
        assert found.status == 2
        assert "leads to" in found.stderr
    assert theirs.read_text() == "mine\n"
    assert not theirs.with_name("new").exists()
    write("reports/here.json", "")
    (root / "inside.json").symlink_to("reports/here.json")
    assert ecolint("--format=json", "--output=inside.json").status == 1
    assert (root / "inside.json").is_symlink()
    assert "ECO101" in (root / "reports/here.json").read_text()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no owners and modes")
def test_results_that_others_can_write_are_not_believed(
    ecolint: Command, write, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    write("a.py", TRAP)
    assert ecolint("--format=json", ECOLINT_CACHE_DIR=str(folder)).json["summary"]["findings"] == 1
    (file,) = folder.glob("results-*/*.json")
    assert file.parent.stat().st_mode & 0o077 == 0
    before = file.read_bytes()
    file.parent.chmod(0o777)
    write("b.py", TRAP)
    assert ecolint("--format=json", ECOLINT_CACHE_DIR=str(folder)).json["summary"]["findings"] == 2
    assert file.read_bytes() == before
