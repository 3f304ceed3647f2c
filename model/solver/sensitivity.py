"""What one more per cent of each quantity is worth: elasticities of the optimal cost, from the prices."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.case import Case
from steptime.model.layout import SYMBOLS
from steptime.model.solver.limits import CAPACITIES
from steptime.model.solver.problem import Problem
from steptime.model.solver.solution import Solution

FIXED = frozenset(
    {
        *SYMBOLS.values(),
        q.batch,
        q.chips,
        q.stage_chips,
        q.flops_per_mac,
        q.hour,
        q.million,
        q.scale_up_domain,
        q.prompt,
        q.cached,
        q.chunk,
        q.answer,
        q.width,
        q.layers,
    }
)
"""Whole numbers, constants and the variable itself: no elasticity is stated for them."""
RELATIVE_STEP = 1e-4
ROUNDING = 1e-6


@dataclass(frozen=True)
class Elasticity:
    """d ln cost / d ln quantity: at the prices found, and its ends over all prices that go with the optimum, which are
    what a little less and a little more of the quantity bring. Both ends are the same where prices are unique."""

    found: float
    least: float
    most: float

    @property
    def ends(self) -> tuple[float, float]:
        return self.least, self.most

    @property
    def open(self) -> bool:
        """Whether the ends differ by more than rounding."""
        return self.most - self.least > ROUNDING


def sensitivities(
    case: Case, problem: Problem, found: Solution, labelled: Mapping[str, Mapping[str, Expr]], factor: Expr
) -> dict[str, Elasticity]:
    """The elasticity of the optimal cost to every quantity that is put in, batch adjusting.

    By the envelope theorem only direct effects count: the factor of the cost, each term times its price, each limit
    times its multiplier.
    """
    there = case.scenario | {q.batch: found.value}
    terms = [expr for part in labelled.values() for expr in part.values()]
    priced = [*terms, *_limits(case, problem), *(1 / limit.formula for limit in problem.step_limits.values())]
    effects = [(place, expr) for place, expr in enumerate(priced) if found.prices.active[place]]

    def elasticity(symbol: Symbol) -> Elasticity:
        value = there.value(symbol)
        if value == 0:
            return Elasticity(0.0, 0.0, 0.0)
        up, down = (there | {symbol: value * (1 + step)} for step in (RELATIVE_STEP, -RELATIVE_STEP))
        width = np.log1p(RELATIVE_STEP) - np.log1p(-RELATIVE_STEP)

        def slope(expr: Expr) -> float:
            return float(np.log(up.evaluate(expr) / down.evaluate(expr)) / width)

        row, direct = np.zeros(len(priced)), slope(factor)
        for place, expr in effects:
            row[place] = slope(expr)
        ends = found.prices.ends(row)
        return Elasticity(direct + float(row @ found.prices.found), direct + ends[0], direct + ends[1])

    named = {symbol for symbol in there.values if symbol not in FIXED and symbol not in case.absent}
    reaching = set().union(*(case.scenario.expand(effect).free_symbols for effect in (factor, *priced)))
    return {symbol.name: elasticity(symbol) for symbol in sorted(named & reaching, key=lambda symbol: symbol.name)}


def _limits(case: Case, problem: Problem) -> list[Expr]:
    """What each part of each limit bounds, over the bound where that is a quantity; in the order of the multipliers."""
    found: list[Expr] = []
    for name, limit in problem.limits.items():
        if name in CAPACITIES:
            bound = q.memory_capacity if name == "memory_capacity" else sympy.S.One
            found += [footprint.total / bound for footprint in case.footprints]
        else:
            found += [sympy.S.One] * len(limit.parts)
    return found
