"""A problem in positive variables: minimise a cost made of times, each time above its terms, under named limits."""

from collections.abc import Mapping
from dataclasses import dataclass

import sympy
from sympy import Expr, Symbol


@dataclass(frozen=True)
class StepLimit:
    """``step time * over**exponent <= bound``. ``upper`` is false where it says that a rate must not fall below its
    own limit, as tokens per second: its price is then positive. ``formula``: what the bound follows from."""

    bound: float
    exponent: int = 0
    upper: bool = True
    formula: Expr = sympy.S.One


@dataclass(frozen=True)
class Limit:
    """``value`` bounds every one of ``parts`` from above, or from below where ``upper`` is false.

    A maximum is limited by limiting each of its parts, which keeps every constraint smooth. ``step``: the limit on a
    step that is so written as one on its terms.
    """

    parts: tuple[Expr, ...]
    value: float
    upper: bool = True
    step: StepLimit | None = None


@dataclass(frozen=True)
class TimedPart:
    """A part of a step whose operations overlap: it takes at least as long as each of its terms, named by resource."""

    name: str
    terms: Mapping[str, Expr]


@dataclass(frozen=True)
class Problem:
    """Minimise ``scale * (sum of the parts' times) * over**exponent`` over one positive variable.

    The step is the sum of its parts: one part where everything overlaps, one an operation, or one a term where nothing
    does. Each part's time is a variable of its own, at least each of its terms; so the kink of a maximum disappears and
    every term gets a price. ``exponent`` is -1 for a cost per token, 0 for a latency. All expressions hold numbers for
    everything but ``over``, of which values below ``least`` have no meaning.
    """

    parts: tuple[TimedPart, ...]
    over: Symbol
    scale: float
    exponent: int
    limits: Mapping[str, Limit]
    step_limits: Mapping[str, StepLimit]
    least: float = 1e-3
