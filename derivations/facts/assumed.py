"""What a theorem assumes: axioms about the world, quantities fixed or bounded, limits, choices."""

from dataclasses import dataclass

import sympy
from sympy import Eq, Expr, Symbol
from sympy.core.relational import Relational

from steptime.derivations.rules import equation


@dataclass(frozen=True)
class Axiom:
    """A statement about the world that is accepted, not proved; ``name`` is how theorems refer to it. ``about`` are
    quantities, where it speaks of those alone: of nought of them it says nothing."""

    name: str
    text: str
    about: tuple[Symbol, ...] = ()

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
    """A declared limit: the theorem speaks of what is approached as one quantity vanishes or grows without bound.

    ``settling`` are quantities that an equation ties to it, and that are assumed to tend to limits of their own.
    """

    variable: Symbol
    to: Expr
    why: str
    settling: tuple[Symbol, ...] = ()

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
class Side:
    """An assumption that one side of a comparison makes, and the other does not."""

    of: str
    assumption: Given | Tends | Chosen | Axiom | str

    def __str__(self) -> str:
        return f"{self.of}: {self.assumption}"


def given(symbol: Symbol, value: Expr | int, why: str) -> Given:
    """An assumption that fixes one quantity."""
    return Given(equation(symbol, sympy.sympify(value, strict=True)), why)
