"""Chapter 2, mixture of experts on a rack: how many experts a micro-batch touches, beyond the lecture's "all"."""

from collections.abc import Callable, Mapping

import sympy
from sympy import Rational

from steptime.derivations.batch.symbols import experts_routed
from steptime.derivations.board import is_
from steptime.derivations.claims import Claim
from steptime.derivations.experts.experts import GSHARD, UNIFORM
from steptime.derivations.experts.numbers import RACK, rack
from steptime.derivations.experts.symbols import experts_per_token, miss_probability, touched_experts, untouched_share
from steptime.derivations.rules import both_sides, equation, series, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.network import experts
from steptime.model.scenario import Scenario
from steptime.model.symbols import micro_batch, pass_tokens

experts_touched = Derivation(
    name="experts-touched",
    title="Experts that a micro-batch touches",
    rows=("2.3",),
    claim="The share of experts that no token chooses falls exponentially with the tokens of the micro-batch.",
    start=equation(
        touched_experts, experts.distinct_experts(experts_routed, experts_per_token, micro_batch * pass_tokens)
    ),
    steps=(
        Step(
            "write k by the chance that a token passes an expert by",
            substitute(is_(experts_per_token, experts_routed * (1 - miss_probability))),
            equation(touched_experts, experts_routed * (1 - miss_probability ** (micro_batch * pass_tokens))),
        ),
        Step(
            "as a share of all that is not touched",
            both_sides(1 - side / experts_routed),
            equation(1 - touched_experts / experts_routed, miss_probability ** (micro_batch * pass_tokens)),
        ),
        Step(
            "name that share",
            substitute(is_(touched_experts, experts_routed * (1 - untouched_share))),
            equation(untouched_share, miss_probability ** (micro_batch * pass_tokens)),
        ),
        Step(
            "put the chance back",
            substitute(is_(miss_probability, 1 - experts_per_token / experts_routed)),
            equation(untouched_share, (1 - experts_per_token / experts_routed) ** (micro_batch * pass_tokens)),
        ),
    ),
    assumes=(UNIFORM, "tokens choose independently of each other"),
    sources=("beyond the lecture, which reads all experts", GSHARD),
    example=rack,
    example_text=RACK,
    holds=(experts_routed - experts_per_token, 1 - miss_probability),
)

batch_for_experts = Derivation(
    name="batch-for-experts",
    title="Micro-batch that leaves only a given share of the experts unread",
    rows=("2.3",),
    claim="A few times N_e/k tokens touch practically every expert: the lecture's 'reads all' is safe there.",
    start=experts_touched.result,
    steps=(
        Step(
            "write k by the chance that a token passes an expert by",
            substitute(is_(experts_per_token, experts_routed * (1 - miss_probability))),
            equation(untouched_share, miss_probability ** (micro_batch * pass_tokens)),
        ),
        Step(
            "take the logarithm",
            both_sides(sympy.log(side)),
            equation(sympy.log(untouched_share), micro_batch * pass_tokens * sympy.log(miss_probability)),
        ),
        Step(
            "solve for the batch",
            solve_for(micro_batch),
            equation(micro_batch, sympy.log(untouched_share) / (pass_tokens * sympy.log(miss_probability))),
        ),
        Step(
            "put the chance back",
            substitute(is_(miss_probability, 1 - experts_per_token / experts_routed)),
            equation(
                micro_batch,
                sympy.log(untouched_share) / (pass_tokens * sympy.log(1 - experts_per_token / experts_routed)),
            ),
        ),
    ),
    assumes=experts_touched.assumes,
    sources=experts_touched.sources,
    example=lambda: {**rack(), untouched_share: 0.01},
    example_text=f"{RACK}; one expert in a hundred unread",
    holds=(experts_routed - experts_per_token, 1 - miss_probability, 1 - untouched_share),
)


few_tokens = Derivation(
    name="few-tokens",
    title="Few tokens touch experts of their own",
    rows=("2.3",),
    claim="While b T k is far below N_e, every token brings k experts that no other has chosen.",
    start=experts_touched.start,
    steps=(
        Step(
            "to first order in the experts of a token",
            series(experts_per_token, 1, error=Rational(5, 100)),
            equation(touched_experts, micro_batch * pass_tokens * experts_per_token),
        ),
    ),
    assumes=experts_touched.assumes,
    sources=experts_touched.sources,
    example=lambda: {**rack(), micro_batch: 4.0},
    example_text=RACK.replace("2048", "4"),
    holds=(experts_routed - experts_per_token,),
)


def _error(sequences: float) -> Callable[[], float]:
    """By how much "reads all" exceeds the experts that are touched."""

    def ours() -> float:
        untouched = Scenario({**rack(), micro_batch: sequences}).evaluate(experts_touched.result.rhs)
        return float(untouched / (1 - untouched))

    return ours


def _inputs(sequences: float) -> Callable[[], Mapping[str, float | str]]:
    return lambda: {"micro_batch": sequences, "experts": rack()[experts_routed], "chosen": rack()[experts_per_token]}


DERIVATIONS = (experts_touched, batch_for_experts, few_tokens)

CLAIMS = tuple(
    Claim(
        "2.3",
        f"DeepSeek-V3: 'reads all experts' exceeds those touched at a micro-batch of {sequences} by this share",
        None,
        _error(sequences),
        _inputs(sequences),
        must=lambda value: value >= 0,
    )
    for sequences in (1, 16, 64, 145, 256, 512)
)
