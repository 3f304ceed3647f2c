"""Chapter 10, training: a step with its pipeline's bubble, at a fixed batch and a fixed number of chips."""

from collections.abc import Mapping

import sympy
from sympy import Le, Rational, Symbol

from steptime.derivations.axioms import WHOLE_ENOUGH
from steptime.derivations.board import PEAK, PERFECT_SHARDS
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Chosen, Crossing, Defined, Given, Modelled, given, instance
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.pipelines.bubble import enough_micro_batches, idle_over_work, idle_share
from steptime.derivations.pipelines.slots import board as lecture
from steptime.derivations.pipelines.symbols import bubble_share
from steptime.derivations.rules import drop, equation, extreme, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.formulas import step_compute
from steptime.derivations.training.numbers import MEGATRON, NOTHING_AGAIN, trained
from steptime.derivations.training.symbols import half_share, plain_share
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    batch, bubble_ratio, chips, compute_time, data_parallel, interleave, micro_batch, micro_batches, microbatch,
    model_flops, peak_flops, pipeline_parallel, replicas, stage_chips, tensor_parallel,
)  # fmt: skip

PIPELINE = "Llama 3.1 70B in bf16 on 512 H100 (tp=8, pp=8, dp=8), 512 sequences of 8192 tokens, 1F1B, 2 chunks a stage"
later = pipeline_parallel - 1
ranks = replicas * data_parallel
worked = (batch + ranks * microbatch * later / interleave) * model_flops
"""FLOP that all chips could do in a step: those of the batch, and those that the bubble leaves undone."""

OF_RANK = Defined(microbatch, micro_batch / data_parallel, "the sequences of a micro-batch on one data-parallel rank")
OF_BATCH = Defined(
    batch, ranks * microbatch * micro_batches, "the sequences of all micro-batches, of all ranks and replicas"
)
stages = replicas * pipeline_parallel
OF_CHIPS = given(stage_chips, chips / stages, "the chips are shared by all stages of all replicas")
OF_GROUP = given(data_parallel, chips / (stages * tensor_parallel), "as many ranks as stages and tp leave of the chips")


def pipeline() -> Mapping[Symbol, float]:
    """Llama 3.1 70B in eight stages; a bubble of 5 % of the step, where one is asked for."""
    values = trained(layout="tp=8,pp=8,dp=8", batch=512, sequence=8192, interleave=2)
    return {**values, bubble_share: 0.05}


step_time = Derivation(
    name="training-compute-time",
    title="Compute time of a training step through a pipeline",
    rows=("10.4",),
    claim="The bubble takes as long as (P - 1)/v more micro-batches on every rank, whatever the batch.",
    start=Modelled(compute_time, step_compute),
    steps=(
        Step(
            "at the peak, perfectly sharded, nothing recomputed; the schedule's idle time",
            substitute(PEAK[0], PERFECT_SHARDS[0], NOTHING_AGAIN, idle_over_work),
            equation(
                compute_time,
                (micro_batches + later / interleave)
                * model_flops
                * micro_batch
                / (pipeline_parallel * stage_chips * peak_flops),
            ),
        ),
        Step(
            "the batch in micro-batches, on all replicas and ranks",
            substitute(OF_RANK.for_(micro_batch), OF_BATCH.for_(micro_batches)),
            equation(compute_time, worked / (replicas * pipeline_parallel * stage_chips * peak_flops)),
        ),
        Step(
            "chips of all stages and replicas",
            substitute(OF_CHIPS),
            equation(compute_time, worked / (chips * peak_flops)),
        ),
    ),
    assumes=(PEAK[0], PERFECT_SHARDS[0], NOTHING_AGAIN, OF_CHIPS),
    sources=(MEGATRON + ", section 2.2",),
    example=pipeline,
    example_text=PIPELINE,
    holds=(at_least(batch, ranks * microbatch), at_least(chips, replicas * pipeline_parallel)),
)

more_stages = Derivation(
    name="training-compute-time-stages",
    title="Compute time of a training step as stages take the place of data-parallel ranks",
    rows=("10.4",),
    claim="Each stage more takes a rank away: the bubble grows only towards one micro-batch on tp chips, over v.",
    start=step_time,
    steps=(
        Step(
            "the ranks that are left of the chips",
            substitute(OF_GROUP),
            equation(
                compute_time,
                (batch / chips + microbatch * (1 - 1 / pipeline_parallel) / (interleave * tensor_parallel))
                * model_flops
                / peak_flops,
            ),
        ),
    ),
    assumes=(WHOLE_ENOUGH, OF_GROUP),
    sources=step_time.sources,
    example=pipeline,
    example_text=PIPELINE,
    holds=(
        at_least(chips, replicas * pipeline_parallel * tensor_parallel),
        at_least(batch * pipeline_parallel * tensor_parallel, chips * microbatch),
    ),
)

ALL_STAGES = Le(pipeline_parallel, chips / (replicas * tensor_parallel), evaluate=False)
last_rank = replicas * microbatch / (interleave * chips) * model_flops / peak_flops
"""What the one rank that is left to each stage takes off the bubble."""

