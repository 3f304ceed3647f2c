"""Chapter 1: the price of speed, where memory binds: a faster step carries fewer sequences."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.axioms import CACHES_FIT, PAID_THROUGHOUT, PRICED_AT_COST
from steptime.derivations.batch.terms import BINDS, LECTURE, latency_floor
from steptime.derivations.board import ONE_STAGE, numbers
from steptime.derivations.facts import Compared, Defined, Given, Line, Modelled, Solved, Tends, given, instance
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import both_sides, equation, limit, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.economics import cost as economics
from steptime.model.scenario import Scenario

from steptime.derivations.batch.symbols import (  # isort: skip
    memory_time, speed_price, speed_up, token_cost, usual_batch, usual_memory_time, usual_step_time,
    weights_share, weights_time,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    bytes_per_weight, context, kv_bytes, memory_bandwidth, micro_batch, parameters, stage_chips,
)  # fmt: skip


def usual_v3() -> Mapping[Symbol, float]:
    """DeepSeek-V3 at 4096 sequences of 2000 tokens, where memory binds, and half as fast again."""
    values = dict(numbers("deepseek-v3", "h100-sxm", layout="dp=32,ep=32", context=2000, batch=4096, experts="all"))
    values[usual_batch] = values[micro_batch]
    values[usual_step_time] = Scenario(values).evaluate(ALL_READ.line.rhs)
    values[weights_share] = Scenario(values).evaluate(share.result.rhs)
    values[speed_up] = 1.5
    values[speed_price] = Scenario(values).evaluate(price.result.rhs)
    values[q.step_time] = values[usual_step_time] / values[speed_up]
    values[q.batch] = values[micro_batch] = Scenario(values).evaluate(fast_batch.result.rhs)
    return values


USUAL = "DeepSeek-V3 at fp8 on 32 H100, context 2000, 4096 sequences, all experts read; and half as fast again"
ALL_READ = Line(latency_floor, 1)
WEIGHTS_ALONE = instance(ALL_READ, {memory_time: weights_time, kv_bytes: sympy.S.Zero})
USUAL_TERM = instance(ALL_READ, {memory_time: usual_memory_time, micro_batch: usual_batch})
"""A step that reads no KV cache, and the usual service's: each reads every weight, however few its sequences."""
USUAL_BINDS = given(usual_memory_time, usual_step_time, "memory binds in the usual service: its step takes its time")
FASTER = Defined(speed_up, usual_step_time / q.step_time, "the usual step time over the step time")
COST = Modelled(token_cost, economics.cost_per_token)
USUAL_COST = instance(COST, {q.batch: usual_batch, q.step_time: usual_step_time})
QUICKER = Given(more(speed_up, 1), "the fast service is faster than the usual one")
DEARER = Given(at_least(speed_price, 1), "and costs no less")
ANY_PRICE = Tends(speed_price, sympy.oo, "any price is paid")
EVER_SLOWER = Tends(speed_up, sympy.S.Zero, "as slow as may be")
STILL_CACHE, ABOVE_FLOOR = more(sympy.S.One, weights_share), more(sympy.S.One, speed_up * weights_share)
"""Not all of the usual step reads weights, and the fast one takes longer than the weights alone."""

