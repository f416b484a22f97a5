"""What variables of a Dockerfile and of a unit give to the commands that they start."""

from __future__ import annotations

import pytest

from ecocompute_lint.audit import audit_text
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import Confidence, Level
from ecocompute_lint.repairs import fix_text

TGI = "FROM ghcr.io/huggingface/text-generation-inference:3.0.1\n"
VLLM = "FROM vllm/vllm-openai:v0.10.1\n"
ALL = Settings(min_confidence=Confidence.POSSIBLE)


def found(text: str, path: str = "Dockerfile") -> list[tuple[str, int, str]]:
    report = audit_text(text, path=path, settings=ALL)
    kept = (item for item in report.findings if item.level > Level.GREEN)
    return [(item.code, item.place.line, item.confidence.label) for item in kept]


@pytest.mark.parametrize(
    "instruction",
    [
        "ENV QUANTIZE=bitsandbytes",
        "ENV QUANTIZE bitsandbytes",
        'ENV MODEL_ID=m QUANTIZE="bitsandbytes"',
        "ENV QUANTIZE=bitsandbytes \\\n    # on all cards\n    MODEL_ID=m",
    ],
)
def test_variables_of_an_image_are_flags(instruction: str) -> None:
    assert found(TGI + instruction + "\n") == [("ECO101", 2, "certain")]
    assert found("FROM nginx:1\n" + instruction + "\n") == []


def test_a_command_knows_the_variables_of_its_image() -> None:
    text = VLLM + "ENV EAGER=--enforce-eager MODEL=m\nCMD vllm serve $MODEL $EAGER\n"
    assert found(text) == [("ECO306", 3, "certain")]


def test_a_container_does_not_know_the_arguments_of_its_build() -> None:
    assert found(VLLM + "ARG EAGER=--enforce-eager\nCMD vllm serve m $EAGER\n") == []


def test_an_argument_holds_unless_it_is_set() -> None:
    text = VLLM + "ARG DTYPE=float32\nENV DTYPE=$DTYPE\nCMD vllm serve m --dtype $DTYPE\n"
    assert found(text) == [("ECO303", 4, "likely")]
    assert fix_text(text, path="Dockerfile").text == text
    index = "https://download.pytorch.org/whl/nightly/cu128"
    text = f"FROM python:3.12\nARG INDEX={index}\nRUN pip install torch --index-url $INDEX\n"
    assert found(text) == [("ECO501", 3, "likely")]


def test_an_argument_in_front_of_the_image_names_it() -> None:
    text = "ARG TAG=v0.10.1\nFROM vllm/vllm-openai:$TAG\n"
    assert found(text + 'CMD ["--model", "m", "--enforce-eager"]\n') == [("ECO306", 3, "certain")]


def test_a_unit_knows_its_variables() -> None:
    text = '[Service]\nEnvironment="EAGER=--enforce-eager" MODEL=m\n'
    text += "ExecStart=/opt/venv/bin/vllm serve $MODEL $EAGER\n"
    assert found(text, "vllm.service") == [("ECO306", 3, "certain")]
