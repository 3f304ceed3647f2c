"""Chapter 2, mixture of experts on a rack: bytes of an all-to-all, what binds, experts touched."""

from collections.abc import Mapping
from functools import partial

import sympy
from sympy import Rational, Symbol

from steptime.derivations.batch.terms import compute_term, memory_term
from steptime.derivations.board import LINK_PEAK, NO_START_UP, READS_ALL
from steptime.derivations.claims import Claim, Source
from steptime.derivations.experts.messages import DERIVATIONS as MESSAGES
from steptime.derivations.experts.messages import GSHARD, LECTURE, in_one_domain
from steptime.derivations.experts.numbers import RACK, expert_blocks, on, rack
from steptime.derivations.experts.symbols import exchange_bytes, expert_layers, experts_per_token, network_time
from steptime.derivations.facts import Crossing, Modelled, Solved, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import both_sides, drop, equation, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.choices import Copies
from steptime.model.network.collectives import Group, expert_exchange
from steptime.model.phases import decode
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    active_parameters, bytes_per_weight, combine_bytes, context, dispatch_bytes, flops_per_mac, kv_bytes,
    memory_bandwidth, micro_batch, parameters, parameters_read, pass_tokens, peak_flops, scale_up_bandwidth,
    scale_up_bytes, stage_chips, width,
)  # fmt: skip

tokens_sent = micro_batch * pass_tokens * experts_per_token * width
FEW_STAY = Rational(1, 40)
"""What of all copies may stay where it is, relative to what is sent."""
MANY_CHIPS = at_least(stage_chips, 1 / FEW_STAY)

all_to_all = Derivation(
    name="all-to-all",
    title="Bytes of an expert layer's all-to-all",
    rows=("2.1",),
    claim="Every token goes to each of its k experts and comes back; of many chips' copies few stay where they are.",
    start=in_one_domain,
    steps=(
        Step(
            "all chips of the stage together",
            both_sides(side * stage_chips),
            equation(
                stage_chips * exchange_bytes,
                tokens_sent * (dispatch_bytes + combine_bytes) * (1 - 1 / stage_chips),
            ),
        ),
        Step(
            "of many chips, few copies stay where they are",
            drop(
                -tokens_sent * dispatch_bytes / stage_chips,
                -tokens_sent * combine_bytes / stage_chips,
                error=FEW_STAY,
            ),
            equation(stage_chips * exchange_bytes, tokens_sent * (dispatch_bytes + combine_bytes)),
        ),
    ),
    assumes=(),
    sources=(LECTURE, GSHARD),
    example=rack,
    example_text=RACK,
    holds=(MANY_CHIPS,),
)

EXPERTS_ALONE = given(
    scale_up_bytes,
    expert_layers * exchange_bytes / micro_batch,
    "one scale-up domain holds the stage, and carries the messages of every layer with experts, nothing else",
)

exchange_time = Derivation(
    name="exchange-time",
    title="Interconnect time of the experts",
    rows=("2.1",),
    claim="In each expert layer every chip sends its share of the all-to-all over scale-up.",
    start=Modelled(network_time, decode.scale_up.time),
    steps=(
        Step(
            "no start-up latency, links at their peak",
            substitute(NO_START_UP[0], LINK_PEAK),
            equation(network_time, scale_up_bytes * micro_batch / scale_up_bandwidth),
        ),
        Step(
            "a chip's link carries the traffic of all expert layers",
            substitute(EXPERTS_ALONE),
            equation(network_time, expert_layers * exchange_bytes / scale_up_bandwidth),
        ),
        Step(
            "put in what one chip sends",
            substitute(Solved(all_to_all, exchange_bytes)),
            equation(
                network_time,
                expert_layers * tokens_sent * (dispatch_bytes + combine_bytes) / (stage_chips * scale_up_bandwidth),
            ),
        ),
    ),
    assumes=(NO_START_UP[0], LINK_PEAK, EXPERTS_ALONE),
    sources=(LECTURE,),
    example=rack,
    example_text=RACK,
    holds=(MANY_CHIPS,),
)

token_traffic = expert_layers * experts_per_token * width * (dispatch_bytes + combine_bytes)
ONE_TOKEN = given(pass_tokens, 1, "decode: one token a sequence")

link_for_compute = Derivation(
    name="link-for-compute",
    title="Scale-up bandwidth below which the experts' traffic outlasts the multiply-adds",
    rows=("2.1",),
    claim="Whether expert traffic outlasts compute is a matter of model and chip; no batch and no rack changes it.",
    start=Crossing(exchange_time, compute_term, "the experts' traffic takes as long as the multiply-adds"),
    steps=(
        Step(
            "decode: one token a sequence",
            substitute(ONE_TOKEN),
            equation(
                token_traffic * micro_batch / (stage_chips * scale_up_bandwidth),
                flops_per_mac * active_parameters * micro_batch / (stage_chips * peak_flops),
            ),
        ),
        Step(
            "batch and chips cancel; solve for the link",
            solve_for(scale_up_bandwidth),
            equation(scale_up_bandwidth, token_traffic * peak_flops / (flops_per_mac * active_parameters)),
        ),
    ),
    assumes=(ONE_TOKEN,),
    sources=(LECTURE,),
    example=rack,
    example_text=RACK,
    holds=(MANY_CHIPS,),
)

