"""What an editor offers to do about findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from lsprotocol.types import (
    AnnotatedTextEdit,
    CodeAction,
    CodeActionKind,
    Diagnostic,
    OptionalVersionedTextDocumentIdentifier,
    Range,
    SnippetTextEdit,
    TextDocumentEdit,
    TextEdit,
    WorkspaceEdit,
)

from ecocompute_lint.findings import Finding, FixLevel
from ecocompute_lint.lsp import audits
from ecocompute_lint.lsp.diagnostics import Shown
from ecocompute_lint.lsp.hover import how
from ecocompute_lint.report.style import plural, safe

FIX_ALL = "source.fixAll.ecolint"
KINDS = [CodeActionKind.QuickFix, FIX_ALL]
_LONGEST = 120


class Actions:
    """The actions for one state of a document, worked out when they are first asked for."""

    def __init__(self, shown: Shown, *, versioned: bool) -> None:
        """`versioned`: the editor takes edits that name the version they are for."""
        self._shown = shown
        self._audited = shown.audited
        self._versioned = versioned
        self._of_finding: dict[int, list[CodeAction]] = {}
        self._all: list[CodeAction] | None = None

    def __call__(self, uri: str, within: Range, only: Sequence[str] | None) -> list[CodeAction]:
        """The actions for a range of a part, of the kinds that are wanted."""
        found: list[CodeAction] = []
        if _wanted(CodeActionKind.QuickFix, only):
            for number, _ in self.findings(uri, within):
                found += self._for(number)
        if _wanted(FIX_ALL, only):
            found += self._for_all()
        return found

    def findings(self, uri: str, within: Range) -> Iterator[tuple[int, Finding]]:
        """The findings that touch a range of a part."""
        for number, finding in enumerate(self._audited.findings):
            ranges = self._shown.ranges(finding)
            if any(part.uri == uri and _touch(range_, within) for part, range_ in ranges):
                yield number, finding

    def _for(self, number: int) -> list[CodeAction]:
        if number not in self._of_finding:
            self._of_finding[number] = list(self._made(self._audited.findings[number]))
        return self._of_finding[number]

    def _made(self, finding: Finding) -> Iterator[CodeAction]:
        placed = self._shown.placed(finding)
        about = [self._shown.diagnostic(finding, placed[1])] if placed is not None else []
        fix = finding.fix
        if fix is not None and (new := audits.repaired(self._audited, finding)) is not None:
            title = f"{finding.code}: {_short(fix.description)} ({how(finding)})"
            yield self._action(title, new, about, preferred=fix.level is FixLevel.EXACT)
        if (new := audits.ignored(self._audited, finding)) is not None:
            yield self._action(f"{finding.code}: ignore this finding (adds a comment)", new, about)

    def _action(
        self, title: str, new: str, about: list[Diagnostic], *, preferred: bool = False
    ) -> CodeAction:
        return CodeAction(
            title=title,
            kind=CodeActionKind.QuickFix,
            diagnostics=about,
            is_preferred=preferred or None,
            edit=self._edit(new),
        )

    def _for_all(self) -> list[CodeAction]:
        if self._all is None:
            made = audits.all_repaired(self._audited)
            self._all = []
            if made is not None:
                title = f"ecolint: make {plural(made[1], 'repair')}"
                edit = self._edit(made[0])
                self._all.append(CodeAction(title=title, kind=FIX_ALL, edit=edit))
        return self._all

    def _edit(self, new: str) -> WorkspaceEdit:
        edits: dict[str, list[TextEdit]] = defaultdict(list)
        for change in self._audited.document.changes(new):
            positions = self._shown.positions[change.part.uri]
            edits[change.part.uri].append(TextEdit(positions.range(change.place), change.text))
        if not self._versioned:
            return WorkspaceEdit(changes=dict(edits))
        versions = {part.uri: part.version for part in self._audited.document.parts}
        return WorkspaceEdit(
            document_changes=[_versioned(uri, versions[uri], some) for uri, some in edits.items()]
        )


def _versioned(uri: str, version: int | None, edits: Sequence[TextEdit]) -> TextDocumentEdit:
    these: list[TextEdit | AnnotatedTextEdit | SnippetTextEdit] = [*edits]
    return TextDocumentEdit(OptionalVersionedTextDocumentIdentifier(uri, version), these)


def _wanted(kind: str, only: Sequence[str] | None) -> bool:
    """Whether a kind, or one that it belongs to, is asked for."""
    return only is None or any(kind == one or kind.startswith(f"{one}.") for one in only)


def _touch(one: Range, other: Range) -> bool:
    return one.start <= other.end and other.start <= one.end


def _short(text: str) -> str:
    text = safe(text).rstrip(".")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
