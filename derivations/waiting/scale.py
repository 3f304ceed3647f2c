"""Chapter 12, waiting: the traffic below which a machine's best batch is never filled."""

import sympy

from steptime.derivations.axioms import AT_RANDOM, LITTLE, SHARED_EVENLY
from steptime.derivations.batch.batch import best_batch
from steptime.derivations.batch.symbols import memory_time, optimal_batch, ridge
from steptime.derivations.batch.terms import LECTURE, latency_floor, ridge_batch
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Defined, Modelled, Tends, given
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.rules import equation, limit, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.waiting.mean import TOKEN
from steptime.derivations.waiting.numbers import FILLED_GROUP, GROUP, LITTLES, SHORT, filled_group, group, short
from steptime.derivations.waiting.symbols import asked_rate
from steptime.model.catalog.economy import number
from steptime.model.scenario import Scenario
from steptime.model.waiting import formulas

from steptime.model.symbols import (  # isort: skip
    active_parameters, bytes_per_weight, flops_per_mac, memory_bandwidth, memory_capacity, parameters, peak_flops,
    stage_chips,
)  # fmt: skip
from steptime.model.waiting.symbols import (  # isort: skip
    clump, decode_left, mean_in_service, group_rate, step_base, step_slope,
)  # fmt: skip

ASKED = Defined(asked_rate, formulas.tokens_come, "tokens of all requests that come in a second")
FILLED = given(mean_in_service, optimal_batch, "as many are in service on average as the best batch has")
STREAMS = given(step_base, memory_time, "the constant part of a step streams the weights, and nothing else")
ELSEWHERE = given(decode_left, 1, "prefills run elsewhere")
WEIGHTS_ALONE = Tends(step_slope, sympy.S.Zero, "caches take no time beside the weights")

filled = Derivation(
    name="traffic-for-batch",
    title="The traffic that fills a batch",
    rows=("12.6",),
    claim="Below so many tokens a second a group holds fewer sequences on average, whatever it could hold.",
    start=Modelled(mean_in_service, formulas.held),
    steps=(
        Step(
            "what a token finds; the requests by their tokens",
            substitute(TOKEN, ASKED.for_(group_rate)),
            equation(
                mean_in_service,
                asked_rate * (step_base + step_slope * (mean_in_service + clump)) / decode_left,
            ),
        ),
        Step(
            "solve for the tokens",
            solve_for(asked_rate),
            equation(
                asked_rate,
                decode_left * mean_in_service / (step_base + step_slope * (mean_in_service + clump)),
            ),
        ),
    ),
    assumes=(AT_RANDOM, SHARED_EVENLY, LITTLE),
    sources=(LITTLES,),
    example=group,
    example_text=GROUP,
)

smallest = Derivation(
    name="minimum-efficient-scale",
    title="The minimum efficient scale of a machine",
    rows=("12.6",),
    claim="With weights alone: what it could decode bound by compute. A cheap token asks for all that traffic, "
    "however fast its memory.",
    start=filled,
    steps=(
        Step(
            "weights alone",
            limit(step_slope, 0),
            equation(asked_rate, decode_left * mean_in_service / step_base),
        ),
        Step(
            "as many in service as the best batch has; prefills elsewhere",
            substitute(FILLED, ELSEWHERE, STREAMS),
            equation(asked_rate, optimal_batch / memory_time),
        ),
        Step(
            "the best batch, and the time in which weights stream",
            substitute(best_batch, latency_floor),
            equation(asked_rate, ridge * stage_chips * memory_bandwidth / (bytes_per_weight * active_parameters)),
        ),
        Step(
            "the ridge by the rates",
            substitute(ridge_batch),
            equation(asked_rate, stage_chips * peak_flops / (flops_per_mac * active_parameters)),
        ),
    ),
    assumes=(WEIGHTS_ALONE, FILLED, ELSEWHERE, STREAMS),
    sources=(LECTURE, LITTLES),
    example=short,
    example_text=SHORT,
)

ALL_READ = given(
    step_base,
    memory_capacity / memory_bandwidth - step_slope * (mean_in_service + clump),
    "caches fill the memory that weights leave, and a step reads all of it",
)

full = Derivation(
    name="efficient-scale-full-memory",
    title="The minimum efficient scale of a machine whose memory is full",
    rows=("12.6",),
    claim="The best batch each time that memory is read once. No context is left: as long as the best batch fills the "
    "memory, how long contexts are says only which memory that is.",
    start=filled,
    steps=(
        Step(
            "a step reads all that memory holds",
            substitute(ALL_READ),
            equation(asked_rate, decode_left * mean_in_service * memory_bandwidth / memory_capacity),
        ),
        Step(
            "as many in service as the best batch has; prefills elsewhere",
            substitute(FILLED, ELSEWHERE),
            equation(asked_rate, optimal_batch * memory_bandwidth / memory_capacity),
        ),
        Step(
            "the best batch",
            substitute(best_batch),
            equation(asked_rate, ridge * parameters * memory_bandwidth / (active_parameters * memory_capacity)),
        ),
    ),
    assumes=(ALL_READ, FILLED, ELSEWHERE),
    sources=(LECTURE, LITTLES),
    example=filled_group,
    example_text=FILLED_GROUP,
    holds=(
        at_least(memory_capacity / memory_bandwidth, step_slope * (clump + ridge * parameters / active_parameters)),
    ),
)

DERIVATIONS = (filled, smallest, full)


def rack(tokens_per_second: float) -> float:
    """Racks of the lecture's, each with 2,000 sequences and its memory read 64 times a second, for a traffic."""
    values = {ridge: 250.0, parameters: 8.0, active_parameters: 1.0, memory_capacity: 1.0, memory_bandwidth: 64.0}
    return tokens_per_second / float(Scenario(values).evaluate(full.result.rhs))


def traffic() -> float:
    """Tokens a second of one provider: the lower of the lecture's two."""
    return number("life", "serving_rate")


CLAIMS = (
    Claim("12.6", "tokens a second of a rack of 2,000 sequences whose memory is read 64 times a second: about 128k",
          128e3, lambda: 1 / rack(1.0), lambda: {"ridge": 250.0, "parameters over active": 8.0}),
    Claim("12.6", "racks that a provider's 50e6 tokens a second fill: one rack is a small part of them",
          None, lambda: rack(traffic()), lambda: {"serving_rate": traffic()}, source=Source.OWN,
          must=lambda value: 100 < value < 1000),
)  # fmt: skip
