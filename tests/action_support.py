"""A small runner for `action.yml`: what GitHub's does, as far as this action uses it.

Steps that run a shell are run for real, with the files of the runner's environment; steps that use
another action are recorded with what they would be given.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from conftest import GIT, ROOT, execute

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
BASH = shutil.which("bash") or "bash"
_TOKEN = re.compile(r"'[^']*'|&&|\|\||==|!=|[a-z][\w-]*(?:\.[\w-]+)*|\S")
_PYTHON = {"&&": "and", "||": "or", "==": "==", "!=": "!="}


def copy_of_the_project(directory: Path) -> Path:
    """What a checkout of this project has, without its tests."""
    listed = execute(
        [GIT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], ROOT
    ).stdout.split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "fixtures/", "benchmarks/")):
            target = directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    return directory


@dataclass
class Outcome:
    """How a run of the action ended."""

    status: int = 0
    log: str = ""
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    used: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def commands(self) -> list[str]:
        """The workflow commands that the runner would hear."""
        heard, stopped = [], ""
        for line in self.log.splitlines():
            text = line.strip()
            if stopped:
                stopped = "" if text == f"::{stopped}::" else stopped
            elif text.startswith("::stop-commands::"):
                stopped = text.removeprefix("::stop-commands::")
                assert len(stopped) >= 32
            elif text.startswith("::") or "##[" in text:
                heard.append(text)
        return heard


class Runner:
    """Runs the action in a workspace."""

    def __init__(self, checkout: Path, workspace: Path, temporary: Path, python: str) -> None:
        """`python`: the one of an installation that stands in for the step that installs."""
        self.checkout, self.workspace, self.temporary = checkout, workspace, temporary
        self.python = python
        temporary.mkdir(parents=True, exist_ok=True)

    def __call__(
        self,
        event: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        **inputs: str,
    ) -> Outcome:
        """Run it; `inputs` are written with underscores."""
        context = {"inputs": self._inputs(inputs), "github": {"event": event or {}}, "steps": {}}
        context["github"]["token"] = "the-token"
        outcome = Outcome()
        for step in ACTION["runs"]["steps"]:
            if "if" in step and not evaluate(step["if"], context):
                continue
            if "uses" in step:
                outcome.used[step["uses"].split("@")[0]] = {
                    key: expand(value, context) for key, value in step.get("with", {}).items()
                }
                continue
            made = self._step(step, context, env or {}, outcome)
            context["steps"][step.get("id", "")] = {"outputs": made}
            if outcome.status:
                break
        for name, output in ACTION["outputs"].items():
            outcome.outputs[name] = expand(output["value"], context)
        return outcome

    def _inputs(self, given: Mapping[str, str]) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in given.items()}
        assert set(named) <= set(ACTION["inputs"])
        defaults = {name: about["default"] for name, about in ACTION["inputs"].items()}
        return {**defaults, "token": "the-token", **named}

    def _step(
        self, step: Mapping[str, Any], context: Any, env: Mapping[str, str], outcome: Outcome
    ) -> dict[str, str]:
        if step.get("id") == "install" and self.python:
            return {"python": self.python}
        files = {name: self.temporary / name.lower() for name in ("OUTPUT", "STEP_SUMMARY")}
        for path in files.values():
            path.write_bytes(b"")
        own = {key: expand(value, context) for key, value in step.get("env", {}).items()}
        assert step["shell"] == "bash"
        script = self.temporary / "step.sh"
        script.write_text(step["run"], encoding="utf-8")
        done = execute(
            [BASH, "--noprofile", "--norc", "-e", "-o", "pipefail", script],
            self.workspace,
            env={
                "CI": "true",
                "GITHUB_ACTIONS": "true",
                "GITHUB_ACTION_PATH": str(self.checkout),
                "GITHUB_WORKSPACE": str(self.workspace),
                "GITHUB_SERVER_URL": "http://github.localhost",
                "GITHUB_REPOSITORY": "org/project",
                "GITHUB_RUN_ID": "17",
                "RUNNER_TEMP": str(self.temporary),
                **{f"GITHUB_{name}": str(path) for name, path in files.items()},
                **env,
                **own,
            },
        )
        outcome.status = done.status
        outcome.log += done.stdout + done.stderr
        outcome.summary += files["STEP_SUMMARY"].read_text(encoding="utf-8")
        written = files["OUTPUT"].read_text(encoding="utf-8")
        return dict(line.split("=", 1) for line in written.splitlines())


def expand(text: str, context: Any) -> str:
    """A text with its expressions."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda match: str(evaluate(match[1], context)), str(text))


def evaluate(expression: str, context: Any) -> Any:
    """What an expression of the kinds that occur here says."""

    def value(name: str) -> Any:
        found: Any = context
        for part in name.split("."):
            found = found.get(part, "") if isinstance(found, Mapping) else ""
        return found

    parts = []
    for token in _TOKEN.findall(expression):
        name = re.fullmatch(r"[a-z][\w.-]*", token)
        parts.append(_PYTHON.get(token) or (f"value({token!r})" if name else token))
    return eval(" ".join(parts), {"value": value})
