"""Which commands a shell script runs, with what its variables hold by then."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from ecocompute_lint.frozen import dataclass
from ecocompute_lint.knowledge.shells import MACHINE_TESTS
from ecocompute_lint.sources.documents import UNKNOWN, Branch
from ecocompute_lint.sources.shell_assignments import Tokens
from ecocompute_lint.sources.shell_values import ANYTHING, Held, Scope, Text, expand
from ecocompute_lint.sources.shell_words import Part, Token, tokens

_DECLARING = frozenset("export declare local readonly typeset".split())
_ENDS = frozenset(("\n", ";", "&", "&&", "||", "|", "|&", ";;", ";&", ";;&", ")", "("))
_IS_UNSET = re.compile(r"-z\s+\"?\$\{?(\w+)")
_CHANGED = re.compile(r"(\w+)(?:[-+*/]?=|\+\+|--)")
_CHAINS = ("&&", "||")
_TESTS = frozenset(("[", "[[", "test", "command", "which", "type", "hash", "grep", "pgrep"))
_LONGEST_TEST = 80
_MOST_DEPTH = 40
_DEPTH_OF_LOOPS = 12
_MOST_COMMANDS = 20_000


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its words, the variables set for it, where it stands, when it runs."""

    texts: tuple[Text, ...]
    start: int
    end: int
    environment: Mapping[str, Text] = field(default_factory=dict)
    branch: Branch | None = None
    heredoc: tuple[int, int] | None = None
    target: str = ""
    """The file that its output is written to."""


def run(text: str, scope: Scope, branch: Branch | None) -> list[Command]:
    """The commands of a script, in order."""
    script = _Script(text, tokens(text))
    script.commands_until((), scope, branch)
    script.uncalled(scope)
    return script.found


