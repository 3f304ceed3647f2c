"""Rules of equations that no power solves: where a slope changes its sign, and Lambert's function."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Eq, Expr, Symbol
from sympy.core.relational import Ge, Gt, Le

from steptime.derivations.checks.same import same
from steptime.derivations.inequalities.certificate import sign
from steptime.derivations.inequalities.conditions import Condition, RuleError, more, of_expression, related
from steptime.derivations.rules.optima import chosen
from steptime.derivations.rules.rule import Rule, equation, must_be_quantity

JUMPS = (sympy.Max, sympy.Min, sympy.ceiling, sympy.floor, sympy.Sum, sympy.Piecewise)
"""What may have no slope somewhere, or one that does not say by how much it rises."""


@dataclass(frozen=True)
class Turning(Rule):
    """Where the right side is least over one quantity, or greatest: where ``one`` is ``other``.

    The slope is ``times``, which is positive, times one less other, and that rises all along: the right side falls
    until both are equal and rises from there, so that it is least there and nowhere else. For a greatest it falls. All
    this must be so wherever the quantity lies, not only where both are equal: the right side has a value there, what of
    ``times`` depends on it is positive. What does not depend on it may be positive by a condition.
    """

    over: Symbol
    one: Expr
    other: Expr
    times: Expr
    least: bool = True

    def chooses(self) -> frozenset[Symbol]:
        return frozenset({self.over})

    def apply(self, line: Eq) -> Eq:
        must_be_quantity(self.over)
        if self.over in line.lhs.free_symbols:
            raise RuleError(f"{self.over} stands on both sides: the left side is not what is least or greatest")
        if self.over not in line.rhs.free_symbols:
            raise RuleError(f"{self.over} does not stand on the right side")
        self._must_be_smooth(line.rhs)
        gap = self.one - self.other
        if not same(sympy.diff(line.rhs, self.over), sympy.expand(self.times * gap)):
            raise RuleError(f"the slope over {self.over} is not {self.times} times {gap}")
        constant, varying = self._times()
        if sign(constant) in ("-", "0-", "0") or sign(varying) != "+":
            raise RuleError(f"{self.times} is not shown to be positive wherever {self.over} lies")
        if sign(sympy.factor(sympy.diff(gap, self.over))) != ("+" if self.least else "-"):
            raise RuleError(f"{gap} is not shown to {'rise' if self.least else 'fall'} with {self.over} all along")
        return equation(self.one, self.other)

    def _must_be_smooth(self, expr: Expr) -> None:
        """Refuse what may jump, or has no value somewhere: beyond that the least, or greatest, may lie elsewhere."""
        for part in expr.atoms(*JUMPS):
            if self.over in part.free_symbols:
                raise RuleError(f"the right side is not smooth: {part} may jump over what is looked for")
        for condition in of_expression(expr, "wherever it lies"):
            if self.over in condition.relation.free_symbols and not condition.follows((more(self.over, 0),)):
                raise RuleError(f"the right side has no value somewhere: {condition.relation} is not shown")

    def _times(self) -> tuple[Expr, Expr]:
        """What multiplies the difference: what does not depend on the quantity, and what does."""
        constant, varying = sympy.factor(self.times).as_independent(self.over, as_Add=False)
        return constant, varying

    def needs(self, line: Eq) -> Iterator[Condition]:
        constant, _ = self._times()
        yield Condition(related(Gt, constant, 0), f"{constant} multiplies the slope")

    def declared(self, assumptions: Iterable[Any]) -> bool:
        return chosen(assumptions, self.over, self.least)

    def draws_on(self, assumption: Any) -> bool:
        return chosen((assumption,), self.over, self.least)

    def wants(self) -> str:
        return f"that {self.over} is chosen to make the left side {'least' if self.least else 'greatest'}"


@dataclass(frozen=True)
class Lambert(Rule):
    """The line u exp(u) = z solved for u: W(z), of branch 0 where u is -1 or more, of branch -1 where it is no more."""

    inner: Expr
    branch: int = 0

    def apply(self, line: Eq) -> Eq:
        if self.branch not in (0, -1):
            raise RuleError("Lambert's function has two real branches, 0 and -1")
        product = self.inner * sympy.exp(self.inner)
        if not self.inner.free_symbols or not same(line.lhs, product):
            raise RuleError(f"the left side is not {self.inner} times its exponential")
        return equation(self.inner, sympy.LambertW(line.rhs, self.branch) if self.branch else sympy.LambertW(line.rhs))

    def needs(self, line: Eq) -> Iterator[Condition]:
        kind = Le if self.branch else Ge
        yield Condition(related(kind, self.inner, -1), f"the branch {self.branch} is taken", narrows=True)
