"""Chapter 1: what a token costs at the least, however many sequences share the weights."""

from collections.abc import Mapping

import sympy
from sympy import Max, Symbol

from steptime.derivations.axioms import CACHES_FIT, PAID_THROUGHOUT
from steptime.derivations.batch.symbols import memory_time, token_cost
from steptime.derivations.batch.terms import EVER_MORE, LECTURE, PRICE_OF_A_SECOND, compute_term, latency_floor
from steptime.derivations.board import NO_ATTENTION_FLOPS, ONE_STAGE, numbers
from steptime.derivations.facts import Line, Modelled, given
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.rules import branch, equation, identity, limit, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.economics import cost as economics

from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, bytes_per_weight, chip_second_price, context, flops_per_mac, kv_bytes,
    memory_bandwidth, micro_batch, parameters, peak_flops, stage_chips,
)  # fmt: skip

LONGER = given(
    q.step_time, Max(q.compute_time, memory_time), "compute and memory work at the same time: a step takes the longer"
)
MULTIPLIED = chip_second_price * (flops_per_mac * active_parameters + attention_flops * context) / peak_flops
MULTIPLIED_ALONE = chip_second_price * flops_per_mac * active_parameters / peak_flops
READ = chip_second_price * context * kv_bytes / memory_bandwidth
# what a token's multiply-adds cost, with attention's and without; what the reads of its KV cache do: only shorthands


def long_v3() -> Mapping[Symbol, float]:
    """DeepSeek-V3 at a context where, however large the batch, reading takes longer than computing."""
    return numbers("deepseek-v3", "h100-sxm", layout="dp=32,ep=32", context=8000, batch=2048, experts="all")


LONG_V3 = "DeepSeek-V3 (fp8 weights, bf16 KV cache) on 32 H100, context 8000; any number of sequences"

cost_floor = Derivation(
    name="cost-floor",
    title="What no batch brings the cost of a token below",
    rows=("1.3",),
    claim="However large the batch, a token pays for its multiply-adds or for reading its KV cache: for the dearer.",
    start=Modelled(token_cost, economics.cost_per_token),
    steps=(
        Step(
            "one stage, one replica; the price of a second; the longer of compute and memory",
            substitute(*ONE_STAGE, PRICE_OF_A_SECOND.for_(q.chip_hour_price), LONGER),
            equation(token_cost, chip_second_price * stage_chips * Max(q.compute_time, memory_time) / micro_batch),
        ),
        Step(
            "put in both terms, that of compute with the multiply-adds of attention; every weight is read",
            substitute(Line(compute_term, 1), Line(latency_floor, 1)),
            equation(
                token_cost,
                chip_second_price
                * stage_chips
                * Max(
                    (flops_per_mac * active_parameters + attention_flops * context)
                    * micro_batch
                    / (stage_chips * peak_flops),
                    (bytes_per_weight * parameters + micro_batch * context * kv_bytes)
                    / (stage_chips * memory_bandwidth),
                )
                / micro_batch,
            ),
        ),
        Step(
            "chips and batch into the maximum",
            identity(),
            equation(
                token_cost,
                Max(
                    MULTIPLIED,
                    chip_second_price
                    * (bytes_per_weight * parameters / micro_batch + context * kv_bytes)
                    / memory_bandwidth,
                ),
            ),
        ),
        Step(
            "as batch grows the weights are shared by ever more tokens",
            limit(micro_batch, sympy.oo),
            equation(token_cost, Max(MULTIPLIED, READ)),
        ),
        Step(
            "the lecture leaves out the multiply-adds of attention",
            substitute(NO_ATTENTION_FLOPS),
            equation(token_cost, Max(MULTIPLIED_ALONE, READ)),
        ),
    ),
    assumes=(PAID_THROUGHOUT, *ONE_STAGE, LONGER, EVER_MORE, CACHES_FIT, NO_ATTENTION_FLOPS),
    sources=(LECTURE,),
    example=long_v3,
    example_text=LONG_V3,
)

memory_cost_floor = Derivation(
    name="memory-cost-floor",
    title="The floor of the cost of a token where reading its KV cache takes longer",
    rows=("1.3",),
    claim="Beyond the balanced context the floor is the cost of reading the KV cache: it rises with context.",
    start=cost_floor,
    steps=(
        Step(
            "reading takes no less than computing",
            branch(Max(MULTIPLIED_ALONE, READ), READ),
            equation(token_cost, READ),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=long_v3,
    example_text=LONG_V3,
    holds=(at_least(context * kv_bytes * peak_flops, flops_per_mac * active_parameters * memory_bandwidth),),
)

DERIVATIONS = (cost_floor, memory_cost_floor)
