"""Generated Python files: inference code of every rule, in any layout and encoding."""

from __future__ import annotations

import ast
import io
import keyword
import re
import textwrap
import tokenize
import warnings
from dataclasses import dataclass

from fixture_files import FIXTURES
from hypothesis import strategies as st
from inference_code import programs

BAD = sorted(p for p in FIXTURES.glob("ECO*/bad_*.py") if ".fixed." not in p.name)
PIECES = [text for text in (path.read_bytes().decode() for path in BAD) if len(text) < 2_500]
AROUND = (
    "{0}", "{0}", "{0}",
    "def part(path, flag=True, *rest, **kwargs):\n{1}\n    return locals()",
    "async def part(path, /, *, flag: bool = False):\n{1}",
    "class Part:\n    path = None\n    def run(self, flag):\n{2}\n        return self",
    "with open('x') as file, file:\n{1}",
    "try:\n{1}\nexcept (OSError, ValueError) as error:\n    raise\nelse:\n    pass",
    "match __name__:\n    case 'x' | 'y':\n{2}\n    case _:\n        pass",
    "if __name__ == '__main__':\n{1}",
    "while True:\n{1}\n    break",
    "@decorated(by='this')\ndef part():\n{1}",
)  # fmt: skip
EXTRA = (
    "kwargs = {'load_in_8bit': True}\nkwargs |= {'device_map': 'auto'}\n"
    "from transformers import AutoModelForCausalLM as Auto\n"
    "model = Auto.from_pretrained('org/x-7b', **kwargs)\n",
    "import transformers as t, torch as th\nq = t.BitsAndBytesConfig(True)\n"
    "m = t.AutoModel.from_pretrained('org/x-7b', quantization_config=q, torch_dtype=th.float16)\n",
    "from transformers import BitsAndBytesConfig as B\n"
    "Q = lambda: B(load_in_4bit=True)\nx = [B(load_in_8bit=n) for n in (True, False)]\n",
    "from functools import partial\nfrom transformers import BitsAndBytesConfig\n"
    "make = partial(BitsAndBytesConfig, load_in_8bit=True)\nconfig = make()\n",
    "from vllm import LLM\nwith LLM(model='org/x-7b', enforce_eager=True) as llm:\n"
    "    for prompt in ['a', 'b']:\n        llm.generate(prompt)\n",
    "import subprocess\nsubprocess.run(['vllm', 'serve', 'org/x-7b', '--enforce-eager'])\n",
    "import os\nos.system('vllm serve org/x-7b --enforce-eager --port 80')\n",
)  # fmt: skip
NAMES = ("model", "config", "path", "flag", "options", "kwargs", "tokenizer", "inputs", "prompt")
GAPS = ("", " ", "  ", "\t", " \\\n    ", "\f", "\n", "\n  ", "  # c é\n ", "\n\n# own\n\t")
ABOVE = (
    "\n",
    "# own\n",
    "# é 🚀 load_in_8bit\n",
    "\f\n",
    "   \n",
    "\t# tabbed\n",
    "pass\n",
    "é = 1\n",
)


@dataclass(frozen=True)
class Written:
    """A file: its text, and the bytes that an editor wrote."""

    text: str
    data: bytes


@st.composite
def modules(draw: st.DrawFn) -> str:
    """A module that parses, with line feeds."""
    if draw(st.integers(0, 2)) == 0:
        return draw(programs()).replace("\r\n", "\n")
    parts = draw(st.lists(st.sampled_from([*PIECES, *EXTRA]), min_size=1, max_size=3))
    text = ""
    for part in parts:
        around = draw(st.sampled_from(AROUND))
        indented = [textwrap.indent(part.rstrip("\n"), " " * 4 * depth) for depth in range(3)]
        for more in (around.format(*indented), part):
            longer = f"{text}\n{more}\n" if text else f"{more}\n"
            if parses(longer):
                text = longer
                break
    return text


