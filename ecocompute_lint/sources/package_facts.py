"""Packages that are asked for, as facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from ecocompute_lint.facts import Deployment, Option, Usage
from ecocompute_lint.findings import Place
from ecocompute_lint.sources.documents import Branch, Package
from ecocompute_lint.values import ALWAYS, Const, Constraint, Input, Ways, known

_FALSE = known(Const(False))


def facts(packages: Iterable[Package]) -> Iterator[Deployment]:
    """One fact for each package; packages of one line from one nightly index are one."""
    for _, group in groupby(packages, key=_together):
        yield _fact(tuple(group))


def _together(package: Package) -> tuple[object, ...]:
    alike = (package.channel, package.reason, package.branch, package.place.line)
    return alike if package.channel == "nightly" else (*alike, package.name, package.place)


def _fact(packages: tuple[Package, ...]) -> Deployment:
    first = packages[0]
    names = list(dict.fromkeys(package.name for package in packages))
    usage = Usage(
        api="package",
        method="package",
        spelling="requirement",
        place=first.place,
        options={
            "package": _option(first.name, first.place),
            "channel": _option(first.channel, first.place),
        },
    )
    several = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return Deployment(
        usage,
        None,
        "inference",
        _FALSE,
        _ways(first.branch),
        kind="package",
        words={
            "packages": several,
            "comes": "come" if len(names) > 1 else "comes",
            "reason": first.reason,
            "asked": first.text,
        },
        marks=tuple(package.place for package in packages[1:]),
    )


def _option(value: str, place: Place) -> Option:
    origin = (place.line, place.column, place.end_line, place.end_column)
    return Option(known(Const(value), origin), place)


def _ways(branch: Branch | None) -> Ways:
    if branch is None:
        return ALWAYS
    if branch.decider == "default":
        made = Input(branch.test, "default", Const(True))
    else:
        made = Input(branch.test, branch.decider)
    return ({made: Constraint(truth=True)},)
