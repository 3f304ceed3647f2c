"""Inputs known within limits: the interval of each output, how often each resource binds, which input matters most.

An interval is exact where an output is proved to only rise or only fall in each input: its ends then lie at corners.
Elsewhere it is that of a sample: Sobol points (scipy.stats.qmc), log-uniform between the limits. The sample also gives
the shares in which each resource binds. What the estimate alone follows from moves no bound but joules: then the
interval of the step in practice stands beside.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.choices import Overlap, Scope
from steptime.model.errors import Unbound, UserError
from steptime.model.layout.layout import SYMBOLS
from steptime.model.phases.rates import rates
from steptime.model.solver.monotone import direction, sign_by_assumption
from steptime.model.step.case import TERMS, Case
from steptime.model.step.estimate import coefficients_of, estimated_time
from steptime.model.step.notices import CLOCK, WAVES

OUTPUTS = (q.step_time, q.tokens_per_second, q.tokens_per_second_per_sequence, q.dollars_per_million_tokens,
           q.joules_per_token)  # fmt: skip
SAMPLES = 2**12
MOST_INPUTS = 20
SEED = 20260429
CONSTANTS = (q.chips, q.stage_chips, q.flops_per_mac, q.hour, q.million)
"""What follows from the layout, and conventions."""
OF_ESTIMATE = CLOCK | WAVES
"""What the estimate alone follows from."""
IN_PRACTICE, MOST_CORNERS = "step_time in practice", 4
"""Name of the interval of the estimate, and inputs of which all corners are worked out too: it often ends there."""
Ranges = Mapping[Symbol, tuple[float, float]]


@dataclass(frozen=True)
class Interval:
    """An output's ends, its median over the sample, whether the ends are proved, and the input that moves it most: by
    what factor it changes as that input alone crosses its range."""

    low: float
    high: float
    median: float
    exact: bool
    dominant: str
    swings: Mapping[str, float]
    present: float = 1.0
    """The share of the answers that have this output at all."""


@dataclass(frozen=True)
class Spread:
    """Intervals by output, and the share of the sample in which each resource binds."""

    ranges: Ranges
    intervals: Mapping[str, Interval]
    binds: Mapping[str, float]
    samples: int = SAMPLES
    solved: float = 1.0
    """The share of the sample that has an answer: of a solve, whose limits some points may break."""


def spread(case: Case, ranges: Ranges) -> Spread:
    """The spread of a case's outputs; raises UserError for an input that the case does not take."""
    for symbol in few(ranges):
        if not is_input(case, symbol):
            said = "not an input of this scenario; ranges are of figures and workload"
            raise UserError(f"range of `{symbol.name}`: {said}")
    sample = sobol(ranges)
    times = {name: np.broadcast_to(_at(case, case.resources[name], sample), (SAMPLES,)) for name in TERMS}
    slowest = np.argmax(np.stack([times[name] for name in TERMS]), axis=0)
    binds: dict[str, float] = {name: float(np.mean(slowest == place)) for place, name in enumerate(TERMS)}
    found = {}
    for output in OUTPUTS:
        try:
            found[output.name] = _interval(case, output, ranges, sample)
        except Unbound:
            continue  # a price or a power is missing; the step itself says so
    if not OF_ESTIMATE.isdisjoint(ranges) or (q.power_cap in case.inputs.given and q.power in ranges):
        found |= _in_practice(case, ranges, sample)
    return Spread(ranges, found, binds)


def _in_practice(
    case: Case, ranges: Ranges, sample: Mapping[Symbol, np.ndarray]
) -> dict[str, Interval]:  # fmt: skip
    """The interval of the estimate, of the sample and of its ends; none where a step has no estimate. Raises UserError
    in in-flight batching, whose estimate is worked out point by point."""
    chosen = coefficients_of(case)
    if chosen is None:
        return {}
    if case.inputs.scope == Scope.SERVING:
        names = ", ".join(symbol.name for symbol in ranges)
        raise UserError(
            f"range of `{names}`: the estimate alone follows from it, and has no interval in `scope` serving"
        )

    def seconds(values: Mapping[Symbol, np.ndarray | float]) -> np.ndarray:
        return np.asarray(estimated_time(case.changed(values), chosen))

    try:
        ends = {symbol.name: [float(seconds({symbol: end})) for end in both] for symbol, both in ranges.items()}
        drawn = np.broadcast_to(seconds(sample), (SAMPLES,))
    except Unbound:
        return {}
    corners = [float(seconds(dict(zip(ranges, corner, strict=True)))) for corner in product(*ranges.values())
               ] if len(ranges) <= MOST_CORNERS else []  # fmt: skip
    every = [*drawn, *corners]
    swings = {name: max(both) / min(both) for name, both in ends.items()}
    dominant = max(swings, key=lambda name: swings[name])
    return {
        IN_PRACTICE: Interval(float(min(every)), float(max(every)), float(np.median(drawn)), False, dominant, swings)
    }


