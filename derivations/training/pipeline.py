"""Chapter 10, training: a step with its pipeline's bubble, at a fixed batch and a fixed number of chips."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.board import PEAK, PERFECT_SHARDS, is_
from steptime.derivations.claims import Claim
from steptime.derivations.pipelines.bubble import board as lecture
from steptime.derivations.pipelines.bubble import enough_micro_batches, idle_share
from steptime.derivations.pipelines.symbols import bubble_share
from steptime.derivations.rules import equation, limit, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.numbers import IDEAL, MEGATRON, STEP, trained
from steptime.model import symbols as q
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    batch, bubble_ratio, chips, compute_time, data_parallel, interleave, micro_batch, micro_batches, microbatch,
    model_flops, peak_flops, pipeline_parallel, recomputed_flops, replicas, stage_chips, tensor_parallel,
)  # fmt: skip

PIPELINE = "Llama 3.1 70B in bf16 on 512 H100 (tp=8, pp=8, dp=8), 512 sequences of 8192 tokens, 1F1B, 2 chunks a stage"
SCHEDULE = "1F1B, stages take equal time, nothing recomputed"
later = pipeline_parallel - 1
ranks = replicas * data_parallel
defined = STEP.definitions
MICRO_BATCHES = is_(micro_batches, defined[micro_batches])


def pipeline() -> Mapping[Symbol, float]:
    """Llama 3.1 70B in eight stages; a bubble of 5 % of the step, where one is asked for."""
    values = trained(layout="tp=8,pp=8,dp=8", batch=512, sequence=8192, interleave=2)
    return {**values, bubble_share: 0.05}


step_time = Derivation(
    name="training-compute-time",
    title="Compute time of a training step through a pipeline",
    rows=("10.4",),
    claim="The bubble takes as long as (P - 1)/v more micro-batches on every rank, whatever the batch.",
    start=equation(compute_time, STEP.blackboard.compute.time),
    steps=(
        Step(
            "at the peak, perfectly sharded, nothing recomputed; the schedule's idle time",
            substitute(PEAK[0], PERFECT_SHARDS[0], is_(recomputed_flops, 0), is_(bubble_ratio, defined[bubble_ratio])),
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
            substitute(is_(micro_batch, defined[micro_batch]), MICRO_BATCHES),
            equation(
                compute_time,
                (batch + ranks * microbatch * later / interleave)
                * model_flops
                / (replicas * pipeline_parallel * stage_chips * peak_flops),
            ),
        ),
        Step(
            "chips of all stages and replicas",
            substitute(is_(stage_chips, chips / (replicas * pipeline_parallel))),
            equation(
                compute_time,
                (batch + ranks * microbatch * later / interleave) * model_flops / (chips * peak_flops),
            ),
        ),
    ),
    assumes=(IDEAL, SCHEDULE),
    sources=(MEGATRON + ", section 2.2",),
    example=pipeline,
    example_text=PIPELINE,
    holds=(later,),
)

more_stages = Derivation(
    name="training-compute-time-stages",
    title="The same as stages take the place of data-parallel ranks",
    rows=("10.4",),
    claim="Each stage more takes a rank away: the bubble grows only towards one micro-batch on tp chips, over v.",
    start=step_time.result,
    steps=(
        Step(
            "the ranks that are left of the chips",
            substitute(is_(data_parallel, chips / (replicas * pipeline_parallel * tensor_parallel))),
            equation(
                compute_time,
                (batch / chips + microbatch * (1 - 1 / pipeline_parallel) / (interleave * tensor_parallel))
                * model_flops
                / peak_flops,
            ),
        ),
    ),
    assumes=(*step_time.assumes, "chips and global batch are given"),
    sources=step_time.sources,
    example=pipeline,
    example_text=PIPELINE,
    holds=(later,),
)

many_stages = Derivation(
    name="training-compute-time-many-stages",
    title="The same with many stages",
    rows=("10.4",),
    claim="At worst the step is longer by one micro-batch that tp chips work on alone, divided by the chunks.",
    start=more_stages.result,
    steps=(
        Step(
            "many stages",
            limit(pipeline_parallel, sympy.oo),
            equation(
                compute_time,
                (batch / chips + microbatch / (interleave * tensor_parallel)) * model_flops / peak_flops,
            ),
        ),
    ),
    assumes=more_stages.assumes,
    sources=step_time.sources,
    example=pipeline,
    example_text=PIPELINE,
)

enough_sequences = Derivation(
    name="batch-for-bubble-share",
    title="The global batch that keeps the idle share at a given level",
    rows=("10.4",),
    claim="The batch must grow with the stages, and with the ranks that share it.",
    start=enough_micro_batches.result,
    steps=(
        Step(
            "the micro-batches of a global batch",
            substitute(MICRO_BATCHES),
            equation(
                batch / (ranks * microbatch),
                later * (1 - bubble_share) / (interleave * bubble_share),
            ),
        ),
        Step(
            "solve for the batch",
            solve_for(batch),
            equation(batch, ranks * microbatch * later * (1 - bubble_share) / (interleave * bubble_share)),
        ),
    ),
    assumes=enough_micro_batches.assumes,
    sources=(MEGATRON + ", section 2.2",),
    example=pipeline,
    example_text=f"{PIPELINE}; idle for 5 % of the step",
    holds=(later, 1 - bubble_share),
)

enough_chunks = Derivation(
    name="interleave-for-bubble-share",
    title="Chunks a stage that keep the idle share at a given level",
    rows=("10.4",),
    claim="Where the batch is given, chunks of layers do what micro-batches cannot.",
    start=idle_share.result,
    steps=(
        Step(
            "solve for the chunks",
            solve_for(interleave),
            equation(interleave, later * (1 - bubble_share) / (micro_batches * bubble_share)),
        ),
    ),
    assumes=idle_share.assumes,
    sources=(MEGATRON + ", section 2.2",),
    example=lambda: {**lecture(), bubble_share: 0.05},
    example_text="64 stages, 512 micro-batches; idle for 5 % of the step",
    holds=(later, 1 - bubble_share),
)

half = Derivation(
    name="interleave-that-halves",
    title="Chunks a stage that halve the idle share",
    rows=("10.4",),
    claim="Two chunks halve the idle time, but the step shrinks with it: half of the share takes a little more.",
    start=equation(idle_share.result.rhs, idle_share.result.rhs.xreplace({interleave: sympy.S.One}) / 2),
    steps=(
        Step(
            "solve for the chunks",
            solve_for(interleave),
            equation(interleave, 2 + later / micro_batches),
        ),
    ),
    assumes=idle_share.assumes,
    sources=(MEGATRON + ", section 2.2",),
    example=lecture,
    example_text="64 stages, 512 micro-batches",
    holds=(later,),
)


def _longer() -> float:
    """The step over one without stages, same chips and batch."""
    values = Scenario(pipeline())
    alone = values | {pipeline_parallel: 1.0}
    return float(values.evaluate(more_stages.result.rhs) / alone.evaluate(more_stages.result.rhs))


def _inputs() -> Mapping[str, float | str]:
    return {s.name: pipeline()[s] for s in (batch, chips, tensor_parallel, pipeline_parallel, interleave, q.microbatch)}


DERIVATIONS = (step_time, more_stages, many_stages, enough_sequences, enough_chunks, half)

CLAIMS = (
    Claim("10.4", "Llama 3.1 70B on 512 H100: step in 8 stages of 2 chunks over one without stages", None, _longer,
          _inputs, must=lambda value: value > 1),
    Claim("10.4", "The same: smallest batch that keeps the idle share at 5 %", None, enough_sequences.evaluate, _inputs,
          must=lambda value: value > 0),
)  # fmt: skip
