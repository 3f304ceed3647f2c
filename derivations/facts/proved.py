"""Facts with a proof of their own: an expected number, the time of a pipeline by induction, a choice at an optimum."""

from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Eq, Expr, Symbol

from steptime.derivations.checks.same import same
from steptime.derivations.rules import Identity, Optimum, RuleError, Substitute, equation


@dataclass(frozen=True)
class Expected:
    """How many of some events happen, on average: the sum of their chances, whether they depend on one another or not
    (linearity of expectation). ``chance`` is that of the event number ``index``."""

    symbol: Symbol
    index: Symbol
    low: Expr
    high: Expr
    chance: Expr
    why: str

    @property
    def line(self) -> Eq:
        return equation(self.symbol, sympy.Sum(self.chance, (self.index, self.low, self.high)))


@dataclass(frozen=True)
class Wavefront:
    """When the last of ``along`` pieces leaves the last of ``across`` stages in a row, each of which works on one piece
    at a time for ``each``: a stage starts a piece once it has finished the one before, and the stage before this one.

    ``closed`` is the closed form of that recurrence, F(s, i) = max(F(s-1, i), F(s, i-1)) + each; it is proved by
    induction over stages and pieces.
    """

    symbol: Symbol
    across: Symbol
    along: Symbol
    each: Expr
    closed: Expr
    why: str

    @property
    def line(self) -> Eq:
        return equation(self.symbol, self.closed)

    def flaw(self) -> str | None:
        """What is wrong with the closed form, None where the induction goes through."""

        def at(stage: Expr, piece: Expr) -> Expr:
            return self.closed.xreplace({self.across: stage, self.along: piece})

        one, s, i = sympy.S.One, self.across, self.along
        steps = {
            "the first piece on the first stage": (at(one, one), self.each),
            "the next piece on the first stage": (at(one, i) - at(one, i - 1), self.each),
            "the first piece on the next stage": (at(s, one) - at(s - 1, one), self.each),
        }
        before, above = at(s, i - 1), at(s - 1, i)
        steps["the next piece on the next stage, after the piece before"] = (at(s, i) - before, self.each)
        if not same(before, above):
            return f"{before} and {above} are not the same: neither is shown to be the later"
        return next((f"{what}: {one} is not {two}" for what, (one, two) in steps.items() if not same(one, two)), None)


@dataclass(frozen=True)
class Best:
    """What a quantity is at the optimum that a theorem proves: a choice that attains the least value."""

    of: Any
    symbol: Symbol

    @property
    def line(self) -> Eq:
        found = [place for place, step in enumerate(self.of.steps) if isinstance(step.rule, Optimum)]
        if len(found) != 1:
            raise RuleError(f"{self.of.name} has no one optimum")
        point = {p.lhs: p.rhs for p in self.of.steps[found[0]].rule.at}
        if self.symbol not in point:
            raise RuleError(f"{self.of.name} does not choose {self.symbol}")
        value = point[self.symbol]
        for step in self.of.steps[found[0] + 1 :]:
            if isinstance(step.rule, Substitute):
                value = value.xreplace(step.rule.replacements())
            elif not isinstance(step.rule, Identity):
                raise RuleError(f"{self.of.name}: what follows its optimum may not hold for {self.symbol}")
        return equation(self.symbol, value)


@dataclass(frozen=True)
class Priced:
    """What a limit costs at the optimum that a theorem proves: the multiplier of limit number ``number``, counted from
    nought. The least falls by so much for each unit that the limit gives, at that rate and all else the same (the
    sensitivity of a convex problem, whose multipliers these are)."""

    of: Any
    number: int
    symbol: Symbol
    why: str

    @property
    def line(self) -> Eq:
        found = [place for place, step in enumerate(self.of.steps) if isinstance(step.rule, Optimum)]
        if len(found) != 1 or self.number >= len(self.of.steps[found[0]].rule.prices):
            raise RuleError(f"{self.of.name} has no one optimum with so many limits")
        if len(self.of.steps) > found[0] + 1:
            raise RuleError(f"{self.of.name}: what follows its optimum may not hold for its prices")
        return equation(self.symbol, self.of.steps[found[0]].rule.prices[self.number])