class _Script(Tokens):
    def __init__(self, text: str, found: list[Token]) -> None:
        super().__init__(found)
        self.text = text
        self.depth = 0
        self.found: list[Command] = []
        self.functions: dict[str, tuple[int, int]] = {}
        self.called: set[str] = set()

    # -- lists of commands

    def commands_until(self, ends: Sequence[str], scope: Scope, branch: Branch | None) -> str:
        """Read commands up to a reserved word of `ends`; the word that ended them."""
        self.depth += 1
        chained: Branch | None = None
        while self.at < self.end and self.depth < _MOST_DEPTH:
            token = self.tokens[self.at]
            word = token.plain
            if word in ends or (token.operator and token.operator in ends):
                break
            start = self.at
            if self._arithmetic():
                chained = self._chained(start, None)
            elif token.operator:
                self.at += 1
                goes_on = token.operator == "\n" and self.tokens[start - 1].operator in _CHAINS
                if token.operator not in _CHAINS and not (start and goes_on):
                    chained = None
            else:
                self._link(scope, branch, chained)
                chained = self._chained(start, chained)
        self.depth -= 1
        if self.at >= self.end:
            return ""
        token = self.tokens[self.at]
        return token.plain or token.operator

    def _link(self, scope: Scope, branch: Branch | None, chained: Branch | None) -> None:
        """One command of a chain; behind a test it may not run."""
        start = self.at
        inner = scope.copy() if chained is not None else scope
        self._one(inner, branch or chained)
        if self.at == start:
            self.at += 1  # a reserved word out of place
        if chained is not None:
            self._behind(chained, inner, scope)

    def _chained(self, start: int, before: Branch | None) -> Branch | None:
        """What the next command of a chain ``test && command`` depends on."""
        following = self.tokens[self.at].operator if self.at < self.end else ""
        if following not in _CHAINS:
            return None
        first = self.tokens[start]
        asked = [one.kind for one in first.parts if one.text or one.kind != "text"]
        if asked == ["variable"] or first.plain in _TESTS or first.operator == "(":
            return self._test(start, self.at)
        return before

    def _arithmetic(self) -> bool:
        """Pass over ``((…))``."""
        here = self.tokens[self.at : self.at + 2]
        if [one.operator for one in here] != ["(", "("] or here[0].end != here[1].start:
            return False
        level = 0
        while self.at < self.end:
            level += {"(": 1, ")": -1}.get(self.tokens[self.at].operator, 0)
            self.at += 1
            if level == 0:
                break
        return True

    def _one(self, scope: Scope, branch: Branch | None) -> None:
        word = self.tokens[self.at].plain
        if word == "if":
            self._if(scope, branch)
        elif word == "case":
            self._case(scope, branch)
        elif word in ("for", "select"):
            self._for(scope, branch)
        elif word in ("while", "until"):
            self.at += 1
            self.commands_until(("do",), scope, branch)
            self._loop(scope, branch)
        elif word == "{":
            self.at += 1
            self.commands_until(("}",), scope, branch)
            self.at += 1
        elif word == "!":
            self.at += 1
        elif not self._function():
            self._simple(scope, branch)

    def _body(self, ends: Sequence[str], scope: Scope, branch: Branch | None) -> str:
        self.at += 1
        found = self.commands_until(ends, scope, branch)
        if found in ends and found in ("done", "fi", "esac"):
            self.at += 1
        return found

    # -- branches

    def _if(self, scope: Scope, branch: Branch | None) -> None:
        branches: list[Scope] = []
        tests: list[Branch] = []
        ended = "if"
        while ended in ("if", "elif"):
            self.at += 1
            start = self.at
            self.commands_until(("then",), scope, branch)
            tests.append(self._test(start, self.at))
            inner = scope.copy()
            ended = self._body(("elif", "else", "fi"), inner, branch or tests[-1])
            branches.append(inner)
        if ended == "else":
            inner = scope.copy()
            decider = "caller" if any(one.decider == "caller" for one in tests) else "environment"
            otherwise = Branch(f"not {tests[0].test}", decider)
            self._body(("fi",), inner, branch or otherwise)
            branches.append(inner)
        if len(branches) == 1:
            self._behind(tests[0], branches[0], scope)
        else:
            scope.merge(branches, complete=ended == "else")

    @staticmethod
    def _behind(test: Branch, inner: Scope, scope: Scope) -> None:
        """Go on behind one branch. ``if [ -z "$X" ]; then X=…; fi``: holds unless X is set."""
        match = _IS_UNSET.search(test.test)
        name = match[1] if match is not None else ""
        held = inner.changed.get(name)
        default = held is not None and len(held.texts) == 1 and scope.get(name) is None
        scope.merge([inner], complete=False)
        if held is not None and default:
            (text,) = held.texts
            scope.set(name, Held((replace(text, variable=name),)))

    def _case(self, scope: Scope, branch: Branch | None) -> None:
        start = self.at
        while self.at < self.end and self.tokens[self.at].plain != "in":
            self.at += 1
        test = self._test(start, self.at)
        self.at += 1
        branches: list[Scope] = []
        complete = False
        while self.at < self.end and self.tokens[self.at].plain != "esac":
            pattern = self.at
            while self.at < self.end and self.tokens[self.at].operator != ")":
                if self.tokens[self.at].plain == "esac":
                    break
                self.at += 1
            complete = complete or any(one.plain == "*" for one in self.tokens[pattern : self.at])
            self.at += 1
            inner = scope.copy()
            self.commands_until((";;", ";&", ";;&", "esac"), inner, branch or test)
            branches.append(inner)
            if self.at < self.end and self.tokens[self.at].operator:
                self.at += 1
            while self.at < self.end and self.tokens[self.at].operator == "\n":
                self.at += 1
        self.at += 1
        scope.merge(branches, complete=complete)

    def _test(self, start: int, end: int) -> Branch:
        """A test as it is written, and who decides it."""
        if start >= end or end > self.end:
            return Branch("a test")
        last = end
        while last > start + 1 and self.tokens[last - 1].operator:
            last -= 1
        text = self.text[self.tokens[start].start : self.tokens[last - 1].end]
        shown = " ".join(text.split())[:_LONGEST_TEST]
        machine = MACHINE_TESTS.search(text) is not None
        return Branch(shown, "environment" if machine else "caller")

    # -- loops and functions

    def _for(self, scope: Scope, branch: Branch | None) -> None:
        self.at += 1
        name = self.tokens[self.at].plain if self.at < self.end else None
        values: list[Text] = []
        self.at += 1
        while self.at < self.end and self.tokens[self.at].plain != "do":
            token = self.tokens[self.at]
            if token.parts and token.plain != "in":
                values += expand(token.parts, scope, token.start, token.end)
            self.at += 1
        if name is not None:
            single = len(values) == 1 and UNKNOWN not in values[0].text
            scope.set(name, Held(tuple(values)) if single else ANYTHING)
        self._loop(scope, branch)

    def _loop(self, scope: Scope, branch: Branch | None) -> None:
        """The body of a loop, in which each round may find what the one before has set."""
        end = self._end_of_loop() if self.depth < _DEPTH_OF_LOOPS else self.at
        for token in self.tokens[self.at + 1 : end]:
            match = _CHANGED.match(token.plain or (token.parts and token.parts[0].text) or "")
            if match is not None and scope.get(match[1]) is not None:
                scope.set(match[1], ANYTHING)
        self._body(("done",), scope, branch)

    def _end_of_loop(self) -> int:
        level = 0
        for index in range(self.at, self.end):
            level += {"do": 1, "done": -1}.get(self.tokens[index].plain or "", 0)
            if level <= 0:
                return index
        return self.end

    def _function(self) -> bool:
        """``name() { … }`` and ``function name { … }``: remembered until it is called."""
        token = self.tokens[self.at]
        at = self.at
        name = token.plain
        if name == "function" and at + 1 < self.end:
            at += 1
            name = self.tokens[at].plain
            behind = at + 1
            while behind < self.end and self.tokens[behind].operator in ("(", ")"):
                behind += 1
        else:
            signs = [one.operator for one in self.tokens[at + 1 : at + 3]]
            if signs != ["(", ")"]:
                return False
            behind = at + 3
        while behind < self.end and self.tokens[behind].operator == "\n":
            behind += 1
        if behind >= self.end or self.tokens[behind].plain != "{" or name is None:
            return False
        level, end = 0, behind
        for end in range(behind, self.end):
            plain = self.tokens[end].plain
            level += {"{": 1, "}": -1}.get(plain or "", 0)
            if level == 0:
                break
        self.functions[name] = (behind + 1, end)
        self.at = end + 1
        return True

    def _call(self, name: str, scope: Scope, branch: Branch | None) -> None:
        begin, end = self.functions[name]
        self.called.add(name)
        back = self.at, self.end
        self.at, self.end = begin, end
        self.commands_until((), scope, branch)
        self.at, self.end = back

    def uncalled(self, scope: Scope) -> None:
        """Functions that nothing calls: whoever uses the script may."""
        for name in list(self.functions):
            if name not in self.called:
                self._call(name, scope.copy(), Branch(f"{name} is called"))

    # -- simple commands

    def _simple(self, scope: Scope, branch: Branch | None) -> None:
        texts: list[Text] = []
        environment: dict[str, Text] = {}
        heredoc, target = None, ""
        start = end = self.tokens[self.at].start
        while self.at < self.end:
            token = self.tokens[self.at]
            if token.operator in _ENDS:
                if token.operator == "(" and not texts and not environment:
                    self.at += 1  # a subshell: its commands follow
                break
            self.at += 1
            end = token.end
            if token.operator:
                heredoc = token.heredoc or heredoc
                target = self._redirected(token, scope) or target
                continue
            self._runs(token.parts, scope, branch)
            if not texts or texts[0].text in _DECLARING:
                given = self.assignment(token, scope)
                if given is not None:
                    environment.update(given)
                    continue
            texts += expand(token.parts, scope, token.start, token.end)
        self._set(texts, environment, scope)
        if texts and texts[0].text in self.functions and texts[0].text not in self.called:
            self._call(texts[0].text, scope, branch)
        elif (texts or heredoc) and len(self.found) < _MOST_COMMANDS:
            declaring = texts and texts[0].text in _DECLARING
            if not declaring:
                self.found.append(
                    Command(tuple(texts), start, end, environment, branch, heredoc, target)
                )

    def _redirected(self, token: Token, scope: Scope) -> str:
        """Pass over what a redirection names."""
        if token.operator in ("<<", "<<-") or self.at >= self.end:
            return ""
        following = self.tokens[self.at]
        if following.operator:
            return ""
        self.at += 1
        if not token.operator.startswith((">", "&>")):
            return ""
        texts = expand(following.parts, scope, following.start, following.end)
        return texts[0].text if texts else ""

    def _set(self, texts: list[Text], environment: Mapping[str, Text], scope: Scope) -> None:
        if texts and texts[0].text not in _DECLARING:
            return  # they are set for this command only
        for name, text in environment.items():
            before = scope.get(name)
            if before is None or not before.array:
                scope.set(name, ANYTHING if text.text == UNKNOWN else Held((text,)))

    def _runs(self, parts: Sequence[Part], scope: Scope, branch: Branch | None) -> None:
        """The commands inside ``$(…)``."""
        for part in parts:
            if part.kind == "run" and self.depth < _MOST_DEPTH // 4:
                inner = _Script(self.text, tokens(self.text, part.start, part.end))
                inner.depth = self.depth + 1
                inner.commands_until((), scope.copy(), branch)
                self.found += inner.found
            elif part.keeps and part.default is not None and scope.get(part.name) is None:
                texts = expand(part.default, scope, part.start, part.end)
                if len(texts) == 1 and UNKNOWN not in texts[0].text:
                    one = texts[0]
                    held = Text(one.text, one.offsets, one.start, one.end, part.name)
                    scope.set(part.name, Held((held,)))
