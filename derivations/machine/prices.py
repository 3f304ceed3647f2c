"""Chapter 7, who earns: what a token costs where the longest term decides, and once memory is full."""

from collections.abc import Mapping
from typing import Any

from sympy import Max, S, Symbol

from steptime.derivations.axioms import FULL_OVERLAP, PAID_THROUGHOUT, SCALE_UP_ONLY, STORED_ONLY
from steptime.derivations.batch.symbols import token_cost
from steptime.derivations.batch.terms import PRICE_OF_A_SECOND, compute_term, memory_term
from steptime.derivations.board import LINK_PEAK, NO_START_UP, ONE_STAGE, READS_ALL, numbers
from steptime.derivations.facts import Modelled, Tends, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.machine import formulas
from steptime.derivations.machine.machine import LECTURE
from steptime.derivations.machine.symbols import link_time, rise
from steptime.derivations.rules import branch, equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.economics import cost as economics
from steptime.model.phases.decode import blackboard
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    active_parameters, bytes_per_weight, chip_second_price, context, flops_per_mac, kv_bytes,
    memory_bandwidth, memory_capacity, micro_batch, parameters, parameters_read, peak_flops, scale_up_bandwidth,
    scale_up_bytes, stage_chips,
)  # fmt: skip

V3 = (
    "DeepSeek-V3 (fp8 weights, bf16 KV cache) on 32 chips of a GB200 NVL72 (dp=32, ep=32), context 4096, 4096 sequences"
)
LLAMA = "Llama 3.1 {} in fp8 on 8 H100 (tp=8), context 64, 8192 sequences"
RAISED = "every resource raised by 1 %"
LINKS_AT_PEAK = (LINK_PEAK, NO_START_UP[0])
MEMORY_FULL = given(q.memory_per_chip, memory_capacity, "memory is full")
LITTLE = Tends(rise, S.Zero, "a resource changes as little as one likes")


def v3() -> Mapping[Symbol, float]:
    return case("deepseek-v3", "gb200-nvl72", layout="dp=32,ep=32", context=4096, batch=4096)


def llama(size: str = "8B") -> Mapping[Symbol, float]:
    """A decode that reads little: tensor parallelism sums for every token, so that the links of the small one bind, and
    the FLOP/s of the large one."""
    words = {"weights": "fp8", "kv": "fp8", "activations": "fp8"}
    return case(f"llama-3.1-{size.lower()}", "h100-sxm", layout="tp=8", context=64, batch=8192, **words)


def case(model: str, hardware: str, **options: Any) -> Mapping[Symbol, float]:
    """The numbers of a decode, and of its terms as the lecture simplifies them."""
    values = numbers(model, hardware, **options)
    terms = (compute_term, memory_term, link_term)
    times = {term.result.lhs: float(Scenario(values).evaluate(term.result.rhs)) for term in terms}
    return {**values, rise: 0.01, **times}


