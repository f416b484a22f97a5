"""What shell scripts deploy: through the audit, and as repairs leave them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecocompute_lint.audit import audit_text
from ecocompute_lint.config import Settings
from ecocompute_lint.findings import Confidence, Finding, Level
from ecocompute_lint.repairs import fix_text
from ecocompute_lint.sources import kinds

SERVE = "vllm serve m --enforce-eager"
LAUNCH = "text-generation-launcher --model-id m --quantize bitsandbytes"


def found(text: str, path: str = "serve.sh") -> list[Finding]:
    report = audit_text(text, path=path)
    assert report.problem is None
    return [item for item in report.findings if item.level > Level.GREEN]


def seen(text: str, path: str = "serve.sh") -> list[tuple[str, int, str]]:
    return [
        (item.code, item.place.line, item.confidence.name.lower()) for item in found(text, path)
    ]


@pytest.mark.parametrize(
    ("text", "line", "confidence"),
    [
        (SERVE, 1, "certain"),
        ("vllm serve m \\\n  --port 1 \\\n  --enforce-eager\n", 3, "certain"),
        ("vllm serve m \\\r\n  --enforce-eager \\\r\n  --port 1\r\n", 2, "certain"),
        ("exec sudo nohup vllm serve m --enforce-eager > log 2>&1 &\n", 1, "certain"),
        ("env X=y CUDA_VISIBLE_DEVICES=0 vllm serve m --enforce-eager", 1, "certain"),
        ("CUDA_VISIBLE_DEVICES=0 vllm serve m --enforce-eager", 1, "certain"),
        ("cd /srv && source a && vllm serve m --enforce-eager", 1, "certain"),
        ("( cd /srv; vllm serve m --enforce-eager ) &", 1, "certain"),
        ("{ vllm serve m --enforce-eager; }", 1, "certain"),
        ("PID=$(vllm serve m --enforce-eager & echo $!)", 1, "certain"),
        ("bash -c 'vllm serve m --enforce-eager'", 1, "certain"),
        ('bash -lc "cd /srv && vllm serve m --enforce-eager"', 1, "certain"),
        ("ssh host 'vllm serve m \\\n  --enforce-eager'\n", 2, "certain"),
        ("ssh host vllm serve m --enforce-eager", 1, "certain"),
        ("ssh host <<EOF\nvllm serve m --enforce-eager\nEOF\n", 2, "certain"),
        ("bash <<'EOF'\nvllm serve m --enforce-eager\nEOF\n", 2, "certain"),
        ('tmux new-session -d -s a "vllm serve m --enforce-eager"', 1, "certain"),
        ("tmux send-keys -t a 'vllm serve m --enforce-eager' C-m", 1, "certain"),
        ('CMD="vllm serve m --enforce-eager"\neval "$CMD"\n', 1, "certain"),
        ('CMD="vllm serve m --enforce-eager"\n$CMD\n', 1, "certain"),
        ('ARGS="--port 1 --enforce-eager"\nvllm serve m $ARGS\n', 1, "certain"),
        ('ARGS="--port 1"\nARGS="$ARGS --enforce-eager"\nvllm serve m $ARGS\n', 2, "certain"),
        ('ARGS="--port 1"\nARGS+=" --enforce-eager"\nvllm serve m $ARGS\n', 2, "certain"),
        ('ARGS="--port $1 --enforce-eager"\nvllm serve m $ARGS\n', 1, "certain"),
        ('A=(--port 1\n  --enforce-eager\n)\nvllm serve m "${A[@]}"\n', 2, "certain"),
        ('A=()\nA+=(--enforce-eager)\nvllm serve m "${A[@]}"\n', 2, "certain"),
        ('CMD=(vllm serve m)\nCMD+=(--enforce-eager)\n"${CMD[@]}"\n', 2, "certain"),
        ("vllm serve m ${ARGS:---enforce-eager}\n", 1, "likely"),
        ("ARGS=${ARGS:---enforce-eager}\nvllm serve m $ARGS\n", 1, "likely"),
        (': "${ARGS:=--enforce-eager}"\nvllm serve m $ARGS\n', 1, "likely"),
        ("vllm serve m $1 ${2:---enforce-eager}\n", 1, "likely"),
        (
            'if [ -z "$ARGS" ]; then\n  ARGS="--enforce-eager"\nfi\nvllm serve m $ARGS\n',
            2,
            "likely",
        ),
        ('[ -z "$ARGS" ] && ARGS="--enforce-eager"\nvllm serve m $ARGS\n', 1, "likely"),
        ("for p in 1 2; do\n  vllm serve m --enforce-eager --port $p\ndone\n", 2, "certain"),
        ("while true; do\n  vllm serve m --enforce-eager\ndone\n", 2, "certain"),
        ("serve() {\n  vllm serve m --enforce-eager\n}\nserve\n", 2, "certain"),
        ("function serve {\n  vllm serve m --enforce-eager\n}\nserve\n", 2, "certain"),
        ("VLLM=/opt/bin/vllm\n$VLLM serve m --enforce-eager\n", 2, "certain"),
        ("python -m vllm.entrypoints.openai.api_server --model m --enforce-eager\n", 1, "certain"),
        ("docker run --rm -p 1:1 vllm/vllm-openai:v0.9 --model m --enforce-eager", 1, "certain"),
        (
            "docker run -it --gpus all -v a:b img bash -c 'vllm serve m --enforce-eager'",
            1,
            "certain",
        ),
        ("cat > run.sh <<EOF\nvllm serve m --enforce-eager\nEOF\n", 2, "certain"),
        (
            "cat <<'EOF' > docker-compose.yml\nservices:\n  a:\n    image: vllm/vllm-openai\n"
            "    command: --model m --enforce-eager\nEOF\n",
            5,
            "certain",
        ),
    ],
)
def test_a_launch_is_found_where_its_flag_stands(text: str, line: int, confidence: str) -> None:
    assert seen(text) == [("ECO306", line, confidence)]


@pytest.mark.parametrize(
    "text",
    [
        'if [ "$1" = fast ]; then\n  {}\nfi\n',
        "case $1 in\n  a) {} ;;\n  *) other ;;\nesac\n",
        'if [ "$1" ]; then\n  other\nelse\n  {}\nfi\n',
        'if [ "$1" ]; then\n  other\nelif [ "$2" ]; then\n  {}\nfi\n',
        'if [ -n "$CPU" ]; then\n  if [ "$1" ]; then\n    {}\n  fi\nfi\n',
        '[ "$DEBUG" = 1 ] && {}\n',
        '[ "$DEBUG" = 1 ] || {}\n',
        "[[ $DEBUG && $EAGER ]] && {}\n",
        "((EAGER)) && {}\n",
        '"$EAGER" && {}\n',
        "serve() {{\n  {}\n}}\n",
        'serve() {{\n  {}\n}}\n[ "$1" ] && serve\n',
    ],
)
def test_what_the_caller_decides_is_only_possible(text: str) -> None:
    possible = Settings(min_confidence=Confidence.POSSIBLE)
    assert seen(text.format(LAUNCH)) == []
    report = audit_text(text.format(LAUNCH), path="serve.sh", settings=possible)
    assert [item.confidence for item in report.findings if item.code == "ECO101"] == [
        Confidence.POSSIBLE
    ]


@pytest.mark.parametrize(
    "text",
    [
        "if nvidia-smi; then\n  {}\nfi\n",
        "if ! command -v x > /dev/null; then\n  other\nelse\n  {}\nfi\n",
        "[ -d /data ] &&\n  {}\n",
        "which x || a && {}\n",
    ],
)
def test_what_the_machine_decides_is_likely(text: str) -> None:
    assert [(code, sure) for code, _, sure in seen(text.format(LAUNCH))] == [("ECO101", "likely")]


@pytest.mark.parametrize(
    "text",
    [
        "# vllm serve m --enforce-eager\n",
        "vllm serve m # --enforce-eager\n",
        "echo vllm serve m --enforce-eager\n",
        'echo "Start it with: vllm serve m --enforce-eager"\n',
        'log_info "Start it with: vllm serve m --enforce-eager"\n',
        "cat <<EOF\nvllm serve m --enforce-eager\nEOF\n",
        "cat > notes.md <<EOF\nvllm serve m --enforce-eager\nEOF\n",
        "usage() {\n  cat <<-EOF\n\tvllm serve m --enforce-eager\n\tEOF\n}\nusage\n",
        ": <<'EOF'\nvllm serve m --enforce-eager\nEOF\n",
        'pkill -f "vllm serve m --enforce-eager"\n',
        "pgrep -f 'vllm serve m --enforce-eager' || vllm serve m\n",
        'ARGS=""\nif [ "$1" ]; then ARGS="--enforce-eager"; fi\nvllm serve m $ARGS\n',
        'ARGS=""\n[ "$1" ] && ARGS="--enforce-eager"\nvllm serve m $ARGS\n',
        'ARGS=()\n[[ $1 == x ]] && ARGS+=(--enforce-eager)\nvllm serve m "${ARGS[@]}"\n',
        'ARGS=()\n((EAGER)) && ARGS+=(--enforce-eager)\nvllm serve m "${ARGS[@]}"\n',
        'A=()\nif [ $1 ]; then A+=(--enforce-eager); fi\nA+=(--port 1)\nvllm serve m "${A[@]}"\n',
        "Q=awq\nif [ $1 ]; then Q=bitsandbytes; fi\n"
        "text-generation-launcher --model-id m --quantize $Q\n",
        "if [ $1 ]; then Q=bitsandbytes; else Q=bitsandbytes-nf4; fi\n"
        "text-generation-launcher --model-id m --quantize $Q\n",
        "case $1 in a) Q=bitsandbytes;; *) Q=eetq;; esac\n"
        "text-generation-launcher --model-id m --quantize $Q\n",
        "for q in bitsandbytes eetq; do\n"
        "  text-generation-launcher --model-id m --quantize $q\ndone\n",
        "n=1\nwhile true; do\n  vllm serve m --max-num-seqs $n\n  n=$((n * 2))\ndone\n",
        "n=1\nfor x in a b; do\n  vllm serve m --max-num-seqs $n\n  n=4\ndone\n",
        "Q=$1\ntext-generation-launcher --model-id m --quantize $Q\n",
        "vllm serve m; other --enforce-eager\n",
        "docker network create vllm --enforce-eager\n",
        "docker compose run vllm --enforce-eager\n",
        "vllm serve m | tee --enforce-eager\n",
        "vllm serve m\n--enforce-eager\n",
        "(( x = 1 << y ))\nvllm serve m\n",
    ],
)
def test_no_alarm(text: str) -> None:
    assert seen(text) == []


def test_text_behind_a_shift_is_read() -> None:
    assert seen("(( x = 1 << 3 ))\nvllm serve m --enforce-eager\n") == [("ECO306", 2, "certain")]


def test_variables_of_a_container() -> None:
    text = (
        "docker run -e QUANTIZE=bitsandbytes \\\n  --env=MODEL_ID=m \\\n"
        "  ghcr.io/huggingface/text-generation-inference:2.4\n"
    )
    (finding,) = found(text)
    assert (finding.code, finding.place.line, finding.model) == ("ECO101", 1, "m")


@pytest.mark.parametrize(
    "text",
    [
        "cat > requirements.txt <<EOF\nnumpy\ntorch==2.9.0.dev20250801\nEOF\n",
        "cat <<'EOF' > a/requirements.txt\nnumpy\ntorch==2.9.0.dev20250801\nEOF\n",
        "tee requirements.txt <<EOF\nnumpy\ntorch==2.9.0.dev20250801\nEOF\n",
        "cd a\n\npip install torch==2.9.0.dev20250801\n",
        "cd a\n\nuv pip install --pre torch --index-url "
        "https://download.pytorch.org/whl/nightly/cu126\n",
        "cat > Dockerfile <<EOF\nFROM a\nRUN pip install torch==2.9.0.dev20250801\nEOF\n",
    ],
)
def test_installs(text: str) -> None:
    assert [(code, line) for code, line, _ in seen(text)] == [("ECO501", 3)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("vllm serve m --enforce-eager\n", "vllm serve m\n"),
        ("vllm serve m --enforce-eager", "vllm serve m"),
        ("vllm serve m --enforce-eager --port 1\n", "vllm serve m --port 1\n"),
        ("vllm serve m \\\n  --enforce-eager \\\n  --port 1\n", "vllm serve m \\\n  --port 1\n"),
        ("vllm serve m \\\n  --port 1 \\\n  --enforce-eager\n", "vllm serve m \\\n  --port 1\n"),
        ("vllm serve m \\\n  --port 1 \\\n  --enforce-eager", "vllm serve m \\\n  --port 1"),
        ("vllm serve m \\\r\n  --a \\\r\n  --enforce-eager\r\n", "vllm serve m \\\r\n  --a\r\n"),
        ("vllm serve m \\\n  --enforce-eager > a &\n", "vllm serve m \\\n  > a &\n"),
        ("vllm serve m --enforce-eager --dtype float32\n", "vllm serve m --dtype auto\n"),
        (
            "vllm serve m \\\n  --dtype float32 \\\n  --enforce-eager \\\n  --a=1\n",
            "vllm serve m \\\n  --dtype auto \\\n  --a=1\n",
        ),
        ("bash -c 'vllm serve m --enforce-eager'\n", "bash -c 'vllm serve m'\n"),
        ('bash -c "a && vllm serve m --enforce-eager --b"\n', 'bash -c "a && vllm serve m --b"\n'),
        ("ssh h 'vllm serve m \\\n  --enforce-eager'\n", "ssh h 'vllm serve m'\n"),
        ("A='--a --enforce-eager'\nvllm serve m $A\n", "A='--a'\nvllm serve m $A\n"),
        ('A="--enforce-eager --a"\nvllm serve m $A\n', 'A="--a"\nvllm serve m $A\n'),
        (
            'A=(\n  --enforce-eager\n  --b\n)\nvllm serve m "${A[@]}"\n',
            'A=(\n  --b\n)\nvllm serve m "${A[@]}"\n',
        ),
        (
            'A=(--b\n  --enforce-eager)\nvllm serve m "${A[@]}"\n',
            'A=(--b)\nvllm serve m "${A[@]}"\n',
        ),
        (
            'A="\n  --a\n  --enforce-eager\n  --b\n"\nvllm serve m $A\n',
            'A="\n  --a\n  --b\n"\nvllm serve m $A\n',
        ),
        (
            "docker run vllm/vllm-openai \\\n  --model m \\\n  --enforce-eager\n",
            "docker run vllm/vllm-openai \\\n  --model m\n",
        ),
        ("Q=bitsandbytes\ntext-generation-launcher --model-id m --quantize $Q\n", None),
        (
            "vllm serve m \\\n  --dtype \\\n  float32 \\\n  --b\n",
            "vllm serve m \\\n  --dtype \\\n  auto \\\n  --b\n",
        ),
        ("vllm serve m --dtype='float32'\n", None),
        ('vllm serve m "--dtype=float32"\n', None),
        ('D="float32"\nvllm serve m --dtype $D\n', None),
        ('D=float32\nvllm serve m --dtype="$D"\n', None),
        ("vllm serve m --dtype ${D:-float32}\n", None),
        ("vllm serve m --enforce-eager $EAGER --port 1\n", None),
        ("vllm serve m --enforce-eager $2\n", None),
        ('vllm serve m --enforce-eager "$@"\n', 'vllm serve m "$@"\n'),
        ("vllm serve m --enforce-eager ${EXTRA_ARGS}\n", "vllm serve m ${EXTRA_ARGS}\n"),
        (
            'A=(--a\n  --enforce-eager  # why\n  --b)\nvllm serve m "${A[@]}"\n',
            'A=(--a\n  --b)\nvllm serve m "${A[@]}"\n',
        ),
        ("vllm serve m --no-enable-prefix-caching\n", "vllm serve m\n"),
        ("lmdeploy serve api_server m --eager-mode", "lmdeploy serve api_server m"),
    ],
)
def test_a_fix_leaves_a_tidy_script(before: str, after: str | None) -> None:
    outcome = fix_text(before, path="serve.sh")
    assert outcome.text == (before if after is None else after)
    assert after is None or found(after) == []
    assert fix_text(outcome.text, path="serve.sh").text == outcome.text


_SEPARATORS = st.sampled_from([" ", "  ", " \\\n  ", " \\\n\t", "\t"])
_WORDS = st.sampled_from(
    ["--a", "--port 1", "'--b c'", '"$@"', "--d=$Y", "--e=${Z:-f g}", "--enforce-eager", "\\$h"]
)
_AROUND = st.sampled_from(
    [
        "{}\n",
        "{}",
        "a && {} &\n",
        "if a; then\n  {}\nfi\n",
        "{} > log 2>&1\n",
        "({})\n",
        "{} # why\n",
    ]
)


@settings(max_examples=200, deadline=None)
@given(
    words=st.lists(st.tuples(_SEPARATORS, _WORDS), max_size=6),
    around=_AROUND,
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_a_fix_leaves_all_other_words(
    words: list[tuple[str, str]], around: str, newline: str
) -> None:
    command = "vllm serve m" + "".join(separator + word for separator, word in words)
    before = around.format(command).replace("\n", newline)
    after = fix_text(before, path="serve.sh").text

    def said(text: str) -> list[str]:
        (service,) = kinds.read("shell", text, "serve.sh").services
        return [word.text for word in service.words]

    left = [word for word in said(before) if word != "--enforce-eager"]
    assert said(after) == left
    assert seen(after) == []
    assert not re.search(r"\\\s*(\r?\n\s*)?$|\\\r?\n[ \t]*\\?\r?\n", after)
