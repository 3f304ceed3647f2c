"""What a line rests on: the record of its conditions, assumptions and definitions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sympy import Eq, Symbol

from steptime.derivations.definitions import must_be_ordered
from steptime.derivations.facts import Axiom, Given
from steptime.derivations.inequalities.conditions import Condition, RuleError

Cuts = tuple[tuple[frozenset[Symbol], bool | None], ...]


@dataclass(frozen=True)
class Standing:
    """What a line rests on. ``seen`` are the quantities that have occurred so far; ``approximate`` whether something
    was left out on the way; ``cuts`` are the quantities of each case that was taken, and the optimum that it bounds;
    ``gone`` those that went to a limit; ``divided`` whether something may have been divided."""

    conditions: tuple[Condition, ...] = ()
    assumptions: tuple[Any, ...] = ()
    definitions: tuple[tuple[Symbol, Any], ...] = ()
    seen: frozenset[Symbol] = frozenset()
    approximate: bool = False
    cuts: Cuts = ()
    gone: frozenset[Symbol] = frozenset()
    divided: bool = False

    def joined(self, other: Standing) -> Standing:
        """Both together; a quantity that they define differently is refused."""
        for symbol, means in other.definitions:
            if any(symbol == known and means != meant for known, meant in self.definitions):
                raise RuleError(f"{symbol} is defined in two ways")
        for one in self.assumptions:
            for two in other.assumptions:
                if fixes(one) is not None and fixes(one) == fixes(two) and one.line.rhs != two.line.rhs:
                    raise RuleError(f"{one.line} and {two.line} are both assumed")
        definitions = unique(self.definitions, other.definitions)
        must_be_ordered(definitions)
        return Standing(
            unique(self.conditions, other.conditions),
            unique(self.assumptions, other.assumptions),
            definitions,
            self.seen | other.seen,
            self.approximate or other.approximate,
            unique(self.cuts, other.cuts),
            self.gone | other.gone,
            self.divided or other.divided,
        )


@dataclass(frozen=True)
class Pinned:
    """A definition together with what was assumed on the way to its value: under other assumptions it is another."""

    fact: Any
    assumptions: tuple[Any, ...]

    @property
    def line(self) -> Eq:
        line: Eq = self.fact.line
        return line

    @property
    def why(self) -> str:
        return str(self.fact.why)


def settled(standing: Standing) -> Standing:
    """Without axioms that have become moot: some of what they speak of is assumed to be nought, and the rest is too, or
    has not occurred."""
    nought = {fixes(one) for one in standing.assumptions if fixes(one) is not None and one.line.rhs == 0}

    def is_moot(one: Any) -> bool:
        about = set(one.about) if isinstance(one, Axiom) else set()
        return bool(about & nought) and not about & standing.seen - nought

    return replace(standing, assumptions=tuple(one for one in standing.assumptions if not is_moot(one)))


def unique(*many: Iterable[Any]) -> tuple[Any, ...]:
    """Everything once, in order."""
    return tuple(dict.fromkeys(one for few in many for one in few))


def fixes(assumption: Any) -> Symbol | None:
    """The quantity that an assumption says what it is."""
    if isinstance(assumption, Given) and isinstance(assumption.relation, Eq):
        left = assumption.relation.lhs
        return left if isinstance(left, Symbol) else None
    return None
