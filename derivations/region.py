"""Where a theorem holds: its conditions and the ranges of its quantities, checked at numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from sympy import Eq, Symbol
from sympy.core.relational import Ge, Gt, Le, Lt, Relational

from steptime.derivations.readable import readable
from steptime.derivations.stated import declared
from steptime.derivations.steps import Derivation
from steptime.model.quantity import domains
from steptime.model.scenario import evaluate

ROUNDING = 1e-9
"""By how much, relative to it, a number may miss a bound that it reaches: what rounding does."""


@dataclass(frozen=True)
class Broken:
    """A condition that numbers do not satisfy, and its two sides there."""

    relation: Relational
    left: float
    right: float

    def __str__(self) -> str:
        both = zip(self.relation.args, (self.left, self.right), strict=True)
        sides = [f"{readable(side)} = {value:.6g}" for side, value in both if side.free_symbols]
        return f"{readable(self.relation)} is not so: {', '.join(sides)}"


def conditions(one: Derivation) -> tuple[Relational, ...]:
    """What a theorem needs, beyond the ranges of its quantities."""
    return tuple(dict.fromkeys((*one.region, *declared(one))))


def region(line: Eq, one: Derivation | None) -> tuple[Relational, ...]:
    """All that must be true for an equation to be used: the theorem's conditions, the ranges of all its quantities."""
    stated = () if one is None else conditions(one)
    return (*domains(line.free_symbols.union(*(relation.free_symbols for relation in stated))), *stated)


def broken(relations: Iterable[Relational], values: Mapping[Symbol, float]) -> list[Broken]:
    """Conditions that are not satisfied, of those whose quantities all have numbers; one without a value is not."""
    found = []
    for relation in relations:
        if not relation.free_symbols <= set(values):
            continue
        with np.errstate(all="ignore"):
            left, right = (float(evaluate(side, values)) for side in relation.args)
        if not _is_so(relation, left, right):
            found.append(Broken(relation, left, right))
    return found


def _is_so(relation: Relational, left: float, right: float) -> bool:
    slack = ROUNDING * max(abs(left), abs(right))
    if isinstance(relation, Ge | Gt):
        return left >= right - slack if isinstance(relation, Ge) else left > right
    if isinstance(relation, Le | Lt):
        return left <= right + slack if isinstance(relation, Le) else left < right
    return left != right
