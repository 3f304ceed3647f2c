"""What one more per cent of each quantity is worth: elasticities of the optimal cost, from the prices."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.choices import PhaseName
from steptime.model.estimate import symbols as e
from steptime.model.layout.layout import SYMBOLS
from steptime.model.phases.memory import usable
from steptime.model.scenario import Scenario
from steptime.model.solver.limits import CAPACITIES
from steptime.model.solver.optimality import Prices
from steptime.model.solver.parts import Parts, parts_of
from steptime.model.solver.problem import Problem
from steptime.model.solver.solution import Solution
from steptime.model.step.case import Case

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
        q.microbatch,
        q.interleave,
        e.narrow_products,
    }
)
"""Whole numbers, constants and the variable itself: no elasticity is stated for them."""
RELATIVE_STEP = 1e-4
TIE = 1e-9
"""Terms that differ by less, relative, are equal."""
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


def log_slope(expr: Expr, there: Scenario, symbol: Symbol) -> float:
    """d ln expr / d ln symbol at a scenario; zero for a quantity that is zero there."""
    value = there.value(symbol)
    if value == 0:
        return 0.0
    up, down = (there | {symbol: value * (1 + step)} for step in (RELATIVE_STEP, -RELATIVE_STEP))
    width = np.log1p(RELATIVE_STEP) - np.log1p(-RELATIVE_STEP)
    return float(np.log(up.evaluate(expr) / down.evaluate(expr)) / width)


@dataclass(frozen=True)
class Envelope:
    """What a cost follows at its optimum, whatever was optimised adjusting.

    By the envelope theorem only direct effects count: the ``factor`` of the cost, and each of ``rows`` (terms, and what
    limits bound) times its price.
    """

    factor: Expr
    rows: tuple[Expr, ...]
    there: Scenario
    prices: Prices

    def to(self, *symbols: Symbol) -> Elasticity:
        """The elasticity to quantities that grow together."""
        row = np.zeros(len(self.rows))
        for place in np.flatnonzero(self.prices.active):
            row[place] = sum(log_slope(self.rows[place], self.there, symbol) for symbol in symbols)
        direct, ends = sum(log_slope(self.factor, self.there, symbol) for symbol in symbols), self.prices.ends(row)
        return Elasticity(direct + float(row @ self.prices.found), direct + ends[0], direct + ends[1])

    def of_every(self, case: Case) -> dict[str, Elasticity]:
        """The elasticity to every quantity that is put in."""
        fixed = FIXED - ({case.length} if case.phase.name == PhaseName.DECODE else set())
        named = {symbol for symbol in self.there.values if symbol not in fixed and symbol not in case.absent}
        reaching = set().union(*(_bases(case.scenario, effect) for effect in (self.factor, *self.rows)))
        return {symbol.name: self.to(symbol) for symbol in sorted(named & reaching, key=lambda symbol: symbol.name)}


def put_into(scenario: Scenario, effect: Expr) -> Expr:
    """An effect with definitions put in; but for the work of the fullest stage, whose whole numbers SymPy would compare
    for seconds."""
    others = {symbol: expr for symbol, expr in scenario.definitions.items() if symbol != e.fullest_stage}
    return Scenario(scenario.values, others).expand(effect)


def _bases(scenario: Scenario, effect: Expr) -> set[Symbol]:
    """Quantities with a value of which an effect is made, once definitions are put in and what cancels is gone."""
    return set().union(*(scenario.reach(symbol) for symbol in put_into(scenario, effect).free_symbols))


def envelope(
    case: Case, problem: Problem, found: Solution, labelled: Mapping[str, Mapping[str, Expr]], factor: Expr
) -> Envelope:
    """The envelope of the best batch: terms, limits and step limits in the order of the multipliers."""
    terms = [expr for part in labelled.values() for expr in part.values()]
    bounds = [1 / limit.formula for limit in problem.step_limits.values()]
    rows = (*terms, *_limits(case, problem), *bounds)
    return Envelope(factor, rows, case.scenario | {q.batch: found.value}, found.prices)


def envelope_at(case: Case, factor: Expr = sympy.S.One, of_estimate: Parts | None = None) -> Envelope:
    """The envelope of a case as it stands, batch held: each part of the step costs what its slowest terms take; of the
    bound's parts, or of an estimate's."""
    parts = parts_of(case) if of_estimate is None else of_estimate
    times = {
        part: {name: case.scenario.evaluate(time) for name, time in terms.items()} for part, terms in parts.items()
    }
    whole = sum(max(terms.values()) for terms in times.values())
    rows, slopes, active, found = [], [], [], []
    for place, (part, terms) in enumerate(parts.items()):
        slowest, carried = max(times[part].values()), False
        for name, time in terms.items():
            tied = times[part][name] >= slowest * (1 - TIE)
            rows.append(time)
            slopes.append(np.eye(len(parts))[place])
            active.append(tied)
            found.append(slowest / whole if tied and not carried else 0.0)
            carried |= tied
    shares = np.array([max(terms.values()) / whole for terms in times.values()])
    unique = sum(active) == len(parts)
    prices = Prices(np.array(found), unique, shares, np.array(slopes), np.array(active))
    return Envelope(factor, tuple(rows), case.scenario, prices)


def _limits(case: Case, problem: Problem) -> list[Expr]:
    """What each part of each limit bounds, over the bound where that is a quantity; in the order of the multipliers."""
    found: list[Expr] = []
    for name, limit in problem.limits.items():
        if name in CAPACITIES:
            beside, bound = (q.workspace, usable) if name == "memory_capacity" else (sympy.S.Zero, sympy.S.One)
            found += [(footprint.total + beside) / bound for footprint in case.footprints]
        else:
            found += [sympy.S.One] * len(limit.parts)
    return found
