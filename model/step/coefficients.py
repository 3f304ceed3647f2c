"""With which coefficients a step is estimated, and their numbers on its machine."""

from collections.abc import Mapping
from typing import Any

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import Coefficients, shipped
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import PHASES, Efficiency, PhaseName
from steptime.model.estimate.clock import CLOCKED, clock
from steptime.model.step.capped import capped_clock, is_capped, watts_of
from steptime.model.step.demands import figures_of
from steptime.model.step.inputs import Inputs


def coefficients_for(inputs: Inputs) -> Coefficients | None:
    """Those that inputs ask for; None where the ideal alone is asked for, for what no estimate is of, and for training
    with a set that has no coefficients of it."""
    if inputs.efficiency == Efficiency.IDEAL or inputs.phase not in PHASES:
        return None
    chosen = inputs.coefficients or shipped()
    return None if inputs.phase == PhaseName.TRAIN and chosen.training is None else chosen


def coefficient_values(
    inputs: Inputs, hardware: Hardware, chosen: Coefficients, there: Mapping[Symbol, Any] | None = None
) -> dict[Symbol, Any]:
    """The numbers of a set on a machine, for what inputs ask of it: shares of a peak at the clock that a cap allows;
    ``there`` are numbers of a scenario, or arrays of them, that its watts have."""
    values, share = _of_set(inputs, hardware, chosen), capped_clock(inputs, hardware, there)
    return values if share is None else {s: v * share if s in CLOCKED else v for s, v in values.items()}


def coefficient_formulas(
    inputs: Inputs, hardware: Hardware, chosen: Coefficients
) -> tuple[dict[Symbol, float], dict[Symbol, Expr]]:
    """The same as numbers and as formulas of watts: whatever a cap and a rated power are, the clock follows."""
    values = _of_set(inputs, hardware, chosen)
    if not is_capped(inputs, hardware):
        return values, {}
    clocked = {symbol: sympy.Float(value, 17) * clock for symbol, value in values.items() if symbol in CLOCKED}
    exponent = {q.voltage_exponent: watts_of(inputs, hardware)[q.voltage_exponent]}
    return exponent | {symbol: value for symbol, value in values.items() if symbol not in clocked}, clocked


def _of_set(inputs: Inputs, hardware: Hardware, chosen: Coefficients) -> dict[Symbol, float]:
    """The numbers of a set on a machine at its rated power."""
    trained = chosen.training.values if inputs.phase == PhaseName.TRAIN and chosen.training is not None else {}
    return {**chosen.of_family(hardware.family), **trained}


def values_in_practice(
    inputs: Inputs, hardware: Hardware, activations: str, values: Mapping[Symbol, float]
) -> dict[Symbol, float] | None:
    """The same with what the estimate of a step asks of its machine beside its rates; None where no estimate is asked
    for, and where ``values`` lack a rate of the chip."""
    chosen = coefficients_for(inputs)
    if chosen is None or q.peak_flops not in values or q.memory_bandwidth not in values:
        return None
    return {
        **coefficient_values(inputs, hardware, chosen),
        **figures_of(inputs, hardware, activations, values[q.peak_flops]),
    }
