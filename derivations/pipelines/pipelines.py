"""Chapter 3, pipelines in inference: what they cost in time."""

from collections.abc import Mapping

import sympy
from sympy import Expr, Symbol

from steptime.derivations.axioms import EQUAL_STAGES, EVEN_LAYERS, NO_HOPS, PAID_THROUGHOUT, STREAMED_ONCE, WHOLE_LOOP
from steptime.derivations.batch.symbols import memory_time, token_cost
from steptime.derivations.batch.terms import PRICE_OF_A_SECOND
from steptime.derivations.board import NOTHING_WRITTEN, PEAK, PERFECT_SHARDS, numbers
from steptime.derivations.claims import Claim, Source
from steptime.derivations.experts.numbers import MODEL, on
from steptime.derivations.facts import Defined, Given, Modelled, given
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.pipelines import formulas
from steptime.derivations.pipelines.simulated import busy_share_of_a_loop
from steptime.derivations.pipelines.symbols import busy_share, layers_per_stage, stage_time
from steptime.derivations.rules import branch, equation, solve_for, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.economics import cost as economics
from steptime.model.layout.layout import Layout
from steptime.model.phases import decode
from steptime.model.scenario import Scenario

from steptime.derivations.experts.symbols import expert_layers  # isort: skip
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
    """Numbers of a pipeline of four racks, each rack with its own micro-batch; layers are those with routed experts."""
    values = on("gb200-nvl72", 72)
    stages = {pipeline_parallel: 4.0, batch: 4 * values[micro_batch], q.chips: 4 * 72.0}
    return {**values, **stages, layers_per_stage: values[expert_layers] / 4, scale_out_latency: LATENCY}


pipeline_latency = Derivation(
    name="pipeline-latency",
    title="A pipeline does not change the memory time of a step",
    rows=("3.2",),
    claim="Each of P stages takes 1/P of the time and a token passes all P: the memory term of one stage's chips.",
    start=Modelled(memory_time, formulas.traversal_time),
    steps=(
        Step(
            "as many stages, equal in time",
            total(formulas.traversal_time, pipeline_parallel * stage_time),
            equation(memory_time, formulas.round_time),
        ),
        Step(
            "a stage streams its share of the layers: the number of stages cancels",
            substitute(Modelled(stage_time, formulas.stage_memory.time)),
            equation(memory_time, decode.memory.time),
        ),
        Step(
            "at the peak, perfectly sharded, without the one token that is written",
            substitute(PEAK[1], *PERFECT_SHARDS[1:], NOTHING_WRITTEN),
            equation(
                memory_time,
                (bytes_per_weight * parameters_read + micro_batch * context * kv_bytes)
                / (stage_chips * memory_bandwidth),
            ),
        ),
    ),
    assumes=(STREAMED_ONCE, EVEN_LAYERS, EQUAL_STAGES, NO_HOPS, PEAK[1], *PERFECT_SHARDS[1:], NOTHING_WRITTEN),
    sources=(LECTURE,),
    example=four_racks,
    example_text=FOUR,
)

NONE_WAITS = Given(
    at_least(pipeline_parallel * micro_batch, batch), "no micro-batch waits: no more of them than stages"
)
NONE_IDLE = given(busy_share, 1, "no stage is idle")
IN_MICRO_BATCHES = Defined(micro_batch, batch / micro_batches, "the sequences of one of the micro-batches in flight")
worked = formulas.worked_in_a_round
traversed = formulas.traversal_time
served, passed = micro_batches * stage_time, pipeline_parallel * stage_time

