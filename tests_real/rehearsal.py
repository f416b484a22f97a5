"""Runs one file as it stands under the real libraries, on the CPU, and says what happened in it.

Only what no such machine has is exchanged: graphics cards, the names of models (see `tiny`), long
answers, and libraries that are not installed.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import inspect
import io
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import accelerate.utils
import diffusers.quantizers.quantization_config
import pytest
import torch
import transformers
from bitsandbytes.nn import Linear8bitLt
from tiny import Hub, tokenizer
from transformers.generation.utils import GenerationMixin
from transformers.modeling_utils import PreTrainedModel

# Imported before anything stands in for a missing library, which they look for.
TRAINERS = (transformers.Trainer, transformers.Seq2SeqTrainer)
CONFIGS = (
    transformers.BitsAndBytesConfig,
    diffusers.quantizers.quantization_config.BitsAndBytesConfig,
    accelerate.utils.BnbQuantizationConfig,
)
HERE = "<rehearsed>"
TOKENS = 3
WRONG_ARGUMENTS = 2


@dataclass
class Load:
    """One call that loads a model."""

    line: int
    arguments: dict[str, Any]
    model: Any


@dataclass
class Failure:
    """An exception that left a statement of the file."""

    line: int
    error: str
    message: str


@dataclass
class Rehearsal:
    """What was done while a file ran."""

    reached: set[int] = field(default_factory=set)
    configs: list[tuple[int, Any]] = field(default_factory=list)
    layers: list[tuple[int, Any]] = field(default_factory=list)
    """Those that the file itself makes."""
    loads: list[Load] = field(default_factory=list)
    caches: list[tuple[int, bool | None]] = field(default_factory=list)
    """Whether each generation kept keys and values."""
    failures: list[Failure] = field(default_factory=list)


def rehearse(text: str, hub: Hub, folder: Path) -> Rehearsal:
    """Runs a file, then each function and class of it that nobody called, in `folder`."""
    done = Rehearsal()
    torch.manual_seed(0)
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            hub.provide(node.value)
    code = compile(ast.fix_missing_locations(Stage().visit(tree)), HERE, "exec")
    scope = {"__name__": "__main__", "__reached__": done.reached.add, "open": opened}
    scope["dataset"] = [{"input_ids": torch.tensor([5, 6, 7])}] * 2
    with stage(done, hub, folder):
        attempt(done, lambda: exec(code, scope))
        for item in [item for item in scope.values() if inspect.isroutine(item)]:
            if written_here(item):
                attempt(done, lambda item=item: called(item))
        for item in [item for item in scope.values() if inspect.isclass(item)]:
            if item.__module__ == "__main__":
                attempt(done, lambda item=item: use(item, done))
    return done


class Stage(ast.NodeTransformer):
    """Takes graphics cards and long answers out of a program, and notes each statement."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        on_card = isinstance(node.value, str) and node.value.split(":")[0] == "cuda"
        return ast.copy_location(ast.Constant("cpu"), node) if on_card else node

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        """What a program asks of its surroundings is not what is tried here."""
        return ast.copy_location(ast.Pass(), node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if ast.unparse(node) == "torch.cuda.is_available()":
            return ast.copy_location(ast.Constant(True), node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "cuda":
            node.func.attr = "cpu"
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        self.generic_visit(node)
        if node.arg == "device" and isinstance(node.value, ast.Constant):
            node.value = ast.Constant("cpu")
        if node.arg == "max_new_tokens":
            node.value = ast.Constant(TOKENS)
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        self.generic_visit(node)
        for at, key in enumerate(node.keys):
            if isinstance(key, ast.Constant) and key.value == "max_new_tokens":
                node.values[at] = ast.Constant(TOKENS)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        """Tokenizers of one model's own kind need files that the tiny models do not have."""
        for name in node.names if node.module == "transformers" else ():
            if name.name.endswith("Tokenizer") and name.name != "AutoTokenizer":
                name.asname, name.name = name.asname or name.name, "AutoTokenizer"
        return node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and not isinstance(node, ast.JoinedStr):
                setattr(node, name, [part for stmt in block for part in noted(stmt)])
        return node


def noted(statement: ast.stmt) -> list[ast.stmt]:
    """The statement, and before it a note that it was reached."""
    future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
    text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    if future or text:
        return [statement]
    call = ast.parse(f"__reached__({statement.lineno})").body[0]
    for node in ast.walk(call):
        ast.copy_location(node, statement)
    return [call, statement]


@contextlib.contextmanager
def stage(done: Rehearsal, hub: Hub, folder: Path) -> Iterator[None]:
    """Loads and configurations are noted; the program finds what it reads."""
    folder.mkdir(exist_ok=True)
    for name in ("adapter", "out/adapter"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to(hub.model("adapter"))
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        patch.chdir(folder)
        patch.setenv("MODEL_PATH", "tiny/llama")
        patch.setattr(sys, "argv", ["program"])
        patch.setattr(sys, "stdin", io.StringIO("word1\n"))
        typed = iter(["word1"])
        patch.setattr(builtins, "input", lambda _="": next(typed))
        patch.setattr(sys, "meta_path", [*sys.meta_path, Absent()])
        patch.setattr(transformers.AutoProcessor, "from_pretrained", MagicMock())
        patch.setattr(transformers.AutoTokenizer, "from_pretrained", lambda *_, **__: tokenizer())
        for config in CONFIGS:
            patch.setattr(config, "__init__", noting(config.__init__, done.configs, line_here))
        layer = noting(Linear8bitLt.__init__, done.layers, line_of_caller)
        patch.setattr(Linear8bitLt, "__init__", layer)
        load = noting_load(PreTrainedModel.from_pretrained.__func__, done)
        patch.setattr(PreTrainedModel, "from_pretrained", classmethod(load))
        settle = GenerationMixin._prepare_generation_config
        patch.setattr(GenerationMixin, "_prepare_generation_config", noting_cache(settle, done))
        yield
    for name in [name for name, module in sys.modules.items() if isinstance(module, MagicMock)]:
        del sys.modules[name]


def noting(
    build: Callable[..., None], made: list[tuple[int, Any]], where: Callable[[], int]
) -> Callable[..., None]:
    def note(self: Any, *args: Any, **kwargs: Any) -> None:
        line = where()
        build(self, *args, **kwargs)
        if line and not any(one is self for _, one in made):
            made.append((line, self))

    return note


def noting_load(load: Callable[..., Any], done: Rehearsal) -> Callable[..., Any]:
    def note(cls: type, *args: Any, **kwargs: Any) -> Any:
        line, arguments = line_here(), dict(kwargs)
        model = load(cls, *args, **kwargs)
        if line and model is not None:
            done.loads.append(Load(line, arguments, model))
        return model

    return note


def noting_cache(settle: Callable[..., Any], done: Rehearsal) -> Callable[..., Any]:
    def note(self: Any, *args: Any, **kwargs: Any) -> Any:
        settled = settle(self, *args, **kwargs)
        if line_here():
            done.caches.append((line_here(), settled[0].use_cache))
        return settled

    return note


def line_here() -> int:
    """The line of the rehearsed file that is being run."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename != HERE:
        frame = frame.f_back
    return frame.f_lineno if frame else 0


def line_of_caller() -> int:
    """The same, if nothing lies between it and the call that is noted."""
    caller = sys._getframe(2)
    return caller.f_lineno if caller.f_code.co_filename == HERE else 0


def attempt(done: Rehearsal, run: Callable[[], object]) -> None:
    """Runs, and notes how it failed, if it did."""
    try:
        run()
    except StopIteration:
        pass  # the end of what is typed
    except SystemExit as end:
        if end.code == WRONG_ARGUMENTS and len(sys.argv) == 1:
            sys.argv.append("tiny/llama")
            attempt(done, run)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno or 0 for frame in frames if frame.filename == HERE]
        message = str(error).splitlines()[0] if str(error) else ""
        done.failures.append(Failure(lines[-1] if lines else 0, type(error).__name__, message))


def written_here(item: Any) -> bool:
    return getattr(getattr(inspect.unwrap(item), "__code__", None), "co_filename", "") == HERE


def use(item: type, done: Rehearsal) -> None:
    """Makes an object of a class and calls its public methods."""
    one = called(item, model=None)
    for name, method in inspect.getmembers(one, inspect.ismethod):
        if not name.startswith("_") and written_here(method.__func__):
            attempt(done, lambda method=method: called(method))


def called(item: Callable[..., Any], **known: Any) -> Any:
    """The result of a call with arguments that suit the names of the parameters."""
    values = []
    names = {}
    for name, parameter in inspect.signature(item).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        value = parameter.default
        if value is parameter.empty:
            value = known[name] if name in known else ARGUMENTS.get(name, words)()
        if parameter.kind is parameter.KEYWORD_ONLY:
            names[name] = value
        else:
            values.append(value)
    return item(*values, **names)


def causal() -> Any:
    return transformers.AutoModelForCausalLM.from_pretrained("tiny/llama")


def words() -> str:
    return "word1 word2"


def samples() -> list[dict[str, list[int]]]:
    return [{"input_ids": [5, 6, 7], "labels": [5, 6, 7]}] * 2


ARGUMENTS: dict[str, Callable[[], Any]] = {
    **dict.fromkeys(
        ("name", "model_id", "path", "model_name", "checkpoint", "repo"), lambda: "tiny/llama"
    ),
    "folder": lambda: "adapter",
    "target": lambda: "saved",
    "kind": lambda: "causal",
    "model": causal,
    "tokenizer": tokenizer,
    "data": samples,
    "module": lambda: torch.nn.Sequential(torch.nn.Linear(16, 16)),
    **dict.fromkeys(("width", "vocabulary"), lambda: 16),
    **dict.fromkeys(("ids", "prompt_ids"), lambda: torch.tensor([[5, 6, 7]])),
    **dict.fromkeys(("prompts", "texts", "questions"), lambda: ["word1", "word2"]),
}


def opened(name: Any, mode: str = "r", **_: Any) -> Any:
    """Each file that is read holds a few lines."""
    return io.StringIO("word1\nword2\n") if "r" in mode else open(os.devnull, mode)


class Absent(MetaPathFinder, Loader):
    """Stands in for libraries that are not installed here."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        frame = inspect.currentframe()
        while frame is not None and frame.f_code.co_filename.startswith(("<frozen", __file__)):
            frame = frame.f_back
        asked = frame is not None and frame.f_code.co_filename == HERE
        if asked and PathFinder.find_spec(name.split(".")[0]) is None:
            return ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = MagicMock(name=spec.name)
        module.__spec__, module.__path__, module.__name__ = spec, [], spec.name
        module.load_chats = samples
        return module

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""
