"""Methods of classes whose instances others hold: inherited, overridden, called by nobody here."""

from __future__ import annotations

import pytest
from flow_support import audit

CHAT = """\
    from agents import Agent
    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer

    class Chat:
        def __init__(self, cache=True):
            self.model = AutoModelForCausalLM.from_pretrained(
                "org/chat-7b", device_map="auto", torch_dtype="auto", use_cache=cache)
            self.tokenizer = AutoTokenizer.from_pretrained("org/chat-7b")

        def run(self, task):
            return self._answer(self.tokenizer(task, return_tensors="pt"))

        def _answer(self, inputs):
            return self.model.generate(**inputs, max_new_tokens=100)

        def score(self, task):
            return self.model(**self.tokenizer(task, return_tensors="pt")).loss

        def adapt(self, loss):
            loss.backward()
            self.model.gradient_checkpointing_enable()

"""


def cache_off(lines: str) -> list[tuple[str, int, str]]:
    """What is found with the lines after the class."""
    return audit(f"{CHAT}    {lines}\n", "ECO301")


@pytest.mark.parametrize(
    "lines",
    [
        "Agent(name='a', llm=Chat(cache=False)).run('why?')",
        "Agent(tools=[Chat(False)])",
        "Agent(**{'llm': Chat(False)})",
        "llm = Chat(False)",
        "def build():\n        return Chat(False)",
        "class Holder:\n        def __init__(self):\n            self.chat = Chat(False)\n"
        "    Agent(Holder())",
    ],
)
def test_others_call_the_methods_of_an_instance_that_they_are_given(lines: str) -> None:
    program = CHAT.replace("loss.backward()", "pass").replace(
        "self.model.gradient_checkpointing_enable()", "pass"
    )
    program = f"{program}    {lines}\n"
    ((_, line, _),) = audit(program, "ECO301")
    assert "False)" in program.splitlines()[line - 1]  # where the switch is given


@pytest.mark.parametrize(
    "lines",
    [
        "print(Chat(False).score('why?'))",  # used here, and not for decoding
        "chat = Chat(False)\n    chat.adapt(chat.score('why?'))",
        "Agent(llm=Chat(True))",  # as it is made, the cache is on
        "Trainer(model=Chat(False).model).train()",
        "Trainer(model=Chat(False)).train()",
        "Agent(llm=Chat(False))",  # whoever has it can also train it
    ],
)
def test_what_an_instance_is_used_for_here_counts(lines: str) -> None:
    assert cache_off(lines) == []


LAZY = """\
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    class Base:
        int8 = False

        def __init__(self, name, device="cuda"):
            self.name, self.device, self.model = name, device, None

        def load(self):
            if self.model is None:
                self.model = AutoModelForSeq2SeqLM.from_pretrained(self.name, torch_dtype="auto")

        def run(self, inputs):
            self.load()
            return self.model.generate(**inputs, max_new_tokens=50)

    class Causal(Base):
        def load(self):
            if self.model is None:
                self.model = AutoModelForCausalLM.from_pretrained(
                    self.name, torch_dtype="float32", load_in_8bit=self.int8)
                self.model.to(self.device)
"""


def test_an_inherited_method_loads_as_the_class_itself_does() -> None:
    ((code, line, _),) = audit(LAZY, "ECO303")
    assert (code, line) == ("ECO303", 20)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ("Causal('org/a-7b')", [20]),
        ("serve(Causal('org/a-7b'))", [20]),
        ("serve(Causal('org/a-7b', device='cuda:0'))", [20]),
        ("serve(Causal('org/a-7b', device='cpu'))", []),
        ("serve(Causal('org/a-7b', 'cpu'))", []),
    ],
)
def test_a_model_loaded_later_is_loaded_as_the_instance_was_made(
    made: str, expected: list[int]
) -> None:
    found = audit(f"{LAZY}\n    from servers import serve\n    {made}\n", "ECO303")
    assert [line for _, line, _ in found] == expected


@pytest.mark.parametrize(
    "method",
    [
        "def run(self, inputs):\n            return self.model(**inputs).logits",
        "def load(self):\n            raise NotImplementedError",
    ],
)
def test_what_a_class_overrides_is_not_inherited(method: str) -> None:
    program = LAZY.replace(
        "    class Causal(Base):\n",
        f"    class Other(Base):\n        {method}\n\n    class Causal(Base):\n",
    ).replace('torch_dtype="float32"', 'torch_dtype="auto"')
    assert (
        audit(f"{program}\n    from servers import serve\n    serve(Other('a'))\n", "ECO303") == []
    )


def test_a_method_that_is_overridden_does_not_run() -> None:
    program = LAZY + (
        "\n        def run(self, inputs):\n"
        "            self.load()\n"
        "            return self.model(**inputs).logits\n\n"
        "    from servers import serve\n    serve(Causal('org/a-7b'))\n"
    )
    assert audit(program, "ECO303") == []
