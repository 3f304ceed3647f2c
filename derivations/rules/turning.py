"""Rules of equations that no power solves: where a slope changes its sign, and Lambert's function."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Eq, Expr, Symbol
from sympy.core.relational import Ge, Le

from steptime.derivations.checks.same import same
from steptime.derivations.inequalities.certificate import sign
from steptime.derivations.inequalities.conditions import Condition, RuleError, related
from steptime.derivations.rules.optima import chosen
from steptime.derivations.rules.rule import Rule, equation, must_be_quantity


@dataclass(frozen=True)
class Turning(Rule):
    """Where the right side is least over one quantity: where ``one`` is ``other``.

    The slope is ``times``, which is positive, times one less other, and that rises all along: the right side falls
    until both are equal, and rises from there, so that it is least there and nowhere else.
    """

    over: Symbol
    one: Expr
    other: Expr
    times: Expr
    least = True

    def chooses(self) -> frozenset[Symbol]:
        return frozenset({self.over})

    def apply(self, line: Eq) -> Eq:
        must_be_quantity(self.over)
        if self.over in line.lhs.free_symbols:
            raise RuleError(f"{self.over} stands on both sides: the left side is not what is minimised")
        gap = self.one - self.other
        if not same(sympy.diff(line.rhs, self.over), sympy.expand(self.times * gap)):
            raise RuleError(f"the slope over {self.over} is not {self.times} times {gap}")
        if sign(self.times) != "+":
            raise RuleError(f"{self.times} is not shown to be positive")
        if sign(sympy.factor(sympy.diff(gap, self.over))) != "+":
            raise RuleError(f"{gap} is not shown to rise with {self.over}")
        return equation(self.one, self.other)

    def declared(self, assumptions: Iterable[Any]) -> bool:
        return chosen(assumptions, self.over, least=True)

    def draws_on(self, assumption: Any) -> bool:
        return chosen((assumption,), self.over, least=True)

    def wants(self) -> str:
        return f"that {self.over} is chosen to make the left side least"


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
