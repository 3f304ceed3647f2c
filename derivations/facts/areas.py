"""Facts with a proof by calculus: an area under a curve, and the area under a chance that dies out as a power."""

from dataclasses import dataclass

import sympy
from sympy import Eq, Expr, Symbol

from steptime.derivations.checks.same import same
from steptime.derivations.inequalities.conditions import Condition, at_least, more, of_expression
from steptime.derivations.rules import equation
from steptime.derivations.rules.turning import JUMPS


@dataclass(frozen=True)
class Beside:
    """Another area over the same range, so many times: its symbol, and the height of its curve."""

    times: Expr
    symbol: Symbol
    each: Expr


@dataclass(frozen=True)
class Area:
    """The area under a curve of height ``each`` as ``over`` goes from one to ``high``, in closed form but for areas
    ``beside`` it: proved by differentiating ``primitive``, whose slope is the height less theirs.
    """

    symbol: Symbol
    over: Symbol
    high: Expr
    each: Expr
    primitive: Expr
    why: str
    beside: tuple[Beside, ...] = ()

    @property
    def line(self) -> Eq:
        ends = (self.primitive.xreplace({self.over: end}) for end in (self.high, sympy.S.One))
        others = [other.times * other.symbol for other in self.beside]
        return equation(self.symbol, sympy.Add(next(ends), -next(ends), *others))

    def flaw(self) -> str | None:
        """What is wrong with the closed form, None where it is proved."""
        if any(self.over in part.free_symbols for part in (self.high, *(other.times for other in self.beside))):
            return f"{self.over} runs over the range, and stands outside the curves"
        if self.primitive.has(*JUMPS):
            return f"{self.primitive} may jump"
        for condition in of_expression(self.primitive, "within the range"):
            over = self.over in condition.relation.free_symbols
            if over and not condition.follows((at_least(self.over, 1),)):
                return f"{self.primitive} has no value somewhere: {condition.relation} is not shown"
        curve = self.each - sympy.Add(*(other.times * other.each for other in self.beside))
        if not same(sympy.diff(self.primitive, self.over), curve):
            return f"the slope of {self.primitive} is not {curve}"
        return None

    def needs(self) -> tuple[Condition, ...]:
        """What must be true beside it: the range is one, and the primitive has a value."""
        of_it = of_expression(self.primitive, "within the range")
        whole = tuple(one for one in of_it if self.over not in one.relation.free_symbols)
        return (Condition(at_least(self.high, 1), f"{self.over} goes from one up"), *whole)


@dataclass(frozen=True)
class PowerArea:
    """The area under x^-p (1 - exp(-A x^-a)) for all x above nought, A^((1-p)/a) Gamma(1 - (1-p)/a)/(1-p).

    By parts, and with v = A x^-a, it is A^((1-p)/a)/(1-p) times the integral of v^-((1-p)/a) exp(-v), Euler's; it has a
    value where 1 - p lies between nought and a: else it has none at one of its ends.
    """

    symbol: Symbol
    scale: Expr
    power: Expr
    fall: Expr
    why: str

    @property
    def line(self) -> Eq:
        share = (1 - self.power) / self.fall
        return equation(self.symbol, self.scale**share * sympy.gamma(sympy.expand(1 - share)) / (1 - self.power))

    def flaw(self) -> str | None:
        """Nothing: the form is proved, for all scales and powers in range."""
        return None

    def needs(self) -> tuple[Condition, ...]:
        """That the area is one."""
        return (
            Condition(more(self.scale, 0), "the curve is above nought"),
            Condition(more(1, self.power), "the area is finite near nought"),
            Condition(more(self.fall + self.power, 1), "the area is finite far out"),
        )


@dataclass(frozen=True)
class DyingArea:
    """The area under x^-p exp(-A x^-a) for all x above nought, A^((1-p)/a) Gamma((p-1)/a)/a: Euler's integral of
    v = A x^-a, which has a value where p is above one."""

    symbol: Symbol
    scale: Expr
    power: Expr
    fall: Expr
    why: str

    @property
    def line(self) -> Eq:
        share = (self.power - 1) / self.fall
        return equation(self.symbol, self.scale**-share * sympy.gamma(share) / self.fall)

    def flaw(self) -> str | None:
        """Nothing: the form is proved, for all scales and powers in range."""
        return None

    def needs(self) -> tuple[Condition, ...]:
        """That the area is one."""
        return (
            Condition(more(self.scale, 0), "the curve dies out near nought"),
            Condition(more(self.power, 1), "the area is finite far out"),
            Condition(more(self.fall, 0), "the curve dies out near nought"),
        )
