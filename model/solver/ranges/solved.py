"""Inputs known within limits, for answers that must be solved for: each point of the sample is solved anew.

An interval is exact where the answer is proved only to rise or only to fall in each input: its ends are then solved at
corners. Elsewhere it is that of the sample.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from math import isfinite

import numpy as np
from sympy import Expr, Symbol

from steptime.model.errors import UserError
from steptime.model.solver.monotone import direction
from steptime.model.solver.ranges.uncertainty import Interval, Ranges, Spread, few, sobol

SAMPLES = 256
MOST_CORNERS = 4
"""Inputs of which all corners are solved too: what is sampled often ends there."""
NOTHING = 1e-9
"""An end so much smaller than the other is zero but for rounding: no factor is stated."""


@dataclass(frozen=True)
class Outcome:
    """An answer: its numbers by name, and what binds in it."""

    values: Mapping[str, float]
    binds: str


Solve = Callable[[Mapping[Symbol, float]], Outcome]
Proof = Callable[[str, Symbol], int | None]
"""In which direction an output is proved to move with an input; 0 where it does not, None without a proof."""


def no_proof(output: str, symbol: Symbol) -> int | None:
    return None


def spread_solved(
    ranges: Ranges,
    solve: Solve,
    proved: Proof = no_proof,
    samples: int = SAMPLES,
    progress: Callable[[float], None] = lambda share: None,
) -> Spread:
    """The spread of what ``solve`` answers; raises UserError where no point of the sample has an answer."""
    drawn = sobol(few(ranges), samples)
    found, failure = [], None
    for number in range(samples):
        try:
            found.append(solve({symbol: float(values[number]) for symbol, values in drawn.items()}))
        except UserError as error:
            failure = error
        progress((number + 1) / (samples + 2 * len(ranges)))
    if not found:
        raise UserError(f"ranges: no point of the sample has an answer; {failure}")
    middle = {symbol: float(np.sqrt(low * high)) for symbol, (low, high) in ranges.items()}
    ends = {
        symbol: [_tried(solve, {**middle, symbol: end}) for end in both] for symbol, both in ranges.items()
    }  # each input alone across its range, the others in the middle
    corners = [_tried(solve, dict(zip(ranges, corner, strict=True))) for corner in product(*ranges.values())
               ] if len(ranges) <= MOST_CORNERS else []  # fmt: skip
    beside = [*corners, *(one for both in ends.values() for one in both)]
    progress(1.0)
    names = dict.fromkeys(name for one in found for name in one.values)
    intervals = {name: _interval(name, ranges, found, ends, beside, solve, proved) for name in names}
    kinds = dict.fromkeys(one.binds for one in found)
    binds = {kind: sum(one.binds == kind for one in found) / len(found) for kind in sorted(kinds)}
    return Spread(ranges, intervals, binds, samples, len(found) / samples)


def _tried(solve: Solve, values: Mapping[Symbol, float]) -> Mapping[str, float]:
    try:
        return solve(values).values
    except UserError:
        return {}


def _interval(
    name: str,
    ranges: Ranges,
    found: list[Outcome],
    ends: Mapping[Symbol, list[Mapping[str, float]]],
    beside: list[Mapping[str, float]],
    solve: Solve,
    proved: Proof,
) -> Interval:
    values = np.array([one.values[name] for one in found if name in one.values])
    swings = {}
    for symbol, both in ends.items():
        low, high = sorted(one.get(name, np.nan) for one in both)
        swings[symbol.name] = high / low if low > NOTHING * high > 0 and isfinite(high) else 1.0
    tried = [*values, *(one[name] for one in beside if name in one)]
    low, high, exact = float(min(tried)), float(max(tried)), False
    directions = {symbol: proved(name, symbol) for symbol in ranges}
    if all(way is not None for way in directions.values()):
        corners = [
            {symbol: ranges[symbol][int((way or 1) * side > 0)] for symbol, way in directions.items()}
            for side in (-1, 1)
        ]
        solved = [_tried(solve, corner).get(name) for corner in corners]
        if solved[0] is not None and solved[1] is not None:
            (low, high), exact = (solved[0], solved[1]), True
    dominant = max(swings, key=lambda key: swings[key])
    return Interval(low, high, float(np.median(values)), exact, dominant, swings, len(values) / len(found))


def agreed_direction(exprs: list[Expr], symbol: Symbol) -> int | None:
    """The one direction in which all of some expressions move with an input, definitions put in; None without one."""
    found = {direction(expr, {symbol: 1}) for expr in exprs} - {0}
    return found.pop() if len(found) == 1 else None if found else 0
