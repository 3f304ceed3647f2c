"""With which coefficients a step is estimated, and their numbers on its machine."""

from collections.abc import Mapping

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import Coefficients, shipped
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import PHASES, Efficiency, PhaseName
from steptime.model.estimate.clock import CLOCKED
from steptime.model.step.capped import capped_clock
from steptime.model.step.demands import figures_of
from steptime.model.step.inputs import Inputs


def coefficients_for(inputs: Inputs) -> Coefficients | None:
    """Those that inputs ask for; None where the ideal alone is asked for, for what no estimate is of, and for training
    with a set that has no coefficients of it."""
    if inputs.efficiency == Efficiency.IDEAL or inputs.phase not in PHASES:
        return None
    chosen = inputs.coefficients or shipped()
    return None if inputs.phase == PhaseName.TRAIN and chosen.training is None else chosen


def coefficient_values(inputs: Inputs, hardware: Hardware, chosen: Coefficients) -> dict[Symbol, float]:
    """The numbers of a set on a machine, for what inputs ask of it: shares of a peak at the clock that a cap allows."""
    trained = chosen.training.values if inputs.phase == PhaseName.TRAIN and chosen.training is not None else {}
    values, clock = {**chosen.of_family(hardware.family), **trained}, capped_clock(inputs, hardware)
    return values if clock is None else {s: v * clock if s in CLOCKED else v for s, v in values.items()}


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
