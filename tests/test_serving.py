"""From what files other than Python say to findings, whoever has read them."""

from __future__ import annotations

import re

import pytest

from ecocompute_lint.config import Settings
from ecocompute_lint.engine.catalogue import load_rules
from ecocompute_lint.engine.judge import judge
from ecocompute_lint.findings import Finding, Level, Place
from ecocompute_lint.fixes.apply import apply_edits
from ecocompute_lint.fixes.text import plan_edits
from ecocompute_lint.sources.documents import UNKNOWN, Block, Branch, Document, Service, Word
from ecocompute_lint.sources.serving import facts
from ecocompute_lint.sources.text import LineMap


def words(text: str, **variables: str) -> tuple[Word, ...]:
    """The words of one plain line; a name in `variables` stands for that variable's default."""
    lines = LineMap(text)
    found = []
    for match in re.finditer(r"[ ]*(\S+)", text):
        word = match[1]
        name = next((name for name, value in variables.items() if value in word), "")
        found.append(
            Word(
                word.replace("$?", UNKNOWN),
                lines.place(match.start(1), match.end()),
                lines.place(match.start(), match.end()),
                name,
            )
        )
    return tuple(found)


def word(text: str, line: int = 1) -> Word:
    place = Place(line, 1, line, 1 + len(text))
    return Word(text, place, place)


def found(document: Document, least: str = "likely") -> list[Finding]:
    rules = [rule for rule in load_rules(()) if rule.enabled]
    levels = {"possible": 1, "likely": 2, "certain": 3}
    return [
        item
        for item in judge(facts(document), rules, path="x.sh")
        if item.level > Level.GREEN and item.confidence >= levels[least]
    ]


def codes(document: Document, least: str = "likely") -> list[str]:
    return [item.code for item in found(document, least)]


def service(text: str, **known: object) -> Document:
    line = words(text)
    image = known.pop("image", None)
    return Document(
        services=(
            Service(
                LineMap(text).place(0, len(text)),
                line,
                word(str(image)) if image else None,
                **known,  # type: ignore[arg-type]
            ),
        )
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vllm serve Qwen/Qwen2.5-7B-Instruct --enforce-eager", ["ECO306"]),
        ("python -m vllm.entrypoints.openai.api_server --model m --max-num-seqs=1", ["ECO202"]),
        ("vllm serve m --no-enable-prefix-caching --dtype float32", ["ECO302", "ECO303"]),
        ("vllm serve m --quantization bitsandbytes --load-format bitsandbytes", []),
        ("python3 -m sglang.launch_server --model-path m --disable-radix-cache", ["ECO302"]),
        ("text-generation-launcher --model-id m --quantize bitsandbytes", ["ECO101"]),
        ("text-generation-launcher --model-id m --quantize bitsandbytes-nf4", []),
        ("text-generation-launcher --model-id m --cuda-graphs 0", ["ECO306"]),
        ("lm_eval --model hf --model_args pretrained=gpt2,load_in_8bit=True", ["ECO101"]),
        (
            "lm_eval --model hf --model_args pretrained=m,load_in_8bit=True,llm_int8_threshold=0.0",
            [],
        ),
        ("lm_eval --model vllm --model_args pretrained=m,enforce_eager=True", ["ECO306"]),
        ("lm_eval --model hf --model_args pretrained=gpt2 --batch_size 1", []),
        ("transformers serve --load_in_8bit", ["ECO101"]),
        ("litgpt chat m --quantize bnb.int8", ["ECO101"]),
        ("llama-server -m model.gguf -np 1 --port 80", ["ECO202"]),
        ("llama-server -m model.gguf --parallel 8", []),
        ("echo vllm --enforce-eager", []),
    ],
)
def test_commands(text: str, expected: list[str]) -> None:
    assert codes(service(text)) == expected


@pytest.mark.parametrize(
    ("image", "text", "expected"),
    [
        ("vllm/vllm-openai:v0.8.5", "--model m --enforce-eager", ["ECO306"]),
        ("vllm/vllm-openai:v0.8.5", "Qwen/Qwen2.5-7B --enforce-eager", ["ECO306"]),
        ("vllm/vllm-openai:v0.8.5", "nvidia-smi --enforce-eager", []),
        ("public.ecr.aws/q9t5s3a7/vllm-cpu-release-repo:v0.9.1", "--model m --enforce-eager", []),
        (
            "ghcr.io/huggingface/text-generation-inference:2.4",
            "--quantize bitsandbytes",
            ["ECO101"],
        ),
        (
            "lmsysorg/sglang:latest",
            "python3 -m sglang.launch_server --disable-cuda-graph",
            ["ECO306"],
        ),
        ("nginx:latest", "--enforce-eager", []),
    ],
)
def test_images(image: str, text: str, expected: list[str]) -> None:
    assert codes(service(text, image=image)) == expected