many_stages = Derivation(
    name="training-compute-time-many-stages",
    title="Compute time of a training step through many stages",
    rows=("10.4",),
    claim="At worst the step is longer by one micro-batch that tp chips work on alone, divided by the chunks.",
    start=more_stages,
    steps=(
        Step(
            "as many stages as chips allow: it rises with them",
            extreme(ALL_STAGES, least=False),
            equation(
                compute_time,
                (batch / chips + microbatch * (1 - replicas * tensor_parallel / chips) / (interleave * tensor_parallel))
                * model_flops
                / peak_flops,
            ),
        ),
        Step(
            "so many that one more hardly matters",
            drop(-last_rank, error=Rational(1, 1000)),
            equation(
                compute_time, (batch / chips + microbatch / (interleave * tensor_parallel)) * model_flops / peak_flops
            ),
        ),
    ),
    assumes=(
        Given(ALL_STAGES, "every stage has one data-parallel rank at least"),
        Chosen(pipeline_parallel, "as many stages as make the step longest", least=False),
    ),
    sources=step_time.sources,
    example=pipeline,
    example_text=PIPELINE,
    holds=(
        at_least(chips, replicas * tensor_parallel),
        at_least(batch, replicas * microbatch),
        at_least(
            batch * interleave * tensor_parallel + chips * microbatch, 1000 * replicas * microbatch * tensor_parallel
        ),
    ),
)

enough_sequences = Derivation(
    name="batch-for-bubble-share",
    title="The global batch that keeps the idle share at a given level",
    rows=("10.4",),
    claim="The batch must grow with the stages, and with the ranks that share it.",
    start=enough_micro_batches,
    steps=(
        Step(
            "the micro-batches of a global batch",
            substitute(OF_BATCH.for_(micro_batches)),
            equation(batch / (ranks * microbatch), later * (1 - bubble_share) / (interleave * bubble_share)),
        ),
        Step(
            "solve for the batch",
            solve_for(batch),
            equation(batch, ranks * microbatch * later * (1 - bubble_share) / (interleave * bubble_share)),
        ),
    ),
    assumes=(),
    sources=(MEGATRON + ", section 2.2",),
    example=lambda: {one: value for one, value in pipeline().items() if one not in (micro_batches, bubble_ratio)},
    example_text=f"{PIPELINE}; idle for 5 % of the step",
    holds=enough_micro_batches.holds,
)

enough_chunks = Derivation(
    name="interleave-for-bubble-share",
    title="Chunks a stage that keep the idle share at a given level",
    rows=("10.4",),
    claim="Where the batch is given, chunks of layers do what micro-batches cannot.",
    start=idle_share,
    steps=(
        Step(
            "solve for the chunks",
            solve_for(interleave),
            equation(interleave, later * (1 - bubble_share) / (micro_batches * bubble_share)),
        ),
    ),
    assumes=(),
    sources=(MEGATRON + ", section 2.2",),
    example=lambda: {**lecture(), bubble_share: 0.05},
    example_text="64 stages, 512 micro-batches; idle for 5 % of the step",
    holds=(more(bubble_share, 0), at_least(later * (1 - bubble_share), micro_batches * bubble_share)),
)

half = Derivation(
    name="interleave-that-halves",
    title="Chunks a stage that halve the idle share",
    rows=("10.4",),
    claim="Two chunks halve the idle time, but the step shrinks with it: half of the share takes a little more.",
    start=Crossing(
        idle_share,
        Defined(half_share, plain_share / 2, "half of the idle share with one chunk a stage"),
        "the idle share is half of that with one chunk a stage",
    ),
    steps=(
        Step(
            "one chunk a stage",
            substitute(instance(idle_share, {bubble_share: plain_share, interleave: sympy.S.One})),
            equation(idle_share.result.rhs, later / (2 * (micro_batches + later))),
        ),
        Step("solve for the chunks", solve_for(interleave), equation(interleave, 2 + later / micro_batches)),
    ),
    assumes=(),
    sources=(MEGATRON + ", section 2.2",),
    example=lecture,
    example_text="64 stages, 512 micro-batches",
    holds=(more(pipeline_parallel, 1),),
)


def _longer() -> float:
    """The step over one without stages, same chips and batch."""
    values = Scenario(pipeline())
    alone = values | {pipeline_parallel: 1.0}
    return float(values.evaluate(more_stages.result.rhs) / alone.evaluate(more_stages.result.rhs))


def _inputs() -> Mapping[str, float | str]:
    return {s.name: pipeline()[s] for s in (batch, chips, tensor_parallel, pipeline_parallel, interleave, microbatch)}


DERIVATIONS = (step_time, more_stages, many_stages, enough_sequences, enough_chunks, half)

CLAIMS = (
    Claim("10.4", "Llama 3.1 70B on 512 H100: step in 8 stages of 2 chunks over one without stages: longer by 7/8 of "
          "1/16 of its 8 micro-batches", None, _longer, _inputs, source=Source.OWN,
          must=lambda value: abs(value - (1 + 7 / 8 * 512 / (2 * 8) / 512)) < 1e-9),
    Claim("10.4", "The same: smallest batch that keeps the idle share at 5 %: more than the 512 that it has", None,
          enough_sequences.evaluate, _inputs, source=Source.OWN,
          must=lambda value: value > 512),
)  # fmt: skip
