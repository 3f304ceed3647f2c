"""How a theorem reads: what it assumes, in words and formulas; where it holds; which lines are approximate."""

from dataclasses import dataclass
from typing import Any

from sympy import Expr, Symbol
from sympy.core.relational import Relational

from steptime.derivations.basis import Pinned
from steptime.derivations.rules import Drop, Series
from steptime.derivations.steps import Derivation

from steptime.derivations.facts import (  # isort: skip
    Area, Axiom, Chosen, Crossing, DyingArea, Expected, Given, PowerArea, Side, Tends, Wavefront,
)  # fmt: skip


@dataclass(frozen=True)
class Premise:
    """One assumption or definition: what kind it is, what it says, and its formula: an equation or inequality, or what
    a quantity tends to."""

    kind: str
    text: str
    formula: Relational | None = None
    tends: tuple[Symbol, Expr] | None = None


def premises(one: Derivation) -> list[Premise]:
    """All that a theorem assumes, its own assumptions first and then those of what it builds on."""
    return [premise(assumption) for assumption in assumptions(one)]


def assumptions(one: Derivation) -> list[Any]:
    """All that a theorem assumes and does not define, its own first."""
    named = [fact for _, fact in one.final.definitions]
    return [assumption for assumption in one.final.assumptions if assumption not in named]


def definitions(one: Derivation) -> list[Premise]:
    """The quantities that are defined on the way."""
    return [Premise("definition", _defined(symbol, fact), fact.line) for symbol, fact in one.final.definitions]


def premise(assumption: Any) -> Premise:
    """An assumption as it is said."""
    if isinstance(assumption, Side):
        inner = premise(assumption.assumption)
        return Premise(inner.kind, f"{inner.text} (in {assumption.of})", inner.formula, inner.tends)
    if isinstance(assumption, Given):
        return Premise("assumption", assumption.why, assumption.relation)
    if isinstance(assumption, Tends):
        also = ", ".join(_words(symbol) for symbol in assumption.settling)
        why = assumption.why + (f", and {also} tends to a limit of its own" if also else "")
        return Premise("limit", why, tends=(assumption.variable, assumption.to))
    if isinstance(assumption, Chosen):
        return Premise("choice", assumption.why)
    if isinstance(assumption, Crossing):
        return Premise("crossing", assumption.why, assumption.line)
    return Premise("axiom" if isinstance(assumption, Axiom) else "remark", str(assumption))


def _defined(symbol: Symbol, fact: Any) -> str:
    if isinstance(fact, Pinned):
        own = [str(a) for a in fact.assumptions if isinstance(a, Given | Tends)]
        return _defined(symbol, fact.fact) + (f", where {'; '.join(own)}" if own else "")
    if isinstance(fact, Crossing):
        return f"{_words(symbol)} is the {_words(fact.over)} at which {fact.why}"
    if isinstance(fact, Expected):
        return f"{_words(symbol)} is {fact.why}: the sum of the chances"
    if isinstance(fact, Wavefront):
        return f"{_words(symbol)} is {fact.why}: by induction over stages and pieces"
    if isinstance(fact, Area | DyingArea | PowerArea):
        return f"{_words(symbol)} is {fact.why}: an area under a curve"
    return f"{_words(symbol)} is {fact.why}"


def _words(symbol: Symbol) -> str:
    """How a quantity is called in a sentence: its name is made of words."""
    return str(symbol.name).replace("_", " ")


def holds(one: Derivation) -> tuple[Relational, ...]:
    """The conditions of a theorem, beyond the ranges of its quantities and the inequalities that it assumes."""
    return one.region


def is_approximate(one: Derivation, number: int) -> bool:
    """Whether something has been left out up to line ``number``; the start is line 0."""
    return one.standing[number].approximate


def left_out(one: Derivation, number: int) -> float | None:
    """What line ``number`` leaves out of the line before, relative to the rest, at the example; None where nothing."""
    if number == 0 or not isinstance(one.steps[number - 1].rule, Drop | Series):
        return None
    return one.relative_error(one.lines[number - 1], one.lines[number])


def equals(one: Derivation, number: int) -> str:
    """The sign between the sides of a line: = or ≈."""
    return "≈" if is_approximate(one, number) else "="
