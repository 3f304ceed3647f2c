"""Rules for what falls as an exponential: where a slope changes its sign; a line solved by Lambert's function."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Eq, Expr, Symbol
from sympy.core.relational import Gt

from steptime.derivations.inequalities.certificate import sign
from steptime.derivations.inequalities.conditions import Condition, RuleError, related
from steptime.derivations.rules.optima import chosen
from steptime.derivations.rules.rule import Rule, equation, must_be_quantity


@dataclass(frozen=True)
class Turn(Rule):
    """Where the right side is greatest, or least, over one quantity: the line becomes that its slope is nought.

    Times ``factor``, which is positive, the slope must fall all along (rise, for a least). Then it vanishes at most
    once, the right side rises before and falls after that, and there it is greatest of all.
    """

    over: Symbol
    factor: Expr
    least: bool = False

    def chooses(self) -> frozenset[Symbol]:
        return frozenset({self.over})

    def apply(self, line: Eq) -> Eq:
        must_be_quantity(self.over)
        if self.over in line.lhs.free_symbols:
            raise RuleError(f"{self.over} stands on both sides: the left side is not what is greatest or least")
        if self.over not in line.rhs.free_symbols:
            raise RuleError(f"{self.over} does not stand on the right side")
        if line.rhs.has(sympy.Max, sympy.Min, sympy.ceiling, sympy.floor, sympy.Sum):
            raise RuleError("the right side is not smooth: its slope may jump over nought")
        if sign(self.factor) in ("-", "0-", "0"):
            raise RuleError(f"{self.factor} is not positive")
        turned = sympy.expand(sympy.simplify(self.factor * sympy.diff(line.rhs, self.over)))
        wanted = "+" if self.least else "-"
        if sign(sympy.factor(sympy.diff(turned, self.over))) != wanted:
            raise RuleError(f"the slope over {self.over}, times {self.factor}, is not shown to keep turning one way")
        return equation(turned, sympy.S.Zero)

    def needs(self, line: Eq) -> Iterator[Condition]:
        yield Condition(related(Gt, self.factor, 0), f"{self.factor} multiplies the slope")

    def declared(self, assumptions: Iterable[Any]) -> bool:
        return chosen(assumptions, self.over, self.least)

    def draws_on(self, assumption: Any) -> bool:
        return chosen((assumption,), self.over, self.least)

    def wants(self) -> str:
        return f"that {self.over} is chosen to make the left side {'least' if self.least else 'greatest'}"


@dataclass(frozen=True)
class Unwind(Rule):
    """A line exp(u) = u + K solved for the positive quantity u: u = -K - W(-exp(-K)), the lower branch of Lambert's
    function. K must exceed one: then the line has one positive root and one negative; else it has none above nought.

    With w = -(u + K) the line reads w exp(w) = -exp(-K); a positive u makes w less than -K, and so less than -1.
    """

    unknown: Symbol

    def apply(self, line: Eq) -> Eq:
        height = self._height(line)
        return equation(self.unknown, -height - sympy.LambertW(-sympy.exp(-height), -1))

    def _height(self, line: Eq) -> Expr:
        must_be_quantity(self.unknown)
        if line.lhs != sympy.exp(self.unknown):
            raise RuleError(f"the left side is not exp({self.unknown})")
        height = sympy.expand(line.rhs - self.unknown)
        if self.unknown in height.free_symbols:
            raise RuleError(f"the right side is not {self.unknown} and what does not depend on it")
        return height

    def needs(self, line: Eq) -> Iterator[Condition]:
        yield Condition(related(Gt, self._height(line), 1), f"the line has a root {self.unknown} above nought")