link_term = Derivation(
    name="link-term",
    title="Time that the links of a decode step take",
    rows=("7.2",),
    claim="What a chip sends for each token of the batch goes at the bandwidth of its links.",
    start=Modelled(link_time, blackboard.scale_up.time),
    steps=(
        Step(
            "links at their peak, no start-up latency",
            substitute(*LINKS_AT_PEAK),
            equation(link_time, micro_batch * scale_up_bytes / scale_up_bandwidth),
        ),
    ),
    assumes=(SCALE_UP_ONLY, *LINKS_AT_PEAK),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

overlapped_cost = Derivation(
    name="overlapped-cost",
    title="Cost of a token where all terms overlap",
    rows=("7.2",),
    claim="A token costs its chips' time, which the longest term decides.",
    start=Modelled(token_cost, economics.cost_per_token),
    steps=(
        Step(
            "one stage, one replica; the price of a second; the step takes its longest term",
            substitute(
                *ONE_STAGE,
                PRICE_OF_A_SECOND.for_(q.chip_hour_price),
                Modelled(q.step_time, formulas.full_overlap),
            ),
            equation(token_cost, chip_second_price * stage_chips * formulas.full_overlap / micro_batch),
        ),
    ),
    assumes=(PAID_THROUGHOUT, FULL_OVERLAP, *ONE_STAGE),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

COMPUTES = flops_per_mac * active_parameters * micro_batch / (stage_chips * peak_flops)
READS = (bytes_per_weight * parameters_read + micro_batch * context * kv_bytes) / (stage_chips * memory_bandwidth)
SENDS = micro_batch * scale_up_bytes / scale_up_bandwidth
# the terms; only shorthands in the lines below
IN_TERMS = Step(
    "put in the terms",
    substitute(compute_term, memory_term, link_term),
    equation(token_cost, chip_second_price * stage_chips * Max(COMPUTES, READS, SENDS) / micro_batch),
)

link_cost = Derivation(
    name="link-cost",
    title="Cost of a token where the links bind",
    rows=("7.2",),
    claim="Where the links bind, a token costs the same at every batch.",
    start=overlapped_cost,
    steps=(
        IN_TERMS,
        Step(
            "the links take longest",
            branch(Max(COMPUTES, READS, SENDS), SENDS),
            equation(token_cost, chip_second_price * stage_chips * scale_up_bytes / scale_up_bandwidth),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=llama,
    example_text=LLAMA.format("8B"),
    holds=(
        at_least(
            stage_chips * peak_flops * scale_up_bytes,
            flops_per_mac * active_parameters * scale_up_bandwidth,
        ),
        at_least(
            stage_chips * memory_bandwidth * micro_batch * scale_up_bytes,
            (bytes_per_weight * parameters_read + micro_batch * context * kv_bytes) * scale_up_bandwidth,
        ),
    ),
)

KV_ROOM = stage_chips * memory_capacity - bytes_per_weight * parameters  # what the weights leave to the KV cache

fitting_batch = Derivation(
    name="fitting-batch",
    title="The batch that memory capacity admits",
    rows=("7.2",),
    claim="The batch of full-memory, here from what the model stores on a chip: the weights leave room for so many.",
    start=Modelled(q.memory_per_chip, formulas.memory_held),
    steps=(
        Step(
            "memory is full",
            substitute(MEMORY_FULL),
            equation(memory_capacity, (bytes_per_weight * parameters + micro_batch * context * kv_bytes) / stage_chips),
        ),
        Step("solve for the batch", solve_for(micro_batch), equation(micro_batch, KV_ROOM / (context * kv_bytes))),
    ),
    assumes=(STORED_ONLY, MEMORY_FULL),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
    holds=(at_least(stage_chips * memory_capacity, bytes_per_weight * parameters), more(kv_bytes, 0)),
)

SOME_FIT = (more(stage_chips * memory_capacity, bytes_per_weight * parameters), more(kv_bytes, 0))
FULL_COMPUTES = flops_per_mac * active_parameters * KV_ROOM / (context * kv_bytes * stage_chips * peak_flops)
FULL_READS = memory_capacity / memory_bandwidth
FULL_SENDS = KV_ROOM * scale_up_bytes / (context * kv_bytes * scale_up_bandwidth)

capacity_cost = Derivation(
    name="capacity-cost",
    title="Cost of a token where memory binds and is full",
    rows=("7.2",),
    claim="With memory full, the cost of a token is its KV cache's share of reading all of the memory once.",
    start=overlapped_cost,
    steps=(
        IN_TERMS,
        Step(
            "a step reads every weight, for as many sequences as fit",
            substitute(READS_ALL, fitting_batch),
            equation(
                token_cost,
                chip_second_price
                * stage_chips
                * context
                * kv_bytes
                * Max(FULL_COMPUTES, FULL_READS, FULL_SENDS)
                / KV_ROOM,
            ),
        ),
        Step(
            "memory takes longest",
            branch(Max(FULL_COMPUTES, FULL_READS, FULL_SENDS), FULL_READS),
            equation(
                token_cost,
                chip_second_price
                * (stage_chips * memory_capacity / memory_bandwidth)
                * (context * kv_bytes / (stage_chips * memory_capacity - bytes_per_weight * parameters)),
            ),
        ),
    ),
    assumes=(READS_ALL,),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
    holds=(
        *SOME_FIT,
        at_least(
            context * kv_bytes * stage_chips * peak_flops * memory_capacity,
            flops_per_mac * active_parameters * memory_bandwidth * KV_ROOM,
        ),
        at_least(
            context * kv_bytes * scale_up_bandwidth * memory_capacity, scale_up_bytes * memory_bandwidth * KV_ROOM
        ),
    ),
)

DERIVATIONS = (link_term, overlapped_cost, link_cost, fitting_batch, capacity_cost)
