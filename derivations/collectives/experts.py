"""Chapter 8, collectives: when the traffic of experts in one domain outlasts their multiply-adds or their weights."""

from collections.abc import Mapping

from sympy import Symbol

from steptime.derivations.batch.symbols import experts_routed
from steptime.derivations.board import numbers
from steptime.derivations.collectives import layer
from steptime.derivations.collectives.layer import exchange, gb200, read, work
from steptime.derivations.collectives.numbers import GSHARD, NCCL, RING_STEP, one_expert
from steptime.derivations.collectives.symbols import chip_tokens, expert_weights
from steptime.derivations.experts.numbers import RACK
from steptime.derivations.experts.symbols import experts_per_token
from steptime.derivations.facts import Crossing, Line
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import equation, solve_for
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q

from steptime.model.symbols import (  # isort: skip
    bytes_per_weight, combine_bytes, dispatch_bytes, flops_per_mac, memory_bandwidth, peak_flops, scale_up_bandwidth,
    scale_up_latency, stage_chips, width,
)  # fmt: skip

per_token = experts_per_token * width * (dispatch_bytes + combine_bytes) * (stage_chips - 1)


def mixtral() -> Mapping[Symbol, float]:
    """Mixtral 8x22B in one domain of H100, an expert a chip."""
    from steptime.model.architecture.transformer import ExpertFeedForward
    from steptime.model.catalog.transformers import load_transformer

    model = load_transformer("mixtral-8x22b")
    block = next(b for layer in model.layers for b in layer.feed_forward if isinstance(b, ExpertFeedForward))
    shape = {width: float(model.width), experts_per_token: float(block.experts_per_token)}
    case = numbers("mixtral-8x22b", "h100-sxm", layout="dp=8,ep=8", context=1000, batch=512)
    return {**case, **shape, **one_expert(block, model.width), q.scale_up_latency: RING_STEP}


expert_size = Derivation(
    name="expert-size-for-link",
    title="Weights of an expert above which its multiply-adds outlast its traffic",
    rows=("8.10",),
    claim="Neither tokens nor choices matter: an expert must do enough with a token to be worth sending it.",
    start=Crossing(exchange, work, "the traffic takes as long as the multiply-adds"),
    steps=(
        Step(
            "the tokens cancel; solve for the weights",
            solve_for(expert_weights),
            equation(
                expert_weights,
                width
                * (dispatch_bytes + combine_bytes)
                * (stage_chips - 1)
                / stage_chips
                * peak_flops
                / (flops_per_mac * scale_up_bandwidth),
            ),
        ),
    ),
    assumes=(),
    sources=(GSHARD,),
    example=gb200,
    example_text=RACK,
    holds=(at_least(stage_chips, 2),),
)

hidden_by_compute = Derivation(
    name="tokens-that-hide-start-ups",
    title="Tokens of a chip above which its experts' multiply-adds outlast dispatch and combine",
    rows=("8.10",),
    claim="Both grow with the tokens; start-ups do not. With few tokens the exchange is always the longer.",
    start=Crossing(Line(exchange, 1), work, "the traffic takes as long as the multiply-adds"),
    steps=(
        Step(
            "solve for the tokens",
            solve_for(chip_tokens),
            equation(
                chip_tokens,
                2
                * scale_up_latency
                / (
                    flops_per_mac * experts_per_token * expert_weights / peak_flops
                    - per_token / (stage_chips * scale_up_bandwidth)
                ),
            ),
        ),
    ),
    assumes=(),
    sources=(GSHARD, NCCL),
    example=mixtral,
    example_text="Mixtral 8x22B in bf16 on 8 H100, an expert a chip; 3.4 us a start-up",
    holds=(
        at_least(stage_chips, 2),
        more(
            flops_per_mac * expert_weights * stage_chips * scale_up_bandwidth,
            width * (dispatch_bytes + combine_bytes) * (stage_chips - 1) * peak_flops,
        ),
    ),
)

beyond_weights = Derivation(
    name="tokens-that-outlast-experts",
    title="Tokens of a chip above which their traffic outlasts reading the experts",
    rows=("8.10",),
    claim="Experts are read once, tokens travel each; more chips read faster and send as much.",
    start=Crossing(exchange, read, "the traffic takes as long as reading the experts"),
    steps=(
        Step(
            "solve for the tokens",
            solve_for(chip_tokens),
            equation(
                chip_tokens,
                bytes_per_weight
                * experts_routed
                * expert_weights
                * scale_up_bandwidth
                / (per_token * memory_bandwidth),
            ),
        ),
    ),
    assumes=(),
    sources=(GSHARD,),
    example=gb200,
    example_text=RACK,
    holds=(at_least(stage_chips, 2),),
)

DERIVATIONS = (*layer.DERIVATIONS, expert_size, hidden_by_compute, beyond_weights)
