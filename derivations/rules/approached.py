"""Rules that leave something behind: limits, and summands too small to matter."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Eq, Expr, Symbol
from sympy.core.relational import Ge, Le

from steptime.derivations.inequalities.certificate import sign
from steptime.derivations.inequalities.conditions import Condition, RuleError, far_along, related
from steptime.derivations.rules.rule import Rule, equation, must_be_quantity
from steptime.model.quantity import declared_as, parts_and_wholes

LARGEST_ERROR = sympy.Rational(1, 10)
"""The most that may be left out, relative to what stays."""


@dataclass(frozen=True)
class Limit(Rule):
    """Both sides as one quantity tends to zero or to infinity."""

    variable: Symbol
    to: Expr

    def apply(self, line: Eq) -> Eq:
        must_be_quantity(self.variable)
        if self.to not in (sympy.S.Zero, sympy.oo):
            raise RuleError("a limit is taken to zero or to infinity")
        direction = "-" if self.to == sympy.oo else "+"
        try:
            sides = [self._limit(part, direction) for part in (line.lhs, line.rhs)]
        except (NotImplementedError, RecursionError, TypeError, ValueError) as error:
            raise RuleError(f"the limit as {self.variable} tends to {self.to} is not found") from error
        if any(part.has(sympy.oo, sympy.zoo, sympy.nan) for part in sides):
            raise RuleError(f"no finite limit as {self.variable} tends to {self.to}")
        return equation(*sides)

    def _limit(self, part: Expr, direction: str) -> Expr:
        """A maximum or a minimum is continuous: it tends to that of the limits of its arguments, where all have one."""
        if isinstance(part, sympy.Max | sympy.Min):
            return part.func(*[self._limit(one, direction) for one in part.args])
        return sympy.limit(part, self.variable, self.to, direction)

    def needs(self, line: Eq) -> Iterator[Condition]:
        record = declared_as(self.variable)
        if self.to == 0 and record is not None and isinstance(record.domain[0], Ge) and record.domain[0].rhs == 1:
            raise RuleError(f"{self.variable} is at least one: it does not tend to zero")
        if self.to == sympy.oo and record is not None and len(record.domain) > 1:
            raise RuleError(f"{self.variable} is a share: it does not grow without bound")
        for part in parts_and_wholes(self.variable):
            grows = part.lhs if self.to == sympy.oo else part.rhs
            if grows == self.variable and part.free_symbols <= line.free_symbols:
                raise RuleError(f"{part.lhs} is part of {part.rhs}: {self.variable} does not tend to {self.to} alone")
        yield from ()

    def carried(self, conditions: Iterable[Condition], line: Eq) -> Iterator[Condition]:
        for condition in conditions:
            yield from far_along(condition, self.variable, self.to)

    def declared(self, assumptions: Iterable[Any]) -> bool:
        return any(self.draws_on(one) for one in assumptions)

    def draws_on(self, assumption: Any) -> bool:
        ours = getattr(assumption, "variable", None) == self.variable and getattr(assumption, "to", None) == self.to
        return bool(ours)

    def approaches(self) -> frozenset[Symbol]:
        return frozenset({self.variable})

    def wants(self) -> str:
        return f"that {self.variable} tends to {self.to}"


@dataclass(frozen=True)
class Drop(Rule):
    """Leave out summands of the right side. At the derivation's example they must be small: ``error`` is the most that
    they may be, relative to what stays."""

    terms: tuple[Expr, ...]
    error: Expr
    approximates = True

    def needs(self, line: Eq) -> Iterator[Condition]:
        yield from small(sympy.Add(*self.terms), self.apply(line).rhs, self.error)

    def apply(self, line: Eq) -> Eq:
        rest = sympy.expand(line.rhs)
        for term in self.terms:
            smaller = sympy.expand(rest - sympy.expand(term))
            if len(sympy.Add.make_args(smaller)) >= len(sympy.Add.make_args(rest)):
                raise RuleError(f"{term} is not a summand of the right side")
            rest = smaller
        return equation(line.lhs, rest)


@dataclass(frozen=True)
class Series(Rule):
    """The right side to some order in a small quantity, the rest left out; small at the example as for `Drop`."""

    variable: Symbol
    order: int
    error: Expr
    approximates = True

    def needs(self, line: Eq) -> Iterator[Condition]:
        stays = self.apply(line).rhs
        yield from small(line.rhs - stays, stays, self.error)

    def apply(self, line: Eq) -> Eq:
        must_be_quantity(self.variable)
        return equation(line.lhs, sympy.series(line.rhs, self.variable, 0, self.order + 1).removeO())


def small(left_out: Expr, stays: Expr, error: Expr) -> Iterator[Condition]:
    """That what is left out is no more than so small a share of what stays."""
    if not error <= LARGEST_ERROR:
        raise RuleError(f"an error of {error} of what stays is too large to be left out")
    why = "what is left out is small"
    if sign(left_out) not in ("-", "0-"):
        yield Condition(related(Le, left_out, error * stays), why)
    if sign(left_out) not in ("+", "0+"):
        yield Condition(related(Le, -left_out, error * stays), why)
