"""Rules of optima: the least of a sum of two powers, the end of a range, and a budget spent best.

Each proves a minimum, not a stationary point. Sums of powers of positive quantities are convex in their logarithms, so
that multipliers which balance the slopes prove the optimum of all (Karush, Kuhn and Tucker).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Eq, Expr, Symbol
from sympy.core.relational import Ge, Gt, Le, Relational

from steptime.derivations.checks.same import same
from steptime.derivations.inequalities.certificate import sign
from steptime.derivations.inequalities.conditions import Condition, RuleError, in_range, related
from steptime.derivations.inequalities.slopes import slope
from steptime.derivations.rules.posynomials import balanced, must_be_posynomial
from steptime.derivations.rules.rule import Rule, equation, must_be_quantity
from steptime.model.quantity import declared_as


@dataclass(frozen=True)
class Minimise(Rule):
    """Where the right side is least over one positive quantity: the line becomes the value of it there.

    Times a power of the quantity, the slope must be a + b x^p with a below and b above zero, for p above: the right
    side falls before its one root and rises after it, so that this is the least over all positive values.
    """

    over: Symbol
    least = True

    def chooses(self) -> frozenset[Symbol]:
        return frozenset({self.over})

    def apply(self, line: Eq) -> Eq:
        low, high, power, _ = self._slope(line)
        return equation(self.over, (-low / high) ** (1 / power))

    def _slope(self, line: Eq) -> tuple[Expr, Expr, Expr, Expr]:
        """The slope as x^q (low + high x^p)."""
        must_be_quantity(self.over)
        if self.over in line.lhs.free_symbols:
            raise RuleError(f"{self.over} stands on both sides: the left side is not what is minimised")
        slope = sympy.expand(sympy.powsimp(sympy.expand(sympy.diff(line.rhs, self.over))))
        by_power: dict[Expr, Expr] = {}
        for term in sympy.Add.make_args(slope):
            coefficient, power = sympy.powsimp(term).as_coeff_exponent(self.over)
            if coefficient.has(self.over) or power.has(self.over):
                raise RuleError(f"the slope over {self.over} is no sum of powers")
            power = sympy.expand(power)
            by_power[power] = by_power.get(power, sympy.S.Zero) + coefficient
        if len(by_power) != 2:
            raise RuleError(f"the slope over {self.over} has no positive root")
        (first, one), (second, other) = by_power.items()
        if sign(second - first) != "+":
            (first, one), (second, other) = (second, other), (first, one)
        if sign(second - first) != "+":
            raise RuleError(f"it is not shown which of {first} and {second} is the larger power")
        if sign(one) in ("+", "0+") or sign(other) in ("-", "0-"):
            raise RuleError(f"the stationary point over {self.over} is not shown to be a minimum")
        return sympy.factor(one), sympy.factor(other), second - first, first

    def needs(self, line: Eq) -> Iterator[Condition]:
        low, high, _, _ = self._slope(line)
        yield Condition(related(Gt, -low, 0), f"the slope over {self.over} is below zero at first")
        yield Condition(related(Gt, high, 0), f"the slope over {self.over} is above zero at last")

    def lands(self, line: Eq) -> dict[Symbol, Expr]:
        return {self.over: self.apply(line).rhs}

    def carried(self, conditions: Iterable[Condition], line: Eq) -> Iterator[Condition]:
        for condition in conditions:
            yield condition.put(self.lands(line))

    def declared(self, assumptions: Iterable[Any]) -> bool:
        return chosen(assumptions, self.over, least=True)

    def draws_on(self, assumption: Any) -> bool:
        return chosen((assumption,), self.over, least=True)

    def wants(self) -> str:
        return f"that {self.over} is chosen to make the left side least"


@dataclass(frozen=True)
class Extreme(Rule):
    """The least, or greatest, that the right side can be within a bound on one quantity: it rises, or falls, all along.

    ``bound`` is an inequality with the quantity on its left: of its declared range, or assumed.
    """

    bound: Relational
    least: bool = True

    @property
    def over(self) -> Expr:
        return self.bound.lhs

    def chooses(self) -> frozenset[Symbol]:
        return frozenset({self.over})

    def apply(self, line: Eq) -> Eq:
        must_be_quantity(self.over)
        if self.over in line.lhs.free_symbols:
            raise RuleError(f"{self.over} stands on both sides: the left side is not what is bounded")
        if self.over in self.bound.rhs.free_symbols or not isinstance(self.bound, Ge | Le):
            raise RuleError(f"{self.bound} is no end of a range that {self.over} can reach")
        for part in line.rhs.atoms(sympy.Pow):
            divides = self.over in part.base.free_symbols and part.exp.is_negative
            if divides and sign(part.base, (self.bound,)) not in ("+", "-"):
                raise RuleError(f"{part.base} is not shown to keep its sign over the whole range of {self.over}")
        rises = isinstance(self.bound, Ge) == self.least
        if slope(line.rhs, self.over) not in (("+", "0+") if rises else ("-", "0-")):
            raise RuleError(f"the right side is not shown to {'rise' if rises else 'fall'} with {self.over}")
        return equation(line.lhs, line.rhs.xreplace({self.over: self.bound.rhs}))

    def carried(self, conditions: Iterable[Condition], line: Eq) -> Iterator[Condition]:
        for condition in conditions:
            yield condition.put(self.lands(line))

    def lands(self, line: Eq) -> dict[Symbol, Expr]:
        return {self.over: self.bound.rhs}

    def declared(self, assumptions: Iterable[Any]) -> bool:
        record, many = declared_as(self.over), tuple(assumptions)
        ranges = () if record is None else record.domain
        bounded = self.bound in ranges or any(getattr(one, "relation", None) == self.bound for one in many)
        return bounded and chosen(many, self.over, self.least)

    def draws_on(self, assumption: Any) -> bool:
        return getattr(assumption, "relation", None) == self.bound or chosen((assumption,), self.over, self.least)

    def needs(self, line: Eq) -> Iterator[Condition]:
        yield from in_range(self.over, self.bound.rhs, f"the end of the range of {self.over}", line.free_symbols)

    def wants(self) -> str:
        end = "least" if self.least else "greatest"
        return f"{self.bound}, and that {self.over} is chosen to make the left side {end}"


@dataclass(frozen=True)
class Optimum(Rule):
    """The least of max(f_1, ..., f_n) over some positive quantities within limits, g_k <= limit_k, by its multipliers.

    The line is t = max(f_1, ..., f_n), or t = f. ``at`` says what each quantity is at the optimum, ``value`` what t is
    there, ``weights`` one multiplier for each f_i in order (they sum to one; that of a f_i below the maximum is zero),
    ``prices`` one for each limit (zero where it is not reached). All f_i and g_k must be sums of powers with positive
    coefficients: then they are convex in the logarithms of the quantities, and the multipliers prove that no other
    choice is better.
    """

    within: tuple[Relational, ...]
    at: tuple[Eq, ...]
    value: Expr
    weights: tuple[Expr, ...]
    prices: tuple[Expr, ...]
    least = True

    def chooses(self) -> frozenset[Symbol]:
        return frozenset(point.lhs for point in self.at)

    def apply(self, line: Eq) -> Eq:
        sides = line.rhs.args if isinstance(line.rhs, sympy.Max) else (line.rhs,)
        if not all(isinstance(limit, Le) for limit in self.within) or len(self.prices) != len(self.within):
            raise RuleError("each limit says that something is no more than it, and has a price")
        free = set().union(*(limit.rhs.free_symbols for limit in self.within))
        over = [point.lhs for point in self.at]
        for symbol in over:
            must_be_quantity(symbol)
            if symbol in line.lhs.free_symbols | self.value.free_symbols | free:
                raise RuleError(f"{symbol} is chosen: it does not stand on the left side, in the limit or in the value")
        if len(self.weights) != len(sides):
            raise RuleError(f"{len(sides)} terms need as many weights")
        point = {p.lhs: p.rhs for p in self.at}
        bounded = [limit.lhs for limit in self.within]
        for expr in (*sides, *bounded):
            must_be_posynomial(expr, over)
        if not same(sympy.Add(*self.weights), sympy.S.One):
            raise RuleError("the weights do not sum to one")
        for weight, term in zip(self.weights, sides, strict=True):
            if weight != 0 and not same(term.xreplace(point), self.value):
                raise RuleError(f"{term} is not {self.value} at the optimum")
        for price, limit in zip(self.prices, self.within, strict=True):
            if price != 0 and not same(limit.lhs.xreplace(point), limit.rhs):
                raise RuleError(f"{limit} has a price, and is not reached at the optimum")
        parts = [*zip(self.weights, sides, strict=True), *zip(self.prices, bounded, strict=True)]
        for symbol in over:
            if not balanced(parts, symbol, point):
                raise RuleError(f"the slopes over {symbol} do not balance at the optimum")
        return equation(line.lhs, self.value)

    def needs(self, line: Eq) -> Iterator[Condition]:
        sides = line.rhs.args if isinstance(line.rhs, sympy.Max) else (line.rhs,)
        point = {p.lhs: p.rhs for p in self.at}
        for weight, term in zip(self.weights, sides, strict=True):
            yield Condition(related(Ge, weight, 0), f"the multiplier of {term}")
            if weight == 0:
                yield Condition(related(Ge, self.value, term.xreplace(point)), f"{term} is not the largest")
        for price, limit in zip(self.prices, self.within, strict=True):
            if price == 0:
                yield Condition(related(Le, limit.lhs.xreplace(point), limit.rhs), f"{limit} is kept")
            else:
                yield Condition(related(Ge, price, 0), f"the multiplier of {limit}")
        for eq in self.at:
            yield Condition(related(Gt, eq.rhs, 0), f"{eq.lhs} > 0 at the optimum")
            for condition in in_range(eq.lhs, eq.rhs, "at the optimum", line.free_symbols):
                yield condition.put(point)  # beside what else is chosen, as that comes to be

    def carried(self, conditions: Iterable[Condition], line: Eq) -> Iterator[Condition]:
        for condition in conditions:
            yield condition.put(self.lands(line))

    def lands(self, line: Eq) -> dict[Symbol, Expr]:
        return {point.lhs: point.rhs for point in self.at}

    def declared(self, assumptions: Iterable[Any]) -> bool:
        many = tuple(assumptions)
        relations = [getattr(one, "relation", None) for one in many]
        limited = all(limit in relations for limit in self.within)
        return limited and all(chosen(many, p.lhs, least=True) for p in self.at)

    def draws_on(self, assumption: Any) -> bool:
        return getattr(assumption, "relation", None) in self.within or any(
            chosen((assumption,), p.lhs, least=True) for p in self.at
        )

    def wants(self) -> str:
        names = ", ".join(str(p.lhs) for p in self.at)
        limits = ", ".join(str(limit) for limit in self.within)
        return f"{limits}, and that {names} are chosen to make the left side least"


def chosen(assumptions: Iterable[Any], over: Expr, least: bool) -> bool:
    """Whether a theorem declares that a quantity is chosen to make its left side least, or greatest."""
    return any(getattr(one, "variable", None) == over and getattr(one, "least", None) is least for one in assumptions)
