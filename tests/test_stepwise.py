"""Decoding written out: a loop of forward passes, each of which goes on from the cache so far."""

from __future__ import annotations

from pathlib import Path

import pytest
from flow_support import Tree

STEPS = """\
    import torch

    def generate_stream(model, ids, limit=256):
        past = None
        for step in range(limit):
            if step == 0:
                out = model(torch.as_tensor([ids], device="cuda"), use_cache=True)
            else:
                out = model(input_ids=token, use_cache=True, past_key_values=past)
            past = out.past_key_values
            token = out.logits[:, -1:].argmax(-1)
            yield int(token)
    """
SERVER = """\
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from steps import generate_stream

    class Server:
        def __init__(self, name, device="cuda"):
            self.tokenizer = AutoTokenizer.from_pretrained(name)
            self.model = AutoModelForCausalLM.from_pretrained(name, torch_dtype="float32")
            self.model.to(device)

        def predict(self, prompt):
            stream = generate_stream
            tokens = stream(self.model, self.tokenizer(prompt).input_ids)
            return self.tokenizer.decode(list(tokens))
    """


def found(folder: Path, steps: str = STEPS, server: str = SERVER) -> list[tuple[str, int]]:
    """What is found in the server, without how sure it is."""
    tree = Tree(folder)
    tree.write({"steps.py": steps, "server.py": server})
    return [item[:2] for item in tree.audit("server.py", "ECO303", "ECO301")]


def test_a_function_of_another_file_decodes_step_by_step(tmp_path: Path) -> None:
    assert found(tmp_path) == [("ECO303", 7)]


def test_or_calls_the_method_of_the_model(tmp_path: Path) -> None:
    steps = """\
        def generate_stream(model, ids):
            yield from model.generate(ids, max_new_tokens=256)[0]
        """
    assert found(tmp_path, steps) == [("ECO303", 7)]


def test_a_cache_that_each_step_asks_for_is_on(tmp_path: Path) -> None:
    server = SERVER.replace('torch_dtype="float32"', 'torch_dtype="auto", use_cache=False')
    assert found(tmp_path, server=server) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (", past_key_values=past", ""),  # a pass over each text
        ("past_key_values=past", "past_key_values=None"),
        ("yield int(token)", "out.loss.backward()"),  # training
        ("for step in range(limit):", "for step in [0]:\n            pass\n        if limit:"),
    ],
)
def test_other_forward_passes_decode_nothing(tmp_path: Path, old: str, new: str) -> None:
    assert old in STEPS
    assert found(tmp_path, STEPS.replace(old, new)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('torch_dtype="float32"', 'torch_dtype="auto"'),
        ('device="cuda"', 'device="cpu"'),
        ("stream(self.model, ", "stream(None, "),
        ("stream(self.model, ", "print(self.model, "),
    ],
)
def test_other_models_are_left_alone(tmp_path: Path, old: str, new: str) -> None:
    assert old in SERVER
    assert found(tmp_path, server=SERVER.replace(old, new)) == []
