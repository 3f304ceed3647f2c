"""Chapter 3, pipelines over racks: scale-up against scale-out, and what the hops add."""

from collections.abc import Mapping

import sympy
from sympy import Rational

from steptime.derivations.axioms import BACK_TO_THE_FIRST, EQUAL_STAGES, EVEN_TOKENS, HOPS_IN_LINE
from steptime.derivations.board import NO_START_UP
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.experts.messages import in_one_domain
from steptime.derivations.experts.symbols import experts_per_token
from steptime.derivations.facts import Compared, Defined, Modelled, given
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.pipelines import formulas
from steptime.derivations.pipelines.pipelines import FOUR, LATENCY, LECTURE, four_racks
from steptime.derivations.rules import drop, equation, solve_for, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario

from steptime.derivations.pipelines.symbols import (  # isort: skip
    exchange_time, hop_latency, layers_per_stage, stage_time, tier_time_ratio, token_time,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    combine_bytes, dispatch_bytes, micro_batch, pass_tokens, pipeline_parallel, scale_out_bandwidth, scale_out_latency,
    scale_up_bandwidth, send_bytes, stage_chips, step_time, width,
)  # fmt: skip

ONE_PRECISION = (
    given(dispatch_bytes, send_bytes, "activations go to the experts at the precision at which stages are handed them"),
    given(combine_bytes, send_bytes, "activations come back from the experts at that precision"),
)
FEW_STAY = Rational(1, 50)
"""What of all copies may stay where it is, relative to what is sent."""
bandwidths = scale_out_bandwidth / scale_up_bandwidth
copies = bandwidths * experts_per_token * layers_per_stage / send_bytes  # times the bytes of an activation

tiers = Derivation(
    name="scale-up-over-scale-out",
    title="Time on scale-up over time on scale-out, in a pipeline of mixture-of-experts layers",
    rows=("3.1",),
    claim="A stage sends each token 2 k times a layer inside its rack, and only once to the next rack.",
    start=Compared(
        tier_time_ratio,
        Modelled(exchange_time, formulas.stage_expert_time),
        Modelled(hop_latency, formulas.hop_duration),
        "the time that a stage spends on its experts' traffic, over the time of the hop to the next stage",
    ),
    steps=(
        Step(
            "no start-up latency; a chip sends to the experts of a layer all copies of its tokens but one part in E",
            substitute(*NO_START_UP, in_one_domain),
            equation(tier_time_ratio, copies * (dispatch_bytes + combine_bytes) * (1 - 1 / stage_chips)),
        ),
        Step(
            "of many chips, few copies stay where they are",
            drop(-copies * dispatch_bytes / stage_chips, -copies * combine_bytes / stage_chips, error=FEW_STAY),
            equation(tier_time_ratio, copies * (dispatch_bytes + combine_bytes)),
        ),
        Step(
            "every activation at the same precision",
            substitute(*ONE_PRECISION),
            equation(tier_time_ratio, bandwidths * 2 * experts_per_token * layers_per_stage),
        ),
    ),
    assumes=(*NO_START_UP, *ONE_PRECISION),
    sources=(LECTURE,),
    example=four_racks,
    example_text=FOUR,
    holds=(at_least(stage_chips, 1 / FEW_STAY),),
)

EVEN_TIERS = given(tier_time_ratio, 1, "both tiers take the same time")

enough_layers = Derivation(
    name="layers-to-hide-scale-out",
    title="Layers of a stage that keep scale-out faster than scale-up",
    rows=("3.1",),
    claim="Where links are more than 2 k times slower, so many layers make up for it; else one is more than enough.",
    start=tiers,
    steps=(
        Step(
            "both tiers take the same time",
            substitute(EVEN_TIERS),
            equation(sympy.S.One, bandwidths * 2 * experts_per_token * layers_per_stage),
        ),
        Step(
            "solve for the layers",
            solve_for(layers_per_stage),
            equation(layers_per_stage, scale_up_bandwidth / (2 * experts_per_token * scale_out_bandwidth)),
        ),
    ),
    assumes=(EVEN_TIERS,),
    sources=(LECTURE,),
    example=four_racks,
    example_text=FOUR,
    holds=(
        at_least(stage_chips, 1 / FEW_STAY),
        at_least(scale_up_bandwidth, 2 * experts_per_token * scale_out_bandwidth),
    ),
)

STEP = Defined(step_time, pipeline_parallel * stage_time, "the time of all stages, where handing over takes none")
handed_on = micro_batch * pass_tokens * width * send_bytes / (stage_chips * scale_out_bandwidth)

