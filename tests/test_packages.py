"""What files that name packages ask for: requirements, project tables, environments, locks."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixture_files import FIXTURES
from hypothesis import given, settings
from hypothesis import strategies as st

from ecocompute_lint.audit import audit_text
from ecocompute_lint.config import Settings
from ecocompute_lint.sources.documents import Unreadable
from ecocompute_lint.sources.packages import READERS, read, reader_of
from ecocompute_lint.sources.text import LineMap

NIGHTLY = "https://download.pytorch.org/whl/nightly/cu128"
HUB = "https://github.com/huggingface/transformers"
COMMIT = "0d6a3b1c5e7f9a2b4c6d8e0f1a3b5c7d9e0f2a4b"
RELEASES = ("release", "candidate")


def found(name: str, text: str) -> list[tuple[str, str, str]]:
    """Name, channel and written place of everything that is no release."""
    lines = LineMap(text)
    result = []
    for package in read(text, name).packages:
        start, end = lines.span(package.place)
        if package.channel not in RELEASES:
            result.append((package.name, package.channel, text[start:end]))
    return result


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"--pre\n-i {NIGHTLY}\ntorch\n", [("torch", "nightly", "torch")]),
        (f"torch\n--index-url={NIGHTLY}\n", [("torch", "nightly", "torch")]),
        (
            f"--find-links {NIGHTLY}/torch_nightly.html\r\n--pre\r\n\r\n  torch >= 2.0 # new\r\n",
            [("torch", "nightly", "torch >= 2.0")],
        ),
        (
            "torch==2.6.0.dev20241112 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\npeft\n",
            [("torch", "dev", "torch==2.6.0.dev20241112")],
        ),
        (
            f"transformers[torch] @ git+{HUB}@main ; python_version >= '3.8'\n",
            [
                (
                    "transformers",
                    "source",
                    f"transformers[torch] @ git+{HUB}@main ; python_version >= '3.8'",
                )
            ],
        ),
        (
            f"-e git+{HUB}.git@{COMMIT}#egg=transformers\n",
            [("transformers", "source", f"git+{HUB}.git@{COMMIT}#egg=transformers")],
        ),
        (f"--pre\n--extra-index-url {NIGHTLY}\ntorch==2.9.0\nvllm\n", []),
        (f"# --pre\n#-i {NIGHTLY}\ntorch # git+{HUB}\n", []),
        (f"transformers @ git+{HUB}@${{REF}}\n", []),
        ("torch==2.6.0.dev2 ; sys_platform == 'darwin'\n", []),
        ("torch=={{ version }}.dev\n-r nightly.txt\n???\n==\n", []),
        ("", []),
    ],
)
def test_requirements(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert found("requirements.txt", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f'[project]\ndependencies = [\n  "peft", # git+\n  "transformers @ git+{HUB}",\n]\n',
            [("transformers", "source", f'"transformers @ git+{HUB}"')],
        ),
        (
            "[dependency-groups]\ngpu = ['torch==2.9.0.dev2+cu128', {include-group = 'a'}]\n",
            [("torch", "dev", "'torch==2.9.0.dev2+cu128'")],
        ),
        (
            '[project.optional-dependencies]\n"gpu-new" = ["torch==2.9.0.dev2"]\n',
            [("torch", "dev", '"torch==2.9.0.dev2"')],
        ),
        (
            "[project]\ndependencies = ['torch', 'torchvision==0.23.0']\n[tool.uv]\n"
            f"prerelease = 'allow'\nextra-index-url = ['{NIGHTLY}']\n",
            [("torch", "nightly", "'torch'")],
        ),
        (
            "[project]\ndependencies = ['torch']\n[tool.uv.sources]\n"
            f"torch.index = 'new'\n[[tool.uv.index]]\nname = 'new'\nurl = '{NIGHTLY}'\n",
            [("torch", "nightly", "'new'")],
        ),
        ("[tool.uv.sources]\ntransformers = { git = 'https://x/transformers' }\n", []),
        (
            "[project]\ndependencies = ['torch==2.8.0']\n[tool.uv.sources]\n"
            f"torch.index = 'new'\n[[tool.uv.index]]\nname = 'new'\nurl = '{NIGHTLY}'\n",
            [],
        ),
        (
            f"[tool.poetry.group.dev.dependencies.transformers]\ngit = '{HUB}'\nbranch = 'main'\n",
            [("transformers", "source", f"'{HUB}'")],
        ),
        (f"[tool.poetry.dependencies]\ntransformers = {{git = '{HUB}', tag = 'v4.46.2'}}\n", []),
        ("[tool.poetry.dependencies]\ntorch = {version = '^2.9', allow-prereleases = true}\n", []),
        (
            f"[[tool.pdm.source]]\nname = 'new'\nurl = '{NIGHTLY}'\n[tool.pdm.resolution]\n"
            "allow-prereleases = true\n[project]\ndependencies = ['torch']\n",
            [("torch", "nightly", "'torch'")],
        ),
        (
            f"[tool.hatch.envs.test]\nextra-dependencies = ['transformers @ git+{HUB}']\n",
            [("transformers", "source", f"'transformers @ git+{HUB}'")],
        ),
        ("project = 1\ndependency-groups = []\n[tool]\nuv = 2\npoetry = [1]\n", []),
    ],
)
def test_pyproject(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert found("pyproject.toml", text) == expected
    crlf = text.replace("\n", "\r\n")
    assert found("pyproject.toml", crlf) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "environment.yml",
            "channels: [pytorch-nightly, defaults]\ndependencies:\n- pytorch\n- cudatoolkit=11.8\n",
            [("torch", "nightly", "pytorch")],
        ),
        (
            "environment-gpu.yaml",
            f"dependencies:\n- pip:\n  - '--pre'\n  - -i {NIGHTLY}\n  - 'torch>=2.6'\n",
            [("torch", "nightly", "torch>=2.6")],
        ),
        (
            "conda.yml",
            "dependencies: [pytorch-nightly::torchaudio, pytorch=2.5.0.dev20240901=py311_0]\n",
            [
                ("torchaudio", "nightly", "pytorch-nightly::torchaudio"),
                ("torch", "dev", "pytorch=2.5.0.dev20240901=py311_0"),
            ],
        ),
        ("environment.yml", "dependencies:\n", []),
        ("environment.yml", "- 1\n", []),
        (
            "Pipfile",
            "[[source]]\nname = 'pypi'\nurl = 'https://pypi.org/simple'\n[[source]]\nname = 'new'\n"
            f"url = '{NIGHTLY}'\n[packages]\ntorch = {{version = '*', index = 'new'}}\n"
            "torchvision = '*'\n[pipenv]\nallow_prereleases = true\n",
            [("torch", "nightly", "'*'")],
        ),
        (
            "Pipfile",
            f"[packages]\ntransformers = {{git = '{HUB}', ref = 'main'}}\n",
            [("transformers", "source", f"'{HUB}'")],
        ),
        (
            "setup.cfg",
            "[metadata]\nname = torch\n[options]\ninstall_requires =\n    peft\n"
            f"    transformers @ git+{HUB}\npackages = find:\n",
            [("transformers", "source", f"transformers @ git+{HUB}")],
        ),
        (
            "setup.py",
            "from setuptools import setup\nNEEDS = ['torch==2.6.0.dev1']\n"
            "setup(name='x', install_requires=NEEDS + ['peft'], extras_require={'a': ['torch']})\n",
            [("torch", "dev", "'torch==2.6.0.dev1'")],
        ),
        ("setup.py", "import (", []),
        (
            "poetry.lock",
            "[[package]]\nname = 'transformers'\nversion = '4.47.0.dev0'\n[package.source]\n"
            f"type = 'git'\nurl = '{HUB}'\nreference = 'main'\n",
            [("transformers", "dev", "'4.47.0.dev0'")],
        ),
        (
            "poetry.lock",
            "[[package]]\nname = 'transformers'\nversion = '4.46.2'\n[package.source]\n"
            f"type = 'git'\nurl = '{HUB}'\nreference = 'v4.46.2'\n",
            [],
        ),
        (
            "uv.lock",
            "[[package]]\nname = 'transformers'\nversion = '4.47.0'\n"
            f"source = {{ git = '{HUB}?branch=main#{COMMIT}' }}\n",
            [("transformers", "source", f"'{HUB}?branch=main#{COMMIT}'")],
        ),
        (
            "uv.lock",
            "[[package]]\nname = 'torch'\nversion = '2.9.0.dev20250801+cu128'\n"
            f"source = {{ registry = '{NIGHTLY}' }}\n",
            [("torch", "dev", "'2.9.0.dev20250801+cu128'")],
        ),
        (
            "Pipfile.lock",
            f'{{"default": {{"transformers": {{"git": "{HUB}", "ref": "{COMMIT}"}}}}}}',
            [("transformers", "source", f'"{HUB}"')],
        ),
        (
            "conda-lock.yml",
            "package:\n- name: pytorch\n  version: 2.5.0.dev20240901\n- {name: numpy}\n",
            [("torch", "dev", "2.5.0.dev20240901")],
        ),
    ],
)
def test_other_files(name: str, text: str, expected: list[tuple[str, str, str]]) -> None:
    assert found(name, text) == expected


def test_shell_lines_of_an_exported_notebook() -> None:
    text = f"!pip install -q git+{HUB}\n%pip install transformers==4.46.2\nif 1:\n    !ls\n"
    quoted = f'HELP = """\n!pip install git+{HUB}\n"""\nprint("pip install git+{HUB}")\n'
    found_in = audit_text(text + quoted, path="a.py", settings=Settings(root=Path.cwd())).findings
    assert [(item.code, item.place.line) for item in found_in] == [("ECO501", 1)]


@pytest.mark.parametrize(
    ("path", "reads"),
    [
        ("requirements.txt", True),
        ("docker/requirements-gpu.txt", True),
        ("dev_requirements.txt", True),
        ("requirements/base.txt", True),
        ("app/Pipfile", True),
        ("envs/environment_gpu.yaml", True),
        ("notes.txt", False),
        ("prompts/base.txt", False),
        ("Cargo.lock", False),
        ("app/environment.py", False),
    ],
)
def test_files_go_by_their_names(path: str, reads: bool) -> None:
    assert (reader_of(path) is not None) is reads


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [("pyproject.toml", "[project]\nx = \n", 2), ("environment.yml", "a: [\nb: }\n", 2)],
)
def test_broken_files_say_where(name: str, text: str, line: int) -> None:
    with pytest.raises(Unreadable) as caught:
        read(text, name)
    assert caught.value.line == line


def test_the_message_says_what_and_where_from() -> None:
    text = f"--pre\n-i {NIGHTLY}\ntorch\n"
    settings_ = Settings(root=Path.cwd())
    (finding,) = audit_text(text, path="requirements.txt", settings=settings_).findings
    assert finding.code == "ECO501"
    assert finding.place.line == 3
    assert finding.message.startswith(f"torch comes from an index of nightly builds ({NIGHTLY})")
    assert finding.fix is not None
    assert "release" in finding.fix.description
    silenced = text.replace("torch\n", "torch  # noqa: ECO501\n")
    report = audit_text(silenced, path="requirements.txt", settings=settings_)
    assert (report.findings, report.suppressed) == ((), 1)


TEXTS = [
    path.read_text(encoding="utf-8")
    for path in sorted((FIXTURES / "ECO501").iterdir())
    if path.is_file()
]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(TEXTS),
    st.sampled_from([names[0].replace("*", "") for _, names, _ in READERS]),
    st.lists(
        st.tuples(st.integers(0, 2000), st.text("[]{}=\"'\\\n\r#-:@ a0\u2028é", max_size=3)),
        max_size=4,
    ),
)
def test_never_raises_and_stays_inside(text: str, name: str, holes: list[tuple[int, str]]) -> None:
    for at, put in holes:
        at = min(at, len(text))
        text = text[:at] + put + text[at + len(put) :]
    lines = LineMap(text)
    try:
        document = read(text, name)
    except Unreadable:
        return
    for package in document.packages:
        start, end = lines.span(package.place)
        assert 0 <= start <= end <= len(text)
