"""Chapter 2, mixture of experts on a rack: bytes of an all-to-all, what binds, experts touched."""

from collections.abc import Mapping

import sympy
from sympy import Rational, Symbol

from steptime.derivations.batch.terms import compute_term, memory_term
from steptime.derivations.board import is_
from steptime.derivations.claims import Claim
from steptime.derivations.experts import formulas
from steptime.derivations.experts.numbers import RACK, expert_blocks, on, rack
from steptime.derivations.experts.symbols import exchange_bytes, expert_layers, experts_per_token, network_time
from steptime.derivations.rules import both_sides, drop, equation, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.choices import Copies
from steptime.model.network.collectives import Group, expert_exchange
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    active_parameters, bytes_per_weight, combine_bytes, context, dispatch_bytes, flops_per_mac, kv_bytes,
    memory_bandwidth, micro_batch, parameters_read, pass_tokens, peak_flops, scale_up_bandwidth, stage_chips, width,
)  # fmt: skip

LECTURE = "Reiner Pope, blackboard lecture on LLM training and serving, Dwarkesh Podcast, 2026-04-29, chapter 2"
GSHARD = "Lepikhin et al. 2020, arXiv 2006.16668"
UNIFORM = "every token chooses its experts uniformly"


tokens_sent = micro_batch * pass_tokens * experts_per_token * width

all_to_all = Derivation(
    name="all-to-all",
    title="Bytes of an expert layer's all-to-all",
    rows=("2.1",),
    claim="Every token goes to each of its k experts and comes back, whatever the number of chips.",
    start=equation(exchange_bytes, formulas.exchanged(formulas.copies_of_tokens, formulas.one_domain).scale_up),
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
                error=Rational(14, 1000),
            ),
            equation(stage_chips * exchange_bytes, tokens_sent * (dispatch_bytes + combine_bytes)),
        ),
    ),
    assumes=(UNIFORM, "one copy of a token for each of its experts", "all chips of the stage in one scale-up domain"),
    sources=(LECTURE, GSHARD),
    example=rack,
    example_text=RACK,
)

exchange_time = Derivation(
    name="exchange-time",
    title="Interconnect time of the experts",
    rows=("2.1",),
    claim="In each expert layer every chip sends its share of the all-to-all over scale-up.",
    start=all_to_all.result,
    steps=(
        Step(
            "a chip's link carries the traffic of all expert layers",
            substitute(is_(exchange_bytes, network_time * scale_up_bandwidth / expert_layers)),
            equation(
                stage_chips * network_time * scale_up_bandwidth / expert_layers,
                tokens_sent * (dispatch_bytes + combine_bytes),
            ),
        ),
        Step(
            "solve for the time",
            solve_for(network_time),
            equation(
                network_time,
                expert_layers * tokens_sent * (dispatch_bytes + combine_bytes) / (stage_chips * scale_up_bandwidth),
            ),
        ),
    ),
    assumes=all_to_all.assumes,
    sources=(LECTURE,),
    example=rack,
    example_text=RACK,
)

token_traffic = expert_layers * experts_per_token * width * (dispatch_bytes + combine_bytes)
ONE_TOKEN = is_(pass_tokens, 1)

link_for_compute = Derivation(
    name="link-for-compute",
    title="Scale-up bandwidth below which the experts' traffic outlasts the multiply-adds",
    rows=("2.1",),
    claim="Whether expert traffic outlasts compute is a matter of model and chip; no batch and no rack changes it.",
    start=equation(exchange_time.result.rhs, compute_term.result.rhs),
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
    assumes=(*all_to_all.assumes, "no attention FLOP"),
    sources=(LECTURE,),
    example=rack,
    example_text=RACK,
)

batch_for_link = Derivation(
    name="batch-for-link",
    title="Micro-batch above which the experts' traffic outlasts the memory term",
    rows=("2.1",),
    claim="Weights are read once, tokens travel each: above some batch the link is slower than the memory.",
    start=equation(exchange_time.result.rhs, memory_term.result.rhs),
    steps=(
        Step(
            "decode: one token a sequence",
            substitute(ONE_TOKEN),
            equation(
                token_traffic * micro_batch / (stage_chips * scale_up_bandwidth),
                (bytes_per_weight * parameters_read + micro_batch * context * kv_bytes)
                / (stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "solve for the batch",
            solve_for(micro_batch),
            equation(
                micro_batch,
                bytes_per_weight
                * parameters_read
                * scale_up_bandwidth
                / (token_traffic * memory_bandwidth - context * kv_bytes * scale_up_bandwidth),
            ),
        ),
    ),
    assumes=(*all_to_all.assumes, "the context is short enough that a token's copies outlast its KV cache"),
    sources=(LECTURE,),
    example=lambda: on("gb200-nvl72", 72, length=1000),
    example_text=RACK.replace("4096", "1000"),
    holds=(token_traffic * memory_bandwidth - context * kv_bytes * scale_up_bandwidth,),
)


def _evaluate(one: Derivation, values: Mapping[Symbol, float]) -> float:
    return float(Scenario(values).evaluate(one.result.rhs))


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


DERIVATIONS = (all_to_all, exchange_time, link_for_compute, batch_for_link)

CLAIMS = (
    Claim(
        "2.1",
        "GB200 NVL72, DeepSeek-V3 at fp8: scale-up bandwidth that the experts' traffic needs to hide behind compute, "
        "over the catalogue's (above 1, the link binds before compute does)",
        None,
        lambda: _evaluate(link_for_compute, rack()) / rack()[scale_up_bandwidth],
        lambda: {"peak_flops": rack()[peak_flops], "scale_up_bandwidth": rack()[scale_up_bandwidth]},
        must=lambda value: value > 0,
    ),
    Claim(
        "2.1",
        "H100, DeepSeek-V3 at fp8, if one domain held all experts: the same ratio",
        None,
        lambda: _evaluate(link_for_compute, on("h100-sxm", 32)) / on("h100-sxm", 32)[scale_up_bandwidth],
        lambda: {"peak_flops": on("h100-sxm", 32)[peak_flops]},
        must=lambda value: value > 0,
    ),
    Claim(
        "2.1",
        "GB200 NVL72, DeepSeek-V3, context 1000: micro-batch above which experts' traffic outlasts the memory term",
        None,
        lambda: batch_for_link.evaluate(),
        lambda: {name.name: batch_for_link.numbers[name] for name in (context, kv_bytes, scale_up_bandwidth)},
        unit="sequences",
        must=lambda value: value > 0,
    ),
    Claim(
        "2.1",
        "One copy for each chip with a chosen expert instead of one for each expert: copies sent by DeepSeek-V3's "
        "router on one rack, over the lecture's k",
        1.0,
        _sends_per_expert,
        _router,
        must=lambda value: 0 < value <= 1,
    ),
)
