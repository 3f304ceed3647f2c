"""Rules of algebra: both sides alike, another form of the same, facts put in, an equation solved."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import sympy
from sympy import Eq, Expr, Symbol
from sympy.core.relational import Ne

from steptime.derivations.inequalities.conditions import Condition, RuleError, of_expression, related
from steptime.derivations.rules.rule import Rule, equation, must_be_quantity

side = Symbol("side", positive=True)
"""Stands for either side of a line in `BothSides`."""


@dataclass(frozen=True)
class BothSides(Rule):
    """The same operation on both sides: ``both_sides(side * F)`` multiplies by F."""

    operation: Expr

    def apply(self, line: Eq) -> Eq:
        if side not in self.operation.free_symbols:
            raise RuleError(f"the operation {self.operation} forgets the line")
        if self.operation.has(sympy.Sum):
            raise RuleError(f"the operation {self.operation} counts by a quantity of its own")
        return equation(self.operation.xreplace({side: line.lhs}), self.operation.xreplace({side: line.rhs}))

    def multiplies(self) -> bool:
        """Whether it multiplies the sides, or raises them to a power, and adds nothing: what is small stays so."""
        ratio = sympy.cancel(self.operation / side)
        return side not in ratio.free_symbols

    def needs(self, line: Eq) -> Iterator[Condition]:
        for condition in of_expression(self.operation, "on both sides"):
            yield replace(condition.put({side: line.rhs}), narrows=True)  # the sides are equal: one is enough


@dataclass(frozen=True)
class Identity(Rule):
    """The same line written differently: each side stays equal to what it was."""

    def apply(self, line: Eq) -> Eq:
        return line


@dataclass(frozen=True)
class Substitute(Rule):
    """Put in facts, each an equation whose left side is a single quantity (`facts`)."""

    facts: tuple[Any, ...]

    @property
    def definitions(self) -> tuple[Eq, ...]:
        """The equations that are put in."""
        return tuple(fact if isinstance(fact, Eq) else fact.line for fact in self.facts)

    def replacements(self) -> dict[Symbol, Expr]:
        """What is put in for what."""
        return {definition.lhs: definition.rhs for definition in self.definitions}

    def apply(self, line: Eq) -> Eq:
        for fact in self.facts:
            if not isinstance(getattr(fact, "line", fact), Eq):
                raise RuleError(f"{fact} is no equation")
        replacements = self.replacements()
        if len(replacements) < len(self.facts):
            raise RuleError("a quantity is defined twice")
        for symbol in replacements:
            must_be_quantity(symbol)
            if symbol not in line.free_symbols:
                raise RuleError(f"{symbol} does not occur in the line")
        for counted in (*line.lhs.atoms(sympy.Sum), *line.rhs.atoms(sympy.Sum)):
            inside = counted.free_symbols & set(replacements)
            put = set().union(*(replacements[symbol].free_symbols for symbol in inside))
            if put & set(counted.bound_symbols):
                raise RuleError(f"{counted} counts by a quantity that is put in")
        return equation(line.lhs.xreplace(replacements), line.rhs.xreplace(replacements))

    def carried(self, conditions: Iterable[Condition], line: Eq) -> Iterator[Condition]:
        for condition in conditions:
            yield condition.put(self.replacements())

    def draws_on(self, assumption: Any) -> bool:
        return assumption in self.facts or getattr(assumption, "relation", None) in self.facts


@dataclass(frozen=True)
class SolveFor(Rule):
    """The line solved for one quantity that occurs in it linearly, or as one power: the positive root."""

    unknown: Symbol

    def apply(self, line: Eq) -> Eq:
        constant, coefficient, power = _parts(line, self.unknown)
        return equation(self.unknown, (-constant / coefficient) ** (1 / power))

    def needs(self, line: Eq) -> Iterator[Condition]:
        coefficient = sympy.powsimp(_parts(line, self.unknown)[1])
        yield Condition(related(Ne, coefficient, 0), f"{coefficient} multiplies {self.unknown}")


@cache
def _parts(line: Eq, unknown: Symbol) -> tuple[Expr, Expr, Expr]:
    """The line as constant + coefficient * unknown^power = 0."""
    must_be_quantity(unknown)
    numerator, _ = sympy.fraction(sympy.together(line.lhs - line.rhs))
    numerator = sympy.expand(numerator)
    powers = {term.as_coeff_exponent(unknown)[1] for term in sympy.Add.make_args(numerator)} - {sympy.S.Zero}
    if len(powers) != 1:
        raise RuleError(f"the line is not linear in {unknown}, nor in one power of it")
    (power,) = powers
    constant, coefficient = numerator.coeff(unknown, 0), numerator.coeff(unknown**power)
    rest = sympy.expand(numerator - constant - coefficient * unknown**power)
    if constant == 0 or coefficient.has(unknown) or rest != 0:
        raise RuleError(f"the line has no positive root in {unknown}")
    return constant, coefficient, power
