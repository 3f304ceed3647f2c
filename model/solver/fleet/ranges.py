"""Prices and rates within limits: how far the cost of a fleet moves, and how often each machine is in it.

Groups stay what they are; the linear program, where they come in parts, is solved at Sobol points, log-uniform between
the limits. Least dollars are concave in prices and convex in rates, so that no corner need be the end of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from steptime.model.errors import UserError
from steptime.model.solver.fleet.columns import Column
from steptime.model.solver.fleet.demand import Demand
from steptime.model.solver.fleet.limits import limited
from steptime.model.solver.fleet.program import Program
from steptime.model.solver.fleet.solved import Relaxed, columns_in, relaxed

SAMPLES, SEED = 128, 20261129
LOW, MIDDLE, HIGH = 0.1, 0.5, 0.9
"""Quantiles that are shown."""
SOME = 1e-6
"""Chips that count as none."""
Ends = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Spread:
    """Quantiles of the least cost over a sample, the share of the sample in which each option has chips, and the share
    that has a fleet at all."""

    ends: Ends
    low: float
    middle: float
    high: float
    used: Mapping[str, float]
    solved: float


def spread(
    program: Program, columns: Sequence[Column], ends: Ends, progress: Callable[[float], None] = lambda share: None
) -> Spread:  # fmt: skip
    """The least cost of ``program``'s demand with prices and rates between their ends; all ``columns`` take part, since
    other prices may need others."""
    from scipy.stats import qmc

    points = qmc.Sobol(len(ends), scramble=True, rng=SEED).random(SAMPLES)
    lows, highs = (np.log([each[place] for each in ends.values()]) for place in (0, 1))
    costs, used = list[float](), dict.fromkeys((option.name for option in program.demand.options), 0)
    for done, point in enumerate(np.exp(lows + points * (highs - lows))):
        demand = _at(program.demand, dict(zip(ends, point, strict=True)))
        there = limited(Program(demand, columns, program.handed))
        if (found := relaxed(there)) is not None:
            costs.append(found.cost)
            for name in _in_use(there, found):
                used[name] += 1
        progress((done + 1) / SAMPLES)
    if not costs:
        raise UserError("no point between the ends has a fleet within the limits")
    low, middle, high = np.quantile(costs, (LOW, MIDDLE, HIGH))
    shares = {name: times / len(costs) for name, times in used.items()}
    return Spread(ends, float(low), float(middle), float(high), shares, len(costs) / SAMPLES)


def _at(demand: Demand, values: Mapping[str, float]) -> Demand:
    """The demand at other prices and rates: a day keeps its shape."""
    factors = {one.name: values.get(f"{one.name}.rate", one.rate) / one.rate for one in demand.classes}
    classes = [replace(one, rates=tuple(rate * factors[one.name] for rate in one.rates)) for one in demand.classes]
    options = [replace(one, price=values.get(f"{one.name}.price", one.price)) for one in demand.options]
    return replace(demand, classes=tuple(classes), options=tuple(options))


def _in_use(program: Program, found: Relaxed) -> set[str]:
    """Options that have chips."""
    there = columns_in(name for name, place in program.places.items() if found.values[place] > SOME)
    return {program.demand.options[option].name for place in there for option in program.columns[place].on}
