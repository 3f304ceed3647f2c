"""Numbers of passes in practice, for the examples of chapter 11."""

from collections.abc import Mapping
from functools import cache

from sympy import Symbol

from steptime.derivations.batch.symbols import experts_routed
from steptime.derivations.board import case_of
from steptime.derivations.collectives.numbers import links
from steptime.derivations.experts.numbers import expert_blocks
from steptime.derivations.experts.symbols import experts_per_token, untouched_share
from steptime.model import symbols as q
from steptime.model.catalog.links import TIERS
from steptime.model.estimate import symbols as e
from steptime.model.network.pieces import stages_after_first

from steptime.derivations.practice.symbols import (  # isort: skip
    earlier_waves, excess_variance, group_multiplying, group_reading, groups_multiplying, groups_reading, held_experts,
    last_pieces, mean_sequences, piece_count, processor_reach, waiting_chips, waiting_so_far,
)  # fmt: skip

LLAMA = "Llama 3.1 70B in fp8 on eight H100, 64 sequences of 4,096 tokens, with the shipped coefficients"
PROMPT = "Llama 3.1 70B in fp8 on eight H100, one prompt of 4,096 tokens, with the shipped coefficients"
TRAINED = "Llama 3.1 70B in bf16 on 64 H100, tp=4, pp=4, 128 sequences of 8,192 tokens, the shipped coefficients"
WAITING = "weights: 26 ms to read, 4 to multiply; a compressed cache: 1 ms to read, 3 to multiply"
MESSAGES = "64 MiB summed over two domains of eight H100, scattered and gathered, with the shipped coefficients"
RANKS = "512 sequences in flight on 32 ranks, 16 on each on average"
COUNTED_TEXT = "copies of tokens at 256 experts, one at each on average"
V3 = "DeepSeek-V3's 256 experts over eight chips, 64 tokens of 8 experts each"

CRAMER = "Boucheron, Lugosi and Massart 2013, Concentration Inequalities, theorem 2.5: the mean of a largest of many"
WILLIAMS = "Williams, Waterman and Patterson 2009, doi 10.1145/1498765.1498785: the roofline, a bound for each kernel"
PALM = "Chowdhery et al. 2022, arXiv 2204.02311, appendix B: MFU"
FLASH_MLA = "DeepSeek-AI 2025, FlashMLA, Flash_fwd_kernel_traits_mla<576, 64, 64>: 64 query heads a block"


FLASH_3 = (
    "Dao et al. 2024, FlashAttention, hopper/heuristics.h: splits of the cache by how full they leave the last wave"
)
WAVES = "150 tiles on the 132 multiprocessors of an H100, of which each can draw 4.6 times its share of the bandwidth"

RABAEY = "Rabaey, Chandrakasan and Nikolic 2003, Digital Integrated Circuits, section 5.5: switching takes C V^2"
CAPPED = "an H200 of 700 W, 80 W of them beside its multiply-adds, held at 400 W"


@cache
def llama(phase: str = "decode") -> Mapping[Symbol, float]:
    """What each chip does in a pass of Llama 3.1 70B, its machine's rates, and the shipped coefficients."""
    from steptime.model.catalog.coefficients import shipped
    from steptime.model.step.estimate import asked_of_chip

    asked = {"batch": 64, "context": 4096} if phase == "decode" else {"batch": 1, "prompt": 4096}
    case = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8", weights="fp8", phase=phase, **asked)
    values = {**shipped().of_family(case.hardware.family), **asked_of_chip(case)}
    return {symbol: float(value) for symbol, value in values.items()}


@cache
def trained() -> Mapping[Symbol, float]:
    """What each chip does in a step of training of Llama 3.1 70B, its machine's rates, and the shipped coefficients."""
    from steptime.model.catalog.coefficients import shipped
    from steptime.model.step.training import asked_in_training

    asked = {"layout": "tp=4,pp=4,dp=4", "batch": 128, "sequence": 8192, "microbatch": 1}
    case, known = case_of("llama-3.1-70b", "h100-sxm", phase="train", **asked), shipped()
    if known.training is None:
        raise ValueError("the shipped set has no coefficients of training")
    of_kernels = {q.kernel_time: known.of_family(case.hardware.family)[q.kernel_time]}
    values = {**of_kernels, **known.training.values, **asked_in_training(case)}
    return {symbol: float(value) for symbol, value in values.items()}


def waiting() -> Mapping[Symbol, float]:
    """Seconds of two groups of operations."""
    return {groups_reading: 0.026, groups_multiplying: 0.004, group_reading: 0.001, group_multiplying: 0.003,
            waiting_so_far: 0.0005}  # fmt: skip


@cache
def messages() -> Mapping[Symbol, float]:
    """A sum of 64 MiB inside domains of eight, and of an eighth of it across the two."""
    from steptime.model.catalog.coefficients import shipped

    volume, machine, known = 64 * 2**20, links("h100-sxm"), shipped().collectives
    if known is None:
        raise ValueError("the shipped set has no collectives")
    up, out = (known.links["hopper"][tier] for tier in TIERS)
    return {e.up_start: up.start, e.up_moving: 2 * volume * 7 / 8 / machine[q.scale_up_bandwidth] / up.share,
            e.out_start: 2 * out.start, e.out_moving: volume / 8 / machine[q.scale_out_bandwidth] / out.share,
            q.further_stages: float(stages_after_first(16))}  # fmt: skip


def v3(ways: int = 8, tokens: int = 64) -> Mapping[Symbol, float]:
    """DeepSeek-V3's experts over so many chips."""
    block = expert_blocks()[0]
    chosen, experts = float(block.experts_per_token), float(block.experts)
    left = (1 - chosen / experts) ** tokens
    return {experts_per_token: chosen, experts_routed: experts, q.expert_parallel: float(ways),
            q.micro_batch: float(tokens), q.pass_tokens: 1.0, untouched_share: left, held_experts: experts / ways,
            waiting_chips: float(ways), excess_variance: experts / ways * left * (1 - left)}  # fmt: skip


def ranks(ways: int = 32, mean: float = 16.0) -> Mapping[Symbol, float]:
    """Sequences on so many ranks, as they come."""
    return {q.data_parallel: float(ways), waiting_chips: float(ways), mean_sequences: mean, excess_variance: mean}


def counts(ways: int = 256, mean: float = 1.0) -> Mapping[Symbol, float]:
    """So many counts of independent events, of the same mean."""
    return {waiting_chips: float(ways), excess_variance: mean}


def waves() -> Mapping[Symbol, float]:
    """So many tiles on one chip: a full wave, and a few left."""
    return {q.processors: 132.0, piece_count: 150.0, earlier_waves: 1.0, last_pieces: 18.0, processor_reach: 4.6}


def capped() -> Mapping[Symbol, float]:
    """Watts of one chip under a cap; half the change of its clock in its voltage."""
    return {q.power: 700.0, q.resting_power: 80.3, q.power_cap: 400.0, q.voltage_exponent: 0.5}
