"""Values, models and loops followed through whole small programs, by the real audit."""

from __future__ import annotations

import pytest
from flow_support import Found, Tree, audit

LOADS = ("ECO101", "ECO107")


def eight(line: int, sure: str = "certain") -> Found:
    """A load in 8 bit by the deprecated argument."""
    return [("ECO101", line, sure), ("ECO107", line, sure)]


def check(program: str, *expected: tuple[str, int, str]) -> None:
    """The findings of the rules that are expected, and of ECO101 and ECO2xx in any case."""
    codes = {code for code, _, _ in expected} | {"ECO101", "ECO201", "ECO203"}
    assert audit(program, *sorted(codes)) == list(expected)


# -- branches


def test_both_branches_of_what_the_machine_decides() -> None:
    program = """\
        import torch
        from transformers import AutoModelForCausalLM
        if torch.distributed.is_initialized():
            model = AutoModelForCausalLM.from_pretrained("x", load_in_8bit=True)
        else:
            model = AutoModelForCausalLM.from_pretrained("x", load_in_8bit=True)
        """
    check(program, ("ECO101", 4, "likely"), ("ECO101", 6, "likely"))
    program = """\
        import torch
        from transformers import AutoModelForCausalLM, BitsAndBytesConfig
        big = torch.cuda.device_count() > 1
        config = None if big else BitsAndBytesConfig(load_in_8bit=True)
        model = AutoModelForCausalLM.from_pretrained("x", quantization_config=config)
        """
    assert [item[:2] for item in audit(program, "ECO101")] == [("ECO101", 4)]


def test_the_same_value_in_both_branches_is_certain() -> None:
    program = """\
        import sys
        from transformers import AutoModelForCausalLM
        if len(sys.argv) > 1:
            name, int8 = sys.argv[1], True
        else:
            name, int8 = "x", True
        model = AutoModelForCausalLM.from_pretrained(name, load_in_8bit=int8)
        """
    check(program, ("ECO101", 7, "certain"))


def test_early_returns() -> None:
    program = """\
        from transformers import AutoModelForCausalLM, BitsAndBytesConfig

        def config(quantize=False):
            if not quantize:
                return None
            return BitsAndBytesConfig(load_in_8bit=True)

        model = AutoModelForCausalLM.from_pretrained("x", quantization_config=config(True))
        other = AutoModelForCausalLM.from_pretrained("x", quantization_config=config())
        """
    check(program, ("ECO101", 6, "certain"))
    program = """\
        from transformers import AutoModelForCausalLM

        def load(name, quantize="8bit"):
            if quantize is None:
                return AutoModelForCausalLM.from_pretrained(name)
            if quantize == "8bit":
                return AutoModelForCausalLM.from_pretrained(name, load_in_8bit=True)
            raise ValueError(quantize)
        """
    check(program, ("ECO101", 7, "likely"))


LADDER = """\
        import argparse
        from transformers import AutoModelForCausalLM, BitsAndBytesConfig
        parser = argparse.ArgumentParser()
        parser.add_argument("--quantize", choices=["none", "8bit", "4bit"], default={0!r})
        args = parser.parse_args()
        config = None
        if args.quantize == "8bit":
            config = BitsAndBytesConfig(load_in_8bit=True)
        elif args.quantize == "4bit":
            config = BitsAndBytesConfig(load_in_4bit=True)
        model = AutoModelForCausalLM.from_pretrained("x", quantization_config=config)
        """


def test_ladders_over_choices() -> None:
    check(LADDER.format("8bit"), ("ECO101", 8, "likely"), ("ECO108", 10, "possible"))
    check(LADDER.format("none"), ("ECO101", 8, "possible"), ("ECO108", 10, "possible"))
    check(LADDER.format("4bit"), ("ECO101", 8, "possible"), ("ECO108", 10, "likely"))


