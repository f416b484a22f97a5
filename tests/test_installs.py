"""What commands install, and whether it is a release."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecocompute_lint.findings import Place
from ecocompute_lint.sources.documents import UNKNOWN, Branch, Package, Word
from ecocompute_lint.sources.installs import packages_of
from ecocompute_lint.sources.package_facts import facts
from ecocompute_lint.sources.pins import pins_of
from ecocompute_lint.values import confidence_of

NIGHTLY = "https://download.pytorch.org/whl/nightly/cu128"
HUB = "github.com/huggingface/transformers"


def words(command: str) -> list[Word]:
    """The words of a command; a lone question mark in one is what nobody knows."""
    found = []
    column = 1
    for text in shlex.split(command):
        place = Place(1, column, 1, column + len(text))
        found.append(Word(text.replace("?", UNKNOWN), place))
        column += len(text) + 1
    return found


def channels(command: str) -> dict[str, str]:
    """The channel of each package of a command."""
    return {package.name: package.channel for package in packages_of(words(command))}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (f"pip install --pre torch --index-url {NIGHTLY}", {"torch": "nightly"}),
        (
            f"pip install -U --pre torch torchvision -i {NIGHTLY}",
            {"torch": "nightly", "torchvision": "nightly"},
        ),
        (f"pip3 install --pre torch --extra-index-url={NIGHTLY}", {"torch": "nightly"}),
        (f"pip3.11 install --pre torch -f {NIGHTLY}/torch_nightly.html", {"torch": "nightly"}),
        (f"pip install torch --index-url {NIGHTLY}", {"torch": "nightly"}),
        (f"pip install 'torch>=2.8' --pre --index-url {NIGHTLY}?", {"torch": "nightly"}),
        (f"python -m pip install --pre torchao -i {NIGHTLY}", {"torchao": "nightly"}),
        (
            f"sudo -H python3 -m pip --no-cache-dir install --pre torch -i {NIGHTLY}",
            {"torch": "nightly"},
        ),
        (
            f"PIP_CACHE_DIR=/c /opt/venv/bin/pip install --pre torch -i {NIGHTLY}",
            {"torch": "nightly"},
        ),
        (f"? -m pip install --pre torch -i {NIGHTLY}", {"torch": "nightly"}),
        (f"conda run -n serve pip install --pre torch -i {NIGHTLY}", {"torch": "nightly"}),
        (f"uv pip install --prerelease=allow torch --index {NIGHTLY}", {"torch": "nightly"}),
        (f"uv pip install --system --prerelease allow torch -f {NIGHTLY}", {"torch": "nightly"}),
        (f"uv add --index nightly={NIGHTLY} --prerelease allow torch", {"torch": "nightly"}),
        (f"pipenv install --pre torch -i {NIGHTLY}", {"torch": "nightly"}),
        ("pip install torch==2.6.0.dev20241112+cu121", {"torch": "dev"}),
        (
            f"pip install {NIGHTLY}/torch-2.6.0.dev2024%2Bcu128-cp311-cp311-linux_x86_64.whl",
            {"torch": "dev"},
        ),
        (
            "pip install 'torch @ https://host/torch-2.7.0.dev2-cp311-none-any.whl'",
            {"torch": "dev"},
        ),
        (
            "conda install -y pytorch torchaudio -c pytorch-nightly -c nvidia",
            {"torch": "nightly", "torchaudio": "nightly"},
        ),
        ("mamba install pytorch-nightly::pytorch", {"torch": "nightly"}),
        ("micromamba create -n serve -c pytorch-nightly,conda-forge pytorch", {"torch": "nightly"}),
        ("conda install 'pytorch=2.5.0.dev*' -c pytorch", {"torch": "dev"}),
        (f"pip install -q git+https://{HUB}", {"transformers": "source"}),
        (f"pip install git+https://{HUB}.git@main", {"transformers": "source"}),
        (f"pip install -qU git+https://{HUB}@0d6a3b1c", {"transformers": "source"}),
        ("pip install git+git@github.com:huggingface/transformers.git", {"transformers": "source"}),
        (f"pip install git+ssh://git@{HUB}.git", {"transformers": "source"}),
        (f"pip install git+https://?@{HUB}", {"transformers": "source"}),
        (f"pip install 'transformers[torch] @ git+https://{HUB}'", {"transformers": "source"}),
        (f"pip install 'transformers[torch]@git+https://{HUB}@main'", {"transformers": "source"}),
        (f"pip install -e 'git+https://{HUB}@main#egg=transformers'", {"transformers": "source"}),
        (f"pip install https://{HUB}/archive/refs/heads/main.zip", {"transformers": "source"}),
        (f"uv add git+https://{HUB} --branch main", {"transformers": "source"}),
        (f"poetry add git+https://{HUB}.git#main", {"transformers": "source"}),
        ("pip install git+https://github.com/pytorch/ao", {"torchao": "source"}),
        (
            "pip install -v git+https://github.com/TimDettmers/bitsandbytes.git",
            {"bitsandbytes": "source"},
        ),
    ],
)
def test_what_is_no_release(command: str, expected: dict[str, str]) -> None:
    assert channels(command) == expected


@pytest.mark.parametrize(
    "command",
    [
        "pip install torch",
        "pip install --pre torch",
        "pip install torch==2.9.0rc3",
        "pip install 'torch>=2.9.0.dev0'",
        "pip install --pre torch --index-url https://download.pytorch.org/whl/test/cu128",
        f"pip install torch==2.5.1 --pre --extra-index-url {NIGHTLY}",
        f"pip install torch==? --pre --index-url {NIGHTLY}",
        f"pip install ? --pre --index-url {NIGHTLY}",
        f"pip install torch --extra-index-url {NIGHTLY}",
        f"pip install torch -f {NIGHTLY}/torch_nightly.html",
        f"pip install torch -i {NIGHTLY} --extra-index-url https://pypi.org/simple",
        f"pip install --pre vllm transformers --extra-index-url {NIGHTLY}",
        "pip install --pre torch --index-url ?",
        "pip install --pre vllm torch --extra-index-url https://wheels.vllm.ai/nightly",
        f"pip install --pre numpy --index-url {NIGHTLY}",
        f"echo pip install --pre torch --index-url {NIGHTLY}",
        f"pip download --pre torch --index-url {NIGHTLY}",
        "pip install -r nightly/requirements.txt -c nightly.txt",
        "pip install https://download.pytorch.org/whl/cu121/torch-2.3.0%2Bcu121-cp311-x-any.whl",
        "conda install pytorch -c pytorch -c pytorch-nightly",
        "conda install pytorch=2.5 -c pytorch-nightly",
        "conda install pytorch -c ?",
        f"pip install git+https://{HUB}@v4.46.2",
        f"pip install git+https://{HUB}@?",
        f"pip install git+https://{HUB}@v4.49.0-Gemma-3",
        f"pip install https://{HUB}/archive/refs/tags/v4.46.2.tar.gz",
        f"uv add git+https://{HUB} --tag v4.46.2",
        "pip install 'git+https://github.com/org/tools#subdirectory=transformers'",
        "pip install . -e .[dev] ./transformers ../torch",
        "pip install torch==2.5.1 && echo nightly",
        "pip",
        "python -m",
        "conda run",
        "",
    ],
)
def test_what_is_a_release_or_is_not_known(command: str) -> None:
    assert {"dev", "nightly", "source"}.isdisjoint(channels(command).values())


def test_other_packages_of_the_same_command_are_named_apart() -> None:
    found = channels(f"pip install git+https://{HUB} git+https://github.com/huggingface/peft torch")
    assert found == {"transformers": "source", "peft": "source", "torch": "release"}


def test_variables_say_what_flags_say() -> None:
    given_ = {
        "PIP_PRE": Word("1", Place(1, 1, 1, 2)),
        "PIP_EXTRA_INDEX_URL": Word(NIGHTLY, Place(1, 1, 1, 2)),
    }
    (package,) = packages_of(words("pip install torch"), environment=given_)
    assert package.channel == "nightly"
    given_["PIP_PRE"] = Word("0", Place(1, 1, 1, 2))
    (package,) = packages_of(words("pip install torch"), environment=given_)
    assert package.channel == "release"


def likely(package: Package) -> str:
    (fact,) = facts([package])
    return max(confidence_of(guards) for guards in fact.ways).label


def test_how_sure_it_is_depends_on_who_decides() -> None:
    command = words(f"pip install git+https://{HUB}")
    (sure,) = packages_of(command)
    (machine,) = packages_of(command, Branch("nvidia-smi", "environment"))
    (caller,) = packages_of(command, Branch('[ "$1" = main ]'))
    last = Word(command[-1].text, command[-1].place, variable="REF")
    (default,) = packages_of([*command[:-1], last])
    assert [likely(item) for item in (sure, machine, caller, default)] == [
        "certain",
        "likely",
        "possible",
        "likely",
    ]


def test_packages_of_one_line_from_one_index_are_one_finding() -> None:
    command = words(f"pip install --pre torch torchvision numpy -i {NIGHTLY}")
    found = list(facts(packages_of(command)))
    assert [fact.words["packages"] for fact in found] == ["torch and torchvision", "numpy"]
    assert found[0].usage.place == command[3].place
    assert found[0].marks == (command[4].place,)


def test_install_lines_pin() -> None:
    command = words("pip install transformers==4.30.0 'torch>=2' peft git+https://host/o/vllm")
    found = pins_of(packages_of(command), "notebook.ipynb")
    assert {name: pin.text for name, pin in found.items()} == {
        "transformers": "transformers==4.30.0",
        "torch": "torch>=2",
    }


PARTS = st.sampled_from(
    "pip pip3 python -m uv add install conda -c pytorch-nightly --pre -i -e -r --tag torch "
    "torch== torch==2.5.dev1 git+https:// git+ git@x:y/z@ -f a@b @ # [ ] \0 \0==1 x.whl -qr = "
    "transformers@git+https://github.com/huggingface/transformers sudo env A=1 run -- - :: "
    ";".split()
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS | st.text(max_size=12), max_size=9))
def test_never_raises_and_stays_in_place(texts: list[str]) -> None:
    line = [Word(text, Place(1, n + 1, 1, n + 2)) for n, text in enumerate(texts)]
    places = {word.place for word in line}
    for package in packages_of(line):
        assert package.place in places
        assert UNKNOWN not in package.name + package.text + package.reason
