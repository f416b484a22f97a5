"""What units of systemd, Procfiles and batch files start."""

from __future__ import annotations

import pytest

from ecocompute_lint.audit import audit_text
from ecocompute_lint.findings import Level
from ecocompute_lint.repairs import fix_text


def seen(text: str, path: str) -> list[tuple[str, int]]:
    report = audit_text(text, path=path)
    assert report.problem is None
    return [(item.code, item.place.line) for item in report.findings if item.level > Level.GREEN]


UNIT = "[Unit]\nDescription=vllm --enforce-eager\n\n[Service]\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (UNIT + "ExecStart=/opt/bin/vllm serve m --enforce-eager\n", [("ECO306", 5)]),
        (UNIT + "ExecStart=vllm serve m \\\n  --enforce-eager \\\n  --a\n", [("ECO306", 6)]),
        (UNIT + "ExecStart=vllm serve m \\\r\n  --enforce-eager\r\n", [("ECO306", 6)]),
        (UNIT + "ExecStart=-/bin/bash -c 'vllm serve m --enforce-eager'\n", [("ECO306", 5)]),
        (
            UNIT + 'Environment=ARGS=--enforce-eager "B=c d"\nExecStart=vllm serve m $ARGS\n',
            [("ECO306", 6)],
        ),
        (
            UNIT + "Environment=QUANTIZE=bitsandbytes\n"
            "ExecStart=/usr/bin/text-generation-launcher --model-id m\n",
            [("ECO101", 5)],
        ),
        (
            UNIT + "ExecStart=\nExecStart=/usr/bin/docker run vllm/vllm-openai --enforce-eager\n",
            [("ECO306", 6)],
        ),
        (UNIT + "# ExecStart=vllm serve m --enforce-eager\n", []),
        (UNIT + "; ExecStart=vllm serve m --enforce-eager\n", []),
        (UNIT + "ExecStart=vllm serve m\nExecStop=/bin/kill vllm --enforce-eager\n", []),
    ],
)
def test_units(text: str, expected: list[tuple[str, int]]) -> None:
    assert seen(text, "a.service") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web: vllm serve m --enforce-eager\n", [("ECO306", 1)]),
        ("a: b\nweb: cd x && vllm serve m --enforce-eager --port $PORT\n", [("ECO306", 2)]),
        ("# web: vllm serve m --enforce-eager\n", []),
        ("vllm serve m --enforce-eager\n", []),
    ],
)
def test_procfiles(text: str, expected: list[tuple[str, int]]) -> None:
    assert seen(text, "Procfile") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@echo off\r\nvllm serve m --enforce-eager\r\n", [("ECO306", 2)]),
        ("vllm serve m ^\r\n  --enforce-eager ^\r\n  --a\r\n", [("ECO306", 2)]),
        ("set ARGS=--enforce-eager\r\nvllm serve m %ARGS%\r\n", [("ECO306", 2)]),
        ('set "ARGS=--enforce-eager"\r\ncall vllm serve m %args%\r\n', [("ECO306", 2)]),
        ("@vllm serve m --enforce-eager & pause\n", [("ECO306", 1)]),
        ("python server.py --load-in-8bit\n", [("ECO101", 1)]),
        ("pip install torch==2.9.0.dev20250801\n", [("ECO501", 1)]),
        ("REM vllm serve m --enforce-eager\n", []),
        (":: vllm serve m --enforce-eager\n", []),
        ("echo vllm serve m --enforce-eager\n", []),
        ("vllm serve m %*\n", []),
        ("set A=--enforce-eager\nset A=%1\nvllm serve m %A%\n", []),
    ],
)
def test_batch_files(text: str, expected: list[tuple[str, int]]) -> None:
    assert seen(text, "a.bat") == expected


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        (
            "a.service",
            "ExecStart=vllm serve m \\\n  --a \\\n  --enforce-eager\n\n[Install]\n",
            "ExecStart=vllm serve m \\\n  --a\n\n[Install]\n",
        ),
        ("a.service", "ExecStart=vllm serve m --enforce-eager\n", "ExecStart=vllm serve m\n"),
        ("Procfile", "web: vllm serve m --enforce-eager --a", "web: vllm serve m --a"),
        ("a.bat", "vllm serve m --enforce-eager --a\r\n", "vllm serve m --a\r\n"),
        (
            "a.bat",
            "vllm serve m ^\r\n  --enforce-eager ^\r\n  --a\r\n",
            "vllm serve m ^\r\n  --a\r\n",
        ),
        (
            "a.bat",
            "vllm serve m ^\r\n  --a ^\r\n  --enforce-eager\r\n",
            "vllm serve m ^\r\n  --a\r\n",
        ),
    ],
)
def test_fixes(path: str, before: str, after: str) -> None:
    assert fix_text(before, path=path).text == after
    assert seen(after, path) == []
    assert fix_text(after, path=path).text == after