def test_tables_of_settings() -> None:
    program = """\
        import argparse
        from transformers import AutoModelForCausalLM, BitsAndBytesConfig
        CONFIGS = {
            "8bit": BitsAndBytesConfig(load_in_8bit=True),
            "4bit": BitsAndBytesConfig(load_in_4bit=True),
            "none": None,
        }
        parser = argparse.ArgumentParser()
        parser.add_argument("-q", "--quantize", default="8bit", choices=list(CONFIGS))
        args = parser.parse_args()
        model = AutoModelForCausalLM.from_pretrained(
            "x", quantization_config=CONFIGS[args.quantize])
        """
    check(program, ("ECO101", 4, "likely"), ("ECO108", 5, "possible"))
    check(
        program.replace("CONFIGS[args.quantize]", "CONFIGS.get(args.quantize)"),
        ("ECO101", 4, "likely"),
        ("ECO108", 5, "possible"),
    )


def test_tables_of_functions() -> None:
    program = """\
        from transformers import AutoModelForCausalLM, BitsAndBytesConfig

        def eight():
            return BitsAndBytesConfig(load_in_8bit=True)

        def none():
            return None

        def load(mode="8bit"):
            config = {"8bit": eight, "none": none}[mode]()
            return AutoModelForCausalLM.from_pretrained("x", quantization_config=config)
        """
    check(program, ("ECO101", 4, "likely"))
    program = """\
        from transformers import AutoModelForCausalLM

        LOADERS = {
            "8bit": lambda name: AutoModelForCausalLM.from_pretrained(name, load_in_8bit=True),
            "16bit": lambda name: AutoModelForCausalLM.from_pretrained(name),
        }

        def load(name, mode):
            return LOADERS[mode](name)

        def load_small(name):
            return LOADERS["8bit"](name)
        """
    check(program, ("ECO101", 4, "certain"))


def test_match() -> None:
    program = """\
        import argparse
        from transformers import AutoModelForCausalLM, BitsAndBytesConfig
        parser = argparse.ArgumentParser()
        parser.add_argument("--bits", type=int, default=8)
        args = parser.parse_args()
        match args.bits:
            case 8:
                config = BitsAndBytesConfig(load_in_8bit=True)
            case 4:
                config = BitsAndBytesConfig(load_in_4bit=True)
            case _:
                config = None
        model = AutoModelForCausalLM.from_pretrained("x", quantization_config=config)
        """
    check(program, ("ECO101", 8, "likely"), ("ECO108", 10, "possible"))
    program = """\
        from transformers import AutoModelForCausalLM

        def load(mode="int8"):
            match mode:
                case "none" | "fp16":
                    options = {}
                case "int8" | "8bit":
                    options = {"load_in_8bit": True}
                case other:
                    raise ValueError(other)
            return AutoModelForCausalLM.from_pretrained("x", **options)
        """
    check(program, ("ECO101", 11, "likely"))


# -- objects that change


def test_replacing_fields() -> None:
    program = """\
        import dataclasses
        from dataclasses import dataclass, replace
        from transformers import AutoModelForCausalLM

        @dataclass(frozen=True)
        class Options:
            int8: bool = False
            name: str = "x"

        base = Options()
        on = replace(base, int8=True)
        off = dataclasses.replace(on, int8=False)
        a = AutoModelForCausalLM.from_pretrained(on.name, load_in_8bit=on.int8)
        b = AutoModelForCausalLM.from_pretrained(off.name, load_in_8bit=off.int8)
        """
    check(program, ("ECO101", 13, "certain"))
    program = """\
        import copy
        from transformers import AutoModelForCausalLM, BitsAndBytesConfig
        base = BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0.0)
        other = copy.deepcopy(base)
        other.llm_int8_threshold = 6.0
        model = AutoModelForCausalLM.from_pretrained("x", quantization_config=other)
        """
    check(program, ("ECO101", 4, "certain"))


MUTATIONS = {
    "attribute": "config.load_in_8bit = True",
    "setattr": 'setattr(config, "load_in_8bit", True)',
    "loop of setattr": 'for key, value in {"load_in_8bit": True}.items():\n    '
    "setattr(config, key, value)",
}


@pytest.mark.parametrize("change", MUTATIONS)
def test_a_config_changed_after_it_was_made(change: str) -> None:
    program = f"""\
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
config = BitsAndBytesConfig(load_in_8bit=False)
{MUTATIONS[change]}
model = AutoModelForCausalLM.from_pretrained("x", quantization_config=config)
"""
    assert [code for code, _, _ in audit(program, "ECO101", "ECO111")] == ["ECO101"]


