"""The value of one quantity at which a token costs the same on two machines, each at its own layout and best batch.

What belongs to a machine is changed on the first one alone; what is asked of it, and what is the model's, on both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import Eq, Symbol

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import Coefficients
from steptime.model.errors import UserError
from steptime.model.fleet.prices import break_even
from steptime.model.fleet.symbols import price_b, rate_a, rate_b
from steptime.model.layout.layout import SYMBOLS
from steptime.model.quantity import lookup
from steptime.model.solver.best_cost import ALIKE, OF_MACHINE, Machine, Numbers, Side
from steptime.model.solver.crossover import SPAN, least_value, must_have_a_value
from steptime.model.step.case import Case
from steptime.model.step.estimate import coefficients_of

GRID, FEW = 400, 64
"""Values at which costs are compared; and where they are worked out one by one."""
OF_LAYOUT = frozenset({*SYMBOLS.values(), q.chips, q.stage_chips})
PRICE = Eq(q.chip_hour_price, q.hour * price_b * break_even, evaluate=False)
"""The price of the first machine at which a token costs the same on both; rates are of one chip at its best batch."""


@dataclass(frozen=True)
class Meeting:
    """Where both cost the same, by the bound or by the estimate. ``cheaper``: the machine that is cheaper below the
    value nearest to the present, and the one above it; where there is none, at the present. ``sides`` are there."""

    values: tuple[float, ...]
    value: float | None
    bracket: tuple[float, float] | None
    cheaper: tuple[str, str]
    sides: tuple[Side, Side]
    remark: str = ""


@dataclass(frozen=True)
class BreakEven:
    """The answer at the bound, and at the estimate where both machines have one; ``held``: at the batch as stated."""

    first: Case
    second: Case
    over: Symbol
    held: bool
    present: float | None
    bound: Meeting
    estimate: Meeting | None

    def machines(self, in_practice: bool) -> tuple[Machine, Machine]:
        """Both machines, by the estimate or at the bound, as the quantity varies them."""
        chosen = coefficients_of(self.first), coefficients_of(self.second)
        return _machines(self.first, self.second, self.over, self.held, chosen if in_practice else (None, None))

    @property
    def closed_form(self) -> Eq | None:
        return PRICE if self.over == q.chip_hour_price else None

    @property
    def quantities(self) -> Mapping[str, float]:
        """Those of the closed form, beside the first machine's own."""
        (one, other), price = self.bound.sides, self.second.number(q.chip_hour_price)
        paid = {} if price is None else {price_b.name: price / 3600}
        return {**self.first.quantities, **paid, rate_a.name: one.rate, rate_b.name: other.rate}


def find_break_even(first: Case, second: Case, over: Symbol) -> BreakEven:
    """Where a token costs the same on both; raises UserError for what cannot be varied, or where a price is missing.

    The batch is the best one of each, unless it is stated or asked for.
    """
    if first.hardware == second.hardware:
        raise UserError(f"`between`: {first.hardware.name} is named twice; name two machines")
    if over in OF_LAYOUT:
        raise UserError(f"`over`: {over.name} belongs to a layout, of which each machine has its own")
    asked = [case for case in (first, second) if case is first or over not in OF_MACHINE]
    for case in asked:
        if over != q.chip_hour_price:
            must_have_a_value(case, over)
    for case in (first, second):
        if case.number(q.chip_hour_price) is None and not (case is first and over == q.chip_hour_price):
            offer = "`over` chip_hour_price asks for that of the first machine"
            raise UserError(f"dollars per token need {case.where(q.chip_hour_price.name)}; {offer}")
        if lacking := case.scenario.missing(q.mean_step_time):
            raise UserError(f"a step needs {', '.join(case.where(name) for name in sorted(lacking))}")
    held = over == q.batch or q.batch in first.inputs.given
    present = first.number(over)

    def meet(chosen: tuple[Coefficients | None, Coefficients | None]) -> Meeting:
        return _meeting(*_machines(first, second, over, held, chosen), over, present)

    chosen = coefficients_of(first), coefficients_of(second)
    return BreakEven(first, second, over, held, present, meet((None, None)), None if None in chosen else meet(chosen))


def _machines(
    first: Case, second: Case, over: Symbol, held: bool, chosen: tuple[Coefficients | None, Coefficients | None]
) -> tuple[Machine, Machine]:
    """Both machines; what belongs to one is varied of the first alone."""
    of_both = over not in OF_MACHINE
    return Machine(first, over, held, chosen[0]), Machine(second, over if of_both else None, held, chosen[1])


@np.errstate(all="ignore")  # far from the present point a power may overflow
def _meeting(one: Machine, other: Machine, over: Symbol, present: float | None) -> Meeting:
    """In closed form over the price, else by Brent's method where the difference changes sign on a grid."""

    def above(at: Any) -> Numbers:
        here = np.atleast_1d(np.asarray(at, float))
        return np.asarray(np.log(one.costs(here) / other.costs(here)))

    bracket, near = None, present or 1.0
    if over == q.chip_hour_price:  # what a token costs is in proportion to it
        ratio = float(np.exp(-above(1.0)[0]))
        values: tuple[float, ...] = (ratio,) if np.isfinite(ratio) else ()
    else:
        number = FEW if one.one_by_one or other.one_by_one else GRID
        values, bracket = _roots(above, over, near, least_value(one.case, over), number)
    value = min(values, key=lambda x: abs(np.log(x / near)), default=None)
    at = near if value is None else value
    around = (at, at) if value is None else (at * (1 - ALIKE), at * (1 + ALIKE))
    cheaper = [other.name if above(x)[0] > 0 else one.name for x in around]
    room = "" if one.held else " for which both have room"
    remark = "" if values else f"no crossover: {cheaper[0]} is cheaper at every {over.name}{room}"
    return Meeting(values, value, bracket, (cheaper[0], cheaper[1]), (one.side(at), other.side(at)), remark)


def _roots(
    above: Callable[[Any], Numbers], over: Symbol, near: float, least: float, number: int
) -> tuple[tuple[float, ...], tuple[float, float] | None]:
    """Every root that a sign change on a logarithmic grid encloses, and the interval of the one nearest to the present;
    of none, all that was looked through. Raises UserError where nothing changes, and where there is no room."""
    low, most = lookup(over.name).sane
    grid = np.geomspace(max(near / SPAN, low, least), min(near * SPAN, most), number)
    heights = above(grid)
    known = np.flatnonzero(np.isfinite(heights))
    if not known.size:
        raise UserError(f"`over`: at no {over.name} have both machines room for one sequence on every rank")
    if np.ptp(heights[known]) == 0:
        raise UserError(f"`over`: neither machine's cost at the bound depends on {over.name}, or both alike")
    within = (float(grid[known[0]]), float(grid[known[-1]]))
    changes = [i for i in known[:-1] if heights[i] * heights[i + 1] < 0]
    if not changes:
        return (), within
    from scipy.optimize import brentq  # only where there is a root to find: SciPy takes half a second to load

    ends = [(float(grid[i]), float(grid[i + 1])) for i in changes]
    found = [float(brentq(lambda x: float(above(x)[0]), *pair, xtol=1e-300, rtol=1e-12)) for pair in ends]
    kept = [(root, pair) for root, pair in zip(found, ends, strict=True) if abs(above(root)[0]) < ALIKE]
    if not kept:
        return (), within
    return tuple(root for root, _ in kept), min(kept, key=lambda item: abs(np.log(item[0] / near)))[1]
