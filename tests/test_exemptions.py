"""What a rule leaves alone, each beside the nearest case of which it speaks."""

from __future__ import annotations

import pytest

from ecocompute_lint.audit import audit_text
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import Confidence, Finding

BNB = "from transformers import AutoModel, AutoModelForCausalLM, BitsAndBytesConfig\n"
FOUR_BIT = f"""{BNB}model = AutoModelForCausalLM.from_pretrained(
    "Qwen/Qwen2.5-1.5B-Instruct", quantization_config=BitsAndBytesConfig(load_in_4bit=True)
)
"""
EIGHT_BIT = f"""{BNB}config = BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0.0)
model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", quantization_config=config)
"""
NO_SWITCH = f"""{BNB}config = BitsAndBytesConfig(bnb_4bit_quant_type="nf4")
model = AutoModelForCausalLM.from_pretrained("org/llama-3-8b", quantization_config=config)
"""
UNSLOTH = "from unsloth import FastLanguageModel\n"
LOOP = """from vllm import LLM
engine = LLM("Qwen/Qwen2.5-7B-Instruct")
for prompt in open("prompts.txt"):
    engine.generate(prompt)
"""
ASYNC_LOOP = """from vllm import AsyncEngineArgs, AsyncLLMEngine
engine = AsyncLLMEngine.from_engine_args(AsyncEngineArgs("Qwen/Qwen2.5-7B-Instruct"))
streams = [engine.generate(prompt) for prompt in open("prompts.txt")]
"""
ONE_AT_A_TIME = "vllm serve Qwen/Qwen2.5-7B-Instruct --max-num-seqs 1\n"


def found(text: str, path: str = "a.py", gpu: str | None = None) -> list[Finding]:
    settings = Settings(select=("ECO",), min_confidence=Confidence.POSSIBLE, gpu=gpu)
    report = audit_text(text, path=path, settings=settings)
    assert report.problem is None
    return list(report.findings)


def codes(text: str, path: str = "a.py", gpu: str | None = None) -> set[str]:
    return {finding.code for finding in found(text, path, gpu)}


@pytest.mark.parametrize(
    ("code", "told", "left_alone"),
    [
        ("ECO102", FOUR_BIT, FOUR_BIT.replace("-Instruct", "-Instruct-AWQ")),
        ("ECO102", FOUR_BIT, FOUR_BIT.replace("-Instruct", "-Instruct-bnb-4bit")),
        (
            "ECO104",
            EIGHT_BIT,
            EIGHT_BIT.replace("AutoModelForCausalLM.f", "AutoModel.f").replace(
                "Qwen/Qwen2.5-0.5B", "google-bert/bert-base-uncased"
            ),
        ),
        (
            "ECO111",
            NO_SWITCH,
            UNSLOTH + NO_SWITCH.replace("AutoModelForCausalLM.f", "FastLanguageModel.f"),
        ),
        ("ECO201", LOOP, ASYNC_LOOP),
    ],
)
def test_the_rule_speaks_of_the_one_and_not_of_the_other(
    code: str, told: str, left_alone: str
) -> None:
    assert code in codes(told, gpu="rtx4090d")
    assert code not in codes(left_alone, gpu="rtx4090d")


def test_a_test_may_serve_one_request_at_a_time() -> None:
    assert codes(ONE_AT_A_TIME, "serve.sh") == {"ECO202"}
    assert codes(ONE_AT_A_TIME, "tests/serve.sh") == set()


def test_a_handler_is_as_sure_as_the_way_to_the_model_is_short() -> None:
    text = """from fastapi import FastAPI
from transformers import pipeline
pipe = pipeline("text-generation", model="org/chat-7b", device=0)
app = FastAPI()
def answer(text):
    return pipe(text)
@app.post("/chat")
def chat(text: str):
    return answer(text)
@app.post("/direct")
def direct(text: str):
    return pipe(text)
"""
    (helper,) = found(text.split('@app.post("/direct")')[0])
    assert (helper.code, helper.confidence) == ("ECO203", Confidence.LIKELY)
    (direct,) = found(text.replace("    return answer(text)\n", "    ...\n"))
    assert (direct.code, direct.confidence) == ("ECO203", Confidence.CERTAIN)


@pytest.mark.parametrize(("sequences", "expected"), [(8, {"ECO904"}), (7, set())])
def test_from_eight_sequences_on_an_engine_is_said_to_batch(
    sequences: int, expected: set[str]
) -> None:
    call = f'LLM("Qwen/Qwen2.5-7B-Instruct", max_num_seqs={sequences})'
    assert codes(f"from vllm import LLM\nllm = {call}\n") == expected


def test_an_entry_point_drops_the_command_of_the_image_before() -> None:
    lines = ["FROM vllm/vllm-openai", 'CMD ["--enforce-eager"]']
    lines += ['ENTRYPOINT ["vllm", "serve", "org/a-7b"]', ""]
    assert "ECO306" not in codes("\n".join(lines), "Dockerfile")
    lines[1:3] = reversed(lines[1:3])
    assert "ECO306" in codes("\n".join(lines), "Dockerfile")
