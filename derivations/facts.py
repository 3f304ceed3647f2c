"""What a proof may start from and put in: results, definitions, the model's own formulas, and declared assumptions.

An equation that somebody writes down is none of these, so that no chain can smuggle in what it claims. A declared
assumption stands in the theorem: it reads "if ..., then ...".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import sympy
from sympy import Eq, Expr, Symbol
from sympy.core.relational import Relational

from steptime.derivations.rules import Identity, Optimum, RuleError, SolveFor, Substitute, equation
from steptime.derivations.same import same


class Fact(Protocol):
    """Anything that states an equation and can answer for it."""

    @property
    def line(self) -> Eq:
        """The equation."""
        ...


@dataclass(frozen=True)
class Axiom:
    """A statement about the world that is accepted, not proved; ``name`` is how theorems refer to it."""

    name: str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Given:
    """A declared assumption: an equation or an inequality, and what it says in words."""

    relation: Relational
    why: str

    @property
    def line(self) -> Eq:
        return self.relation

    def __str__(self) -> str:
        return self.why


@dataclass(frozen=True)
class Tends:
    """A declared limit: the theorem speaks of what is approached as one quantity vanishes or grows without bound."""

    variable: Symbol
    to: Expr
    why: str

    def __str__(self) -> str:
        return self.why


@dataclass(frozen=True)
class Chosen:
    """A declared choice: one quantity is such that the left side is least (``least``), or greatest."""

    variable: Symbol
    why: str
    least: bool = True

    def __str__(self) -> str:
        return self.why


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
class Side:
    """An assumption that one side of a comparison makes, and the other does not."""

    of: str
    assumption: Given | Tends | Chosen | Axiom | str

    def __str__(self) -> str:
        return f"{self.of}: {self.assumption}"


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

    of: Fact
    number: int

    @property
    def line(self) -> Eq:
        lines: tuple[Eq, ...] = self.of.lines  # type: ignore[attr-defined]
        return lines[self.number]


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


def right_of(side: Fact) -> Expr:
    """The right side of a fact; anything else is refused, an expression too."""
    line = getattr(side, "line", None)
    if not isinstance(line, Eq):
        raise RuleError(f"{side} is neither a result, nor a definition, nor the model's")
    return line.rhs


def replaced(line: Eq, put: Mapping[Symbol, Expr]) -> Eq:
    """An equation with quantities replaced, which stays an equation."""
    return equation(line.lhs.xreplace(put), line.rhs.xreplace(put))


def given(symbol: Symbol, value: Expr | int, why: str) -> Given:
    """An assumption that fixes one quantity."""
    return Given(equation(symbol, sympy.sympify(value, strict=True)), why)


def instance(of: Fact, put: Mapping[Symbol, Expr]) -> Instance:
    """A result for other quantities."""
    return Instance(of, tuple(put.items()))
