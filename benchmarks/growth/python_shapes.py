"""Python texts of any size in which one thing is repeated, as generated code has it."""

from __future__ import annotations

import json
from collections.abc import Callable

IMPORTS = """\
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, pipeline

"""
LOAD = 'm = AutoModelForCausalLM.from_pretrained("a/b-7b", load_in_8bit=True)\n'
MODEL = IMPORTS + 'tok = AutoTokenizer.from_pretrained("a/b-7b")\n' + LOAD


def _lines(line: str, count: int) -> str:
    """A line so many times, ``@`` being the number of each and ``#`` the sign itself."""
    lines = (line.replace("@", str(number)).replace("#", "@") for number in range(count))
    return "".join(lines)


def _body(start: str, line: str) -> Callable[[int], str]:
    return lambda count: start + _lines(line, count)


def elif_chain(count: int) -> str:
    """One ``if`` with many ``elif`` that choose a model."""
    chain = _lines('elif name == "k@":\n    size = "@"\n    bits = True\n', count)
    return (
        MODEL
        + 'if name == "k":\n    size = "s"\n    bits = False\n'
        + chain
        + ("m = AutoModelForCausalLM.from_pretrained(size, load_in_8bit=bits)\n")
    )


def nested(count: int) -> str:
    """Blocks of the deepest nesting there may be, one behind another."""
    depth = 60
    block = "".join("    " * level + f"if a{level}:\n" for level in range(depth))
    block += "    " * depth + LOAD
    block += "".join("    " * level + f"x{level} = {level}\n" for level in range(depth, 0, -1))
    return MODEL + block * count


def nested_calls(count: int) -> str:
    """Calls in calls."""
    return MODEL + ("x = " + "f(" * 80 + "m" + ")" * 80 + "\n") * count


def one_function(count: int) -> str:
    """One function of many statements."""
    lines = "    x@ = f(x, @)\n    m.generate(x@, max_new_tokens=@)\n"
    return IMPORTS + "def run(x):\n    " + LOAD + _lines(lines, count)


def table(count: int) -> str:
    """A dictionary of models with their options."""
    rows = _lines('    "k@": {"path": "org/m@", "load_in_8bit": True, "dtype": "x"},\n', count)
    return (
        IMPORTS
        + "TABLE = {\n"
        + rows
        + "}\n"
        + (
            "for name, row in TABLE.items():\n"
            '    m = AutoModelForCausalLM.from_pretrained(row["path"], load_in_8bit=True)\n'
            'opts = TABLE["k1"]\nn = AutoModelForCausalLM.from_pretrained(**opts)\n'
        )
    )


def long_list(count: int) -> str:
    """A list of prompts that a loop goes through."""
    rows = _lines('    "Tell me about number @.",\n', count)
    loop = "for p in PROMPTS:\n    print(m.generate(tok(p).input_ids, max_new_tokens=9))\n"
    return MODEL + "PROMPTS = [\n" + rows + "]\n" + loop


def chained_operations(count: int) -> str:
    """Long sums and joined texts."""
    return MODEL + ("x = " + " + ".join(["a"] * 90) + "\n") * count


def functions_that_call(count: int) -> str:
    """Functions of which each calls the next."""
    lines = "def f@(m, x):\n    y = m.generate(x)\n    return f@_(m, y)\n\n"
    text = "".join(
        lines.replace("f@_", f"f{number + 1}").replace("@", str(number)) for number in range(count)
    )
    return MODEL + text + "f0(m, tok)\n"


def functions_that_call_twice(count: int) -> str:
    """Functions of which each calls the next two times."""
    lines = "def f@(m, x):\n    a = f@_(m, x)\n    return f@_(m, a)\n\n"
    text = "".join(
        lines.replace("f@_", f"f{number + 1}").replace("@", str(number)) for number in range(count)
    )
    return MODEL + text + f"def f{count}(m, x):\n    return m.generate(x)\n\nf0(m, tok)\n"


def classes_that_inherit(count: int) -> str:
    """Classes of which each extends the one before."""
    lines = (
        "class C@(C#):\n    def go(self, x):\n        self.v@ = self.m\n"
        "        return self.m.generate(x)\n\n"
    )
    text = "".join(
        lines.replace("C#", f"C{number - 1}" if number else "object").replace("@", str(number))
        for number in range(count)
    )
    init = "class D(C@):\n    def __init__(self):\n        self.m = m\n\nD().go(1)\n"
    return MODEL + text + init.replace("@", str(count - 1))