@pytest.mark.parametrize(
    "change",
    [
        'options["load_in_8bit"] = True',
        "options.update(load_in_8bit=True)",
        'options.update({"load_in_8bit": True})',
        'options |= {"load_in_8bit": True}',
        'options = options | {"load_in_8bit": True}',
        'options = {**options, "load_in_8bit": True}',
        'options.setdefault("load_in_8bit", True)',
        'options.update([("load_in_8bit", True)])',
        'options = dict([("load_in_8bit", True)], device_map="auto")',
    ],
)
def test_a_dict_changed_after_it_was_made(change: str) -> None:
    program = f"""\
from transformers import AutoModelForCausalLM
options = {{"device_map": "auto"}}
{change}
model = AutoModelForCausalLM.from_pretrained("x", **options)
"""
    assert audit(program, *LOADS) == eight(4)


def test_a_dict_whose_switch_is_taken_away() -> None:
    program = """\
        from transformers import AutoModelForCausalLM
        options = {"load_in_8bit": True}
        options.pop("load_in_8bit")
        model = AutoModelForCausalLM.from_pretrained("x", **options)
        options["load_in_8bit"] = True
        del options["load_in_8bit"]
        model = AutoModelForCausalLM.from_pretrained("x", **options)
        """
    assert audit(program, *LOADS) == []


def test_configurations_that_wrap_themselves() -> None:
    program = """\
        from diffusers import DiffusionPipeline, PipelineQuantizationConfig
        from torchao.quantization import Float8WeightOnlyConfig, FqnToConfig
        from transformers import AutoModelForCausalLM, TorchAoConfig
        config = Float8WeightOnlyConfig()
        for _ in range(2):
            config = TorchAoConfig(FqnToConfig({"_default": config}))
        parts = {}
        for _ in range(2):
            parts["transformer"] = PipelineQuantizationConfig(quant_mapping=parts)
        model = AutoModelForCausalLM.from_pretrained("x", quantization_config=config)
        pipe = DiffusionPipeline.from_pretrained("y", quantization_config=parts["transformer"])
        """
    assert audit(program, "ECO101", "ECO111") == []


# -- classes


def test_attributes_set_in_init() -> None:
    program = """\
        from transformers import AutoModelForCausalLM

        class Server:
            def __init__(self):
                self.int8 = True
                self.options = {"load_in_8bit": self.int8}

            def load(self):
                self.model = AutoModelForCausalLM.from_pretrained("x", **self.options)

            def reload(self):
                return AutoModelForCausalLM.from_pretrained("x", load_in_8bit=self.int8)
        """
    assert audit(program, *LOADS) == [*eight(9), *eight(12)]
    program = """\
        from transformers import AutoModelForCausalLM

        class Server:
            INT8 = True

            def __init__(self, int8=False):
                self.int8 = int8

            def load(self):
                return AutoModelForCausalLM.from_pretrained("x", load_in_8bit=self.INT8)

            def other(self):
                return AutoModelForCausalLM.from_pretrained("x", load_in_8bit=self.int8)

        Server(int8=True).other()
        """
    assert audit(program, "ECO107") == [("ECO107", 10, "certain"), ("ECO107", 15, "likely")]


GENERATE = """
    def answer(self, model, prompt):
        inputs = self.tokenizer(prompt, return_tensors="pt")
        return model.generate(**inputs, max_new_tokens=10)
"""


def test_a_model_passed_between_methods() -> None:
    program = """\
        from transformers import AutoModelForCausalLM, AutoTokenizer

        class Answers:
            def __init__(self, name):
                self.tokenizer = AutoTokenizer.from_pretrained(name)
                self.model = AutoModelForCausalLM.from_pretrained(name)

            def run(self, prompts):
                for prompt in prompts:
                    self.answer(self.model, prompt)

            def answer(self, model, prompt):
                inputs = self.tokenizer(prompt, return_tensors="pt")
                return model.generate(**inputs, max_new_tokens=10)
        """
    check(program, ("ECO201", 14, "likely"))
    program = """\
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        class Answers:
            def setup(self):
                self.model = self.load("Qwen/Qwen2.5-7B-Instruct")

            def load(self, name):
                return AutoModelForCausalLM.from_pretrained(
                    name, torch_dtype=torch.float32, device_map="cuda")

            def answer(self, inputs):
                return self.model.generate(**inputs, max_new_tokens=10)
        """
    check(program, ("ECO303", 9, "certain"))