hop = Derivation(
    name="hop-latency",
    title="What the hops between stages add to a token",
    rows=("3.4",),
    claim="Each of P hops adds its start-up latency and the time to send a micro-batch's activations.",
    start=Modelled(token_time, formulas.token_slots),
    steps=(
        Step(
            "as many stages as hops",
            total(formulas.token_slots, pipeline_parallel * (stage_time + hop_latency)),
            equation(token_time, pipeline_parallel * (stage_time + hop_latency)),
        ),
        Step(
            "the stages together take the time of a step",
            substitute(STEP.for_(stage_time)),
            equation(token_time, formulas.token_duration),
        ),
        Step(
            "a hop starts up and sends",
            substitute(Modelled(hop_latency, formulas.hop_duration)),
            equation(token_time, step_time + pipeline_parallel * (scale_out_latency + handed_on)),
        ),
    ),
    assumes=(EQUAL_STAGES, EVEN_TOKENS, BACK_TO_THE_FIRST, HOPS_IN_LINE),
    sources=(LECTURE,),
    example=four_racks,
    example_text=f"{FOUR}; {LATENCY * 1e6:.0f} µs start-up (aiconfigurator's and Calculon's default)",
)

DERIVATIONS = (tiers, enough_layers, hop)

LECTURE_HOP = {step_time: 20e-3, pipeline_parallel: 4.0, hop_latency: 2.5e-3}
"""The lecture's guess: a step of 20 ms, four stages, 2.5 ms a hop."""


def _token_with_hops(latency: float) -> float:
    """Milliseconds of the lecture's 20 ms token over 4 stages, at the blackboard's hop."""
    return float(Scenario({**LECTURE_HOP, hop_latency: latency}).evaluate(hop.lines[2].rhs)) * 1e3


def _token_over_racks() -> float:
    """Milliseconds of the lecture's 20 ms token over 4 racks."""
    return float(Scenario({**four_racks(), step_time: LECTURE_HOP[step_time]}).evaluate(hop.result.rhs)) * 1e3


def _catalogue_hop() -> float:
    return float(Scenario(four_racks()).evaluate(formulas.hop_duration))


def _layers(between: float) -> float:
    """k times the layers of a stage that make up for such a factor between the links: those of one expert a token."""
    links = {scale_up_bandwidth: between, scale_out_bandwidth: 1.0, experts_per_token: 1.0}
    return float(Scenario(links).evaluate(enough_layers.result.rhs))


def _layers_times_experts() -> float:
    return float(four_racks()[experts_per_token] * four_racks()[layers_per_stage])


def _links() -> Mapping[str, float | str]:
    chosen = (scale_up_bandwidth, scale_out_bandwidth, experts_per_token, layers_per_stage)
    return {symbol.name: four_racks()[symbol] for symbol in chosen}


def _ratio_of_links() -> float:
    return float(four_racks()[scale_up_bandwidth] / four_racks()[scale_out_bandwidth])


CLAIMS = (
    Claim("3.1", "Links 8 times apart, as on the board, are made up for by so many k x layers of a stage: fewer than "
          "DeepSeek-V3 has in one of 4 stages", None, lambda: _layers(8.0), lambda: {"scale_up over scale_out": 8.0},
          source=Source.OWN, must=lambda value: value < _layers_times_experts()),
    Claim("3.1", "GB200 NVL72: the same by the catalogue's links", None, lambda: _layers(_ratio_of_links()), _links,
          source=Source.OWN, must=lambda value: _layers(8.0) < value < _layers_times_experts()),
    Claim("3.1", "GB200 NVL72, DeepSeek-V3 in 4 stages: time on scale-up over time on scale-out (lecture: above 1)",
          None, tiers.evaluate, _links, source=Source.OWN, must=lambda value: value > 1),
    Claim("3.1", "The same with fp8 dispatch, bf16 combine and sends, and the copies that stay (lecture: above 1)",
          None, lambda: float(Scenario(four_racks()).evaluate(tiers.lines[1].rhs)), _links,
          source=Source.OWN, must=lambda value: 1 < value < tiers.evaluate()),
    Claim("3.4", "Token of 20 ms over 4 stages at the lecture's 2.5 ms a hop", 30.0,
          lambda: _token_with_hops(LECTURE_HOP[hop_latency]),
          lambda: {symbol.name: value for symbol, value in LECTURE_HOP.items()}, unit="ms"),
    Claim("3.4", "Token of 20 ms over 4 stages at the hop of two GB200 racks, 10 µs start-up and the sending", 30.0,
          _token_over_racks,
          lambda: {"hop_latency": _catalogue_hop(), "scale_out_latency": LATENCY}, Wording.ABOUT, unit="ms"),
    Claim("3.4", "A hop between GB200 racks, start-up and the sending of 2048 sequences", 2.5,
          lambda: _catalogue_hop() * 1e3, lambda: {"scale_out_latency": LATENCY}, Wording.ABOUT, unit="ms"),
)  # fmt: skip
