"""Chapter 3, pipelines over racks: scale-up against scale-out, and what the hops add."""

from collections.abc import Mapping

import sympy
from sympy import Rational

from steptime.derivations.board import is_
from steptime.derivations.claims import Claim
from steptime.derivations.experts.symbols import experts_per_token
from steptime.derivations.pipelines import formulas
from steptime.derivations.pipelines.pipelines import FOUR, LATENCY, LECTURE, four_racks
from steptime.derivations.pipelines.symbols import hop_latency, layers_per_stage, tier_time_ratio, token_time
from steptime.derivations.rules import drop, equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    combine_bytes, dispatch_bytes, micro_batch, pipeline_parallel, scale_out_bandwidth, scale_out_latency,
    scale_up_bandwidth, send_bytes, stage_chips, step_time, width,
)  # fmt: skip

tiers = Derivation(
    name="scale-up-over-scale-out",
    title="Time on scale-up over time on scale-out, in a pipeline of mixture-of-experts layers",
    rows=("3.1",),
    claim="A stage sends each token 2 k times a layer inside its rack, and only once to the next rack.",
    start=equation(tier_time_ratio, formulas.stage_exchange_time / formulas.hop_time),
    steps=(
        Step(
            "of many chips, few copies stay where they are",
            drop(
                -layers_per_stage
                * experts_per_token
                * dispatch_bytes
                * scale_out_bandwidth
                / (send_bytes * scale_up_bandwidth * stage_chips),
                -layers_per_stage
                * experts_per_token
                * combine_bytes
                * scale_out_bandwidth
                / (send_bytes * scale_up_bandwidth * stage_chips),
                error=Rational(14, 1000),
            ),
            equation(
                tier_time_ratio,
                scale_out_bandwidth
                / scale_up_bandwidth
                * experts_per_token
                * layers_per_stage
                * (dispatch_bytes + combine_bytes)
                / send_bytes,
            ),
        ),
        Step(
            "every activation at the same precision",
            substitute(is_(dispatch_bytes, send_bytes), is_(combine_bytes, send_bytes)),
            equation(
                tier_time_ratio, scale_out_bandwidth / scale_up_bandwidth * 2 * experts_per_token * layers_per_stage
            ),
        ),
    ),
    assumes=("a stage is one scale-up domain", "one copy of a token for each of its experts", "no start-up latency"),
    sources=(LECTURE,),
    example=four_racks,
    example_text=FOUR,
)

enough_layers = Derivation(
    name="layers-to-hide-scale-out",
    title="Layers of a stage that keep scale-out faster than scale-up",
    rows=("3.1",),
    claim="With k experts a token, one or two layers make up for links that are several times slower.",
    start=tiers.result,
    steps=(
        Step(
            "both tiers take the same time",
            substitute(is_(tier_time_ratio, 1)),
            equation(sympy.S.One, scale_out_bandwidth / scale_up_bandwidth * 2 * experts_per_token * layers_per_stage),
        ),
        Step(
            "solve for the layers",
            solve_for(layers_per_stage),
            equation(layers_per_stage, scale_up_bandwidth / (2 * experts_per_token * scale_out_bandwidth)),
        ),
    ),
    assumes=tiers.assumes,
    sources=(LECTURE,),
    example=four_racks,
    example_text=FOUR,
)

hop = Derivation(
    name="hop-latency",
    title="What the hops between stages add to a token",
    rows=("3.4",),
    claim="Each of P hops adds its start-up latency and the time to send a micro-batch's activations.",
    start=equation(token_time, formulas.token_duration),
    steps=(
        Step(
            "a hop starts up and sends",
            substitute(is_(hop_latency, formulas.hop_duration)),
            equation(
                token_time,
                step_time
                + pipeline_parallel
                * (
                    scale_out_latency
                    + micro_batch * q.pass_tokens * width * send_bytes / (stage_chips * scale_out_bandwidth)
                ),
            ),
        ),
    ),
    assumes=("the sampled token goes back to the first stage in one more hop", "a hop does not overlap with its stage"),
    sources=(LECTURE,),
    example=four_racks,
    example_text=f"{FOUR}; {LATENCY * 1e6:.0f} µs start-up (aiconfigurator's and Calculon's default)",
)

DERIVATIONS = (tiers, enough_layers, hop)

LECTURE_HOP = {step_time: 20e-3, pipeline_parallel: 4.0, hop_latency: 2.5e-3}
"""The lecture's guess: a step of 20 ms, four stages, 2.5 ms a hop."""


def _token_with_hops(latency: float) -> float:
    """Milliseconds of the lecture's 20 ms token over 4 stages, at the blackboard's hop."""
    return float(Scenario({**LECTURE_HOP, hop_latency: latency}).evaluate(hop.start.rhs)) * 1e3


def _token_over_racks() -> float:
    """Milliseconds of the lecture's 20 ms token over 4 racks."""
    return float(Scenario({**four_racks(), step_time: LECTURE_HOP[step_time]}).evaluate(hop.result.rhs)) * 1e3


def _catalogue_hop() -> float:
    return float(Scenario(four_racks()).evaluate(formulas.hop_duration))


def _layers(between: float, chosen: float) -> float:
    """k times the layers of a stage that make up for such a factor between the links."""
    links = {scale_up_bandwidth: between, scale_out_bandwidth: 1.0, experts_per_token: chosen}
    return chosen * float(Scenario(links).evaluate(enough_layers.result.rhs))


def _links() -> Mapping[str, float | str]:
    return {
        symbol.name: four_racks()[symbol] for symbol in (scale_up_bandwidth, scale_out_bandwidth, experts_per_token)
    }


CLAIMS = (
    Claim("3.1", "Links 8 times apart are made up for by k x layers of a stage of (factor 8, out and back)", 4.0,
          lambda: _layers(8.0, 8.0), lambda: {"scale_up over scale_out": 8.0, "experts_per_token": 8.0}),
    Claim("3.1", "GB200 NVL72 (links 18 times apart): the same k x layers", 4.0,
          lambda: 8.0 * enough_layers.evaluate(), _links),
    Claim("3.1", "GB200 NVL72, DeepSeek-V3 in 4 stages: time on scale-up over time on scale-out (lecture: above 1)",
          None, tiers.evaluate, _links, must=lambda value: value > 0),
    Claim("3.1", "The same with fp8 dispatch, bf16 combine and sends, over the lecture's one precision", 1.0,
          lambda: float(Scenario(four_racks()).evaluate(tiers.lines[1].rhs / tiers.result.rhs)), _links,
          must=lambda value: value > 0),
    Claim("3.4", "Token of 20 ms over 4 stages at the lecture's 2.5 ms a hop", 30.0,
          lambda: _token_with_hops(LECTURE_HOP[hop_latency]),
          lambda: {symbol.name: value for symbol, value in LECTURE_HOP.items()}, unit="ms"),
    Claim("3.4", "Token of 20 ms over 4 stages at the hop of two GB200 racks, 10 µs start-up and the sending", 30.0,
          _token_over_racks,
          lambda: {"hop_latency": _catalogue_hop(), "scale_out_latency": LATENCY}, unit="ms"),
    Claim("3.4", "A hop between GB200 racks, start-up and the sending of 2048 sequences", 2.5,
          lambda: _catalogue_hop() * 1e3, lambda: {"scale_out_latency": LATENCY}, unit="ms"),
)  # fmt: skip