def test_variables_of_a_container_are_flags() -> None:
    image = "ghcr.io/huggingface/text-generation-inference:2.0"
    given = {"QUANTIZE": word("bitsandbytes", 3), "MODEL_ID": word("tiiuae/falcon-7b", 4)}
    (finding,) = found(service("", image=image, environment=given))
    assert (finding.code, finding.place.line, finding.model) == ("ECO101", 3, "tiiuae/falcon-7b")
    assert codes(service("", image="nginx", environment=given)) == []


def test_keys_of_an_engines_own_file_are_flags() -> None:
    given = {"model": word("m", 1), "enforce-eager": word("true", 2), "max-num-seqs": word("1", 3)}
    document = service("", engine="vllm", settings=given)
    assert [(item.code, item.place.line) for item in found(document)] == [
        ("ECO306", 2),
        ("ECO202", 3),
    ]
    assert "`enforce-eager: true`" in found(document)[0].message


def test_a_flag_comes_before_a_variable() -> None:
    image = "ghcr.io/huggingface/text-generation-inference:2.0"
    given = {"QUANTIZE": word("bitsandbytes")}
    assert codes(service("--quantize eetq", image=image, environment=given)) == []


def test_how_sure_it_is_follows_what_is_known() -> None:
    text = "vllm serve m --dtype float32"
    line = words(text, DTYPE="float32")
    place = LineMap(text).place(0, len(text))
    (finding,) = found(Document((Service(place, line),)))
    assert finding.confidence.label == "likely"
    unset = words("vllm serve m --dtype $?")
    assert codes(Document((Service(place, unset),)), "possible") == []
    plain = words("text-generation-launcher --quantize bitsandbytes")
    asked, machine = Branch('[ -n "$X" ]'), Branch("[ -f x ]", "environment")
    assert codes(Document((Service(place, plain, branch=asked),))) == []
    assert codes(Document((Service(place, plain, branch=asked),)), "possible") == ["ECO101"]
    assert codes(Document((Service(place, plain, branch=machine),))) == ["ECO101"]


def test_repairs_delete_words_and_replace_values() -> None:
    text = "vllm serve m --enforce-eager --dtype float32 --port 80\n"
    document = service(text.rstrip())
    operations = [step for item in found(document) if item.fix for step in item.fix.operations]
    plan = plan_edits(text, operations)
    assert not plan.refused
    assert apply_edits(text, plan.edits) == "vllm serve m --dtype auto --port 80\n"


def test_a_value_behind_an_equals_sign_is_replaced_alone() -> None:
    text = "vllm serve m --dtype=float32\n"
    operations = [
        step for item in found(service(text.rstrip())) if item.fix for step in item.fix.operations
    ]
    assert apply_edits(text, plan_edits(text, operations).edits) == "vllm serve m --dtype=auto\n"


def block(role: str, **options: str) -> Document:
    given = {name: word(text, line) for line, (name, text) in enumerate(options.items(), 1)}
    return Document(blocks=(Block(role, Place(1, 1, 9, 1), given),))


@pytest.mark.parametrize(
    ("role", "options", "expected"),
    [
        ("checkpoint", {"load_in_8bit": "true", "llm_int8_threshold": "6.0"}, ["ECO101"]),
        ("checkpoint", {"load_in_8bit": "true", "llm_int8_threshold": "0.0"}, []),
        ("checkpoint", {"load_in_8bit": "false", "_load_in_8bit": "true"}, []),
        ("checkpoint", {"load_in_4bit": "true", "bnb_4bit_compute_dtype": "float32"}, ["ECO108"]),
        ("checkpoint", {"load_in_4bit": "true", "bnb_4bit_compute_dtype": "bfloat16"}, []),
        ("constructor", {"load_in_4bit": "true"}, ["ECO108"]),
        ("webui", {"load_in_4bit": "true"}, []),
        ("webui", {"load_in_8bit": "true"}, ["ECO101"]),
        ("constructor", {"load_in_8bit": "true", "load_in_4bit": "true"}, ["ECO101", "ECO105"]),
    ],
)
def test_blocks(role: str, options: dict[str, str], expected: list[str]) -> None:
    assert codes(block(role, **options)) == expected


def test_training_is_not_inference() -> None:
    given = {"load_in_8bit": word("true")}
    document = Document(blocks=(Block("arguments", Place(1, 1, 9, 1), given, training=True),))
    assert codes(document) == []
    assert Settings().context == "inference"
