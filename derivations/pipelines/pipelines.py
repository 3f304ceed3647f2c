"""Chapter 3, pipelines in inference: what they cost in time."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.batch.symbols import memory_time, token_cost
from steptime.derivations.batch.terms import memory_term
from steptime.derivations.board import PEAK, PERFECT_SHARDS, is_
from steptime.derivations.claims import Claim
from steptime.derivations.experts.numbers import architecture, on
from steptime.derivations.pipelines import formulas
from steptime.derivations.pipelines.symbols import busy_share, layers_per_stage, stage_time
from steptime.derivations.rules import both_sides, equation, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.economics import cost as economics
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    batch, bytes_per_weight, context, kv_bytes, memory_bandwidth, micro_batch, micro_batches, parameters_read,
    pipeline_parallel, scale_out_latency, stage_chips, step_time,
)  # fmt: skip

LECTURE = "Reiner Pope, blackboard lecture on LLM training and serving, Dwarkesh Podcast, 2026-04-29, chapter 3"
FOUR = "DeepSeek-V3 at fp8 in 4 stages of one GB200 NVL72 each, context 4096, 2048 sequences a micro-batch"
LATENCY = 10e-6
"""Start-up latency of a message between two chips: the defaults of NVIDIA's aiconfigurator (p2p latency) and of
Calculon (Isaev et al. 2023)."""


def four_racks() -> Mapping[Symbol, float]:
    """Numbers of a pipeline of four racks, each rack with its own micro-batch."""
    values = on("gb200-nvl72", 72)
    stages = {pipeline_parallel: 4.0, batch: 4 * values[micro_batch], q.chips: 4 * 72.0}
    return {**values, **stages, layers_per_stage: len(architecture().layers) / 4, scale_out_latency: LATENCY}


pipeline_latency = Derivation(
    name="pipeline-latency",
    title="A pipeline does not change the time of a step",
    rows=("3.2",),
    claim="Each of P stages takes 1/P of the time and a token passes all P: the memory term of one stage's chips.",
    start=equation(stage_time, formulas.stage_memory.time),
    steps=(
        Step(
            "at the peak, perfectly sharded, without the one token that is written",
            substitute(PEAK[1], *PERFECT_SHARDS[1:], is_(q.kv_written, 0)),
            equation(
                stage_time,
                (bytes_per_weight * parameters_read + micro_batch * context * kv_bytes)
                / (pipeline_parallel * stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "a token passes all stages one after another",
            substitute(is_(stage_time, memory_time / pipeline_parallel)),
            equation(
                memory_time / pipeline_parallel,
                (bytes_per_weight * parameters_read + micro_batch * context * kv_bytes)
                / (pipeline_parallel * stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "the number of stages cancels",
            both_sides(side * pipeline_parallel),
            equation(
                memory_time,
                (bytes_per_weight * parameters_read + micro_batch * context * kv_bytes)
                / (stage_chips * memory_bandwidth),
            ),
        ),
    ),
    assumes=("layers divide evenly over the stages", "no time between the stages"),
    sources=(LECTURE,),
    example=four_racks,
    example_text=FOUR,
)

full_pipeline = Derivation(
    name="micro-batches-in-flight",
    title="Sequences in flight that leave no stage idle",
    rows=("3.2",),
    claim="In inference a pipeline has no bubble: as many micro-batches as stages keep all of them at work.",
    start=equation(busy_share, formulas.busy),
    steps=(
        Step(
            "no stage idle",
            substitute(is_(busy_share, 1)),
            equation(sympy.S.One, micro_batches / pipeline_parallel),
        ),
        Step(
            "micro-batches are the sequences in flight, divided",
            substitute(is_(micro_batches, batch / micro_batch)),
            equation(sympy.S.One, batch / (micro_batch * pipeline_parallel)),
        ),
        Step(
            "solve for the sequences",
            solve_for(batch),
            equation(batch, pipeline_parallel * micro_batch),
        ),
    ),
    assumes=("stages take equal time", "a sequence's next token starts when its last has left the pipeline"),
    sources=(LECTURE,),
    example=four_racks,
    example_text=FOUR,
)

pipeline_cost = Derivation(
    name="pipeline-cost",
    title="A pipeline does not change the cost of a token",
    rows=("3.2",),
    claim="P times the chips serve P times the sequences in the same time.",
    start=equation(token_cost, economics.cost_per_token),
    steps=(
        Step(
            "P stages of E chips; P micro-batches in flight; the price of a second",
            substitute(
                is_(q.chips, pipeline_parallel * stage_chips),
                full_pipeline.result,
                is_(q.chip_hour_price, q.chip_second_price * q.hour),
            ),
            equation(token_cost, q.chip_second_price * stage_chips * step_time / micro_batch),
        ),
    ),
    assumes=full_pipeline.assumes,
    sources=(LECTURE,),
    example=four_racks,
    example_text=FOUR,
)

DERIVATIONS = (pipeline_latency, full_pipeline, pipeline_cost)


def _at(stages: float) -> float:
    """Memory time of a token over so many stages of a rack each, over that of the blackboard's one stage."""
    values = {**four_racks(), pipeline_parallel: stages}
    one_stage = Scenario(values).evaluate(pipeline_latency.lines[1].rhs)
    return float(stages * one_stage / Scenario(values).evaluate(memory_term.result.rhs))


def _cost(stages: float) -> float:
    """Dollars per token over so many stages with as many micro-batches in flight, over those of one stage."""
    values = Scenario({**four_racks(), pipeline_parallel: stages, q.chips: stages * four_racks()[stage_chips]})
    full = values | {batch: values.evaluate(full_pipeline.result.rhs)}
    return float(full.evaluate(economics.cost_per_token) / values.evaluate(pipeline_cost.result.rhs))


def _inputs() -> Mapping[str, float | str]:
    return {symbol.name: four_racks()[symbol] for symbol in (pipeline_parallel, stage_chips, micro_batch, context)}


CLAIMS = (
    Claim("3.2", "Memory time of a token over 4 stages, over that of one stage with as many chips", 1.0,
          lambda: _at(4.0), _inputs, tolerance=1e-9, must=lambda value: abs(value - 1) < 1e-9),
    Claim("3.2", "Cost of a token over 4 stages, over that of one stage with the same micro-batch", 1.0,
          lambda: _cost(4.0), _inputs, tolerance=1e-9, must=lambda value: abs(value - 1) < 1e-9),
    Claim("3.2", "Micro-batches in flight that leave none of 4 stages idle", 4.0,
          lambda: full_pipeline.evaluate() / four_racks()[micro_batch], _inputs, tolerance=1e-9),
)  # fmt: skip