share = Derivation(
    name="weights-share",
    title="The weights' share of the usual step",
    rows=("1.12",),
    claim="The share of the step that reads weights is what no smaller batch takes away.",
    start=Defined(weights_share, weights_time / usual_step_time, "the time of the weights alone over the usual step's"),
    steps=(
        Step(
            "the weights alone",
            substitute(WEIGHTS_ALONE),
            equation(weights_share, bytes_per_weight * parameters / (stage_chips * memory_bandwidth * usual_step_time)),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=usual_v3,
    example_text=USUAL,
    holds=(at_least(usual_step_time * stage_chips * memory_bandwidth, bytes_per_weight * parameters),),
)
BYTES_BY_SHARE = Solved(share, bytes_per_weight)  # the weights by their share of the usual step

usual_kv = Derivation(
    name="usual-kv",
    title="The KV cache's part of the usual step",
    rows=("1.12",),
    claim="What the weights leave of the usual step reads the KV cache of the usual batch.",
    start=USUAL_TERM,
    steps=(
        Step(
            "memory binds; the weights by their share",
            substitute(USUAL_BINDS, BYTES_BY_SHARE),
            equation(
                usual_step_time,
                weights_share * usual_step_time + usual_batch * context * kv_bytes / (stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "take the weights' part from both sides",
            both_sides(side - weights_share * usual_step_time),
            equation(
                (1 - weights_share) * usual_step_time,
                usual_batch * context * kv_bytes / (stage_chips * memory_bandwidth),
            ),
        ),
    ),
    assumes=(USUAL_BINDS,),
    sources=(LECTURE,),
    example=usual_v3,
    example_text=USUAL,
)

fast_batch = Derivation(
    name="batch-of-speed",
    title="The batch that a faster step can carry",
    rows=("1.12",),
    claim="Speed is bought with batch: the fewer sequences, the less KV cache to read.",
    start=FASTER,
    steps=(
        Step("memory binds", substitute(BINDS[memory_time]), equation(speed_up, usual_step_time / memory_time)),
        Step(
            "put in the memory term",
            substitute(ALL_READ),
            equation(
                speed_up,
                usual_step_time
                * stage_chips
                * memory_bandwidth
                / (bytes_per_weight * parameters + micro_batch * context * kv_bytes),
            ),
        ),
        Step(
            "the weights by their share, the KV cache by its part of the usual step",
            substitute(BYTES_BY_SHARE, Solved(usual_kv, kv_bytes)),
            equation(speed_up, 1 / (weights_share + micro_batch * (1 - weights_share) / usual_batch)),
        ),
        Step(
            "solve for the batch",
            solve_for(micro_batch),
            equation(micro_batch, usual_batch * (1 - speed_up * weights_share) / (speed_up * (1 - weights_share))),
        ),
    ),
    assumes=(BINDS[memory_time],),
    sources=(LECTURE,),
    example=usual_v3,
    example_text=USUAL,
    holds=(STILL_CACHE, at_least(sympy.S.One, speed_up * weights_share)),
)

price = Derivation(
    name="price-of-speed",
    title="The price of speed",
    rows=("1.12",),
    claim="The price rises without bound as the speed-up nears one over the weights' share of the step.",
    start=Compared(speed_price, COST, USUAL_COST, "the cost of a token over that in the usual service"),
    steps=(
        Step(
            "the batch of one stage, the step as many times as fast",
            substitute(ONE_STAGE[1], FASTER.for_(q.step_time)),
            equation(speed_price, usual_batch / (speed_up * micro_batch)),
        ),
        Step(
            "the batch that such a step carries",
            substitute(fast_batch),
            equation(speed_price, (1 - weights_share) / (1 - speed_up * weights_share)),
        ),
    ),
    assumes=(PAID_THROUGHOUT, PRICED_AT_COST, ONE_STAGE[1]),
    sources=(LECTURE,),
    example=usual_v3,
    example_text=USUAL,
    holds=(STILL_CACHE, ABOVE_FLOOR),
)

share_by_price = Derivation(
    name="weights-share-by-price",
    title="The weights' share that a price of speed reveals",
    rows=("1.12",),
    claim="From the price of a fast service follows how much of the usual step reads weights.",
    start=price,
    steps=(
        Step(
            "clear the denominator",
            both_sides(side * (1 - speed_up * weights_share)),
            equation(speed_price * (1 - speed_up * weights_share), 1 - weights_share),
        ),
        Step(
            "solve for the share",
            solve_for(weights_share),
            equation(weights_share, (speed_price - 1) / (speed_price * speed_up - 1)),
        ),
    ),
    assumes=(QUICKER, DEARER),
    sources=(LECTURE,),
    example=usual_v3,
    example_text=USUAL,
)

speed_by_price = Derivation(
    name="speed-by-price",
    title="The speed that a price buys",
    rows=("1.12",),
    claim="However much is paid, the speed-up stays below one over the weights' share of the step.",
    start=price,
    steps=(
        Step(
            "solve for the speed-up",
            solve_for(speed_up),
            equation(speed_up, (speed_price - 1 + weights_share) / (speed_price * weights_share)),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=usual_v3,
    example_text=USUAL,
    holds=(more(weights_share, 0), STILL_CACHE, at_least(speed_price + weights_share, 1)),
)

speed_bound = Derivation(
    name="bound-of-speed",
    title="The most speed at any price",
    rows=("1.12",),
    claim="At any price the speed-up stays below one over the weights' share of the step: the latency floor.",
    start=speed_by_price,
    steps=(Step("pay without bound", limit(speed_price, sympy.oo), equation(speed_up, 1 / weights_share)),),
    assumes=(ANY_PRICE,),
    sources=(LECTURE,),
    example=usual_v3,
    example_text=USUAL,
    holds=(more(weights_share, 0), STILL_CACHE),
)

slow_mode = Derivation(
    name="slow-mode",
    title="What a slow service saves",
    rows=("1.12",),
    claim="However slow, a token costs what reads its KV cache: only the weights' share can be saved.",
    start=price,
    steps=(Step("as slow as may be", limit(speed_up, 0), equation(speed_price, 1 - weights_share)),),
    assumes=(CACHES_FIT, EVER_SLOWER),
    sources=(LECTURE,),
    example=usual_v3,
    example_text=USUAL,
    holds=(STILL_CACHE,),
)

DERIVATIONS = (share, usual_kv, fast_batch, price, share_by_price, speed_by_price, speed_bound, slow_mode)