def _notebook(cells: list[str]) -> str:
    made = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "execution_count": number,
            "metadata": {},
            "outputs": [{"output_type": "stream", "name": "stdout", "text": ["x" * 70 + "\n"] * 5}],
            "source": cell.splitlines(keepends=True),
        }
        for number, cell in enumerate(cells)
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    book = {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1)


def notebook(count: int) -> str:
    """A notebook of many cells that load and generate."""
    cell = LOAD + "m.generate(tok('a@').input_ids, max_new_tokens=9)\n"
    return _notebook([MODEL, *(cell.replace("@", str(number)) for number in range(count))])


def notebook_with_magics(count: int) -> str:
    """A notebook of many cells that install and start something."""
    cell = "!pip install transformers==4.@.0\n!vllm serve m --enforce-eager\nx@ = 1\n%time x@\n"
    return _notebook([MODEL, *(cell.replace("@", str(number)) for number in range(count))])


_GENERATE = "print(tok.decode(m.generate(tok('@').input_ids, max_new_tokens=@)[0]))\n"

SHAPES: dict[str, tuple[str, Callable[[int], str]]] = {
    "loads": ("a.py", _body(IMPORTS, LOAD.replace("a/b", "a/b@"))),
    "loads of names": ("a.py", _body(IMPORTS, "m@" + LOAD[1:])),
    "configs and loads": (
        "a.py",
        _body(
            IMPORTS,
            "q@ = BitsAndBytesConfig(load_in_8bit=True)\nm@ = AutoModelForCausalLM.from_pretrained("
            "'x@', quantization_config=q@, torch_dtype=torch.float16)\nm@.eval()\n",
        ),
    ),
    "generate calls": ("a.py", _body(MODEL, _GENERATE)),
    "loops of generate": (
        "a.py",
        _body(MODEL, "for p in ps@:\n    m.generate(p, max_new_tokens=9)\n"),
    ),
    "one loop of many": (
        "a.py",
        _body(MODEL + "for p in ps:\n", "    m.generate(p, max_new_tokens=@)\n"),
    ),
    "chat loop": (
        "a.py",
        _body(
            MODEL + "h = []\nwhile True:\n    h.append(input())\n",
            "    a@ = m.generate(h, max_new_tokens=9)\n    h.append(a@)\n",
        ),
    ),
    "loop of a chain": (
        "a.py",
        _body(
            MODEL + "for p in ps:\n    x = x0 = p\n",
            "    x@1 = f(x@, x)\n    x = m.generate(x@1)\n",
        ),
    ),
    "web handlers": (
        "a.py",
        _body(
            MODEL + "from fastapi import FastAPI\napp = FastAPI()\n",
            "@app.post('/g@')\ndef g@(x: str):\n    return m.generate(x)\n\n".replace(
                "@app", "#app"
            ),
        ),
    ),
    "handlers by name": (
        "a.py",
        _body(
            MODEL,
            "def g@(x):\n    return m.generate(x)\n\napp.add_route('/g@', g@)\n",
        ),
    ),
    "one long line": ("a.py", lambda count: MODEL + "x = 'é'" + _lines("; m.generate(@)", count)),
    "pipelines": (
        "a.py",
        _body(IMPORTS, "p@ = pipeline('text-generation', model='m@')\nfor x in xs: p@(x)\n"),
    ),
    "elif chain": ("a.py", elif_chain),
    "branches on one name": (
        "a.py",
        _body(MODEL, "if mode == @:\n    m = AutoModelForCausalLM.from_pretrained('m@')\n"),
    ),
    "branches on many names": (
        "a.py",
        _body(MODEL, "if c@:\n    m = m.eval()\n    x = @\nelse:\n    x = [x]\n"),
    ),
    "alternatives used": (
        "a.py",
        _body(MODEL, "if c@:\n    m = f(m)\nm.generate(x, max_new_tokens=@)\n"),
    ),
    "deep blocks": ("a.py", nested),
    "deep calls": ("a.py", nested_calls),
    "one function": ("a.py", one_function),
    "functions": (
        "a.py",
        _body(MODEL, "def f@(x):\n    m.eval()\n    return m.generate(x, max_new_tokens=@)\n\n"),
    ),
    "functions that load": (
        "a.py",
        _body(
            IMPORTS, "def f@(x, bits=True):\n    " + LOAD + "    return m.generate(x)\n\nf@(1)\n"
        ),
    ),
    "calls of one function": (
        "a.py",
        _body(
            MODEL + "def ask(m, q):\n    ids = tok(q)\n    return m.generate(ids)\n\n",
            "ask(m, 'q@')\n",
        ),
    ),
    "functions that call": ("a.py", functions_that_call),
    "functions that call twice": ("a.py", functions_that_call_twice),
    "classes": (
        "a.py",
        _body(
            IMPORTS,
            "class C@:\n    def __init__(self, path):\n        self."
            + LOAD.replace('"a/b-7b"', "path")
            + "    def go(self, x):\n        return self.m.generate(x)\n\n"
            + "c@ = C@('p@')\nc@.go(1)\n\n",
        ),
    ),
    "methods of one class": (
        "a.py",
        _body(
            IMPORTS + "class C:\n    def __init__(self, p):\n        self." + LOAD + "\n",
            "    def go@(self, x):\n        self.v@ = x\n"
            "        return self.m.generate(self.v@)\n\n",
        ),
    ),
    "classes that inherit": ("a.py", classes_that_inherit),
    "table": ("a.py", table),
    "list of prompts": ("a.py", long_list),
    "chain of assignments": ("a.py", _body(MODEL + "x0 = m\n", "x@1 = x@\nx = x@1\n")),
    "chain of wrappers": ("a.py", _body(MODEL, "m = torch.compile(m)\n")),
    "chain of methods": ("a.py", _body(MODEL, "m = m.to('cuda').eval()\n")),
    "growing list": ("a.py", _body(MODEL + "xs = []\n", "xs.append('p@')\n")),
    "growing text": ("a.py", _body(MODEL + "s = ''\n", "s += 'p@ and more'\n")),
    "sum of lists": ("a.py", _body(MODEL + "xs = []\n", "xs = xs + ['p@']\nm.generate(xs)\n")),
    "dict by keys": ("a.py", _body(MODEL + "d = {}\n", "d['k@'] = 'v@'\n")),
    "options by keys": (
        "a.py",
        _body(
            MODEL + "d = {}\n",
            "d['k@'] = @\nm@ = AutoModelForCausalLM.from_pretrained('x', **d)\n",
        ),
    ),
    "attributes": ("a.py", _body(MODEL + "c = m.generation_config\n", "c.k@ = @\nm.generate(c)\n")),
    "sums": ("a.py", chained_operations),
    "conditional values": (
        "a.py",
        _body(MODEL, "x = @ if c@ else x\nm.generate(x, use_cache=c@)\n"),
    ),
    "try blocks": (
        "a.py",
        _body(MODEL, "try:\n    m.generate(@)\nexcept E@:\n    m = None\n"),
    ),
    "with blocks": ("a.py", _body(MODEL, "with torch.no_grad():\n    y = m.generate(@)\n")),
    "imports": ("a.py", _body(MODEL, "from pkg.mod@ import name@\nimport other.mod@ as o@\n")),
    "commands in lists": (
        "a.py",
        _body(
            "import subprocess\n",
            "c = ['vllm', 'serve', 'm@', '--enforce-eager']\nsubprocess.run(c)\n",
        ),
    ),
    "command that grows": (
        "a.py",
        _body(
            "import subprocess\nc = ['vllm', 'serve', 'm', '--enforce-eager']\n",
            "if a@:\n    c += ['--f@', str(@)]\nc.append('--g@')\n",
        ),
    ),
    "engines": (
        "a.py",
        _body(
            "from vllm import LLM, SamplingParams\n",
            "l@ = LLM(model='m@', enforce_eager=True)\nfor x in xs:\n"
            "    l@.generate(x, SamplingParams(n=1))\n",
        ),
    ),
    "notebook": ("a.ipynb", notebook),
    "notebook with magics": ("a.ipynb", notebook_with_magics),
}
