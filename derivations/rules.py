"""The closed list of rules by which one line of a derivation follows from the line before.

A rule is data: its arguments are expressions, so that a test can change each of them and see the change caught. Applied
to a line it computes the next; `Step.gives` states that line independently, and the two must agree.
"""

from dataclasses import dataclass

import sympy
from sympy import Eq, Expr, Symbol

side = Symbol("side", positive=True)
"""Stands for either side of a line in `BothSides`."""


class RuleError(ValueError):
    """A rule does not apply to a line."""


@dataclass(frozen=True)
class BothSides:
    """The same operation on both sides: ``both_sides(side * F)`` multiplies by F."""

    operation: Expr

    def apply(self, line: Eq) -> Eq:
        if side not in self.operation.free_symbols:
            raise RuleError(f"the operation {self.operation} forgets the line")
        return equation(self.operation.xreplace({side: line.lhs}), self.operation.xreplace({side: line.rhs}))


@dataclass(frozen=True)
class Identity:
    """The same line written differently: each side stays equal to what it was."""

    def apply(self, line: Eq) -> Eq:
        return line


@dataclass(frozen=True)
class Substitute:
    """Put in definitions, each an equation whose left side is a single quantity."""

    definitions: tuple[Eq, ...]

    def apply(self, line: Eq) -> Eq:
        replacements = {definition.lhs: definition.rhs for definition in self.definitions}
        if len(replacements) < len(self.definitions):
            raise RuleError("a quantity is defined twice")
        for symbol in replacements:
            must_be_quantity(symbol)
            if symbol not in line.free_symbols:
                raise RuleError(f"{symbol} does not occur in the line")
        return equation(line.lhs.xreplace(replacements), line.rhs.xreplace(replacements))


@dataclass(frozen=True)
class SolveFor:
    """The line solved for one quantity that occurs in it linearly, or as one power: the positive root."""

    unknown: Symbol

    def apply(self, line: Eq) -> Eq:
        must_be_quantity(self.unknown)
        numerator, _ = sympy.fraction(sympy.together(line.lhs - line.rhs))
        numerator = sympy.expand(numerator)
        powers = {term.as_coeff_exponent(self.unknown)[1] for term in sympy.Add.make_args(numerator)} - {sympy.S.Zero}
        if len(powers) != 1:
            raise RuleError(f"the line is not linear in {self.unknown}, nor in one power of it")
        (power,) = powers
        constant, coefficient = numerator.coeff(self.unknown, 0), numerator.coeff(self.unknown**power)
        if constant == 0 or coefficient.has(self.unknown):
            raise RuleError(f"the line has no positive root in {self.unknown}")
        return equation(self.unknown, (-constant / coefficient) ** (1 / power))


@dataclass(frozen=True)
class Limit:
    """Both sides as one quantity tends to zero or to infinity."""

    variable: Symbol
    to: Expr

    def apply(self, line: Eq) -> Eq:
        must_be_quantity(self.variable)
        if self.to not in (sympy.S.Zero, sympy.oo):
            raise RuleError("a limit is taken to zero or to infinity")
        direction = "-" if self.to == sympy.oo else "+"
        try:
            sides = [sympy.limit(part, self.variable, self.to, direction) for part in (line.lhs, line.rhs)]
        except (NotImplementedError, RecursionError, ValueError) as error:
            raise RuleError(f"the limit as {self.variable} tends to {self.to} is not found") from error
        if any(part.has(sympy.oo, sympy.zoo, sympy.nan) for part in sides):
            raise RuleError(f"no finite limit as {self.variable} tends to {self.to}")
        return equation(*sides)


@dataclass(frozen=True)
class Minimise:
    """Where the right side is least over one positive quantity: the line becomes the stationary value of it.

    The second derivative must be positive there, so that it is a minimum and not a maximum.
    """

    over: Symbol

    def apply(self, line: Eq) -> Eq:
        must_be_quantity(self.over)
        slope = sympy.diff(line.rhs, self.over)
        stationary = SolveFor(self.over).apply(equation(sympy.powsimp(sympy.expand(slope * self.over)), sympy.S.Zero))
        curvature = sympy.diff(slope, self.over).xreplace({self.over: stationary.rhs})
        if not is_positive(curvature):
            raise RuleError(f"the stationary point over {self.over} is not shown to be a minimum")
        return stationary


@dataclass(frozen=True)
class Drop:
    """Leave out summands of the right side. At the derivation's example they must be small: ``error`` is the most that
    they may be, relative to what stays."""

    terms: tuple[Expr, ...]
    error: Expr

    def apply(self, line: Eq) -> Eq:
        rest = sympy.expand(line.rhs)
        for term in self.terms:
            smaller = sympy.expand(rest - sympy.expand(term))
            if len(sympy.Add.make_args(smaller)) >= len(sympy.Add.make_args(rest)):
                raise RuleError(f"{term} is not a summand of the right side")
            rest = smaller
        return equation(line.lhs, rest)


@dataclass(frozen=True)
class Series:
    """The right side to some order in a small quantity, the rest left out; small at the example as for `Drop`."""

    variable: Symbol
    order: int
    error: Expr

    def apply(self, line: Eq) -> Eq:
        must_be_quantity(self.variable)
        return equation(line.lhs, sympy.series(line.rhs, self.variable, 0, self.order + 1).removeO())


Rule = BothSides | Identity | Substitute | SolveFor | Limit | Minimise | Drop | Series


def equation(left: Expr, right: Expr) -> Eq:
    """An equation that stays one, even where both sides are the same."""
    return Eq(left, right, evaluate=False)


def both_sides(operation: Expr) -> BothSides:
    return BothSides(sympy.sympify(operation, strict=True))


def identity() -> Identity:
    return Identity()


def substitute(*definitions: Eq) -> Substitute:
    return Substitute(tuple(definitions))


def solve_for(unknown: Symbol) -> SolveFor:
    return SolveFor(unknown)


def limit(variable: Symbol, to: Expr) -> Limit:
    return Limit(variable, sympy.sympify(to, strict=True))


def minimise(over: Symbol) -> Minimise:
    return Minimise(over)


def drop(*terms: Expr, error: Expr) -> Drop:
    return Drop(tuple(terms), sympy.sympify(error, strict=True))


def series(variable: Symbol, order: int, error: Expr) -> Series:
    return Series(variable, order, sympy.sympify(error, strict=True))


def must_be_quantity(expr: Expr) -> None:
    """Refuse what is not a single quantity, where a rule needs one."""
    if not isinstance(expr, Symbol):
        raise RuleError(f"{expr} is not a single quantity")


def is_positive(expr: Expr) -> bool:
    """Whether an expression of positive quantities is shown to be positive, as given or written differently."""
    return any(form.is_positive for form in (expr, sympy.factor(expr), sympy.simplify(expr)))
