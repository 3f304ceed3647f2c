"""The estimate of a step over many points: `step.estimate` with arrays in the place of numbers.

It stands beside the bound and never below it. Limits and what is kept may be of either.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy
from sympy import Expr

from steptime.model import symbols as q
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.coefficients import shipped
from steptime.model.choices import Efficiency, PhaseName, Scope
from steptime.model.errors import Unbound
from steptime.model.estimate import symbols as e
from steptime.model.estimate.experts import fullest_rank, waiting_for_the_fullest
from steptime.model.estimate.groups import groups, kernels_of, padding_of
from steptime.model.estimate.terms import decode, prefill
from steptime.model.layout.layout import Layout
from steptime.model.phases.accounts import accounts_of
from steptime.model.precision import activations_for
from steptime.model.solver.sweep.lowered import Scope as Lowered
from steptime.model.solver.sweep.outputs import ESTIMATE, Way
from steptime.model.step.build import Prepared
from steptime.model.step.inputs import Question

Array = np.ndarray
FULLEST = sympy.Dummy("fullest_over_mean", positive=True)
WAITING = sympy.Dummy("fullest_rank_over_held", positive=True)


def has_estimate(question: Question) -> bool:
    """Whether there is an estimate: of decode steps, passes that check drafts and prefills of architectures, without
    prefills that ride along, unless the ideal alone is asked for."""
    inputs = question.inputs
    return (
        inputs.efficiency != Efficiency.IDEAL
        and accounts_of(question.model).transformer is not None
        and inputs.phase in (PhaseName.DECODE, PhaseName.PREFILL)
        and inputs.scope == Scope.STEPS
    )


def lowered(scope: Lowered, way: Way, asked: Prepared, layout: Layout) -> int:
    """The place of a step's estimate in one way; ``layout``: one that it is of. Raises Unbound where there is none."""
    model, hardware = asked.accounts.transformer, asked.hardware
    question = Question(asked.accounts.model, hardware, asked.inputs)
    if not has_estimate(question) or not hardware.peaks or q.machine_flops in way.definitions or model is None:
        raise Unbound(frozenset({ESTIMATE}))
    to, passes = scope.to, way.phase.passes * way.phase.traversed
    found = groups(way.operations)
    found[e.expert_bytes] *= FULLEST
    for symbol in (e.cache_bytes, e.score_flops):
        found[symbol] *= WAITING
    found[e.kernels] = kernels_of(model) * passes
    found[e.sequences] = q.rank_batch * WAITING * q.pipeline_parallel * passes
    tokens = scope(q.micro_batch * way.phase.tokens / way.phase.passes)
    tensor, data, experts = (scope(one) for one in (q.tensor_parallel, q.data_parallel, q.expert_parallel))
    meet = question.inputs.phase == PhaseName.DECODE and asked.accounts.meets(layout)
    known = {
        FULLEST: to.line(_waiting(model), tokens, experts),
        WAITING: to.line(_waiting_ranks, scope(q.micro_batch), scope(q.rank_batch), data) if meet else to.leaf(1.0),
        q.head_padding: to.line(_padding(model), tensor),
        q.wide_peak: to.leaf(hardware.peak(activations_for("bf16", tuple(hardware.peaks)))),
    }
    chosen = asked.inputs.coefficients or shipped()
    values = chosen.of_family(hardware.family)
    here = to.scope({**scope.values, **values}, {**scope.definitions, **found})
    known |= {symbol: to.leaf(float(value)) for symbol, value in values.items()}
    here.known = {**scope.known, **known}
    terms: Expr = prefill if asked.inputs.phase == PhaseName.PREFILL else decode
    return to.folded(np.maximum, [here(terms), here(q.step_time)])


def _waiting(model: Transformer) -> Callable[[Array, Array], Array]:
    return _by_degree(lambda tokens, degree: waiting_for_the_fullest(model, tokens, degree))


def _waiting_ranks(sequences: Array, held: Array, ranks: Array) -> Array:
    """Sequences on the fullest rank over those that the bound has there."""
    fullest = _by_degree(lambda mean, degree: fullest_rank(mean, degree))(sequences / ranks, ranks)
    return np.asarray(np.maximum(1.0, fullest / held))


def _padding(model: Transformer) -> Callable[[Array], Array]:
    call = _by_degree(lambda _, degree: padding_of(model, degree))
    return lambda degrees: call(np.float64(1.0), degrees)


def _by_degree(of_one: Callable[[Any, int], Any]) -> Callable[[Any, Any], Array]:
    """A function of values and of a degree of parallelism, for many degrees at once."""

    def call(values: Any, degrees: Any) -> Array:
        found = np.empty(np.broadcast_shapes(np.shape(values), np.shape(degrees)))
        for degree in np.unique(degrees):
            here = np.broadcast_to(degrees == degree, found.shape)
            found[here] = np.broadcast_to(of_one(values, int(degree)), found.shape)[here]
        return found

    return call
