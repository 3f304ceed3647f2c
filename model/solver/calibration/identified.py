"""What the rows of a fit decide, and what they cannot tell apart.

Intervals come from groups drawn again with replacement: rows of one group are not independent. Each time the priors
are drawn again as well, so that a coefficient of which the rows say nothing is as uncertain as its prior, and not as
certain as a fit that always returns it. Which of them rows tell apart is asked of the rows alone, without any prior.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.solver.calibration.fit import Array, Fit, Table, fit, spreads, unknowns

RESAMPLES = 200
SEED = 20260429
HELD = 0.9
"""Share of the resamples between the ends of an interval."""
NORMAL_ENDS = 1.6449
"""Standard deviations to either end of so much of a normal distribution."""
WIDE = 0.8
"""Of its prior's width, from which on the rows say little of a coefficient."""
ALIKE = 0.8
"""Correlation from which on rows tell two coefficients apart badly."""
NUDGE = 1e-4
KERNELS = q.kernel_time.name
"""Of which each family of machines has a factor."""


@dataclass(frozen=True)
class Interval:
    """Between which values nine in ten resamples put a coefficient, and its width over that of its prior, both as
    logarithms: near one, the rows say nothing of it; near nought, they alone do."""

    low: float
    high: float
    of_prior: float


@dataclass(frozen=True)
class Apart:
    """How well rows alone tell coefficients apart: the condition number of the scaled sensitivities, and the
    correlation of pairs that they tell apart badly, by the curvature at the fit."""

    condition_number: float
    correlated: Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Identified:
    """What rows decide: intervals by coefficient, families of machines as `kernel_time on FAMILY`; how well they tell
    those apart that are fitted, and how well they would if those that are held were fitted as well."""

    intervals: Mapping[str, Interval]
    fitted: Apart
    with_held: Apart
    resamples: int

    @property
    def undecided(self) -> tuple[str, ...]:
        """Coefficients whose interval is about as wide as their prior's."""
        return tuple(name for name, one in self.intervals.items() if one.of_prior >= WIDE)


def identified(
    table: Table, found: Fit, resamples: int = RESAMPLES, progress: Callable[[float], None] = lambda share: None
) -> Identified:
    """What the rows of a fit decide. ``progress`` is told the share that is done."""
    drawn = np.array([_logs(table, one) for one in _resampled(table, resamples, progress)])
    ends = np.quantile(drawn, [(1 - HELD) / 2, (1 + HELD) / 2], axis=0)
    names, families = unknowns(table)
    intervals = {
        name: Interval(float(np.exp(low)), float(np.exp(high)), float((high - low) / width))
        for name, low, high, width in zip(_said(names, families), *ends, 2 * NORMAL_ENDS * spreads(table), strict=True)
    }
    return Identified(intervals, apart(table, found, names), apart(table, found, tuple(table.priors)), resamples)


def apart(table: Table, found: Fit, names: tuple[Symbol, ...]) -> Apart:
    """How well the rows tell so many coefficients, and the families of machines, apart.

    Each column of sensitivities is scaled to length one (Belsley, Kuh and Welsch 1980, Regression Diagnostics, section
    3.2: a condition number above 30 says that something cannot be told apart).
    """
    _, families = unknowns(table)
    rows = sensitivities(table, found, names, families)
    moves = np.linalg.norm(rows, axis=0) > 0
    scaled = rows[:, moves] / np.linalg.norm(rows[:, moves], axis=0)
    said = tuple(name for name, one in zip(_said(names, families), moves, strict=True) if one)
    return Apart(float(np.linalg.cond(scaled)), _correlated(scaled, said))


def sensitivities(table: Table, found: Fit, names: tuple[Symbol, ...], families: list[str]) -> Array:
    """By how much the logarithm of each row's time moves with that of each unknown, over the row's deviation."""
    up = float(np.exp(NUDGE))
    moved = [Fit({**found.coefficients, name: found.coefficients[name] * up}, found.families) for name in names]
    moved += [Fit(found.coefficients, {**found.families, one: found.families[one] * up}) for one in families]
    before = np.log(found.predict(table))
    return np.stack([table.weights * (np.log(one.predict(table)) - before) / NUDGE for one in moved], axis=1)


def _correlated(scaled: Array, names: tuple[str, ...]) -> dict[tuple[str, str], float]:
    spread = np.linalg.pinv(scaled.T @ scaled)
    deviations = np.sqrt(np.diag(spread))
    pairs = combinations(range(len(names)), 2)
    found = {(names[i], names[j]): float(spread[i, j] / deviations[i] / deviations[j]) for i, j in pairs}
    return {pair: value for pair, value in found.items() if abs(value) >= ALIKE}


def _resampled(table: Table, resamples: int, progress: Callable[[float], None]) -> list[Fit]:
    """Fits of groups and priors drawn again."""
    source = np.random.default_rng(SEED)
    groups = list(dict.fromkeys(table.groups))
    place = np.array([groups.index(group) for group in table.groups])
    fits = []
    for number in range(resamples):
        times = np.bincount(source.integers(len(groups), size=len(groups)), minlength=len(groups))
        fits.append(fit(table, times[place].astype(float), source.normal(size=len(spreads(table))) * spreads(table)))
        progress((number + 1) / resamples)
    return fits


def _logs(table: Table, found: Fit) -> list[float]:
    names, families = unknowns(table)
    values = [found.coefficients[name] for name in names] + [found.families[family] for family in families]
    return [float(np.log(value)) for value in values]


def _said(names: tuple[Symbol, ...], families: list[str]) -> tuple[str, ...]:
    return (*(symbol.name for symbol in names), *(f"{KERNELS} on {family}" for family in families))