def test_init_of_a_base_class() -> None:
    program = """\
        from transformers import AutoModelForCausalLM, pipeline

        class Base:
            def __init__(self, name, **options):
                self.model = AutoModelForCausalLM.from_pretrained(name, **options)

        class Small(Base):
            def __init__(self, name):
                super().__init__(name, load_in_8bit=True)
                self.pipe = pipeline("text-generation", name)

        class Run(Small):
            def run(self, texts):
                return [self.pipe(text) for text in texts]
        """
    assert [item[:2] for item in audit(program, "ECO107", "ECO201")] == [
        ("ECO107", 5),
        ("ECO201", 14),
    ]


def test_init_of_a_base_class_of_another_file(tmp_path: object) -> None:
    tree = Tree(tmp_path)  # type: ignore[arg-type]
    tree.write(
        {
            "base.py": """\
                from transformers import pipeline

                class Base:
                    def __init__(self, name):
                        self.pipe = pipeline("text-generation", name)
                """,
            "a.py": """\
                import base
                from transformers import pipeline
                class Run(base.Base):
                    def __init__(self, name):
                        super().__init__(name)
                        self.other = pipeline("translation", name)

                    def generate(self, texts):
                        return [self.pipe(text) for text in texts]
                """,
        }
    )
    assert tree.audit("a.py", "ECO201") == [("ECO201", 9, "certain")]


def test_a_class_method_that_makes_the_instance() -> None:
    program = """\
        from transformers import pipeline

        class Answers:
            def __init__(self, pipe):
                self.pipe = pipe

            @classmethod
            def load(cls, name):
                return cls(pipeline("text-generation", name))

            def run(self, rows):
                return [self.pipe(row) for row in rows]

        Answers.load("x").run(rows)
        """
    check(program, ("ECO201", 12, "certain"))
    program = """\
        from transformers import pipeline

        class Base:
            def run(self, texts):
                return [self.one(text) for text in texts]

            def one(self, text):
                raise NotImplementedError

        class Answers(Base):
            def __init__(self, name):
                self.pipe = pipeline("text-generation", name)

            def one(self, text):
                return self.pipe(text)

        Answers("x").run(rows)
        """
    check(program, ("ECO201", 15, "likely"))
    # The same of a library that nobody calls here.
    check(program.replace('Answers("x").run', "print"), ("ECO201", 15, "likely"))


def test_one_deployment_across_functions() -> None:
    program = """\
        import torch
        from transformers import AutoModelForCausalLM

        def load():
            return AutoModelForCausalLM.from_pretrained("x/7b", torch_dtype=torch.float32).cuda()

        def answer(model, inputs):
            return model.generate(**inputs, max_new_tokens=10)

        def main(inputs):
            model = load()
            print(answer(model, inputs))
        """
    assert [item[:2] for item in audit(program, "ECO303")] == [("ECO303", 5)]
    program = """\
        import torch
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained("x/7b", torch_dtype=torch.float32).cuda()

        def answer(inputs):
            return model.generate(**inputs, max_new_tokens=10)
        """
    check(program, ("ECO303", 4, "certain"))


# -- functions around functions


def test_wrappers_around_generate() -> None:
    program = """\
        from transformers import AutoModelForCausalLM
        model = AutoModelForCausalLM.from_pretrained("x")

        def generate(inputs, **options):
            return model.generate(**inputs, **options)

        def run(prompts):
            return [generate(prompt, max_new_tokens=5) for prompt in prompts]
        """
    check(program, ("ECO201", 5, "likely"))
    program = """\
        from transformers import AutoModelForCausalLM

        class Model:
            def __init__(self, name):
                self.model = AutoModelForCausalLM.from_pretrained(name)

            def generate(self, inputs, *args, **kwargs):
                return self.model.generate(inputs, *args, **kwargs)

        wrapped = Model("x")
        for row in rows:
            wrapped.generate(row, max_new_tokens=5)
        """
    check(program, ("ECO201", 8, "likely"))