batch_for_link = Derivation(
    name="batch-for-link",
    title="Micro-batch above which the experts' traffic outlasts the memory term",
    rows=("2.1",),
    claim="Weights are read once, tokens travel each: above some batch the link is slower than the memory.",
    start=Crossing(exchange_time, memory_term, "the experts' traffic takes as long as the memory term"),
    steps=(
        Step(
            "decode: one token a sequence",
            substitute(ONE_TOKEN, READS_ALL),
            equation(
                token_traffic * micro_batch / (stage_chips * scale_up_bandwidth),
                (bytes_per_weight * parameters + micro_batch * context * kv_bytes) / (stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "solve for the batch",
            solve_for(micro_batch),
            equation(
                micro_batch,
                bytes_per_weight
                * parameters
                * scale_up_bandwidth
                / (token_traffic * memory_bandwidth - context * kv_bytes * scale_up_bandwidth),
            ),
        ),
    ),
    assumes=(ONE_TOKEN, READS_ALL),
    sources=(LECTURE,),
    example=lambda: on("gb200-nvl72", 72, length=1000),
    example_text=RACK.replace("4096", "1000"),
    holds=(MANY_CHIPS, more(token_traffic * memory_bandwidth, context * kv_bytes * scale_up_bandwidth)),
)


def _evaluate(one: Derivation, values: Mapping[Symbol, float]) -> float:
    return float(Scenario(values).evaluate(one.result.rhs))


def _link_needed(hardware: str, chips: int) -> float:
    """The bandwidth that hides the experts' traffic behind the multiply-adds, over what the chip has."""
    values = on(hardware, chips)
    return _evaluate(link_for_compute, values) / values[scale_up_bandwidth]


def _links(hardware: str, chips: int) -> Mapping[str, float | str]:
    return {symbol.name: on(hardware, chips)[symbol] for symbol in (peak_flops, scale_up_bandwidth)}


def _balanced(batch: float) -> bool:
    """Whether the experts' traffic takes as long as the memory term at this micro-batch."""
    values = {**batch_for_link.numbers, micro_batch: batch}
    values[parameters_read] = values[parameters]
    return abs(_evaluate(exchange_time, values) / _evaluate(memory_term, values) - 1) < 1e-9


def _sends_per_expert() -> float:
    """What the ledger sends, one copy for each chip that holds a chosen expert, over the lecture's bytes."""
    router, chips = expert_blocks()[0], sympy.Integer(int(rack()[stage_chips]))
    limit = (router.groups_kept, router.groups)
    sent = expert_exchange(sympy.S.One, Group(chips, chips), router.experts_per_token, limit, Copies.PER_DOMAIN)
    return float(sent.scale_up) / router.experts_per_token


def _router() -> Mapping[str, float | str]:
    router = expert_blocks()[0]
    kept = f"{router.groups_kept} of {router.groups}"
    return {"chips": rack()[stage_chips], "experts_per_token": router.experts_per_token, "groups kept": kept}


DERIVATIONS = (*MESSAGES, all_to_all, exchange_time, link_for_compute, batch_for_link)

CLAIMS = (
    *(
        Claim(
            "2.1",
            f"{name}, DeepSeek-V3 at fp8 on {chips} chips: scale-up bandwidth that hides the experts' traffic behind "
            "the multiply-adds, over the catalogue's; below one, it is hidden",
            None,
            partial(_link_needed, hardware, chips),
            partial(_links, hardware, chips),
            source=Source.OWN,
            must=lambda value: value < 1,
        )
        for name, hardware, chips in (
            ("GB200 NVL72", "gb200-nvl72", 72),
            ("H100, were its domain as large", "h100-sxm", 64),
        )
    ),
    Claim(
        "2.1",
        "GB200 NVL72, DeepSeek-V3, context 1000: micro-batch above which experts' traffic outlasts the memory term; "
        "both terms are equal there",
        None,
        lambda: batch_for_link.evaluate(),
        lambda: {name.name: batch_for_link.numbers[name] for name in (context, kv_bytes, scale_up_bandwidth)},
        source=Source.OWN,
        unit="sequences",
        must=_balanced,
    ),
    Claim(
        "2.1",
        "One copy for each chip with a chosen expert instead of one for each expert: copies sent by DeepSeek-V3's "
        "router on one rack, over the lecture's k; no more than k, and no fewer than one",
        None,
        _sends_per_expert,
        _router,
        source=Source.OWN,
        must=lambda value: 1 / expert_blocks()[0].experts_per_token <= value <= 1,
    ),
)
