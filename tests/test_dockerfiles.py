"""What Dockerfiles install and their containers start."""

from __future__ import annotations

import pytest

from ecocompute_lint.audit import audit_text
from ecocompute_lint.findings import Level
from ecocompute_lint.repairs import fix_text


def seen(text: str) -> list[tuple[str, int, str]]:
    report = audit_text(text, path="Dockerfile")
    assert report.problem is None
    return [
        (item.code, item.place.line, item.confidence.name.lower())
        for item in report.findings
        if item.level > Level.GREEN
    ]


TGI = "FROM ghcr.io/huggingface/text-generation-inference:2.4\n"
VLLM = "FROM vllm/vllm-openai:v0.9.0\n"


@pytest.mark.parametrize(
    ("text", "line", "confidence"),
    [
        ('FROM a\nCMD ["vllm", "serve", "m", "--enforce-eager"]\n', 2, "certain"),
        ('FROM a\nCMD ["vllm", "serve", \\\n  "m", \\\n  "--enforce-eager"]\n', 4, "certain"),
        ("FROM a\nCMD vllm serve m --enforce-eager\n", 2, "certain"),
        ("FROM a\nCMD vllm serve m \\\n# why\n  --enforce-eager\n", 4, "certain"),
        ("from a\r\ncmd vllm serve m \\\r\n  --enforce-eager\r\n", 3, "certain"),
        ('FROM a\nENTRYPOINT ["vllm"]\nCMD ["serve", "m", "--enforce-eager"]\n', 3, "certain"),
        ('FROM a\nENTRYPOINT ["vllm", "serve"]\nCMD ["m", "--enforce-eager"]\n', 3, "certain"),
        ('FROM a\nCMD ["bash", "-c", "cd /a && vllm serve m --enforce-eager"]\n', 2, "certain"),
        ('FROM a\nCMD ["sh", "-c", "vllm serve \\"m\\" --enforce-eager"]\n', 2, "certain"),
        (VLLM + 'CMD ["--model", "m", "--enforce-eager"]\n', 2, "certain"),
        ('ARG V=v0.9\nFROM vllm/vllm-openai:${V}\nCMD ["--enforce-eager"]\n', 3, "certain"),
        (VLLM[:-1] + ' AS base\nFROM base\nCMD ["--enforce-eager"]\n', 3, "certain"),
        (
            'FROM a AS base\nENTRYPOINT ["vllm", "serve", "m"]\nFROM base\n'
            'CMD ["--enforce-eager"]\n',
            4,
            "certain",
        ),
        ("FROM a\nENV E=--enforce-eager\nCMD vllm serve m $E\n", 3, "certain"),
        ("FROM a\nENV E --enforce-eager\nCMD vllm serve m ${E}\n", 3, "certain"),
        ("FROM a\nARG E=--enforce-eager\nRUN vllm serve m $E\n", 3, "likely"),
        ("FROM a\nRUN <<EOF\nvllm serve m --enforce-eager\nEOF\n", 3, "certain"),
        ("FROM a\nRUN vllm serve m --enforce-eager & sleep 3\n", 2, "certain"),
    ],
)
def test_what_a_container_starts(text: str, line: int, confidence: str) -> None:
    assert seen(text) == [("ECO306", line, confidence)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (TGI + "ENV QUANTIZE=bitsandbytes MODEL_ID=m\n", 2),
        (TGI + "ENV MODEL_ID=m \\\n    QUANTIZE=bitsandbytes\n", 3),
        (TGI + "ENV QUANTIZE bitsandbytes\n", 2),
        (TGI[:-1] + " as a\nENV QUANTIZE=bitsandbytes\nFROM a\nRUN ls\n", 2),
        (TGI + "ENV Q=bitsandbytes\nENV QUANTIZE=$Q\n", 3),
    ],
)
def test_variables_of_an_image(text: str, line: int) -> None:
    assert [(code, at) for code, at, _ in seen(text)] == [("ECO101", line)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FROM a\nRUN pip install torch==2.9.0.dev20250801\n", 2),
        ("FROM a\nRUN --mount=type=cache,target=/c pip install torch==2.9.0.dev20250801\n", 2),
        ("FROM a\nRUN a && \\\n    # why\n    pip install \\\n    torch==2.9.0.dev20250801\n", 5),
        ("FROM a\nRUN <<EOF\nset -e\npip install torch==2.9.0.dev20250801\nEOF\n", 4),
        ("FROM a\nRUN <<EOF bash\npip install torch==2.9.0.dev20250801\nEOF\n", 3),
        ('FROM a\nRUN ["pip", "install", "torch==2.9.0.dev20250801"]\n', 2),
        ("FROM a\nONBUILD RUN pip install torch==2.9.0.dev20250801\n", 2),
    ],
)
def test_installs(text: str, line: int) -> None:
    assert [(code, at) for code, at, _ in seen(text)] == [("ECO501", line)]


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\n# CMD vllm serve m --enforce-eager\n",
        "FROM a\nRUN echo vllm serve m --enforce-eager\n",
        'FROM a\nLABEL a="vllm serve m --enforce-eager"\n',
        'FROM a\nCMD ["vllm", "serve", "m", "--enforce-eager"]\nCMD ["bash"]\n',
        'FROM vllm/vllm-openai AS a\nENTRYPOINT ["bash"]\nCMD ["--enforce-eager"]\n',
        TGI + "ENV QUANTIZE=bitsandbytes\nENV QUANTIZE=eetq\n",
        "FROM a\nARG Q\nCMD text-generation-launcher --model-id m --quantize $Q\n",
        "FROM a\nENV QUANTIZE=bitsandbytes\n",
    ],
)
def test_no_alarm(text: str) -> None:
    assert seen(text) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('CMD ["vllm", "serve", "m", "--enforce-eager"]', 'CMD ["vllm", "serve", "m"]'),
        ('CMD ["vllm", "serve", "--enforce-eager", "m"]', 'CMD ["vllm", "serve", "m"]'),
        (
            'CMD ["vllm", "serve", "m", \\\n     "--enforce-eager", \\\n     "--a"]',
            'CMD ["vllm", "serve", "m", \\\n     "--a"]',
        ),
        (
            'CMD ["vllm", "serve", "m", \\\n     "--enforce-eager"]',
            'CMD ["vllm", "serve", "m"]',
        ),
        (
            'ENTRYPOINT ["vllm", "serve"]\nCMD ["--enforce-eager"]',
            'ENTRYPOINT ["vllm", "serve"]\nCMD []',
        ),
        ("CMD vllm serve m --enforce-eager", "CMD vllm serve m"),
        ("CMD vllm serve m \\\n    --enforce-eager \\\n    --a", "CMD vllm serve m \\\n    --a"),
        ("CMD vllm serve m \\\n    --a \\\n    --enforce-eager", "CMD vllm serve m \\\n    --a"),
        (
            'CMD ["vllm", "serve", "m", "--dtype", "float32"]',
            'CMD ["vllm", "serve", "m", "--dtype", "auto"]',
        ),
        ('CMD ["vllm", "serve", "m", "--dtype=float32"]', None),
        ('CMD ["sh", "-c", "vllm serve m --enforce-eager"]', 'CMD ["sh", "-c", "vllm serve m"]'),
        (
            "RUN a && \\\n    vllm serve m --enforce-eager && \\\n    b",
            "RUN a && \\\n    vllm serve m && \\\n    b",
        ),
    ],
)
def test_fixes(before: str, after: str | None) -> None:
    text, wanted = f"FROM a\n{before}\n", f"FROM a\n{before if after is None else after}\n"
    assert fix_text(text, path="Dockerfile").text == wanted
    assert after is None or seen(wanted) == []
    assert fix_text(wanted, path="Dockerfile").text == wanted
