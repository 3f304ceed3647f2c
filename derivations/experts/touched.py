"""Chapter 2, mixture of experts on a rack: how many experts a micro-batch touches, beyond the lecture's "all"."""

import math
from collections.abc import Callable, Mapping
from functools import partial

import sympy
from sympy import Rational, Symbol, binomial

from steptime.derivations.axioms import INDEPENDENT, UNIFORM
from steptime.derivations.batch.symbols import experts_routed
from steptime.derivations.claims import Claim, Source
from steptime.derivations.experts.messages import GSHARD
from steptime.derivations.experts.numbers import RACK, rack
from steptime.derivations.experts.symbols import experts_per_token, miss_probability, touched_experts, untouched_share
from steptime.derivations.facts import Defined, Expected, Solved
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import both_sides, equation, identity, series, side, solve_for, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model.network import experts
from steptime.model.scenario import Scenario
from steptime.model.symbols import micro_batch, pass_tokens

BEYOND = "beyond the lecture, which reads all experts"
tokens = micro_batch * pass_tokens
expert = Symbol("expert", integer=True, positive=True)
touched_chance = 1 - miss_probability**tokens
"""Chance that some token chooses an expert: one less the chance that all pass it by, each for itself."""

passed_by = Derivation(
    name="passed-by",
    title="Chance that a token passes an expert by",
    rows=("2.3",),
    claim="Of all ways to choose k of N_e experts, one in N_e/k contains a given expert.",
    start=Defined(
        miss_probability,
        binomial(experts_routed - 1, experts_per_token) / binomial(experts_routed, experts_per_token),
        "the ways to choose k of the other experts, over all ways to choose k",
    ),
    steps=(
        Step(
            "cancel the factorials",
            identity(),
            equation(miss_probability, 1 - experts_per_token / experts_routed),
        ),
    ),
    assumes=(UNIFORM,),
    sources=(BEYOND, GSHARD),
    example=rack,
    example_text=RACK,
)

distinct = Derivation(
    name="distinct-experts",
    title="Distinct experts that a micro-batch touches",
    rows=("2.3",),
    claim="An expert is left out only where every token passes it by; summed over all experts, this is their number.",
    start=Expected(
        touched_experts,
        expert,
        sympy.S.One,
        experts_routed,
        touched_chance,
        "how many experts are touched: each unless all tokens pass it by, independently of one another",
    ),
    steps=(
        Step(
            "as many chances as experts",
            total(sympy.Sum(touched_chance, (expert, 1, experts_routed)), experts_routed * touched_chance),
            equation(touched_experts, experts_routed * touched_chance),
        ),
        Step(
            "put in the chance that a token passes one by",
            substitute(passed_by),
            equation(touched_experts, experts.distinct_experts(experts_routed, experts_per_token, tokens)),
        ),
    ),
    assumes=(INDEPENDENT,),
    sources=(BEYOND, GSHARD),
    example=rack,
    example_text=RACK,
)

UNTOUCHED = Defined(untouched_share, 1 - touched_experts / experts_routed, "the share of a layer's experts not touched")

experts_touched = Derivation(
    name="experts-touched",
    title="Share of the experts that a micro-batch does not touch",
    rows=("2.3",),
    claim="The share of experts that no token chooses falls exponentially with the tokens of the micro-batch.",
    start=UNTOUCHED,
    steps=(
        Step(
            "put in the experts that are touched",
            substitute(distinct),
            equation(untouched_share, (1 - experts_per_token / experts_routed) ** tokens),
        ),
    ),
    assumes=(),
    sources=(BEYOND, GSHARD),
    example=rack,
    example_text=RACK,
)

batch_for_experts = Derivation(
    name="batch-for-experts",
    title="Micro-batch that leaves only a given share of the experts unread",
    rows=("2.3",),
    claim="A few times N_e/k tokens touch practically every expert: the lecture's 'reads all' is safe there.",
    start=experts_touched,
    steps=(
        Step(
            "write k by the chance that a token passes an expert by",
            substitute(Solved(passed_by, experts_per_token)),
            equation(untouched_share, miss_probability**tokens),
        ),
        Step(
            "take the logarithm",
            both_sides(sympy.log(side)),
            equation(sympy.log(untouched_share), tokens * sympy.log(miss_probability)),
        ),
        Step(
            "solve for the batch",
            solve_for(micro_batch),
            equation(micro_batch, sympy.log(untouched_share) / (pass_tokens * sympy.log(miss_probability))),
        ),
        Step(
            "put the chance back",
            substitute(passed_by),
            equation(
                micro_batch,
                sympy.log(untouched_share) / (pass_tokens * sympy.log(1 - experts_per_token / experts_routed)),
            ),
        ),
    ),
    assumes=(),
    sources=(BEYOND, GSHARD),
    example=lambda: {**rack(), untouched_share: 0.01},
    example_text=f"{RACK}; one expert in a hundred unread",
    holds=(more(experts_routed, experts_per_token), more(untouched_share, 0)),
)

FEW_SHARED = Rational(5, 100)
"""What of all choices may fall on an expert that another token has chosen."""

few_tokens = Derivation(
    name="few-tokens",
    title="Few tokens touch experts of their own",
    rows=("2.3",),
    claim="While b T k is far below N_e, every token brings k experts that no other has chosen.",
    start=distinct,
    steps=(
        Step(
            "to first order in the experts of a token",
            series(experts_per_token, 1, error=FEW_SHARED),
            equation(touched_experts, tokens * experts_per_token),
        ),
    ),
    assumes=(),
    sources=(BEYOND, GSHARD),
    example=lambda: {**rack(), micro_batch: 4.0},
    example_text=RACK.replace("2048", "4"),
    holds=(
        at_least(distinct.result.rhs, (1 - FEW_SHARED) * tokens * experts_per_token),
        at_least((1 + FEW_SHARED) * tokens * experts_per_token, distinct.result.rhs),
    ),
)


def _error(sequences: float) -> Callable[[], float]:
    """By how much "reads all" exceeds the experts that are touched."""

    def ours() -> float:
        untouched = Scenario({**rack(), micro_batch: sequences}).evaluate(experts_touched.result.rhs)
        return float(untouched / (1 - untouched))

    return ours


def _below_exponential(sequences: float, value: float) -> bool:
    """Whether so large an error is possible: 1 - x is never above exp(-x)."""
    choices = sequences * rack()[experts_per_token] / rack()[experts_routed]
    return 0 <= value <= 1 / math.expm1(choices)


def _inputs(sequences: float) -> Callable[[], Mapping[str, float | str]]:
    return lambda: {"micro_batch": sequences, "experts": rack()[experts_routed], "chosen": rack()[experts_per_token]}


DERIVATIONS = (passed_by, distinct, experts_touched, batch_for_experts, few_tokens)

CLAIMS = tuple(
    Claim(
        "2.3",
        f"DeepSeek-V3: 'reads all experts' exceeds those touched at a micro-batch of {sequences} by this share, "
        "no more than 1/(exp(b k/N_e) - 1)",
        None,
        _error(sequences),
        _inputs(sequences),
        source=Source.OWN,
        must=partial(_below_exponential, sequences),
    )
    for sequences in (1, 16, 64, 145, 256, 512)
)