def few(ranges: Ranges) -> Ranges:
    """The ranges, unless there are too many; raises UserError."""
    if len(ranges) > MOST_INPUTS:
        raise UserError(f"at most {MOST_INPUTS} ranges, not {len(ranges)}")
    return ranges


def is_input(case: Case, symbol: Symbol) -> bool:
    """Whether a range can be put on a quantity: a figure of the machine or of the workload, no degree of the layout."""
    return case.takes(symbol) and symbol not in SYMBOLS.values() and symbol not in CONSTANTS


def sobol(ranges: Ranges, samples: int = SAMPLES) -> dict[Symbol, np.ndarray]:
    """Sobol points, log-uniform between the limits of each input; their number is a power of two. A batch is whole."""
    from scipy.stats import qmc  # only where there are ranges: SciPy takes half a second to load

    points = qmc.Sobol(len(ranges), seed=SEED).random(samples)
    drawn = {
        symbol: low * (high / low) ** points[:, place] for place, (symbol, (low, high)) in enumerate(ranges.items())
    }
    return {s: np.clip(np.rint(values), *ranges[s]) if s == q.batch else values for s, values in drawn.items()}


def _at(case: Case, expr: Expr, values: Mapping[Symbol, np.ndarray | float]) -> np.ndarray:
    return np.asarray((case.scenario | values).evaluate(expr))


def _interval(case: Case, output: Symbol, ranges: Ranges, sample: Mapping[Symbol, np.ndarray]) -> Interval:
    drawn = np.broadcast_to(_at(case, output, sample), (SAMPLES,))
    directions = {symbol: _direction(case, output, symbol, ranges) for symbol in ranges}
    swings = {}
    for symbol, ends in ranges.items():
        low, high = (float(_at(case, output, {symbol: end})) for end in ends)
        swings[symbol.name] = max(low, high) / min(low, high)
    exact = all(found is not None for found in directions.values())
    low, high = float(drawn.min()), float(drawn.max())
    if exact:
        corners = [
            {symbol: ranges[symbol][int((found or 1) * side > 0)] for symbol, found in directions.items()}
            for side in (-1, 1)
        ]
        low, high = (float(_at(case, output, corner)) for corner in corners)
    dominant = max(swings, key=lambda name: swings[name])
    return Interval(low, high, float(np.median(drawn)), exact, dominant, swings)


def _direction(case: Case, output: Symbol, symbol: Symbol, ranges: Ranges) -> int | None:
    """In which direction an output moves with an input, whatever the other ranged inputs are: through the step time,
    which moves as all of its parts do, and directly."""

    def sign(expr: Expr) -> int | None:
        if (known := sign_by_assumption(expr)) is not None:
            return known
        if isinstance(expr, sympy.Mul):
            signs = [sign(factor) for factor in expr.args]
            return None if None in signs else int(np.prod([found or 0 for found in signs]))
        return None if expr.has(*ranges) else int(np.sign(case.scenario.evaluate(expr)))

    # The ledger's sums, not the blackboard's terms: what both multiply and divide by has fallen out of them.
    apart = case.inputs.overlap == Overlap.PER_OPERATION
    steps = [rates.step([line]) for line in case.operations] if apart else [rates.step(case.operations)]
    parts = [term.time for step in steps for term in step.terms]
    found = {direction(case.scenario.expand(part), {symbol: 1}, sign) for part in parts} - {0}
    through = found.pop() if len(found) == 1 else None if found else 0
    if output == q.step_time:
        return through
    definition = case.scenario.definitions[output]
    others = {
        other: case.scenario.definitions[other] for other in definition.free_symbols & set(case.phase.definitions)
    }
    # Ranks at their own pace all move as the step time does, but that a batch may load some of them and not the others.
    alike = symbol != q.batch or case.scenario.definitions[q.mean_step_time] == q.step_time
    moving = {symbol: 1, q.step_time: through, q.mean_step_time: through if alike else None}
    return direction(definition.xreplace(others), moving, sign)