def test_partial() -> None:
    program = """\
        from functools import partial
        from transformers import AutoModelForCausalLM
        load = partial(AutoModelForCausalLM.from_pretrained, load_in_8bit=True)
        model = load("x")
        """
    assert [item[:2] for item in audit(program, "ECO101")] == [("ECO101", 4)]
    program = """\
        import functools
        from transformers import AutoModelForCausalLM
        model = AutoModelForCausalLM.from_pretrained("x")
        generate = functools.partial(model.generate, max_new_tokens=10)
        for inputs in rows:
            print(generate(**inputs))
        """
    check(program, ("ECO201", 6, "certain"))


DECORATORS = {
    "plain": "def timed(f):\n    def inner(*args, **kwargs):\n"
    "        return f(*args, **kwargs)\n    return inner\n\n@timed",
    "wraps": "import functools\ndef timed(f):\n    @functools.wraps(f)\n"
    "    def inner(*args, **kwargs):\n        return f(*args, **kwargs)\n"
    "    return inner\n\n@timed",
    "with arguments": "def retry(times):\n    def around(f):\n        def inner(*a, **k):\n"
    "            return f(*a, **k)\n        return inner\n    return around\n\n@retry(3)",
    "lru_cache": "from functools import lru_cache\n\n@lru_cache(maxsize=None)",
    "cache": "import functools\n\n@functools.cache",
    "inference_mode": "import torch\n\n@torch.inference_mode()",
    "no_grad": "import torch\n\n@torch.no_grad()",
    "modal": "import modal\napp = modal.App()\n\n@app.function(gpu='A100')",
    "spaces": "import spaces\n\n@spaces.GPU",
    "streamlit": "import streamlit as st\n\n@st.cache_resource",
}


@pytest.mark.parametrize("kind", DECORATORS)
def test_decorators(kind: str) -> None:
    before = DECORATORS[kind]
    line = before.count("\n") + 5
    program = f"""\
from transformers import AutoModelForCausalLM, AutoTokenizer

{before}
def load(name="Qwen/Qwen2.5-7B-Instruct"):
    return AutoModelForCausalLM.from_pretrained(name, load_in_8bit=True)

def run(prompts):
    model = load()
    for prompt in prompts:
        model.generate(prompt, max_new_tokens=3)
"""
    assert audit(program, "ECO101", "ECO201") == [
        ("ECO101", line, "certain"),
        ("ECO201", line + 5, "certain"),
    ]


@pytest.mark.parametrize("kind", DECORATORS)
def test_decorated_generation(kind: str) -> None:
    before = DECORATORS[kind]
    line = before.count("\n") + 6
    program = f"""\
from transformers import AutoModelForCausalLM, AutoTokenizer
model = AutoModelForCausalLM.from_pretrained("x")

{before}
def answer(prompt):
    return model.generate(prompt, max_new_tokens=3)

def run(prompts):
    return [answer(prompt) for prompt in prompts]
"""
    assert audit(program, "ECO201") == [("ECO201", line, "likely")]


def test_context_managers() -> None:
    program = """\
        from contextlib import contextmanager
        from transformers import AutoModelForCausalLM

        @contextmanager
        def loaded(name):
            model = AutoModelForCausalLM.from_pretrained(name, load_in_8bit=True)
            yield model
            del model

        def run(rows):
            with loaded("x") as model:
                for row in rows:
                    model.generate(row, max_new_tokens=3)
        """
    check(program, ("ECO101", 6, "certain"), ("ECO201", 13, "certain"))
    program = """\
        import torch
        from transformers import pipeline

        class Loaded:
            def __enter__(self):
                self.pipe = pipeline("text-generation", "x")
                return self

            def __exit__(self, *exc):
                return False

        with Loaded() as holder, torch.inference_mode():
            for row in rows:
                holder.pipe(row)
        """
    check(program, ("ECO201", 14, "certain"))


def test_async_handlers() -> None:
    program = """\
        import asyncio
        from fastapi import FastAPI
        from transformers import AutoModelForCausalLM, pipeline
        app = FastAPI()
        pipe = pipeline("text-generation", "x")
        model = AutoModelForCausalLM.from_pretrained("x")

        @app.post("/one")
        async def one(text: str):
            return pipe(text)

        @app.post("/two")
        async def two(text: str):
            return await asyncio.to_thread(pipe, text)

        @app.post("/three")
        async def three(inputs: dict):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(None, lambda: model.generate(**inputs))
        """
    check(
        program,
        ("ECO203", 10, "certain"),
        ("ECO203", 14, "certain"),
        ("ECO203", 19, "certain"),
    )


