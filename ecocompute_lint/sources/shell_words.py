"""Words of a shell, with the place of each character: quotes, escapes, expansions, operators.

Nothing raises: a quote without its partner ends with the text. Time is linear in the text.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import field

from ecocompute_lint.frozen import dataclass

_BLANK = re.compile(r"(?:[ \t\f\v]|\\\r?\n)+")
_OPERATOR = re.compile(r"\r?\n|;;&|;;|;&|;|&&|\|\||\|&|&>>|&>|&|\||\(|\)")
_REDIRECTION = re.compile(r"\d*(?:<<<|<<-|<<|<>|<&|>>|>&|>\||>|<)|&>>?")
_PLAIN = re.compile(r"[^\s\\'\"`$;&|()<>\0]+")
_IN_QUOTES = re.compile(r'[^"\\`$]+')
_CONTINUED = re.compile(r"\\(?:\r?\n|\Z)")
_COMMENT = re.compile(r"#[^\r\n]*")
_LINE = re.compile(r"^(\t*)([^\r\n]*)\r?$", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_]\w*")
_SPECIAL = re.compile(r"[0-9@*#?$!_-]")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}
_MOST_DEPTH = 30


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a word: ``text``, a ``variable``, an ``array`` or what ``run`` prints.

    `start` and `end` are offsets. Of a variable `name` is its name, `default` the word behind
    ``:-`` and `keeps` whether that is assigned too; of `run` they enclose the command.
    """

    kind: str
    start: int
    end: int
    text: str = ""
    quoted: bool = False
    offsets: tuple[int, ...] = ()
    name: str = ""
    default: tuple[Part, ...] | None = None
    keeps: bool = False


@dataclass(slots=True)
class Token:
    """A word, or an operator (`parts` is empty). `heredoc` are the offsets of a here-document."""

    start: int
    end: int
    parts: tuple[Part, ...] = ()
    operator: str = ""
    heredoc: tuple[int, int] | None = None
    heads: tuple[int, int] = field(default=(0, 0))

    @property
    def plain(self) -> str | None:
        """The text of a word without quotes and expansions."""
        if len(self.parts) == 1 and self.parts[0].kind == "text" and not self.parts[0].quoted:
            return self.parts[0].text
        return None


