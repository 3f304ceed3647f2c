"""The clock that a power cap allows, over the one at which a chip draws its rated power.

Watts are those of a chip beside its multiply-adds, and of these: so many a second, each of an energy that goes with the
square of the voltage, which falls with the clock: P = P_0 + e V^2 A. Products that have the chip to themselves draw its
rated power, which says what they take at the clock that goes with it; the shares of the peak that the estimate has were
measured there. So joules per FLOP drop out, and a cap at the rated power changes nothing.
"""

from collections.abc import Mapping
from typing import Any

from sympy import Expr, Max, Min, Symbol

from steptime.model import symbols as q
from steptime.model.estimate import symbols as e
from steptime.model.extremes import put_in
from steptime.model.scenario import Scenario

VOLTAGE_EXPONENT = 0.5
"""A tenth more clock takes about a twentieth more voltage (diomgis.com, Power, Thermals, and Clock Throttling). In
proportion it would be 1; at the least voltage that a chip works at, where it no longer falls, 0."""
clock_share: Expr = ((q.power_cap - q.resting_power) / (q.power - q.resting_power)) ** (
    1 / (1 + 2 * q.voltage_exponent)
)
"""The clock of a cap between what the chip draws beside its multiply-adds and its rated power."""
clock: Expr = put_in(
    clock_share,
    {q.power_cap: Max(q.resting_power, Min(q.power_cap, q.power, evaluate=False), evaluate=False)},
)
"""The clock of any cap: that of the rated power from there on; none where a cap leaves multiply-adds nothing."""
CLOCKED = frozenset({
    q.product_share, q.score_share, q.prefill_product_share, q.prefill_score_share, e.wide_share, e.narrow_share,
    e.paired_share,
})  # fmt: skip
"""Shares of a peak, which go with the clock; memory and links have clocks of their own."""


def clock_of(watts: Mapping[Symbol, Any]) -> Any:
    """The share at a cap, a chip's rated power and what it draws beside its multiply-adds; 0 where the cap leaves these
    nothing. A number, or an array where watts are arrays.

    >>> chip = {q.power: 700.0, q.resting_power: 100.0}
    >>> [round(clock_of({**chip, q.power_cap: cap}), 3) for cap in (900.0, 700.0, 250.0, 100.0)]
    [1.0, 1.0, 0.5, 0.0]
    """
    return Scenario({q.voltage_exponent: VOLTAGE_EXPONENT, **watts}).evaluate(clock)
