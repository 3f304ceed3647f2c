"""Numbers of two machines, of both phases and of several demands, for the examples of chapter 13."""

from collections.abc import Mapping
from functools import cache

from sympy import Expr, Symbol

from steptime.derivations.board import numbers
from steptime.derivations.collectives.numbers import links
from steptime.model import symbols as q
from steptime.model.fleet import symbols as f
from steptime.model.fleet.prices import rate_on_a, rate_on_b
from steptime.model.scenario import Scenario

DISTSERVE = "Zhong et al. 2024, DistServe, arXiv 2401.09670: prefill and decode on machines of their own"
SPLITWISE = "Patel et al. 2024, Splitwise, arXiv 2311.18677: machines of two kinds for the phases"
MOONCAKE = "Qin et al. 2025, Mooncake, arXiv 2407.00079: caches are handed over layer by layer"
DANTZIG = "Dantzig 1963, Linear Programming and Extensions: an optimum with as many columns as rows, and its prices"

MEGASCALE = "Zhu et al. 2025, MegaScale-Infer, arXiv 2504.02263, section 4.1: micro-batches in ping-pong"
STEP_3 = "StepFun 2025, Step-3, arXiv 2507.19427: attention and feed-forward blocks on chips of their own"

DECODE = "Llama 3.1 70B in fp8, 64 sequences of 4,096 tokens: H200 (A) against H100 (B)"
MANY = "Llama 3.1 70B in fp8, 4,096 sequences of 1 token: B200 (A) against H100 (B)"
MIXED = "Llama 3.1 70B in fp8, 200 sequences of 500 tokens: H100 (A) against H20 (B)"
LINKED = "Llama 3.1 70B in fp8, 1,024 sequences of 100 tokens over eight chips: L40S (A) against L4 (B)"
WHOLE = f"{DECODE}; both bought eight at a time, for 20,000 tokens a second"
APART = "a prompt of 4,096 tokens takes 0.3 s of a chip, its answer 0.9 s; up to 80 % and 90 % busy"
FEW, MANY_PREFILL = f"{APART}; 8 and 24 chips", f"{APART}; 10 and 22 chips"
HANDED = "Llama 3.1 70B with its cache in bf16: 327,680 bytes a token; prompts of 4,096 tokens take 0.3 s; 50 GB/s"
SLOW = f"{HANDED.removesuffix('50 GB/s')}3 GB/s"
CLASSES = "prompts (4 and 1 requests a chip-second) and answers (1 and 0.8), chips at 2 and 1 dollars an hour"

ROUNDS = "60 layers; 0.4 ms on 16 chips of either side, 0.15 ms to pass; 3 micro-batches; chips at 1.5, 1 and 2 $/h"
GROUPS = "50 chips in groups of eight, at 2 dollars a chip-hour; three demands"
SPARE = f"{DECODE}; eight chips a group, 20,000 tokens a second"
RACK = DECODE
FEW_ROUNDS = "the same with 2 micro-batches"


@cache
def two(
    first: str = "h200-sxm", second: str = "h100-sxm", batch: int = 64, context: int = 4096
) -> Mapping[Symbol, float]:
    """The work of a token, the rates of two chips, and what they serve at the bound."""
    case = numbers("llama-3.1-70b", "h100-sxm", layout="tp=8", weights="fp8", batch=batch, context=context)
    work = {
        f.token_bytes: case[q.bytes_per_weight] * case[q.parameters_read] / batch + case[q.kv_bytes] * context,
        f.token_flops: case[q.flops_per_mac] * case[q.active_parameters] + case[q.attention_flops] * context,
        f.token_sent: case[q.chips] * case[q.scale_up_bytes],
    }
    one, other = chip(first), chip(second)
    rates = {
        f.bandwidth_a: one[q.memory_bandwidth], f.bandwidth_b: other[q.memory_bandwidth],
        f.peak_a: one[q.peak_flops], f.peak_b: other[q.peak_flops],
        f.link_a: one[q.scale_up_bandwidth], f.link_b: other[q.scale_up_bandwidth],
    }  # fmt: skip
    there = Scenario({**work, **rates})
    served = {f.rate_a: float(there.evaluate(rate_on_a)), f.rate_b: float(there.evaluate(rate_on_b))}
    prices = {f.price_a: 3.0 / 3600, f.price_b: 2.0 / 3600, f.price_ratio: 1.5}
    whole = {f.size_a: 8.0, f.size_b: 8.0, f.demanded_rate: 20_000.0}
    return {**work, **rates, **served, **prices, **whole}


