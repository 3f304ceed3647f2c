"""With which coefficients a step is estimated, and their numbers on its machine."""

from collections.abc import Mapping

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import Coefficients, shipped
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import PHASES, Efficiency, PhaseName
from steptime.model.estimate.clock import CLOCKED
from steptime.model.step.capped import capped_clock
from steptime.model.step.inputs import Inputs
from steptime.model.step.training import figures_of_training


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


def values_of_training(
    inputs: Inputs, hardware: Hardware, activations: str, values: Mapping[Symbol, float]
) -> dict[Symbol, float] | None:
    """The same of a step of training, with what its estimate asks of a machine beside its rates; None for other steps,
    where there is no estimate, and where the peak of the format is not among ``values``."""
    chosen = coefficients_for(inputs) if inputs.phase == PhaseName.TRAIN else None
    if chosen is None or q.peak_flops not in values:
        return None
    figures = figures_of_training(hardware, activations, values[q.peak_flops])
    return {**coefficient_values(inputs, hardware, chosen), **figures}