def test_threads_that_handlers_start() -> None:
    program = """\
        from functools import partial
        import asyncio
        from threading import Thread
        from fastapi import FastAPI
        from transformers import AutoModelForCausalLM, TextIteratorStreamer
        app = FastAPI()
        model = AutoModelForCausalLM.from_pretrained("x")

        @app.post("/stream")
        def stream(inputs: dict):
            streamer = TextIteratorStreamer(None)
            options = dict(**inputs, streamer=streamer, max_new_tokens=200)
            Thread(target=model.generate, kwargs=options).start()
            return streamer

        @app.post("/whole")
        async def whole(inputs: dict):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(None, partial(model.generate, **inputs))
        """
    check(program, ("ECO203", 13, "certain"), ("ECO203", 19, "certain"))


def test_a_worker_that_takes_from_a_queue_is_no_handler() -> None:
    program = """\
        import queue
        import threading
        from fastapi import FastAPI
        from transformers import AutoModelForCausalLM
        app = FastAPI()
        model = AutoModelForCausalLM.from_pretrained("x")
        jobs = queue.Queue()

        def work():
            while True:
                inputs, done = jobs.get()
                done.set_result(model.generate(**inputs, max_new_tokens=20))

        threading.Thread(target=work, daemon=True).start()

        @app.post("/generate")
        async def generate(inputs: dict):
            done = new_future()
            jobs.put((inputs, done))
            return await done
        """
    check(program)


def test_generators() -> None:
    program = """\
        from transformers import AutoModelForCausalLM
        model = AutoModelForCausalLM.from_pretrained("x")

        def answers(prompts):
            for prompt in prompts:
                yield model.generate(prompt, max_new_tokens=4)

        for answer in answers(rows):
            print(answer)
        """
    check(program, ("ECO201", 6, "certain"))
    program = """\
        from transformers import pipeline

        def models():
            yield pipeline("text-generation", "x")

        for pipe in models():
            for text in texts:
                pipe(text)
        """
    check(program, ("ECO201", 8, "certain"))


def test_walrus() -> None:
    program = """\
        import os
        from transformers import AutoModelForCausalLM
        if (int8 := os.environ.get("INT8", "1")) == "1":
            model = AutoModelForCausalLM.from_pretrained("x", load_in_8bit=True)
        print(int8)
        """
    check(program, ("ECO101", 4, "likely"))
    program = """\
        from transformers import pipeline
        results = [(pipe := pipeline("text-generation", "x"))("a")]
        print([(out := pipe(text)) for text in texts], out)
        """
    check(program, ("ECO201", 3, "certain"))


def test_try_except_finally() -> None:
    program = """\
        from transformers import AutoModelForCausalLM
        try:
            model = AutoModelForCausalLM.from_pretrained("x", attn_implementation="flash")
        except ImportError:
            model = AutoModelForCausalLM.from_pretrained("x", load_in_8bit=True)
        finally:
            done = True
        """
    check(program, ("ECO101", 5, "likely"))
    program = """\
        from transformers import pipeline
        pipe = None
        try:
            pipe = pipeline("text-generation", "x")
        finally:
            print("loaded")
        for text in texts:
            try:
                print(pipe(text))
            except RuntimeError:
                continue
        """
    check(program, ("ECO201", 9, "certain"))


# -- once per item, without a loop statement

PIPE = "from transformers import pipeline\npipe = pipeline('text-generation', 'x')\n"


@pytest.mark.parametrize(
    "line",
    [
        "df['a'] = df['text'].apply(lambda text: pipe(text)[0]['generated_text'])",
        "df['a'] = df.apply(lambda row: pipe(row['text']), axis=1)",
        "df['a'] = df['text'].map(lambda text: pipe(text))",
        "out = list(map(lambda text: pipe(text), texts))",
        "out = [pipe(text) for text in texts]",
        "out = {text: pipe(text) for text in texts}",
        "out = list(pipe(text) for text in texts)",
        "df['a'] = df['text'].progress_apply(lambda t: pipe(t, max_new_tokens=5))",
        "ds = dataset.map(lambda row: {'out': pipe(row['text'])})",
        "out = list(map(pipe, texts))",
        "df['a'] = df['text'].apply(pipe)",
    ],
)
def test_once_per_item(line: str) -> None:
    assert audit(f"{PIPE}{line}\n", "ECO201") == [("ECO201", 3, "certain")]


