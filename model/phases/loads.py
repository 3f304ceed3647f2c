"""How a batch lies on replicas, stages and ranks: the mean, or whole sequences on those that have most.

A sequence is not divided among replicas, among micro-batches, or among the data-parallel ranks of a stage; tensor and
context parallelism split the work within one. So the fullest rank holds ceil(B/(R P dp)) sequences, and chips that meet
in every layer wait for it. A micro-batch is then really split over b/b_r ranks, and over b T/n_g groups of
tensor-parallel chips, T tokens a sequence. Closed forms and crossovers keep the mean, where these are dp and dp·cp.
"""

import sympy
from sympy import Expr, Symbol, ceiling, floor

from steptime.model.architecture.stream import Stream
from steptime.model.choices import Load
from steptime.model.extremes import at_least, at_most
from steptime.model.phases.decode import micro_batch_of_batch
from steptime.model.phases.phase import Phase
from steptime.model.phases.pipeline import stage_times_of_chunks
from steptime.model.scenario import Scenario, symbols_in
from steptime.model.terms import one, zero

from steptime.model.symbols import (  # isort: skip
    batch, context_parallel, data_parallel, group_tokens, in_flight, mean_step_time, micro_batch, own_prefill,
    pipeline_parallel, rank_batch, replicas, step_time, traversal,
)  # fmt: skip


def loads(phase: Phase, load: Load, meet: bool = True) -> dict[Symbol, Expr]:
    """Definitions of the micro-batch, of its fullest rank and group, of what is in flight together, and of a pipelined
    pass; ``meet`` says whether the ranks of a replica wait for each other.

    ``mean``: everything divides evenly. ``whole``: whole sequences, and whole tokens of them. ``at-least-one``: the
    batch is itself a mean over time, so that a rank or micro-batch that exists has one sequence or more.
    """
    tokens = [stream.share * _of_group(stream, load) for stream in phase.streams]
    found = {
        micro_batch: _rounded(micro_batch_of_batch, load),
        rank_batch: _rounded(micro_batch / data_parallel, load),
        group_tokens: sympy.Add(*tokens),
    }
    if in_flight in phase.definitions:
        together = phase.definitions[in_flight] / (1 if meet else data_parallel)
        found[in_flight] = _rounded(together, load)
    if traversal in symbols_in(phase.blackboard.compute.work):
        busy = at_most(pipeline_parallel, _rounded(batch / (replicas * data_parallel), load))
        found[traversal] = at_least(busy, stage_times_of_chunks) / pipeline_parallel
    return found


def _rounded(number: Expr, load: Load) -> Expr:
    """Sequences as the load counts them."""
    if load == Load.WHOLE:
        return ceiling(number)
    return number if load == Load.MEAN else at_least(1, number)


def _of_group(stream: Stream, load: Load) -> Expr:
    """Tokens of one stream on the fullest group; those of prefills that ride along now and then are a mean."""
    number = rank_batch * stream.tokens / context_parallel
    if stream.tokens == stream.chunks:  # one token of each sequence at a time
        return stream.tokens * _rounded(number / stream.tokens, load)
    return _rounded(number, load) if stream.share == one else number


def mean_step(units: Expr | int, scenario: Scenario) -> dict[Symbol, Expr]:
    """The mean step time of ``units`` that never meet, each with its own sequences at its own pace.

    They hold whole sequences: some the least number f = floor(B/U), the others one more. With n_r sequences on unit r
    a second gives sum of n_r / t(n_r) tokens for each that a sequence gains, and their mean step time is B over that.
    Where the load is even it is the step time; where prefills ride along, that of a step which carries every one.
    """
    every: dict[Symbol, Expr] = {own_prefill: zero} if own_prefill in scenario.values else {}
    fuller, definitions = scenario.elsewhere(step_time, every) if every else (step_time, {})
    if units == 1:
        return {**definitions, mean_step_time: fuller}
    least = floor(batch / units)
    more = batch - units * least
    emptier, others = scenario.elsewhere(step_time, {**every, batch: units * at_least(1, least)}, "''")
    served = more * (least + 1) / fuller + (units - more) * least / emptier
    return {**definitions, **others, mean_step_time: batch / served}
