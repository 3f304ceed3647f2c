"""The clock of a step under a power cap, and the watts that its joules count: from what is given, and what a machine's
entry says.

A capped chip draws the cap at most: joules count the cap for as long as a step takes, in practice at the clock that it
leaves. The bound knows no clock, so that it counts the cap for the time of the rated one: less than can be. A cap
beyond the rated power changes nothing, nor does one from which no clock follows.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import Draw
from steptime.model.economics.cost import capped_power
from steptime.model.errors import UserError
from steptime.model.estimate.clock import VOLTAGE_EXPONENT, clock_of
from steptime.model.step.inputs import Inputs

WATTS = (q.power, q.resting_power)
"""What says which clock a cap allows, beside the cap."""


def is_capped(inputs: Inputs, hardware: Hardware) -> bool:
    """Whether there is a cap from which a clock follows."""
    return q.power_cap in inputs.given and not lacking(inputs, hardware)


def counted_power(inputs: Inputs, hardware: Hardware) -> Expr:
    """The watts of a chip that joules count: its rated power, or the cap where that is less."""
    return capped_power if is_capped(inputs, hardware) else q.power


def capped_clock(inputs: Inputs, hardware: Hardware, there: Mapping[Symbol, Any] | None = None) -> Any:
    """The share of the clock at the rated power that a cap leaves; None without a cap, and where a figure is missing.

    ``there``: numbers of a scenario, or arrays of them, in the place of those that are given. Raises UserError where
    the cap leaves nothing for multiply-adds.
    """
    if not is_capped(inputs, hardware):
        return None
    watts = {**watts_of(inputs, hardware), **(there or {})}
    watts = {symbol: watts[symbol] for symbol in (*WATTS, q.power_cap, q.voltage_exponent)}
    must_leave_some(hardware, *(watts[symbol] for symbol in (q.power_cap, q.power, q.resting_power)))
    return clock_of(watts)


def watts_of(inputs: Inputs, hardware: Hardware) -> dict[Symbol, float]:
    """The numbers that the clock of a cap follows from."""
    known = {symbol: hardware.figures[symbol.name].value for symbol in WATTS if symbol.name in hardware.figures}
    stated = {s: inputs.given[s] for s in (*WATTS, q.power_cap, q.voltage_exponent) if s in inputs.given}
    return {q.voltage_exponent: VOLTAGE_EXPONENT, **known, **stated}


def must_leave_some(hardware: Hardware, cap: Any, power: Any, resting: Any) -> None:
    """Raise UserError where a chip at rest draws its rated power, or all that a cap allows; of arrays at any point."""
    least, most = float(np.min(power)), float(np.max(resting))
    if not np.all(np.asarray(resting) < power):
        raise UserError(f"`resting_power` {most:g} W: a chip that draws {least:g} W at its peak draws less")
    if not np.all(np.asarray(resting) < cap):
        least = float(np.min(cap))
        raise UserError(f"`power_cap` {least:g} W: {hardware.name} draws {most:g} W beside its multiply-adds")


def lacking(inputs: Inputs, hardware: Hardware) -> list[Symbol]:
    """Figures without which no clock follows from a cap: a system's power says nothing of its chip's clock."""
    known = {name for name, figure in hardware.figures.items() if figure.basis != Draw.SYSTEM}
    return [symbol for symbol in WATTS if symbol not in inputs.given and symbol.name not in known]
