"""Values are what the dataclasses of the standard library are."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from functools import cached_property
from typing import Any

import pytest

from ecocompute_lint import frozen


@frozen.dataclass(frozen=True, slots=True)
class Quick:
    """A value."""

    name: str
    size: float = 1.0
    tags: list[str] = dataclasses.field(default_factory=list, compare=False)
    note: str = dataclasses.field(default="", repr=False)

    @property
    def half(self) -> float:
        return self.size / 2


@dataclasses.dataclass(frozen=True, slots=True)
class Plain:
    """A value."""

    name: str
    size: float = 1.0
    tags: list[str] = dataclasses.field(default_factory=list, compare=False)
    note: str = dataclasses.field(default="", repr=False)


@frozen.dataclass(frozen=True)
class Open:
    """Has room for what is worked out once."""

    name: str
    tags: list[str] = dataclasses.field(default_factory=list)

    @cached_property
    def long(self) -> str:
        return self.name * 2


@frozen.dataclass(frozen=True, slots=True, eq=False)
class Itself:
    name: str


@frozen.dataclass(frozen=True, slots=True)
class Single:
    value: Any = None


def test_it_looks_as_one() -> None:
    assert repr(Quick("a", note="n")) == repr(Plain("a", note="n")).replace("Plain", "Quick")
    assert dataclasses.asdict(Quick("a")) == dataclasses.asdict(Plain("a"))
    assert Quick.__match_args__ == Plain.__match_args__
    assert not hasattr(Quick("a"), "__dict__")
    assert Quick("a", 3.0).half == 1.5


def test_it_compares_as_one() -> None:
    assert Quick("a", tags=["x"]) == Quick("a")
    assert Quick("a") != Quick("b")
    assert Quick("a") != Plain("a")
    assert hash(Quick("a")) == hash(Quick("a")) == hash(Plain("a"))
    assert hash(Single(1)) == hash((1,))
    assert Single(1) == Single(1.0)
    assert len({Single(1), Single(1), Single(2)}) == 2


def test_each_has_a_list_of_its_own() -> None:
    one = Quick("a")
    one.tags.append("x")
    assert Quick("b").tags == []


@pytest.mark.parametrize("made", [Quick, Plain, Open, Itself])
def test_nothing_of_it_can_be_changed(made: Any) -> None:
    value = made("a")
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'name'"):
        value.name = "b"
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'name'"):
        del value.name


@pytest.mark.parametrize("made", [Quick, Plain])
def test_arguments_are_checked(made: Any) -> None:
    with pytest.raises(TypeError):
        made()
    with pytest.raises(TypeError):
        made("a", wrong=1)


def test_it_travels() -> None:
    value = Quick("a", 2.0, ["x"], "n")
    for other in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):
        assert other == value
        assert other.tags == ["x"]
    assert dataclasses.replace(value, size=4.0) == Quick("a", 4.0, [], "n")


def test_it_may_have_no_slots() -> None:
    value = Open("a")
    assert value.long == "aa"
    assert pickle.loads(pickle.dumps(value)) == value == Open("a", [])
    assert repr(value) == "Open(name='a', tags=[])"


def test_it_may_be_only_itself() -> None:
    value = Itself("a")
    assert value != Itself("a")
    assert len({value, value, Itself("a")}) == 2
