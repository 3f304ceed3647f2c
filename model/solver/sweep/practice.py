"""The estimate of a step over many points: `step.estimate` with arrays in the place of numbers.

It stands beside the bound and never below it. Limits and what is kept may be of either.
"""

from dataclasses import replace

import numpy as np
from sympy import Expr

from steptime.model import symbols as q
from steptime.model.choices import PhaseName, Scope, Split
from steptime.model.errors import Unbound
from steptime.model.estimate.terms import decode, prefill
from steptime.model.phases.accounts import accounts_of
from steptime.model.solver.sweep.lowered import Scope as Lowered
from steptime.model.solver.sweep.outputs import ESTIMATE, Way
from steptime.model.step.build import Prepared
from steptime.model.step.estimate import coefficients_for, demands_of, wide_peak_of
from steptime.model.step.inputs import Question


def has_estimate(question: Question) -> bool:
    """Whether there is an estimate: of decode steps, passes that check drafts and prefills of architectures, without
    prefills that ride along, unless the ideal alone is asked for. Training has one in `step` alone."""
    inputs = question.inputs
    return (
        coefficients_for(inputs) is not None
        and accounts_of(question.model).transformer is not None
        and inputs.scope == Scope.STEPS
    )


def lowered(scope: Lowered, way: Way, asked: Prepared, split: Split) -> int:
    """The place of a step's estimate in one way, blocks split so; raises Unbound where there is none."""
    hardware = asked.hardware
    chosen = coefficients_for(asked.inputs)
    has = has_estimate(Question(asked.accounts.model, hardware, asked.inputs))
    if chosen is None or not has or not hardware.peaks or q.machine_flops in way.definitions:
        raise Unbound(frozenset({ESTIMATE}))
    asks = demands_of(asked.accounts, way.phase, replace(asked.plan, ffn=split), way.operations)
    to, values = scope.to, chosen.of_family(hardware.family)
    here = to.scope({**scope.values, **values}, {**scope.definitions, **asks})
    known = {symbol: to.leaf(float(value)) for symbol, value in values.items()}
    peak = to.leaf(wide_peak_of(hardware, 1.0))  # a machine without peaks has no estimate here
    here.known = {**scope.known, **known, q.wide_peak: peak}
    terms: Expr = prefill if asked.inputs.phase == PhaseName.PREFILL else decode
    return to.folded(np.maximum, [here(terms), here(q.step_time)])