@pytest.mark.parametrize(
    "line",
    [
        "df['a'] = df['text'].apply(answer)",
        "out = list(map(answer, texts))",
        "out = [answer(text) for text in texts]",
        "ds = dataset.map(answer)",
        "df['a'] = df['text'].apply(lambda text: answer(text))",
        "out = list(executor.map(answer, texts))",
        "futures = [executor.submit(answer, text) for text in texts]",
        "out = Parallel(n_jobs=2)(delayed(answer)(text) for text in texts)",
        "df['a'] = df.progress_apply(answer, axis=1)",
    ],
)
def test_once_per_item_through_a_function(line: str) -> None:
    program = f"{PIPE}def answer(text):\n    return pipe(text)[0]\n"
    program += f"from joblib import Parallel, delayed\n{line}\n"
    assert audit(program, "ECO201") == [("ECO201", 4, "likely")]


@pytest.mark.parametrize(
    "line",
    [
        "ds = dataset.map(lambda rows: {'out': pipe(rows['text'])}, batched=True)",
        "ds = dataset.map(answer, batched=True, batch_size=8)",
        "button.click(lambda text: pipe(text))",
        "sorted(texts, key=lambda text: len(text))",
        "out = model.apply(lambda module: pipe('x'))",
        "fn = lambda text: pipe(text)",
        "out = pipe(list(map(str, texts)))",
        "df.groupby('a').apply(lambda rows: pipe(rows['text'].tolist()))",
        "df['text'].apply(lambda text: print(text))",
        "groups = df.groupby('a')\ngroups.apply(lambda rows: pipe(rows['text']))",
        "pool.map(answer, chunks)",
        "dataset.map(lambda rows: pipe(rows), batched=flag)",
        "model.apply(lambda module: module.weight)",
        "texts.map({'a': pipe})",
        "batches.map(lambda batch: pipe(batch))",
    ],
)
def test_not_once_per_item(line: str) -> None:
    program = f"{PIPE}def answer(text):\n    return pipe(text['x'])\n{line}\n"
    assert audit(program, "ECO201") == []


# -- one object for the whole module

HANDLER = """\
        from fastapi import FastAPI
        from transformers import AutoModelForCausalLM, pipeline
        app = FastAPI()
        {0}
        @app.post("/generate")
        def generate(text: str):
            {1}
"""


def test_a_global_that_a_function_sets() -> None:
    program = """\
        from fastapi import FastAPI
        from transformers import pipeline
        app = FastAPI()
        pipe = None

        @app.on_event("startup")
        def load():
            global pipe
            pipe = pipeline("text-generation", "x")

        @app.post("/generate")
        def generate(text: str):
            return pipe(text)
        """
    check(program, ("ECO203", 13, "certain"))
    program = """\
        from transformers import AutoModelForCausalLM

        def load():
            global model
            model = AutoModelForCausalLM.from_pretrained("x")

        def run(rows):
            load()
            for row in rows:
                model.generate(row, max_new_tokens=2)
        """
    check(program, ("ECO201", 10, "certain"))


def test_a_singleton_loaded_when_first_needed() -> None:
    program = """\
        from flask import Flask, request
        from transformers import pipeline
        app = Flask(__name__)
        _pipe = None

        def get_pipe():
            global _pipe
            if _pipe is None:
                _pipe = pipeline("text-generation", "x")
            return _pipe

        @app.route("/generate", methods=["POST"])
        def generate():
            return get_pipe()(request.json["text"])
        """
    check(program, ("ECO203", 14, "certain"))
    program = """\
        from flask import Flask, request
        from transformers import AutoModelForCausalLM
        app = Flask(__name__)

        class Holder:
            _instance = None

            def __init__(self):
                self.model = AutoModelForCausalLM.from_pretrained("x")

            @classmethod
            def get(cls):
                if cls._instance is None:
                    cls._instance = cls()
                return cls._instance

        @app.post("/generate")
        def generate():
            return Holder.get().model.generate(request.json["ids"], max_new_tokens=3)
        """
    check(program, ("ECO203", 19, "certain"))


