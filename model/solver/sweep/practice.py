"""The estimate of a step over many points: `step.estimate` with arrays in the place of numbers.

It stands beside the bound and never below it. Limits and what is kept may be of either.
"""

from dataclasses import replace

import numpy as np

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import Coefficients
from steptime.model.choices import PhaseName, Split
from steptime.model.errors import Unbound
from steptime.model.estimate.terms import decode, prefill
from steptime.model.estimate.training import training
from steptime.model.phases.accounts import accounts_of
from steptime.model.solver.sweep.lowered import Scope as Lowered
from steptime.model.solver.sweep.outputs import ESTIMATE, Way
from steptime.model.step.coefficients import coefficient_values, coefficients_for
from steptime.model.step.demands import demands_of, figures_of
from steptime.model.step.inputs import Question
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
    to, values = scope.to, coefficient_values(inputs, hardware, chosen)
    values |= figures_of(inputs, hardware, asked.precision["activations"], float("inf"))
    here = to.scope({**scope.values, **values}, {**scope.definitions, **asks})
    here.known = {**scope.known, **{symbol: to.leaf(float(value)) for symbol, value in values.items()}}
    if inputs.phase == PhaseName.TRAIN:  # at the peak of the products, or at that of 16 bits where it is less
        here.known[q.wide_peak] = to.folded(np.minimum, [here.known[q.wide_peak], here(q.peak_flops)])
    terms = {PhaseName.PREFILL: prefill, PhaseName.TRAIN: training}.get(inputs.phase, decode)
    return to.folded(np.maximum, [here(terms), here(q.step_time)])
