"""The clock of a step under a power cap: from what is given, and what a machine's entry says."""

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Hardware
from steptime.model.errors import UserError
from steptime.model.estimate.clock import clock_of
from steptime.model.step.inputs import Inputs

WATTS = (q.power, q.resting_power)
"""What says which clock a cap allows, beside the cap."""


def capped_clock(inputs: Inputs, hardware: Hardware) -> float | None:
    """The share of the clock at the rated power that a cap leaves; None without a cap, and where a figure is missing.

    Raises UserError where the cap leaves nothing for multiply-adds.
    """
    if q.power_cap not in inputs.given or lacking(inputs, hardware):
        return None
    watts = {symbol: _watts(symbol, inputs, hardware) for symbol in WATTS}
    cap, resting = inputs.given[q.power_cap], watts[q.resting_power]
    if not resting < watts[q.power]:
        raise UserError(f"`resting_power` {resting:g} W: a chip that draws {watts[q.power]:g} W at its peak draws less")
    given = {s: inputs.given[s] for s in (q.power_cap, q.voltage_exponent) if s in inputs.given}
    found = clock_of({**watts, **given})
    if not found:
        raise UserError(f"`power_cap` {cap:g} W: {hardware.name} draws {resting:g} W beside its multiply-adds")
    return found


def lacking(inputs: Inputs, hardware: Hardware) -> list[Symbol]:
    """Figures without which no clock follows from a cap."""
    return [symbol for symbol in WATTS if symbol not in inputs.given and symbol.name not in hardware.figures]


def _watts(symbol: Symbol, inputs: Inputs, hardware: Hardware) -> float:
    return inputs.given[symbol] if symbol in inputs.given else hardware.figures[symbol.name].value
