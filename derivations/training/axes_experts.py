"""Chapter 10, training: experts shared out among chips, or gathered by all of them; and all axes beside compute."""

from collections.abc import Mapping

from sympy import Symbol

from steptime.derivations.axioms import COPY_PER_EXPERT, EVEN_PLACEMENT, WHOLE_ENOUGH
from steptime.derivations.batch.symbols import experts_routed
from steptime.derivations.claims import Claim, Source
from steptime.derivations.experts.symbols import always_read, expert_layers, experts_per_token, routed_weights
from steptime.derivations.facts import Chosen, Crossing, Defined, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import both_sides, equation, minimise, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step

from steptime.derivations.training.symbols import (  # isort: skip
    all_expert_bytes, exchange_passes, expert_axis_bytes, ring_passes, step_stream_moves,
    tokens_a_chip, weight_moves,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, combine_bytes, compute_efficiency, dispatch_bytes, expert_parallel,
    flops_per_mac, interconnect_efficiency, kv_bytes, layers, micro_batches, peak_flops, pipeline_parallel,
    reduce_bytes, scale_out_bandwidth, scale_up_bandwidth, sequence, width,
)  # fmt: skip

FOLDING = "Liu et al. 2025, MoE Parallel Folding, arXiv 2504.14960: experts split apart from attention's matrices"
REPORT = "Zhao et al. 2025, arXiv 2505.09343, table 4: 2,048 chips, 15,360 sequences of 4,096 tokens, ep 64, pp 16"
V3 = (
    "DeepSeek-V3 on GB200 NVL72, bf16 throughout, sequences of 4,096 tokens in 4 stages, 16 micro-batches a rank; "
    "weights gathered once a step and gradients scattered in fp32"
)


def v3(tokens: float = 4096.0) -> Mapping[Symbol, float]:
    """DeepSeek-V3 in training, so many tokens a chip and step, and the times that follow."""
    values = {
        always_read: 17.1e9,
        routed_weights: 653.9e9,
        active_parameters: 37.5e9,
        experts_routed: 256.0,
        experts_per_token: 8.0,
        expert_layers: 58.0,
        expert_parallel: 64.0,
        width: 7168.0,
        layers: 61.0,
        kv_bytes: 61 * 576 * 2.0,
        sequence: 4096.0,
        micro_batches: 16.0,
        pipeline_parallel: 4.0,
        tokens_a_chip: tokens,
        weight_moves: 6.0,
        step_stream_moves: 10.0,
        ring_passes: 3.0,
        exchange_passes: 2.0,
        reduce_bytes: 2.0,
        dispatch_bytes: 2.0,
        combine_bytes: 2.0,
        flops_per_mac: 2.0,
        peak_flops: 2.5e15,
        scale_up_bandwidth: 900e9,
        scale_out_bandwidth: 50e9,
        compute_efficiency: 1.0,
        interconnect_efficiency: 1.0,
    }
    return values


copy = exchange_passes * (dispatch_bytes + combine_bytes) * tokens_a_chip * width * expert_layers
"""Bytes of one copy of each of a chip's tokens in a step, there and back."""

SENT = Defined(
    expert_axis_bytes,
    copy * experts_per_token * (1 - 1 / expert_parallel) + weight_moves * routed_weights / expert_parallel,
    "copies of tokens to all chips alike, and the experts of a chip from those that hold the same ones",
)
ALL = Defined(all_expert_bytes, weight_moves * routed_weights, "all experts, gathered by every chip")

gathered_or_sent = Derivation(
    name="experts-gathered-or-shared-out",
    title="Tokens a chip from which training gathers experts rather than share them out",
    rows=("10.14",),
    claim="Bytes are linear in one over the groups: below so many tokens as many groups as there are experts are best, "
    "above it one, and nothing between. The width cancels against that of the experts.",
    start=Crossing(
        SENT, ALL, "sending tokens and gathering a share of the experts takes as many bytes as gathering all"
    ),
    steps=(
        Step(
            "what sharing out sends, what it spares",
            both_sides((side - weight_moves * routed_weights / expert_parallel) / (1 - 1 / expert_parallel)),
            equation(copy * experts_per_token, weight_moves * routed_weights),
        ),
        Step(
            "solve for the tokens",
            solve_for(tokens_a_chip),
            equation(
                tokens_a_chip,
                weight_moves
                * routed_weights
                / (exchange_passes * (dispatch_bytes + combine_bytes) * experts_per_token * width * expert_layers),
            ),
        ),
    ),
    assumes=(COPY_PER_EXPERT, EVEN_PLACEMENT),
    sources=(FOLDING, REPORT),
    example=v3,
    example_text=V3,
    holds=(more(expert_parallel, 1),),
)

TWO = given(experts_per_token, 2, "a token chooses two experts")
FEWEST = Chosen(expert_parallel, "as many groups share out the experts as send the fewest bytes")
BY_PLACE = Defined(
    expert_axis_bytes,
    copy * (expert_parallel - 1) * (1 - (1 - 1 / expert_parallel) ** experts_per_token)
    + weight_moves * routed_weights / expert_parallel,
    "a copy of each token to each other group with an expert of it, and the experts of a group",
)
stored = weight_moves * routed_weights

by_place = Derivation(
    name="expert-groups-by-place",
    title="Groups that share out experts where a token goes once to each group",
    rows=("10.14",),
    claim="Two choices that fall on one group travel once: fewer groups spare copies, more of them weights. Where "
    "experts take the bytes of one copy to three there is a best number; with less it is one, with more all are apart.",
    start=BY_PLACE,
    steps=(
        Step(
            "two choices",
            substitute(TWO),
            equation(
                expert_axis_bytes,
                copy * (expert_parallel - 1) * (1 - (1 - 1 / expert_parallel) ** 2) + stored / expert_parallel,
            ),
        ),
        Step(
            "the fewest bytes",
            minimise(expert_parallel),
            equation(expert_parallel, 2 * copy / (3 * copy - stored)),
        ),
    ),
    assumes=(TWO, EVEN_PLACEMENT, FEWEST, WHOLE_ENOUGH),
    sources=(FOLDING,),
    example=lambda: {**v3(410e3), experts_per_token: 2.0},
    example_text=f"{V3}, 410,000 tokens a chip; had a token two experts",
    holds=(more(3 * copy, stored), at_least(stored, copy)),
)

DERIVATIONS = (gathered_or_sent, by_place)


def _inputs() -> dict[str, float]:
    chosen = (routed_weights, weight_moves, experts_per_token, width, expert_layers, dispatch_bytes, combine_bytes)
    return {symbol.name: v3()[symbol] for symbol in chosen}


def _over_its_own() -> float:
    """Tokens from which experts would be gathered over those that a chip had: 15,360 sequences on 2,048 chips."""
    return gathered_or_sent.evaluate() / (15360 * 4096 / 2048)


CLAIMS = (
    Claim("10.14", f"DeepSeek-V3 shares out its experts ({REPORT}): tokens a chip from which it would gather them, "
          "over those of its training", None, _over_its_own, _inputs, source=Source.OWN, must=lambda value: value > 1),
)  # fmt: skip
