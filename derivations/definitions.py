"""Definitions in good order: each quantity is defined once, by what does not depend on it, and has no other meaning."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sympy import Eq, Symbol

from steptime.derivations.inequalities.conditions import RuleError
from steptime.derivations.owned import is_declared_here
from steptime.model import symbols as q

from steptime.derivations.facts import (  # isort: skip
    Area, Compared, Crossing, Defined, DyingArea, Expected, Given, Instance, Modelled, PowerArea, Priced, Wavefront,
)  # fmt: skip

Defining = (
    Area | Defined | Compared | Crossing | DyingArea | Expected | PowerArea | Priced | Wavefront | Modelled | Instance
)
Pairs = tuple[tuple[Symbol, Any], ...]
FOLLOWS = {q.parameters_read: frozenset({q.batch, q.micro_batch, q.pass_tokens})}
"""What theorems may leave open, and the model makes of other quantities: the more tokens choose experts, the more
weights a step reads. Whoever chooses those, or takes them to a limit, must say what becomes of it."""


@dataclass(frozen=True)
class Meant:
    """What a quantity means for other quantities than those it was defined by."""

    line: Eq
    why: str


def is_known(fact: Defining) -> bool:
    """Whether a derivation of the library uses a definition, or a formula of the model under that name; the chapter
    that holds it has been read by then."""
    modules = [name for name in sys.modules if name.startswith("steptime.derivations.")]
    return fact in _known(tuple(sorted(modules)))


@cache
def _known(modules: tuple[str, ...]) -> frozenset[Defining]:
    chapters = (getattr(sys.modules[name], "DERIVATIONS", ()) for name in modules)
    facts = (fact for chapter in chapters for one in chapter for fact in one.facts)
    return frozenset(fact for fact in facts if isinstance(fact, Defining))


def must_be_free(symbol: Symbol, fact: Defining) -> None:
    """Refuse to define a quantity that has a meaning, but where the library does so itself."""
    if is_declared_here(symbol) and not is_known(fact):
        raise RuleError(f"{symbol} has a meaning of its own: it is not defined anew")


def must_be_ordered(definitions: Pairs) -> None:
    """Refuse a quantity that is defined by itself, also by way of others."""
    uses = {symbol: fact.line.free_symbols - {symbol} for symbol, fact in definitions}
    for symbol, fact in definitions:
        value = fact.line.rhs if fact.line.lhs == symbol else None
        if value is not None and symbol in value.free_symbols:
            raise RuleError(f"{symbol} is defined by itself")
        if symbol in reached(uses.get(symbol, set()), uses):
            raise RuleError(f"{symbol} is defined by way of itself")


def reached(symbols: Iterable[Symbol], uses: dict[Symbol, set[Symbol]]) -> set[Symbol]:
    """The quantities that some depend on, themselves included."""
    found, left = set(symbols), list(symbols)
    while left:
        for other in uses.get(left.pop(), set()) - found:
            found.add(other)
            left.append(other)
    return found


def depends(
    symbol: Symbol, on: frozenset[Symbol], definitions: Pairs, assumptions: Iterable[Any], there: frozenset[Symbol]
) -> bool:
    """Whether a quantity depends on others by its definition, or by what is assumed of those that stand in the line: an
    equation with a quantity that does not stand there says what that one is."""
    uses: dict[Symbol, set[Symbol]] = {one: set(others) for one, others in FOLLOWS.items()}
    for defined, fact in definitions:
        uses.setdefault(defined, set()).update(fact.line.free_symbols - {defined})
    for assumption in assumptions:
        if (
            isinstance(assumption, Given)
            and isinstance(assumption.relation, Eq)
            and assumption.relation.free_symbols <= there
        ):
            uses.setdefault(assumption.relation.lhs, set()).update(assumption.relation.rhs.free_symbols)
    return bool(reached(uses.get(symbol, set()), uses) & on)