def test_properties() -> None:
    program = """\
        from functools import cached_property
        from transformers import AutoModelForCausalLM

        class Model:
            @cached_property
            def model(self):
                return AutoModelForCausalLM.from_pretrained("x", load_in_8bit=True)

            def run(self, rows):
                return [self.model.generate(row, max_new_tokens=3) for row in rows]
        """
    check(program, ("ECO101", 7, "certain"), ("ECO201", 10, "certain"))
    program = """\
        from transformers import pipeline

        class Model:
            def __init__(self):
                self._pipe = None

            @property
            def pipe(self):
                if self._pipe is None:
                    self._pipe = pipeline("text-generation", "x")
                return self._pipe

            def run(self, rows):
                for row in rows:
                    print(self.pipe(row))
        """
    check(program, ("ECO201", 15, "certain"))


def test_a_cache_of_pipelines() -> None:
    program = """\
        from fastapi import FastAPI
        from transformers import pipeline
        app = FastAPI()
        PIPES = {}

        def get(name):
            if name not in PIPES:
                PIPES[name] = pipeline("text-generation", name)
            return PIPES[name]

        @app.post("/generate")
        def generate(name: str, text: str):
            return get(name)(text)
        """
    check(program, ("ECO203", 13, "certain"))
    program = """\
        from fastapi import FastAPI
        from transformers import pipeline
        app = FastAPI()
        PIPES = {}
        for name in ["a", "b"]:
            PIPES[name] = pipeline("text-generation", name)

        @app.post("/generate")
        def generate(name: str, text: str):
            pipe = PIPES[name]
            return pipe(text)

        @app.post("/safe")
        def safe(name: str, text: str):
            return PIPES.get(name)(text)

        @app.post("/late")
        def late(name: str, text: str):
            return PIPES.setdefault(name, pipeline("text-generation", name))(text)
        """
    check(
        program,
        ("ECO203", 11, "certain"),
        ("ECO203", 15, "certain"),
        ("ECO203", 19, "certain"),
    )
    program = """\
        from fastapi import FastAPI
        from transformers import AutoModelForCausalLM
        app = FastAPI()
        MODELS = {name: AutoModelForCausalLM.from_pretrained(name) for name in ["a", "b"]}

        @app.post("/generate")
        def generate(name: str, ids: list):
            return MODELS[name].generate(ids, max_new_tokens=3)
        """
    check(program, ("ECO203", 8, "certain"))


def test_a_table_says_nothing_of_plain_values() -> None:
    program = """\
        from transformers import AutoModelForCausalLM, BitsAndBytesConfig
        options, configs = {}, {}
        options[name] = True
        configs[name] = BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0.0)
        a = AutoModelForCausalLM.from_pretrained("x", load_in_8bit=options["load_in_8bit"])
        b = AutoModelForCausalLM.from_pretrained("x", quantization_config=configs["none"])
        """
    assert {sure for _, _, sure in audit(program, "ECO101")} <= {"possible"}


# -- batches of one on a model that is there


def test_a_pipeline_around_a_model() -> None:
    program = """\
        from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline
        model = AutoModelForCausalLM.from_pretrained("x")
        tokenizer = AutoTokenizer.from_pretrained("x")
        pipe = pipeline("text-generation", model=model, tokenizer=tokenizer, batch_size=1)
        """
    check(program, ("ECO202", 4, "certain"))
    program = """\
        import transformers

        def make(model, tokenizer):
            return transformers.pipeline("text-generation", model, batch_size=1)

        model = transformers.AutoModelForCausalLM.from_pretrained("x", load_in_8bit=True)
        make(model, None)
        """
    assert audit(program, "ECO101", "ECO202") == [
        ("ECO202", 4, "certain"),
        ("ECO101", 6, "certain"),
    ]
    program = """\
        from transformers import AutoModelForCausalLM, pipeline
        model = AutoModelForCausalLM.from_pretrained("x")
        pipe = pipeline("text-generation", model=model, batch_size=8)
        """
    assert audit(program, "ECO202") == []
