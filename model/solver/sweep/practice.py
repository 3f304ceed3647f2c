"""The estimate of a step over many points: `step.estimate` with arrays in the place of numbers.

It stands beside the bound and never below it. Limits and what is kept may be of either.
"""

from dataclasses import replace

import numpy as np

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import Coefficients
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import PhaseName, Split
from steptime.model.errors import Unbound
from steptime.model.estimate.terms import decode, prefill
from steptime.model.estimate.training import training
from steptime.model.phases.accounts import accounts_of
from steptime.model.solver.sweep.lowered import Scope as Lowered
from steptime.model.solver.sweep.outputs import ESTIMATE, Way
from steptime.model.step.coefficients import coefficient_formulas, coefficients_for
from steptime.model.step.demands import demands_of, figures_of
from steptime.model.step.inputs import Inputs, Question
from steptime.model.step.prepared import Prepared


def has_estimate(question: Question) -> bool:
    """Whether there is an estimate: of steps of architectures, unless the ideal alone is asked for."""
    return coefficients_for(question.inputs) is not None and accounts_of(question.model).transformer is not None


def coefficients_must_be(asked: Prepared, way: Way) -> Coefficients:
    """The coefficients of an estimate; raises Unbound where there is none."""
    chosen = coefficients_for(asked.inputs)
    has = has_estimate(Question(asked.accounts.model, asked.hardware, asked.inputs))
    if chosen is None or not has or not asked.hardware.peaks or q.machine_flops in way.definitions:
        raise Unbound(frozenset({ESTIMATE}))
    return chosen


def lowered(scope: Lowered, way: Way, asked: Prepared, split: Split) -> int:
    """The place of a step's estimate in one way, blocks split so; raises Unbound where there is none."""
    hardware, inputs = asked.hardware, asked.inputs
    chosen = coefficients_must_be(asked, way)
    asks = demands_of(asked.accounts, way.phase, replace(asked.plan, ffn=split), way.operations)
    here = scope.to.scope(scope.values, {**scope.definitions, **asks})
    here.known = dict(scope.known)
    put_in_practice(here, inputs, hardware, asked.precision["activations"], chosen)
    terms = {PhaseName.PREFILL: prefill, PhaseName.TRAIN: training}.get(inputs.phase, decode)
    return scope.to.folded(np.maximum, [here(terms), here(q.step_time)])


def put_in_practice(
    here: Lowered, inputs: Inputs, hardware: Hardware, activations: str, chosen: Coefficients
) -> None:  # fmt: skip
    """Puts into a scope what an estimate has beside the demands on a chip: numbers, the clock that a cap leaves, and
    the peak at which attention is worked out, which follows that of products."""
    to, (values, clocked) = here.to, coefficient_formulas(inputs, hardware, chosen)
    values |= figures_of(inputs, hardware, activations, float("inf"))
    listed = values.pop(q.wide_peak)
    here.values, here.definitions = {**here.values, **values}, {**here.definitions, **clocked}
    here.known |= {symbol: to.leaf(float(value)) for symbol, value in values.items() if symbol not in to.on}
    here.known[q.wide_peak] = to.folded(np.minimum, [to.leaf(float(listed)), here(q.peak_flops)])
