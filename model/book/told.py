"""What a chapter says in words: its files are data, read once and checked against the library."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from steptime.derivations.library import CHAPTERS
from steptime.model.catalog.table import Place, Table, read, record


def _any(value: Any, place: Place) -> Any:
    """A number, a text, or a list of them, as it stands."""
    return value


def _words(value: Any, place: Place) -> str:
    """A paragraph or several, parted by an empty line."""
    if not isinstance(value, str) or not value.strip():
        raise place.error("expected text")
    return value.strip()


@dataclass(frozen=True)
class Theorem:
    """A theorem that carries the argument: why it is so, what breaks it, how to see it again, and what was measured.

    ``name`` is that of a derivation; ``command`` a command line; ``measured``: rows of the catalogue's measurements.
    A ``variant`` stands with the lemmas.
    """

    name: str
    why: str
    breaks: str
    command: str
    measured: tuple[str, ...] = ()
    variant: bool = False


@dataclass(frozen=True)
class Ask:
    """One number of an answer: a formula solved for one of its quantities, the others from its example or as given."""

    formula: str
    solve: str
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Exercise:
    """A question, and its answer with a place for each computed number: <1>, <2>, …"""

    question: str
    answer: str
    ask: tuple[Ask, ...] = ()


@dataclass(frozen=True)
class Figure:
    """A picture: curves of theorems ``over`` a quantity, or one ``kind`` that the program draws, with its words.

    ``marks`` are theorems, each of which says a number of that quantity: a point of the first curve.
    """

    kind: str
    caption: str
    theorems: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    over: str = ""
    span: tuple[float, ...] = ()
    log: str = "xy"
    words: Mapping[str, Any] = field(default_factory=dict)
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chapter:
    """A chapter: what it asks, its theorems in the order of the argument, pictures, exercises."""

    number: int
    opening: str
    theorems: tuple[Theorem, ...]
    figures: tuple[Figure, ...]
    exercises: tuple[Exercise, ...]
    closing: str = ""

    @property
    def argument(self) -> tuple[Theorem, ...]:
        """The theorems that stand in the chapter itself."""
        return tuple(one for one in self.theorems if not one.variant)

    @property
    def title(self) -> str:
        """Its title, that of the library."""
        return CHAPTERS[self.number]


_THEOREM = Table({"name": str, "why": _words, "breaks": _words, "command": str, "measured": [str], "variant": bool},
                 ("name", "why", "breaks", "command"), Theorem)  # fmt: skip
_ASK = Table({"formula": str, "solve": str, "given": {str: _any}}, ("formula", "solve"), Ask)
_EXERCISE = Table({"question": _words, "answer": _words, "ask": [_ASK]}, ("question", "answer"), Exercise)
_FIGURE = dict(record(Figure).keys) | {"caption": _words, "span": [float], "words": {str: _any}}
_CHAPTER = Table(
    {"opening": _words, "closing": _words, "theorem": [_THEOREM], "exercise": [_EXERCISE],
     "figure": [Table(_FIGURE, ("kind", "caption"), Figure)]},
    ("opening", "theorem", "exercise", "figure"),
)  # fmt: skip


@cache
def chapters() -> tuple[Chapter, ...]:
    """Every chapter, by its number."""
    return tuple(_chapter(number) for number in CHAPTERS)


@cache
def argument() -> frozenset[str]:
    """The names of all theorems that carry the argument."""
    return frozenset(one.name for chapter in chapters() for one in chapter.argument)


@dataclass(frozen=True)
class Question:
    """What a reader may ask, and the theorems and lemmas that answer it; ``exercises``: those that do, as 1-9."""

    asks: str
    by: tuple[str, ...]
    exercises: tuple[str, ...] = ()


@cache
def questions() -> tuple[Question, ...]:
    """The questions that stand before the first chapter."""
    text = (files("steptime.model.book") / "questions.toml").read_text("utf-8")
    found: dict[str, tuple[Question, ...]] = read(
        Table({"question": [record(Question)]}), tomllib.loads(text), Place("questions.toml")
    )
    return found["question"]


def _chapter(number: int) -> Chapter:
    name = f"{number:02}.toml"
    text = (files("steptime.model.book") / "chapters" / name).read_text("utf-8")
    found = read(_CHAPTER, tomllib.loads(text), Place(name))
    return Chapter(number, found["opening"], found["theorem"], found["figure"], found["exercise"],
                   found.get("closing", ""))  # fmt: skip
