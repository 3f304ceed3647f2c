"""What a proof starts from or puts in under a name: definitions, formulas of the model, results in other words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from sympy import Eq, Expr, Symbol

from steptime.derivations.rules import RuleError, SolveFor, equation


class Fact(Protocol):
    """Anything that states an equation and can answer for it."""

    @property
    def line(self) -> Eq:
        """The equation."""
        ...


class Proof(Fact, Protocol):
    """A fact that is reached line by line."""

    @property
    def lines(self) -> tuple[Eq, ...]:
        """The equation after so many steps, the first before any."""
        ...


@dataclass(frozen=True)
class Defined:
    """A quantity defined by others: it stands for nothing else in the theorems that use it."""

    symbol: Symbol
    value: Expr
    why: str

    @property
    def line(self) -> Eq:
        return equation(self.symbol, self.value)

    def for_(self, old: Symbol) -> "Solved":
        """The definition read the other way round: an older quantity by the new one."""
        return Solved(self, old)


@dataclass(frozen=True)
class Solved:
    """A definition, or a result, solved for another of its quantities."""

    of: Fact
    unknown: Symbol

    @property
    def line(self) -> Eq:
        return SolveFor(self.unknown).apply(self.of.line)


@dataclass(frozen=True)
class Modelled:
    """A formula of the model under its name."""

    symbol: Symbol
    formula: Expr

    @property
    def line(self) -> Eq:
        return equation(self.symbol, self.formula)


@dataclass(frozen=True)
class Crossing:
    """Where two right sides are equal. With ``at`` that point has a name of its own: the value of ``over`` there."""

    one: Fact
    other: Fact
    why: str
    over: Symbol | None = None
    at: Symbol | None = None

    def __str__(self) -> str:
        return self.why

    @property
    def line(self) -> Eq:
        named = {} if self.over is None or self.at is None else {self.over: self.at}
        return equation(*(right_of(side).xreplace(named) for side in (self.one, self.other)))


@dataclass(frozen=True)
class Compared:
    """A quantity defined as one right side over another (``over``), or less another."""

    symbol: Symbol
    one: Fact
    other: Fact
    why: str
    over: bool = True

    @property
    def line(self) -> Eq:
        one, other = right_of(self.one), right_of(self.other)
        return equation(self.symbol, one / other if self.over else one - other)


@dataclass(frozen=True)
class Instance:
    """A result with other quantities in the place of some of its own, which it holds for as well."""

    of: Fact
    put: tuple[tuple[Symbol, Expr], ...]

    @property
    def line(self) -> Eq:
        return replaced(self.of.line, dict(self.put))


@dataclass(frozen=True)
class Line:
    """A result on the way to another: the line that a derivation has after so many steps."""

    of: Proof
    number: int

    @property
    def line(self) -> Eq:
        return self.of.lines[self.number]


def right_of(side: Fact) -> Expr:
    """The right side of a fact; anything else is refused, an expression too."""
    line = getattr(side, "line", None)
    if not isinstance(line, Eq):
        raise RuleError(f"{side} is neither a result, nor a definition, nor the model's")
    return line.rhs


def replaced(line: Eq, put: Mapping[Symbol, Expr]) -> Eq:
    """An equation with quantities replaced, which stays an equation."""
    return equation(line.lhs.xreplace(put), line.rhs.xreplace(put))


def instance(of: Fact, put: Mapping[Symbol, Expr]) -> Instance:
    """A result for other quantities."""
    return Instance(of, tuple(put.items()))