full_pipeline = Derivation(
    name="micro-batches-in-flight",
    title="Sequences in flight that leave no stage idle",
    rows=("3.2",),
    claim="In inference a pipeline has no bubble: as many micro-batches as stages keep all at work, fewer do not.",
    start=Defined(
        busy_share,
        worked / sympy.Max(worked, traversed),
        "the time that a stage works between two visits of a micro-batch, over the time between them: the micro-batch "
        "passes all stages, and waits for those before it where there are more than stages",
    ),
    steps=(
        Step(
            "every micro-batch is served once",
            total(worked, served),
            equation(busy_share, served / sympy.Max(served, traversed)),
        ),
        Step(
            "every stage is passed once",
            total(traversed, passed),
            equation(busy_share, served / sympy.Max(served, passed)),
        ),
        Step(
            "up to as many micro-batches as stages, none waits",
            branch(sympy.Max(served, passed), passed),
            equation(busy_share, formulas.busy),
        ),
        Step("no stage idle", substitute(NONE_IDLE), equation(sympy.S.One, micro_batches / pipeline_parallel)),
        Step(
            "micro-batches are the sequences in flight, divided",
            substitute(IN_MICRO_BATCHES.for_(micro_batches)),
            equation(sympy.S.One, batch / (micro_batch * pipeline_parallel)),
        ),
        Step("solve for the sequences", solve_for(batch), equation(batch, pipeline_parallel * micro_batch)),
    ),
    assumes=(EQUAL_STAGES, NO_HOPS, WHOLE_LOOP, NONE_IDLE, NONE_WAITS),
    sources=(LECTURE,),
    example=four_racks,
    example_text=FOUR,
)

STAGES_OF_CHIPS = given(q.chips, pipeline_parallel * stage_chips, "P stages of E chips, one replica")

pipeline_cost = Derivation(
    name="pipeline-cost",
    title="A pipeline does not change the cost of a token",
    rows=("3.2",),
    claim="P times the chips serve P times the sequences in the same time.",
    start=Modelled(token_cost, economics.cost_per_token),
    steps=(
        Step(
            "P stages of E chips; the price of a second",
            substitute(STAGES_OF_CHIPS, PRICE_OF_A_SECOND.for_(q.chip_hour_price)),
            equation(token_cost, q.chip_second_price * pipeline_parallel * stage_chips * step_time / batch),
        ),
        Step(
            "as many micro-batches in flight as stages",
            substitute(full_pipeline),
            equation(token_cost, q.chip_second_price * stage_chips * step_time / micro_batch),
        ),
    ),
    assumes=(PAID_THROUGHOUT, STAGES_OF_CHIPS),
    sources=(LECTURE,),
    example=four_racks,
    example_text=FOUR,
)

DERIVATIONS = (pipeline_latency, full_pipeline, pipeline_cost)


def _racks(number: int) -> Scenario:
    """The whole model's step over so many racks, one stage and one micro-batch each."""
    layout = Layout(dp=72, ep=72, pp=number)
    return Scenario(numbers(MODEL, "gb200-nvl72", layout=layout, context=4096, batch=2048 * number))


def _over_one_rack(formula: Expr) -> float:
    return float(_racks(4).evaluate(formula) / _racks(1).evaluate(formula))


def _inputs() -> Mapping[str, float | str]:
    return {symbol.name: four_racks()[symbol] for symbol in (pipeline_parallel, stage_chips, micro_batch, context)}


CLAIMS = (
    Claim("3.2", "DeepSeek-V3's whole step over 4 racks, a micro-batch each, over that on one (lecture: neutral)", 1.0,
          lambda: _over_one_rack(step_time), _inputs),
    Claim("3.2", "Cost of a token over these 4 racks, over that on one (lecture: neutral)", 1.0,
          lambda: _over_one_rack(economics.cost_per_token), _inputs),
    Claim("3.2", "Fewest micro-batches that leave none of 4 stages idle, run slot by slot", 4.0,
          lambda: float(next(number for number in range(1, 10) if busy_share_of_a_loop(4, number) == 1)),
          lambda: {"pipeline_parallel": 4.0}),
    Claim("3.2", "One micro-batch fewer: share of the slots in which a stage works", None,
          lambda: busy_share_of_a_loop(4, 3), lambda: {"pipeline_parallel": 4.0, "micro_batches": 3.0},
          source=Source.OWN, must=lambda value: value == 3 / 4),
)  # fmt: skip