def chip(name: str) -> Mapping[Symbol, float]:
    """A chip's rates, its peak in fp8."""
    from steptime.model.catalog.hardware import load_hardware

    return {**links(name), q.peak_flops: load_hardware(name).peak("fp8")}


def apart(prefill: float = 8.0, decode: float = 24.0) -> Mapping[Symbol, float]:
    """Work of a request in both phases, how busy chips may be, and so many chips for each."""
    values = {f.prefill_work: 0.3, f.decode_work: 0.9, f.prefill_load: 0.8, f.decode_load: 0.9}
    sizes = {f.prefill_chips: prefill, f.decode_chips: decode, f.fleet_chips: prefill + decode}
    return {**values, **sizes, f.chips_ratio: prefill / decode, f.balanced_ratio: 0.3 * 0.9 / (0.9 * 0.8)}


def handed(bandwidth: float = 50e9) -> Mapping[Symbol, float]:
    """A prompt whose cache is handed over."""
    return {q.kv_bytes: 327_680.0, q.prompt: 4096.0, q.layers: 80.0, f.prompt_time: 0.3, f.hand_bandwidth: bandwidth,
            f.prompt_rate: 4096 / 0.3, **apart()}  # fmt: skip


def opt() -> Mapping[Symbol, float]:
    """OPT-66B, 64 layers 9216 wide in 16 bits (Zhang et al. 2022, arXiv 2205.01068, table 1): ten prompts a second."""
    return {q.kv_bytes: 2.0 * 64 * 9216 * 2, q.prompt: 512.0, f.prompt_rate: 10 * 512.0}


def classes() -> Mapping[Symbol, float]:
    """Two classes of requests on two machines."""
    return {f.price_a: 2 / 3600, f.price_b: 1 / 3600, f.rate_a_one: 4.0, f.rate_b_one: 1.0, f.rate_a_two: 1.0,
            f.rate_b_two: 0.8, f.demand_one: 10.0, f.demand_two: 10.0, f.share_one: 0.5,
            f.share_two: 0.5}  # fmt: skip


def rounds(batches: float = 3.0) -> Mapping[Symbol, float]:
    """Micro-batches between attention and experts, and what the work costs on three machines."""
    each, passing, chips = 0.4e-3, 0.15e-3, 16.0
    return {q.layers: 60.0, q.micro_batches: batches, f.attention_time: each, f.expert_time: each,
            f.passing_time: passing, f.layer_round: 2 * (each + passing), f.slower_time: each,
            f.attention_work: each * chips, f.experts_work: each * chips, f.together_work: 2.5 * each * chips,
            f.attention_chips: chips, f.expert_chips: chips, f.fleet_chips: 2 * chips, f.price_a: 1.5 / 3600,
            f.price_b: 1 / 3600, f.price_both: 2 / 3600}  # fmt: skip


def hidden_at(micro_batches: Expr, share: float) -> float:
    """Micro-batches where passing takes such a share of the time of one side."""
    there = {**rounds(), f.passing_time: share * rounds()[f.attention_time]}
    return float(Scenario(there).evaluate(micro_batches))


def groups() -> Mapping[Symbol, float]:
    """Chips in groups of eight."""
    size, chips = 8.0, 50.0
    return {f.group_size: size, f.needed_chips: chips, f.needed_groups: chips / size, f.whole_groups: 7.0,
            f.group_price: size * 2 / 3600, f.fleet_rows: 3.0, f.groups_in_part: 3.0,
            f.rounding_cost: size * 2 / 3600}  # fmt: skip