def parses(text: str) -> bool:
    """Whether Python reads it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text.replace("\r\n", "\n").replace("\r", "\n"))
    except (SyntaxError, ValueError):
        return False
    return True


@st.composite
def layouts(draw: st.DrawFn, base: st.SearchStrategy[str] | None = None) -> str:
    """A module in whatever layout Python takes, with line feeds."""
    text = draw(base if base is not None else modules())
    changes = draw(st.lists(st.sampled_from(list(CHANGES)), max_size=4))
    for name in changes:
        changed = CHANGES[name](draw, text)
        if parses(changed) and tokens_of(changed):  # Python's own tokenizer stumbles over some
            text = changed
    return text


@st.composite
def files(draw: st.DrawFn, base: st.SearchStrategy[str] | None = None) -> Written:
    """A module as an editor may have written it."""
    text = draw(layouts(base))
    if draw(st.integers(0, 4)) == 0:
        text = text.rstrip("\n")
    cookie = draw(st.sampled_from(["", "", "", "latin-1", "utf-8", "cp1252", "iso-8859-15"]))
    if cookie and not re.match(r"(?:.*\n)?.*coding[:=]", text) and not text.startswith("\f"):
        text = f"# -*- coding: {cookie} -*-\n{text}"
    else:
        cookie = ""
    ends = draw(st.sampled_from(["\n", "\n", "\r\n", "\r", "mixed"]))
    text = mixed(draw, text) if ends == "mixed" else text.replace("\n", ends)
    bom = cookie in ("", "utf-8") and draw(st.integers(0, 4)) == 0
    try:
        data = text.encode(cookie or "utf-8")
    except UnicodeEncodeError:  # the editor asks, and UTF-8 is the answer
        text = text.replace(cookie, "utf-8", 1)
        data = text.encode()
    return Written(text, b"\xef\xbb\xbf" * bom + data)


def mixed(draw: st.DrawFn, text: str) -> str:
    """A text whose lines end in different ways."""
    crlf = draw(st.sets(st.integers(0, 40), max_size=5))
    lines = text.split("\n")
    parts = [line + ("\r\n" if number in crlf else "\n") for number, line in enumerate(lines[:-1])]
    return "".join([*parts, lines[-1]])


# -- changes of layout; one that breaks the module is dropped


def tokens_of(text: str) -> list[tokenize.TokenInfo]:
    """The tokens, as far as there are any."""
    try:
        return list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return []


def starts(text: str) -> list[int]:
    """The offsets of the lines, as the tokenizer counts them."""
    found = [0]
    for line in io.StringIO(text, newline="\n"):
        found.append(found[-1] + len(line))
    return found


def _gaps(draw: st.DrawFn, text: str) -> str:
    """Other white space between tokens."""
    tokens = tokens_of(text)
    at = draw(st.lists(st.tuples(st.integers(0, max(0, len(tokens) - 2)), st.sampled_from(GAPS)),
                       max_size=5, unique_by=lambda one: one[0]))  # fmt: skip
    lines = starts(text)
    for number, gap in sorted(at, reverse=True):
        if number + 1 >= len(tokens):
            continue
        first, second = tokens[number], tokens[number + 1]
        start = lines[first.end[0] - 1] + first.end[1]
        end = lines[min(second.start[0], len(lines)) - 1] + second.start[1]
        if text[start:end].strip() or second.type in (tokenize.NEWLINE, tokenize.INDENT):
            continue
        changed = text[:start] + gap + text[end:]
        text = changed if parses(changed) else text
    return text


def _above(draw: st.DrawFn, text: str) -> str:
    """Lines above others."""
    lines = text.split("\n")
    for number in sorted(draw(st.sets(st.integers(0, len(lines) - 1), max_size=3)), reverse=True):
        more = [*lines[:number], draw(st.sampled_from(ABOVE))[:-1], *lines[number:]]
        lines = more if parses("\n".join(more)) else lines
    return "\n".join(lines)


def _indents(draw: st.DrawFn, text: str) -> str:
    """Another indentation."""
    unit = draw(st.sampled_from(["\t", " ", "  ", "        "]))

    def other(match: re.Match[str]) -> str:
        return unit * (len(match[0]) // 4)

    return re.sub(r"^(?:    )+", other, text, flags=re.MULTILINE)


def _semicolons(draw: st.DrawFn, text: str) -> str:
    """Several statements on one line."""
    simple = (ast.Assign, ast.Expr, ast.Return, ast.Import, ast.ImportFrom, ast.AugAssign)
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, simple)]
    if not nodes:
        return text
    node = draw(st.sampled_from(nodes))
    lines = text.split("\n")
    if len(lines) < (node.end_lineno or 0):
        return text
    line = lines[node.lineno - 1].encode()
    at = node.col_offset
    lines[node.lineno - 1] = (line[:at] + b"pass; " + line[at:]).decode()
    if draw(st.booleans()):
        end = (node.end_lineno or 1) - 1
        shift = 6 if end == node.lineno - 1 else 0
        line = lines[end].encode()
        at = (node.end_col_offset or 0) + shift
        lines[end] = (line[:at] + b"; " + line[at:]).decode()
    return "\n".join(lines)


def _names(draw: st.DrawFn, text: str) -> str:
    """Names beyond ASCII."""
    name = draw(st.sampled_from(NAMES))
    other = draw(st.sampled_from([name[0] + "é" + name[1:], "模型", "ﬁ" + name, "𝐦" + name, "ÿ_"]))
    assert other.isidentifier()
    assert not keyword.iskeyword(other)
    return re.sub(rf"(?<![\w'\"])\b{name}\b(?!\s*=[^=]|['\"])", other, text)


def _aliases(draw: st.DrawFn, text: str) -> str:
    """Another name for an import."""
    found = re.search(r"^from (\S+) import (\w+)$", text, re.MULTILINE)
    if not found:
        return text
    name = found[2]
    text = text[: found.end()] + f" as {name[0]}_" + re.sub(rf"\b{name}\b", f"{name[0]}_",
                                                              text[found.end() :])  # fmt: skip
    return text


CHANGES = {
    "gaps": _gaps,
    "more gaps": _gaps,
    "above": _above,
    "indents": _indents,
    "semicolons": _semicolons,
    "names": _names,
    "aliases": _aliases,
}
