"""Which versions a project pins, and what rules make of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import SCRIPTS, Command, execute

from ecocompute_lint.audit import audit_text
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import Confidence, Finding
from ecocompute_lint.repairs import fix_text
from ecocompute_lint.sources.pins import find_pin
from ecocompute_lint.versions import Range, range_of

NO_TYPE = """from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("org/chat-7b", device_map="auto")
print(model.generate(max_new_tokens=8))
"""
FOUR_BIT = """import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

model = AutoModelForCausalLM.from_pretrained(
    "org/chat-7b",
    device_map="auto",
    {dtype}
    quantization_config=BitsAndBytesConfig(load_in_4bit=True),
)
"""


def project(root: Path, files: dict[str, str | bytes], text: str, at: str = "app/serve.py") -> str:
    """Write a project; the path of its program."""
    for name, content in {**files, at: text}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(root / at)


def findings(root: Path, path: str, least: Confidence = Confidence.LIKELY) -> list[Finding]:
    """What is found in a program of a project."""
    settings = Settings(select=("ECO108", "ECO303"), min_confidence=least, root=root)
    return list(audit_text(Path(path).read_text(), path=path, settings=settings).findings)


# --- ranges


@pytest.mark.parametrize(
    ("inner", "outer", "expected"),
    [
        ("==4.44.2", "<5", True),
        ("==4.44.*", "<5", True),
        ("==4.*", "<5", True),
        ("==5.6.*", ">=5", True),
        ("~=4.40", "<5", True),
        ("~=4.40.1", "<4.41", True),
        (">=4.40,<5", "<5", True),
        (">=4.40", "<5", False),
        ("", "<5", False),
        ("<=5", "<5", False),
        ("<=4.57.6", "<5", True),
        (">=0.47", ">=0.47", True),
        (">0.46", ">=0.47", False),
        ("==0.46.1", ">=0.41,<0.47", True),
        ("==0.47.0", ">=0.41,<0.47", False),
        (">=0.43", ">=0.41,<0.47", False),
        ("!=4.50,<5", "<5", True),
    ],
)
def test_a_range_lies_within_another(inner: str, outer: str, expected: bool) -> None:
    assert range_of(inner).within(range_of(outer)) is expected


# --- where pins stand


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"requirements.txt": "torch\ntransformers==4.44.2\n"}, "==4.44.2"),
        ({"requirements.txt": "Transformers[torch] == 4.44.2  # newest\r\n"}, "==4.44.2"),
        (
            {"requirements.txt": "transformers==4.44.2 \\\n    --hash=sha256:abc\n"},
            "==4.44.2",
        ),
        ({"requirements.txt": "transformers==4.44.2\n".encode("utf-16")}, "==4.44.2"),
        ({"requirements.txt": "transformers==4.44.2\n".encode("utf-16-le")}, "==4.44.2"),
        ({"requirements.txt": b"\xef\xbb\xbftransformers==4.44.2\n"}, "==4.44.2"),
        ({"requirements.txt": "-r base.txt\n", "base.txt": "transformers==4.44.2\n"}, "==4.44.2"),
        ({"requirements-gpu.txt": "transformers==4.44.2\n"}, "==4.44.2"),
        (
            {
                "requirements.txt": "transformers==4.44.2\n",
                "pyproject.toml": "[project]\ndependencies = ['transformers>=4.30']\n",
            },
            "==4.44.2",
        ),
        ({"pyproject.toml": "[project]\ndependencies = ['transformers~=4.44.0']\n"}, "~=4.44.0"),
        (
            {"pyproject.toml": "[project.optional-dependencies]\ngpu = ['transformers<5']\n"},
            "<5",
        ),
        (
            {"pyproject.toml": "[tool.poetry.dependencies]\ntransformers = '^4.44'\n"},
            ">=4.44,<5",
        ),
        (
            {"pyproject.toml": "[tool.poetry.dependencies]\ntransformers = {version = '~4.44'}\n"},
            ">=4.44,<4.45",
        ),
        (
            {"pyproject.toml": "[tool.poetry.group.gpu.dependencies]\ntransformers = '4.44.2'\n"},
            "==4.44.2",
        ),
        (
            {
                "poetry.lock": "[[package]]\nname = 'transformers'\nversion = '4.44.2'\n",
                "pyproject.toml": "[tool.poetry.dependencies]\ntransformers = '*'\n",
            },
            "==4.44.2",
        ),
        ({"uv.lock": "[[package]]\nname = 'transformers'\nversion = '5.1.0'\n"}, "==5.1.0"),
        (
            {"requirements.txt": "transformers==4.30.0; sys_platform == 'darwin'\ntransformers<5"},
            "<5",
        ),
        (
            {
                "requirements.txt": "transformers==4.44.0; python_version < '3.12'\n"
                "transformers==4.46.0; python_version >= '3.12'\n"
            },
            ">=4.44.0,<=4.46.0",
        ),
        ({"app/requirements.txt": "numpy\n", "requirements.txt": "transformers<5\n"}, "<5"),
        ({"requirements.txt": "git+https://github.com/huggingface/transformers@v4.44\n"}, ""),
        ({"requirements.txt": "transformers @ https://host/transformers-4.44.2.whl\n"}, ""),
        ({"environment.yml": "dependencies:\n  - transformers=4.44\n"}, "==4.44.*"),
        ({"environment.yml": "dependencies: [transformers=4.44.2=pyhd8ed1ab_0]\n"}, "==4.44.2"),
        (
            {"environment.yaml": "dependencies:\n  - pip:\n    - transformers~=4.44.0\n"},
            ">=4.44.0,<4.45",
        ),
        ({"Pipfile": "[packages]\ntransformers = '==4.44.2'\n"}, "==4.44.2"),
        (
            {
                "Pipfile.lock": '{"default": {"transformers": {"version": "==4.44.2"}}}',
                "Pipfile": "[packages]\ntransformers = '*'\n",
            },
            "==4.44.2",
        ),
        ({"setup.cfg": "[options]\ninstall_requires =\n    transformers<5\n"}, "<5"),
        (
            {"setup.py": "import setuptools as s\ns.setup(install_requires=['transformers<5'])"},
            "<5",
        ),
        (
            {
                "environment.yml": "dependencies: [transformers=4.44.2]\n",
                "requirements.txt": "transformers<5\n",
            },
            "<5",
        ),
    ],
)
def test_a_pin_is_found(tmp_path: Path, files: dict[str, str | bytes], expected: str) -> None:
    path = project(tmp_path, files, NO_TYPE)
    pin = find_pin("transformers", Path(path), tmp_path)
    assert pin is not None
    wanted = range_of(expected)
    if expected.startswith("=="):
        assert pin.versions == wanted
    assert pin.versions.within(wanted)
    assert wanted.within(pin.versions)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"requirements.txt": "torch\n# transformers==4.44.2\n-e .\n--pre\n??\n"},
        {"requirements.txt": b"\xff\x00\x81\x82"},
        {"requirements.txt": "-r requirements.txt\n"},
        {"requirements.txt": "-r a.txt\n", "a.txt": "-r requirements.txt\n"},
        {"pyproject.toml": "[project\n"},
        {"pyproject.toml": "project = 1\n[tool]\npoetry = []\n"},
        {"uv.lock": "package = [1, {name = 2}]\n"},
        {"environment.yml": "dependencies: [", "setup.cfg": "[options]\n", "setup.py": "setup("},
        {"Pipfile": "[packages", "Pipfile.lock": "[]"},
    ],
)
def test_files_without_a_pin_or_that_cannot_be_read_say_nothing(
    tmp_path: Path, files: dict[str, str | bytes]
) -> None:
    path = project(tmp_path, files, NO_TYPE)
    assert find_pin("transformers", Path(path), tmp_path) is None


def test_the_search_ends_at_the_project(tmp_path: Path) -> None:
    files = {"requirements.txt": "transformers==4.44.2\n", "inner/pyproject.toml": ""}
    path = project(tmp_path, files, NO_TYPE, "inner/app.py")
    assert find_pin("transformers", Path(path), tmp_path / "inner") is None
    assert find_pin("transformers", Path(path), tmp_path / "elsewhere") is None
    assert find_pin("transformers", Path(path), tmp_path) is not None


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = project(tmp_path, {"requirements.txt": "transformers==4.44.2\n"}, NO_TYPE)
    assert [item.code for item in findings(tmp_path, path)] == ["ECO303"]
    (tmp_path / "requirements.txt").write_text("transformers==5.10.1\n")
    assert findings(tmp_path, path) == []


def test_an_open_range_holds_everything() -> None:
    assert range_of("==4.1").within(Range())
    assert not Range().within(range_of("==4.1"))


# --- no type given


@pytest.mark.parametrize(
    ("requirements", "expected", "fixed"),
    [
        ("transformers==4.44.2", Confidence.LIKELY, 'torch_dtype="auto"'),
        ("transformers~=4.44", Confidence.LIKELY, 'torch_dtype="auto"'),
        ("transformers==4.57.6", Confidence.LIKELY, ' dtype="auto"'),
        ("transformers>=4.44", Confidence.POSSIBLE, 'torch_dtype="auto"'),
        ("transformers", Confidence.POSSIBLE, 'torch_dtype="auto"'),
        ("", Confidence.POSSIBLE, 'torch_dtype="auto"'),
        ("transformers==5.1.0", None, ""),
        ("transformers>=5", None, ""),
    ],
)
def test_no_type_is_float32_before_transformers_5(
    tmp_path: Path, requirements: str, expected: Confidence | None, fixed: str
) -> None:
    path = project(tmp_path, {"requirements.txt": requirements}, NO_TYPE)
    found = findings(tmp_path, path, Confidence.POSSIBLE)
    assert [item.confidence for item in found] == ([expected] if expected is not None else [])
    settings = Settings(min_confidence=Confidence.POSSIBLE, root=tmp_path)
    outcome = fix_text(NO_TYPE, path=path, settings=settings)
    assert fixed in outcome.text
    assert (outcome.text != NO_TYPE) is bool(fixed)
    assert fix_text(outcome.text, path=path, settings=settings).text == outcome.text


def test_the_finding_says_which_pin_it_rests_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project(tmp_path, {"requirements.txt": "transformers==4.44.2\n"}, NO_TYPE)
    monkeypatch.chdir(tmp_path)
    (found,) = findings(tmp_path, path)
    assert "`transformers==4.44.2` (requirements.txt)" in found.message


@pytest.mark.parametrize(
    "text",
    [
        NO_TYPE.replace('device_map="auto"', 'device_map="cpu"'),
        NO_TYPE.replace('device_map="auto"', 'device_map="auto", torch_dtype="auto"'),
        NO_TYPE.replace('device_map="auto"', 'device_map="auto", **options'),
        NO_TYPE.replace('device_map="auto")', 'device_map="auto").half()'),
        NO_TYPE.replace("org/chat-7b", "org/chat-7b-AWQ"),
        NO_TYPE.replace("org/chat-7b", "baichuan-inc/Baichuan2-7B-Chat").replace(
            'device_map="auto"', 'device_map="auto", trust_remote_code=True'
        ),
        NO_TYPE.replace('device_map="auto"', 'device_map="auto", load_in_8bit=True'),
        NO_TYPE.replace("print(model.generate(max_new_tokens=8))", "print(model.config)"),
    ],
)
def test_types_given_in_other_ways(tmp_path: Path, text: str) -> None:
    path = project(tmp_path, {"requirements.txt": "transformers==4.44.2\n"}, text)
    assert [item for item in findings(tmp_path, path) if item.code == "ECO303"] == []


@pytest.mark.parametrize(("version", "count"), [("4.44.2", 1), ("4.53.3", 0), ("5.0.0", 0)])
def test_pipelines_chose_a_type_themselves_earlier(
    tmp_path: Path, version: str, count: int
) -> None:
    text = (
        "from transformers import pipeline\n"
        'chat = pipeline("text-generation", model="org/chat-7b", device=0)\nchat("Why?")\n'
    )
    path = project(tmp_path, {"requirements.txt": f"transformers=={version}\n"}, text)
    found = findings(tmp_path, path)
    assert len(found) == count


# --- the compute dtype of 4 bit


@pytest.mark.parametrize(
    ("requirements", "dtype", "expected"),
    [
        ("bitsandbytes==0.45.5", "torch_dtype=torch.bfloat16,", None),
        ("bitsandbytes~=0.43.1", "dtype=torch.bfloat16,", None),
        ("bitsandbytes==0.46.1", "torch_dtype=torch.bfloat16,", None),
        ("bitsandbytes==0.45.5", 'torch_dtype="bfloat16",', None),
        ("bitsandbytes==0.45.5", "torch_dtype=torch.float16,", Confidence.LIKELY),
        ("bitsandbytes==0.45.5", "", Confidence.LIKELY),
        ("bitsandbytes==0.40.2", "torch_dtype=torch.bfloat16,", Confidence.LIKELY),
        ("bitsandbytes==0.47.0", "torch_dtype=torch.bfloat16,", Confidence.CERTAIN),
        ("bitsandbytes==0.49.*", "", Confidence.CERTAIN),
        ("bitsandbytes>=0.47", "", Confidence.CERTAIN),
        ("bitsandbytes>=0.43", "torch_dtype=torch.bfloat16,", Confidence.LIKELY),
        ("bitsandbytes", "torch_dtype=torch.bfloat16,", Confidence.LIKELY),
        ("", "torch_dtype=torch.bfloat16,", Confidence.LIKELY),
    ],
)
def test_which_bitsandbytes_computes_in_float32(
    tmp_path: Path, requirements: str, dtype: str, expected: Confidence | None
) -> None:
    text = FOUR_BIT.format(dtype=dtype)
    path = project(tmp_path, {"requirements.txt": requirements}, text)
    found = [item for item in findings(tmp_path, path) if item.code == "ECO108"]
    assert [item.confidence for item in found] == ([expected] if expected is not None else [])
    if expected is Confidence.CERTAIN:
        assert requirements in found[0].message


# --- through the faces


def test_the_command_knows_the_pins_of_what_it_reads_from_its_input(
    tmp_path: Path, ecolint: Command
) -> None:
    project(tmp_path, {"requirements.txt": "transformers==4.44.2\n"}, NO_TYPE)
    named = ecolint("--stdin-filename", "app/serve.py", "-", given=NO_TYPE)
    assert "ECO303" in named.stdout
    assert "ECO303" not in ecolint("-", given=NO_TYPE).stdout


def test_flake8_knows_them_too(tmp_path: Path) -> None:
    project(tmp_path, {"requirements.txt": "transformers==4.44.2\n"}, NO_TYPE)
    command = [SCRIPTS / "flake8", "--isolated", "--select", "ECO", "app"]
    assert "ECO303 fp32-weights" in execute(command, tmp_path).stdout


def test_nothing_is_read_before_a_rule_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError(arguments)

    monkeypatch.setattr("ecocompute_lint.sources.pins.find_pin", refuse)
    text = NO_TYPE.replace('device_map="auto"', 'device_map="auto", torch_dtype="auto"')
    path = project(tmp_path, {"requirements.txt": "transformers==4.44.2\n"}, text)
    assert findings(tmp_path, path) == []
