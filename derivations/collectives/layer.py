"""Chapter 8, collectives: what the experts of one layer take a chip: traffic in one domain, multiply-adds, reading."""

from collections.abc import Mapping

import sympy
from sympy import Expr, Symbol

from steptime.derivations.batch.symbols import experts_routed
from steptime.derivations.board import PEAK
from steptime.derivations.collectives.formulas import chip_expert_bytes, chip_expert_flops
from steptime.derivations.collectives.numbers import GSHARD, experts_on
from steptime.derivations.collectives.rings import NO_START_UP
from steptime.derivations.collectives.times import direct
from steptime.derivations.experts.formulas import exchanged, one_domain
from steptime.derivations.experts.messages import copies_at_chip
from steptime.derivations.experts.numbers import RACK
from steptime.derivations.experts.symbols import chip_copies, experts_per_token
from steptime.derivations.facts import Defined, Instance, given, instance
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.rules import equation, limit, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.network.algorithms import all_to_all

from steptime.derivations.axioms import (  # isort: skip
    COPY_PER_EXPERT, EVEN_PLACEMENT, EVEN_TOKENS, EVERY_EXPERT_CHOSEN, IN_TURN, UNIFORM,
)  # fmt: skip
from steptime.derivations.collectives.symbols import (  # isort: skip
    chip_experts, chip_tokens, combine_share, combine_time, direct_time, dispatch_share, dispatch_time,
    expert_exchange_time, expert_read, expert_weights, expert_work, group_bytes, group_chips, share_bytes,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    bytes_per_weight, combine_bytes, dispatch_bytes, flops_per_mac, memory_bandwidth, peak_flops, scale_up_bandwidth,
    scale_up_latency, stage_chips, width,
)  # fmt: skip

copies_out, copies_back = (chip_tokens * experts_per_token * width * size for size in (dispatch_bytes, combine_bytes))
one_after_another = sum(
    all_to_all(copies, stage_chips).time(scale_up_bandwidth, scale_up_latency) for copies in (copies_out, copies_back)
)
link_time = exchanged(copies_out + copies_back, one_domain).scale_up / scale_up_bandwidth
chip = Symbol("i", integer=True, positive=True)
from_one = flops_per_mac * expert_weights * chip_tokens * chip_copies
"""FLOP for the copies of one chip's tokens that go to one given chip."""

arriving = sympy.Sum(from_one, (chip, 1, stage_chips))
"""FLOP for the copies that arrive at a chip, from every chip and itself."""

EQUALLY_MANY = given(chip_experts, experts_routed / stage_chips, "every chip holds equally many experts of a layer")
held = sympy.Sum(bytes_per_weight * expert_weights, (Symbol("i", integer=True, positive=True), 1, chip_experts))
"""Bytes of all experts of a layer that a chip holds."""


def gb200() -> Mapping[Symbol, float]:
    """DeepSeek-V3 on one rack."""
    return experts_on("gb200-nvl72", 72)


def loaded() -> Mapping[Symbol, float]:
    """The same, with the tokens that each chip holds."""
    case = gb200()
    return {**case, chip_tokens: case[q.micro_batch] / case[stage_chips]}


def one_way(time: Symbol, share: Symbol, copies: Expr) -> Instance:
    """An equal share of so many bytes of copies to every chip, all at once."""
    return instance(direct, {direct_time: time, share_bytes: share, group_bytes: copies, group_chips: stage_chips})


exchange = Derivation(
    name="dispatch-and-combine",
    title="Time of dispatch and combine of one layer in one domain",
    rows=("8.10",),
    claim="Copies go out to all chips at once, and results come back the same way: two start-ups in all.",
    start=Defined(
        expert_exchange_time,
        dispatch_time + combine_time,
        "the time in which copies of a chip's tokens go out, and in which results come back",
    ),
    steps=(
        Step(
            "each is an all-to-all",
            substitute(
                one_way(dispatch_time, dispatch_share, copies_out), one_way(combine_time, combine_share, copies_back)
            ),
            equation(expert_exchange_time, one_after_another),
        ),
        Step(
            "no start-up latency",
            limit(scale_up_latency, 0),
            equation(expert_exchange_time, link_time),
        ),
    ),
    assumes=(UNIFORM, EVEN_PLACEMENT, EVEN_TOKENS, COPY_PER_EXPERT, IN_TURN, NO_START_UP),
    sources=(GSHARD,),
    example=loaded,
    example_text=RACK,
    holds=(at_least(stage_chips, 2),),
)

work = Derivation(
    name="chip-expert-work",
    title="Time of a chip's multiply-adds in the experts of one layer",
    rows=("8.10",),
    claim="As many copies arrive from all chips as a chip's own tokens have.",
    start=Defined(
        expert_work,
        arriving / (peak_flops * q.compute_efficiency),
        "the time of the multiply-adds for the copies that arrive from every chip",
    ),
    steps=(
        Step(
            "as many from each chip",
            total(arriving, stage_chips * from_one),
            equation(expert_work, stage_chips * from_one / (peak_flops * q.compute_efficiency)),
        ),
        Step(
            "one part in E of all copies, at the peak",
            substitute(copies_at_chip, PEAK[0]),
            equation(expert_work, chip_expert_flops / peak_flops),
        ),
    ),
    assumes=(EVEN_TOKENS, PEAK[0]),
    sources=(GSHARD,),
    example=loaded,
    example_text=RACK,
)

read = Derivation(
    name="chip-experts-read",
    title="Time in which a chip reads its experts of one layer",
    rows=("8.10",),
    claim="Each chip reads one part in E of the experts, whatever the number of tokens.",
    start=Defined(
        expert_read, held / (memory_bandwidth * q.memory_efficiency), "the time of the bytes of all experts of a chip"
    ),
    steps=(
        Step(
            "as many bytes for each expert",
            total(held, chip_experts * bytes_per_weight * expert_weights),
            equation(
                expert_read,
                chip_experts * bytes_per_weight * expert_weights / (memory_bandwidth * q.memory_efficiency),
            ),
        ),
        Step(
            "an equal share of all experts, at the peak",
            substitute(EQUALLY_MANY, PEAK[1]),
            equation(expert_read, chip_expert_bytes / memory_bandwidth),
        ),
    ),
    assumes=(EVERY_EXPERT_CHOSEN, EQUALLY_MANY, PEAK[1]),
    sources=(GSHARD,),
    example=gb200,
    example_text=RACK,
)

DERIVATIONS = (exchange, work, read)
