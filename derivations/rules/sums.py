"""Rules of sums and cases: a finite sum in closed form, by induction; the branch of a maximum that is the larger."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sympy
from sympy import Dummy, Eq, Expr, Symbol
from sympy.core.relational import Ge, Relational

from steptime.derivations.checks.same import same
from steptime.derivations.inequalities.certificate import sign
from steptime.derivations.inequalities.conditions import Condition, RuleError, related
from steptime.derivations.rules.rule import Rule, equation
from steptime.model.quantity import count, declared_as


@dataclass(frozen=True)
class Total(Rule):
    """A finite sum in closed form, proved by induction: nothing for no summand, and one summand more for one more."""

    of: sympy.Sum
    closed: Expr

    def apply(self, line: Eq) -> Eq:
        if not isinstance(self.of, sympy.Sum) or len(self.of.limits) != 1:
            raise RuleError(f"{self.of} is no sum over one index")
        if not (line.lhs.has(self.of) or line.rhs.has(self.of)):
            raise RuleError(f"{self.of} does not occur in the line")
        index, low, high = self.of.limits[0]
        if high.is_number:
            raise RuleError(f"{self.of} has a fixed number of summands")
        last, offset = self._last(high)
        record = declared_as(last)
        if record is None or record.unit != count or record.sane[1] <= 1:
            raise RuleError(f"{last} is no count: it does not say how many summands there are")
        if last in low.free_symbols or last in self.of.function.free_symbols:
            raise RuleError(f"{last} counts the summands, and stands in them")

        def up_to(number: Expr) -> Expr:
            return self.closed.xreplace({last: number - offset})

        if not same(up_to(low - 1), sympy.S.Zero):
            raise RuleError(f"{self.closed} is not zero for no summand")
        if not same(up_to(high) - up_to(high - 1), self.of.function.xreplace({index: high})):
            raise RuleError(f"{self.closed} does not grow by the last summand")
        return equation(*(side.xreplace({self.of: self.closed}) for side in line.args))

    def _last(self, high: Expr) -> tuple[Expr, Expr]:
        """The quantity that counts the summands, and what is added to it."""
        free = sorted(high.free_symbols, key=str)
        for symbol in free:
            offset = sympy.expand(high - symbol)
            if symbol not in offset.free_symbols:
                return symbol, offset
        raise RuleError(f"{high} does not count summands one by one")

    def needs(self, line: Eq) -> Iterator[Condition]:
        _, low, high = self.of.limits[0]
        yield Condition(related(Ge, high, low - 1), f"summands from {low} to {high}")

    def carried(self, conditions: Iterable[Condition], line: Eq) -> Iterator[Condition]:
        for condition in conditions:
            yield condition.put({self.of: self.closed})


@dataclass(frozen=True)
class Branch(Rule):
    """A maximum, or minimum, is the one of its arguments that is the largest, or smallest: the others are shown not to
    exceed it, or stated as the region."""

    of: Expr
    takes: Expr

    def apply(self, line: Eq) -> Eq:
        if not isinstance(self.of, sympy.Max | sympy.Min) or self.takes not in self.of.args:
            raise RuleError(f"{self.takes} is no argument of {self.of}")
        if not (line.lhs.has(self.of) or line.rhs.has(self.of)):
            raise RuleError(f"{self.of} does not occur in the line")
        if any(self.of.free_symbols & set(part.bound_symbols) for part in line.atoms(sympy.Sum)):
            raise RuleError(f"{self.of} is another one in each summand")
        return equation(*(side.xreplace({self.of: self.takes}) for side in line.args))

    def needs(self, line: Eq) -> Iterator[Condition]:
        for other in self.of.args:
            if other != self.takes:
                yield Condition(self._above(other), f"{self.takes} is taken of {self.of}", narrows=True)

    def cuts(self, line: Eq) -> tuple[frozenset[Symbol], bool | None]:
        mark = Dummy("extreme", positive=True)
        rises = sign(sympy.diff(line.rhs.xreplace({self.of: mark}), mark)) in ("+", "0+")
        return frozenset(self.of.free_symbols), isinstance(self.of, sympy.Max) if rises else None

    def _above(self, other: Expr) -> Relational:
        up = isinstance(self.of, sympy.Max)
        return related(Ge, self.takes, other) if up else related(Ge, other, self.takes)

    def carried(self, conditions: Iterable[Condition], line: Eq) -> Iterator[Condition]:
        for condition in conditions:
            yield condition.put({self.of: self.takes})
