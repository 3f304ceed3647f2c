"""What one more per cent of each quantity is worth: elasticities of the optimal cost, from the prices."""

from collections.abc import Mapping

import numpy as np
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.case import Case
from steptime.model.layout import SYMBOLS
from steptime.model.solver.limits import CAPACITIES
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


def sensitivities(
    case: Case, found: Solution, labelled: Mapping[str, Mapping[str, Expr]], factor: Expr
) -> dict[str, float]:
    """d ln cost / d ln quantity at the optimum, batch adjusting, for every quantity that is put in.

    By the envelope theorem only the direct effect counts: the factor of the cost, each term times its price, each limit
    times its multiplier. At a tie between terms it holds to one side.
    """
    there = case.scenario | {q.batch: found.value}
    priced = [
        (labelled[part][name], price) for (part, name), price in found.prices_by_part.items() if abs(price) > 1e-12
    ]
    capacities = [
        (footprint.total / (q.memory_capacity if name == "memory_capacity" else 1), price)
        for name in CAPACITIES
        for footprint, price in zip(case.footprints, found.prices_by_limit.get(name, ()), strict=False)
        if price > 1e-12
    ]
    effects = [(factor, 1.0), *priced, *capacities]

    def elasticity(symbol: Symbol) -> float:
        value = there.value(symbol)
        if value == 0:
            return 0.0
        up, down = (there | {symbol: value * (1 + step)} for step in (RELATIVE_STEP, -RELATIVE_STEP))
        width = np.log1p(RELATIVE_STEP) - np.log1p(-RELATIVE_STEP)
        return float(sum(p * np.log(up.evaluate(e) / down.evaluate(e)) for e, p in effects) / width)

    named = {symbol for symbol in there.values if symbol not in FIXED and symbol not in case.absent}
    reaching = set().union(*(case.scenario.expand(effect).free_symbols for effect, _ in effects))
    direct = reaching | {
        s for term in case.phase.blackboard.terms for s in case.scenario.expand(term.time).free_symbols
    }
    return {symbol.name: elasticity(symbol) for symbol in sorted(named & direct, key=lambda symbol: symbol.name)}
