"""The changes of an explanation as causes: a term, its factor with an interval, and what such a factor means."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from steptime.model.solver.compared.changes import Change, Kind, changes_of, in_proportion, overlaps, per
from steptime.model.solver.compared.fit import EXACT, Fitted
from steptime.model.solver.compared.pieces import Array, Pieces
from steptime.model.solver.compared.search import instead, unchanged

COUNTS: Mapping[float, str] = {0.5: "half", 2.0: "twice", 4.0: "four times"}
MEANINGS: Mapping[float, str] = {
    **COUNTS,
    1e9 / 2**30: "as at 2^30 for 1e9 in the bandwidth",
    2**30 / 1e9: "as at 1e9 for 2^30 in the bandwidth",
    1e12 / 2**40: "as at 2^40 for 1e12 in the rate",
    2**40 / 1e12: "as at 1e12 for 2^40 in the rate",
}
"""Factors that would mean something by themselves. Of units only where the interval has them: other machines' figures
are as near."""
NEAR, ABOUT = 0.03, 0.01
"""How near to such a factor one must be, in ln, that has it in its interval; and to a count that it leaves out."""
WIDEST = 1.25
"""An interval that is wider, high over low, says nothing of the kind."""
RANKED = 5


@dataclass(frozen=True)
class Cause:
    """A term and the one number that it is multiplied by, or that each costs in seconds, with its interval; None for a
    convention. ``rate``: bytes a second of a chip at which the term would take as long, where all cases have one rate.
    ``without``: root mean square of ln t on left-out cases without this cause; ``left_out``: with it.
    ``instead``: other terms that explain as much in its place."""

    term: str
    factor: float | None
    low: float | None
    high: float | None
    unit: str
    explains: str
    left_out: float
    without: float
    rate: float | None = None
    instead: tuple[tuple[str, float | None, str], ...] = ()


def causes_of(best: Fitted) -> tuple[Cause, ...]:
    """The changes of an explanation, those first that would be missed most."""
    found = []
    for place, change in enumerate(best.changes):
        factor, low, high = _number(best, change)
        others = tuple((other.changes[-1].term, _number(other, other.changes[-1])[0], other.changes[-1].unit)
                       for other in instead(best, place)) + _each(best, change, factor)  # fmt: skip
        found.append(
            Cause(
                change.term,
                factor,
                low,
                high,
                change.unit,
                meaning(change, factor, low, high),
                best.left_out,
                best.but(place).left_out,
                _rate(best.pieces, change, factor),
                others,
            )
        )
    return tuple(sorted(found, key=lambda cause: -cause.without))


def _rate(pieces: Pieces, change: Change, factor: float | None) -> float | None:
    """The rate that a factor on a whole resource comes to."""
    rates = pieces.rates.get(change.term)
    if rates is None or not factor or np.ptp(rates) > 0 or not rates[0]:
        return None
    return float(rates[0]) / factor


def _each(best: Fitted, change: Change, factor: float | None) -> tuple[tuple[str, float | None, str], ...]:
    """The same start-up by what there is in proportion to it in every case."""
    numbers = best.pieces.each
    own = next((name for name in numbers if per(name) == change.term), None)
    if own is None or factor is None:
        return ()
    found = []
    for name, number in numbers.items():
        if name != own and np.all(number > 0) and in_proportion(number, numbers[own]):
            label = f"start-up of each of {number[0]:.0f} {name}s" if np.ptp(number) == 0 else per(name)
            found.append((label, factor * float(numbers[own][0] / number[0]), change.unit))
    return tuple(found)


def ranked(pieces: Pieces, answers: Array) -> tuple[Cause, ...]:
    """The causes that alone leave least on left-out cases, the best few first."""
    start = unchanged(pieces, answers)
    ones = [start.with_change(change) for change in (*overlaps(), *changes_of(pieces))]
    found = []
    for one in sorted((one for one in ones if one.is_possible), key=lambda one: one.information)[: 2 * RANKED]:
        factor, low, high = _number(one, one.changes[0])
        found.append(Cause(one.changes[0].term, factor, low, high, one.changes[0].unit,
                           meaning(one.changes[0], factor, low, high), one.left_out, start.left_out))  # fmt: skip
    return tuple(sorted(found, key=lambda cause: cause.left_out)[:RANKED])


def _number(best: Fitted, change: Change) -> tuple[float | None, float | None, float | None]:
    """The number of a change and its interval."""
    if not change.is_free:
        return change.factor, change.factor, change.factor
    place = [id(one) for one in best.free].index(id(change))
    low, high = best.intervals[place]
    return float(best.factors[place]), low, high if math.isfinite(high) else None


def meaning(change: Change, factor: float | None, low: float | None, high: float | None) -> str:
    """What is known of a change, or what its factor would mean by itself: ``about`` where the interval leaves it out.

    >>> from steptime.model.solver.compared.changes import Change, Kind
    >>> cache = Change("KV cache", Kind.FACTOR)
    >>> meaning(cache, 1.99, 1.97, 2.02), meaning(cache, 1.99, 1.98, 1.997), meaning(cache, 2.0, 1.5, 2.7)
    ('twice', 'about twice', '')
    """
    if change.explains or change.kind != Kind.FACTOR or factor is None or low is None or high is None:
        return change.explains
    if high > WIDEST * low:
        return ""
    value = min(MEANINGS, key=lambda value: abs(math.log(factor / value)))
    away = abs(math.log(factor / value))
    if away < NEAR and low * (1 - EXACT) <= value <= high * (1 + EXACT):
        return MEANINGS[value]
    return f"about {COUNTS[value]}" if value in COUNTS and away < ABOUT else ""