def tokens(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """The words and operators between two offsets."""
    return list(_Lexer(text, start, len(text) if end is None else end).tokens())


class _Lexer:
    def __init__(self, text: str, start: int, end: int, depth: int = 0) -> None:
        self.text = text
        self.at = start
        self.end = end
        self.depth = depth
        self.waiting: list[tuple[Token, str, bool]] = []
        self.marks: dict[str, list[int]] = {}

    def tokens(self) -> Iterator[Token]:
        while True:
            blank = _BLANK.match(self.text, self.at, self.end)
            if blank is not None:
                self.at = blank.end()
            if self.at >= self.end:
                return
            character = self.text[self.at]
            if character == "#":
                comment = _COMMENT.match(self.text, self.at, self.end)
                self.at = comment.end() if comment is not None else self.end
                continue
            found = self._operator()
            if found is None:
                found = self._word()
            yield found

    def _operator(self) -> Token | None:
        start = self.at
        match = _REDIRECTION.match(self.text, start, self.end)
        if match is not None and self.text[start : start + 2] not in ("<(", ">("):
            self.at = match.end()
            token = Token(start, self.at, operator=match.group().lstrip("0123456789"))
            if token.operator in ("<<", "<<-"):
                self._heredoc(token)
            return token
        match = _OPERATOR.match(self.text, start, self.end)
        if match is None:
            return None
        self.at = match.end()
        operator = match.group()
        if operator in ("\n", "\r\n"):
            operator = "\n"
            self._bodies()
        return Token(start, match.end(), operator=operator)

    def _heredoc(self, token: Token) -> None:
        """Note the word that ends a here-document; its body begins with the next line."""
        blank = _BLANK.match(self.text, self.at, self.end)
        self.at = blank.end() if blank is not None else self.at
        if self.at >= self.end:
            return
        word = self._word()
        mark = "".join(part.text for part in word.parts)
        token.end = word.end
        self.waiting.append((token, mark, token.operator == "<<-"))

    def _bodies(self) -> None:
        for token, mark, tabs in self.waiting:
            start = self.at
            close = self._mark(mark, tabs)
            if close is None and not _NAME.match(mark):
                continue  # a shift, and no here-document
            token.heredoc = (start, self.end if close is None else close)
            newline = self.text.find("\n", token.heredoc[1], self.end)
            self.at = newline + 1 if newline >= 0 else self.end
        self.waiting.clear()

    def _mark(self, mark: str, tabs: bool) -> int | None:
        """Where the line that ends a here-document begins. Lines are looked up, not searched."""
        if not self.marks:
            for line in _LINE.finditer(self.text, self.at, self.end):
                key = ("\t" if line[1] else "") + line[2]
                self.marks.setdefault(key, []).append(line.start())
        found = []
        for key in (mark, "\t" + mark) if tabs else (mark,):
            starts = self.marks.get(key, [])
            found += starts[(index := bisect_left(starts, self.at)) : index + 1]
        return min((at for at in found if at < self.end), default=None)

    # -- words

    def _word(self) -> Token:
        start = self.at
        parts: list[Part] = []
        while self.at < self.end:
            part = self._part()
            if part is None:
                break
            parts.append(part)
        if self.at == start:  # a lone sign that means nothing here
            self.at += 1
            parts.append(Part("text", start, self.at, self.text[start], offsets=(start,)))
        return Token(start, self.at, tuple(_merged(parts)))

    def _part(self) -> Part | None:
        start, character = self.at, self.text[self.at]
        plain = _PLAIN.match(self.text, start, self.end)
        if plain is not None:
            self.at = plain.end()
            return _text(plain.group(), range(start, self.at), start, self.at)
        if character == "\\":
            return self._escape()
        if character == "'":
            return self._single(start, start + 1)
        if character == '"':
            return self._double()
        if character in "$`":
            return self._expansion(quoted=False)
        if character == "\0":
            self.at += 1
            return _text("\0", (start,), start, self.at)
        if self.text[start : start + 2] in ("<(", ">("):
            return self._run(start, start + 2, quoted=False)
        return None

    def _escape(self) -> Part:
        start = self.at
        newline = _CONTINUED.match(self.text, start, self.end)
        if newline is not None:  # the word goes on in the next line
            self.at = newline.end()
            return _text("", (), start, self.at)
        following = self.text[start + 1]
        self.at = start + 2
        return _text(following, (start,), start, self.at)

    def _single(self, start: int, begin: int) -> Part:
        close = self.text.find("'", begin, self.end)
        close = close if close >= 0 else self.end
        self.at = min(close + 1, self.end)
        return _text(self.text[begin:close], range(begin, close), start, self.at, quoted=True)

    def _ansi(self) -> Part:
        """``$'…'`` with its escapes."""
        start = self.at
        self.at += 2
        texts: list[str] = []
        offsets: list[int] = []
        while self.at < self.end and self.text[self.at] != "'":
            offsets.append(self.at)
            if self.text[self.at] == "\\" and self.at + 1 < self.end:
                following = self.text[self.at + 1]
                texts.append(_ESCAPES.get(following, following))
                self.at += 2
            else:
                texts.append(self.text[self.at])
                self.at += 1
        self.at = min(self.at + 1, self.end)
        return _text("".join(texts), offsets, start, self.at, quoted=True)

    def _double(self) -> Part:
        start = self.at
        self.at += 1
        parts: list[Part] = []
        while self.at < self.end and self.text[self.at] != '"':
            at, character = self.at, self.text[self.at]
            plain = _IN_QUOTES.match(self.text, at, self.end)
            if plain is not None:
                self.at = plain.end()
                parts.append(_text(plain.group(), range(at, self.at), at, self.at, quoted=True))
            elif character == "\\":
                following = self.text[at + 1 : at + 2]
                if following == "\n" or self.text[at + 1 : at + 3] == "\r\n":
                    self.at = at + 2 + (following == "\r")
                elif following in '"\\$`':
                    self.at = min(at + 2, self.end)
                    parts.append(_text(following, (at,), at, self.at, quoted=True))
                else:
                    self.at = at + 1
                    parts.append(_text("\\", (at,), at, self.at, quoted=True))
            else:
                parts.append(self._expansion(quoted=True))
        self.at = min(self.at + 1, self.end)
        return Part("quotes", start, self.at, quoted=True, default=tuple(parts))

    # -- expansions

    def _expansion(self, *, quoted: bool) -> Part:
        start = self.at
        following = self.text[start + 1 : start + 2]
        if self.text[start] == "`":
            close = start + 1
            while close < self.end and self.text[close] != "`":
                close += 2 if self.text[close] == "\\" else 1
            close = min(close, self.end)
            self.at = min(close + 1, self.end)
            return Part("run", start + 1, close, quoted=quoted)
        if following == "'" and not quoted:
            return self._ansi()
        if following == '"' and not quoted:
            self.at += 1
            return self._double()
        if following == "(":
            return self._run(start, start + 2, quoted=quoted)
        if following == "{":
            return self._braces(quoted)
        name = _NAME.match(self.text, start + 1, self.end) or _SPECIAL.match(
            self.text, start + 1, self.end
        )
        if name is None:
            self.at = start + 1
            return _text("$", (start,), start, self.at, quoted=quoted)
        self.at = name.end()
        kind = "array" if name.group() in "@*" else "variable"
        return Part(kind, start, self.at, quoted=quoted, name=name.group())

    def _run(self, start: int, begin: int, *, quoted: bool) -> Part:
        """``$(…)``, ``<(…)`` or ``$((…))``: up to the bracket that closes it."""
        inner = _Lexer(self.text, begin, self.end, self.depth + 1)
        inner.marks = self.marks
        level, close = 1, self.end
        if self.depth < _MOST_DEPTH:
            for token in inner.tokens():
                level += {"(": 1, ")": -1}.get(token.operator, 0)
                if level == 0:
                    close = token.start
                    break
        else:
            found = self.text.find(")", begin, self.end)
            close = found if found >= 0 else self.end
        self.at = min(close + 1, self.end)
        return Part("run", begin, close, quoted=quoted)

    def _braces(self, quoted: bool) -> Part:
        """``${NAME}``, with a default or another operator behind the name."""
        start = self.at
        name = _NAME.match(self.text, start + 2, self.end) or _SPECIAL.match(
            self.text, start + 2, self.end
        )
        if name is None:
            self._skip_braces(start + 2)
            return Part("variable", start, self.at, quoted=quoted)
        behind = name.end()
        rest = self.text[behind : behind + 3]
        if rest.startswith("}"):
            self.at = behind + 1
            kind = "array" if name.group() in "@*" else "variable"
            return Part(kind, start, self.at, quoted=quoted, name=name.group())
        if rest in ("[@]", "[*]"):
            self._skip_braces(behind + 3)
            kind = "array" if self.text[behind + 3 : behind + 4] == "}" else "variable"
            given = name.group() if kind == "array" else ""
            return Part(kind, start, self.at, quoted=quoted, name=given)
        operator = rest[:2] if rest[:1] == ":" else rest[:1]
        if operator not in (":-", "-", ":=", "=") or self.depth >= _MOST_DEPTH:
            self._skip_braces(behind)
            return Part("variable", start, self.at, quoted=quoted)
        self.at = behind + len(operator)
        self.depth += 1
        inner: list[Part] = []
        while self.at < self.end and self.text[self.at] != "}":
            at = self.at
            part = self._part()
            if part is None:
                self.at = at + 1
                part = _text(self.text[at], (at,), at, self.at, quoted=quoted)
            elif part.kind == "text" and "}" in part.text and not part.quoted:
                cut = part.text.index("}")
                self.at = at + cut
                part = _text(part.text[:cut], part.offsets[:cut], at, self.at)
            inner.append(part)
        self.at = min(self.at + 1, self.end)
        self.depth -= 1
        keeps = "=" in operator
        default = tuple(_merged(inner))
        return Part("variable", start, self.at, "", quoted, (), name.group(), default, keeps)

    def _skip_braces(self, begin: int) -> None:
        level, at = 1, begin
        while at < self.end and level:
            level += {"{": 1, "}": -1}.get(self.text[at], 0)
            at += 2 if self.text[at] == "\\" else 1
        self.at = min(at, self.end)


def _text(
    text: str,
    offsets: range | list[int] | tuple[int, ...],
    start: int,
    end: int,
    *,
    quoted: bool = False,
) -> Part:
    return Part("text", start, end, text, quoted, tuple(offsets))


def _merged(parts: list[Part]) -> Iterator[Part]:
    """Parts with the insides of double quotes in line."""
    for part in parts:
        if part.kind == "quotes":
            yield _text("", (), part.start, part.end, quoted=True)
            yield from part.default or ()
        elif part.text or part.kind != "text" or part.quoted:
            yield part
