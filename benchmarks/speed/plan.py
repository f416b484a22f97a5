"""Which commands run on which corpus, and how often."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TypeAlias

from speed import corpora
from speed.corpora import Corpora
from speed.measuring import Task
from speed.tools import Tools

Command: TypeAlias = Callable[..., Sequence[str]]


@dataclass
class Group:
    """Commands that are measured in turn and stand in one table."""

    key: str
    title: str
    tasks: list[Task] = field(default_factory=list)
    files: tuple[int, int, int] = (0, 0, 0)
    """Python files, lines and bytes."""


@dataclass(frozen=True)
class Planner:
    """Makes the groups."""

    tools: Tools
    texts: Corpora
    work: Path
    quick: bool = False

    def groups(self) -> list[Group]:
        """All of them, the small ones first."""
        return [
            self._start(),
            self._script(),
            self._few(),
            self._small(),
            self._other(),
            self._tree("relevant", "code that runs language models", self.texts.relevant),
            self._tree(
                "transformers", "the source archive of Transformers", self.texts.transformers
            ),
            *self._growth(),
        ]

    # -- one command

    def _environment(self, cache: str) -> Mapping[str, str]:
        caches = self.work / "caches"
        return {
            "ECOLINT_CACHE_DIR": str(caches / f"ecolint-{cache}"),
            "RUFF_CACHE_DIR": str(caches / f"ruff-{cache}"),
            "PYTHONPATH": "",
            "NO_COLOR": "1",
        }

    def _task(self, name: str, command: Sequence[str], cache: str = "none", **more: object) -> Task:
        environment = self._environment(cache)
        task = Task(name, command, self.work, environment)
        for key, value in more.items():
            setattr(task, key, value)
        return task

    def _cold_and_warm(self, cache: str, *paths: str, ours: Sequence[str] = ()) -> list[Task]:
        tools = self.tools
        shutil.rmtree(self.work / "caches", ignore_errors=True)
        return [
            self._task("ecolint --no-cache", tools.ecolint("--no-cache", *ours, *paths)),
            self._task("ecolint, warm cache", tools.ecolint(*ours, *paths), cache, warm=True),
            self._task("ruff --no-cache", tools.ruff("--no-cache", *paths)),
            self._task("ruff, warm cache", tools.ruff(*paths), cache, warm=True),
        ]

    def _others(self, *paths: str, scaled: float = 1.0) -> list[Task]:
        """The tools that take long."""
        tools = self.tools
        tasks = [
            self._task("flake8", tools.flake8("flake8", *paths)),
            self._task("flake8 with ecolint", tools.flake8("flake8-ecolint", *paths)),
            self._task("bandit", tools.bandit(*paths)),
            self._task("TorchFix", tools.torchfix(*paths), statuses=(0, 1)),
            self._task("Fixit, one rule", tools.fixit(*paths), statuses=(0, 1)),
        ]
        for task in tasks:
            task.scaled = scaled
        return tasks

    # -- the groups

    def _start(self) -> Group:
        python, ours = self.tools.python(), self.tools.program("ecolint")
        tasks = [
            self._task("python -c pass", python),
            self._task("ecolint --version", (ours, "--version")),
            self._task("ecolint --help", (ours, "--help")),
            self._task("ruff --version", (self.tools.program("ruff"), "--version")),
        ]
        return Group("start", "starting", tasks)

    def _script(self) -> Group:
        text, tools = self.texts.script, self.tools
        copy = self.work / "changed" / "script.py"
        copy.parent.mkdir(exist_ok=True)

        numbers = count()

        def change() -> None:
            # Never the same twice, or its results would be known.
            changed = f"{text.read_text(encoding='utf-8')}# {next(numbers)}\n"
            copy.write_text(changed, encoding="utf-8")

        tasks = self._cold_and_warm("script", str(text))
        changed = self._task("ecolint, changed file", tools.ecolint(str(copy)), "changed")
        fixed = self._task("ecolint --fix", tools.ecolint("--fix", str(copy)), "changed")
        changed.before = fixed.before = change
        tasks[1:1] = [changed, fixed]
        tasks = [self._task("python -c pass", tools.python()), *tasks, *self._others(str(text))]
        return self._group(
            "script", f"one file of {corpora.LINES} lines with findings", tasks, text
        )

    def _few(self) -> Group:
        paths = [str(path) for path in self.texts.few]
        hook = ("--force-exclude",)
        tasks = [
            self._task("python -c pass", self.tools.python()),
            *self._cold_and_warm("few", *paths, ours=hook),
            *self._others(*paths),
        ]
        title = f"{len(paths)} files with nothing relevant, as from pre-commit"
        return self._group("few", title, tasks, *self.texts.few)

    def _small(self) -> Group:
        path = str(self.texts.small)
        tasks = [
            self._task("flake8", self.tools.flake8("flake8", path)),
            self._task("flake8 with ecolint", self.tools.flake8("flake8-ecolint", path)),
        ]
        return self._group("small", "one small file with nothing relevant", tasks, self.texts.small)

    def _other(self) -> Group:
        path = str(self.texts.other)
        tasks = [
            *self._cold_and_warm("other", path),
            self._task("flake8", self.tools.flake8("flake8", path)),
            self._task("flake8 with ecolint", self.tools.flake8("flake8-ecolint", path)),
        ]
        return self._group("other", "a tree with nothing relevant", tasks, self.texts.other)

    def _tree(self, key: str, title: str, tree: Path) -> Group:
        sample = self.work / f"part-{key}"
        most = 150_000 if self.quick else 600_000
        scaled = corpora.part(tree, sample, most)
        tasks = self._cold_and_warm(key, str(tree)) + self._others(str(sample), scaled=scaled)
        return self._group(key, title, tasks, tree)

    def _group(self, key: str, title: str, tasks: list[Task], *paths: Path) -> Group:
        return Group(key, title, tasks, corpora.described(paths))

    def _growth(self) -> list[Group]:
        texts = self.texts
        rows = (
            ("trees", "copies of a tree", corpora.GROWN, texts.trees),
            ("lengths", "thousand lines in one file", corpora.THOUSANDS, texts.lengths),
            ("calls", "calls with a finding in one file", corpora.CALLS, texts.calls),
            ("depths", "levels of nesting in one file", corpora.DEPTHS, texts.depths),
        )
        groups = []
        for key, title, numbers, paths in rows:
            tasks = [
                self._task(f"{number:,}", self.tools.ecolint("--no-cache", "--quiet", str(path)))
                for number, path in zip(numbers, paths, strict=True)
            ]
            groups.append(Group(key, title, tasks))
        return groups
