"""Every page can be reached, and every link of a page leads to a place that is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from conftest import GIT, ROOT, execute

DOCS = ROOT / "docs"
INDEX = DOCS / "index.md"
PAGES = sorted(
    ROOT / name
    for name in execute(
        [GIT, "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], ROOT
    ).stdout.splitlines()
    if (ROOT / name).is_file()
)
FENCE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n.*?^\1`*[ \t]*$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
SOURCE = re.compile(r"\b(?:src|srcset|href)=\"([^\"]+)\"")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*\s*$", re.MULTILINE)
ANCHOR = re.compile(r"<a (?:id|name)=\"([^\"]+)\"")


def names(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(path: Path) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def links(path: Path) -> Iterator[tuple[Path, str, str]]:
    """The relative links of a page: the file, the place in it, the link as it is written."""
    text = CODE.sub("", prose(path))
    for pattern in (LINK, REFERENCE, SOURCE):
        for target in pattern.findall(text):
            if not re.match(r"[a-z][a-z+.-]*:", target):
                file, _, place = target.partition("#")
                yield (path.parent / unquote(file)).resolve() if file else path, place, target


def anchors(path: Path) -> set[str]:
    """The places in a page, named as GitHub names them."""
    found: dict[str, int] = {}
    places = set(ANCHOR.findall(prose(path)))
    for heading in HEADING.findall(prose(path)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        count = found[slug] = found.get(slug, -1) + 1
        places.add(f"{slug}-{count}" if count else slug)
    return places


@pytest.mark.parametrize("path", PAGES, ids=names)
def test_links_lead_somewhere(path: Path) -> None:
    broken = [
        target
        for file, place, target in links(path)
        if not file.exists() or (place and file.suffix == ".md" and place not in anchors(file))
    ]
    assert broken == []


def test_links_stay_in_the_repository() -> None:
    outside = [
        f"{names(path)}: {target}"
        for path in PAGES
        for file, _, target in links(path)
        if not file.is_relative_to(ROOT)
    ]
    assert outside == []


def test_every_page_is_reached_from_the_index() -> None:
    seen, ahead = {INDEX}, [INDEX]
    while ahead:
        for file, _, _ in links(ahead.pop()):
            if file.suffix == ".md" and file.is_relative_to(DOCS) and file not in seen:
                seen.add(file)
                ahead.append(file)
    assert [names(path) for path in PAGES if path.is_relative_to(DOCS) and path not in seen] == []


def test_the_index_itself_names_every_guide() -> None:
    named = {file for file, _, _ in links(INDEX)}
    assert [path.name for path in DOCS.glob("*.md") if path not in {*named, INDEX}] == []


def test_readme_leads_to_the_index() -> None:
    assert INDEX in {file for file, _, _ in links(ROOT / "README.md")}


def test_a_broken_link_would_be_seen(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text(
        "# A `b`, c\n\n## Twice\n\n## Twice\n\n[x](#a-b-c) [y](#twice-1) [z](gone.md#x)\n"
        "`[no](code.md)`\n\n```md\n# not a heading\n[no](fence.md)\n```\n",
        encoding="utf-8",
    )
    assert anchors(page) == {"a-b-c", "twice", "twice-1"}
    assert [target for _, _, target in links(page)] == ["#a-b-c", "#twice-1", "gone.md#x"]
