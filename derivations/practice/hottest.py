"""Chapter 11, in practice: the expert to which most tokens go where none is favoured."""

import math
from collections.abc import Mapping
from functools import partial

from sympy import Symbol, log, sqrt

from steptime.derivations.axioms import INDEPENDENT, UNIFORM
from steptime.derivations.batch.symbols import experts_routed
from steptime.derivations.claims import Claim, Source
from steptime.derivations.experts.symbols import experts_per_token
from steptime.derivations.facts import Defined, given
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.practice.counts import largest_count
from steptime.derivations.practice.fullest import largest_on_average
from steptime.derivations.practice.numbers import CRAMER
from steptime.derivations.rules import both_sides, equation, identity, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario
from steptime.model.symbols import micro_batch

from steptime.derivations.practice.symbols import (  # isort: skip
    crowding, excess_variance, hot_ratio, hottest_copies, largest_excess, mean_copies, redundant_experts, slot_share,
    waiting_chips,
)  # fmt: skip

NEAR = "256 experts of which a token chooses 8; the hottest at one and a half times the mean"
SEVERAL = "DeepSeek-V3: 256 experts of which a token chooses 8, 2048 tokens; 32 experts held twice"


def v3(tokens: float = 2048.0, again: float = 32.0) -> Mapping[Symbol, float]:
    """DeepSeek-V3's experts, so many tokens, and experts held again."""
    mean = tokens * 8 / 256
    return {
        experts_routed: 256.0,
        experts_per_token: 8.0,
        micro_batch: tokens,
        mean_copies: mean,
        waiting_chips: 256.0,
        excess_variance: mean,
        redundant_experts: again,
        hot_ratio: 1.5,
        slot_share: 1 / again,
        crowding: (math.log(256) / (3 * mean)) ** 0.5,
    }


def near_the_mean(ratio: float = 1.5) -> Mapping[Symbol, float]:
    """As many tokens as keep the hottest expert at so many times the mean."""
    root = ((2 * ratio + 1) ** 0.5 - 3**0.5) / 2**0.5
    return {**v3(256 * math.log(256) / 8 / (3 * root**2)), hot_ratio: ratio}


MEAN = given(
    mean_copies, micro_batch * experts_per_token / experts_routed, "no expert is chosen more often than others"
)
AS_THEY_FALL = given(
    excess_variance, mean_copies, "tokens choose independently of one another: no variance of a count is above its mean"
)
EXPERTS_WAIT = given(waiting_chips, experts_routed, "the slowest of all experts is waited for")

PER_TOKEN = experts_routed * log(experts_routed) / experts_per_token
"""The logarithm of the experts over the copies that a token sends each, a shorthand in the lines below."""

hottest = Derivation(
    name="hottest-expert",
    title="Copies of tokens at the hottest of many experts",
    rows=("11.5",),
    claim="Even a router without favourites fills experts unevenly: the mean, a root that many tokens outgrow, and a "
    "third of a logarithm, which is all that counts have above normal numbers.",
    start=Defined(hottest_copies, mean_copies + largest_excess, "the mean, and what the largest exceeds it by"),
    steps=(
        Step(
            "put in the largest of many counts",
            substitute(largest_count),
            equation(
                hottest_copies, mean_copies + sqrt(2 * excess_variance * log(waiting_chips)) + log(waiting_chips) / 3
            ),
        ),
        Step(
            "the variance of a count, over all experts",
            substitute(AS_THEY_FALL, EXPERTS_WAIT),
            equation(
                hottest_copies, mean_copies + sqrt(2 * mean_copies * log(experts_routed)) + log(experts_routed) / 3
            ),
        ),
    ),
    assumes=(AS_THEY_FALL, EXPERTS_WAIT, UNIFORM, INDEPENDENT),
    sources=(CRAMER,),
    example=v3,
    example_text=SEVERAL,
)

ratio = Derivation(
    name="hottest-over-mean",
    title="The hottest expert over the mean one",
    rows=("11.5",),
    claim="Its excess falls with the root of the tokens, and faster while they are few: large batches even out what no "
    "router has to. Favourites come on top.",
    start=Defined(hot_ratio, hottest_copies / mean_copies, "the hottest expert's copies over the mean one's"),
    steps=(
        Step(
            "put in the hottest",
            substitute(hottest),
            equation(
                hot_ratio, 1 + sqrt(2 * log(experts_routed) / mean_copies) + log(experts_routed) / (3 * mean_copies)
            ),
        ),
        Step(
            "the mean by the tokens",
            substitute(MEAN),
            equation(hot_ratio, 1 + sqrt(2 * PER_TOKEN / micro_batch) + PER_TOKEN / (3 * micro_batch)),
        ),
    ),
    assumes=(MEAN,),
    sources=(CRAMER,),
    example=v3,
    example_text=SEVERAL,
)

FARTHEST = sqrt(2 * hot_ratio + 1) - sqrt(3)
APART = Defined(crowding, sqrt(PER_TOKEN / (3 * micro_batch)), "the root of a third of the logarithm over mean copies")

apart = Derivation(
    name="apart-for-even-experts",
    title="How far apart experts may be, for a hottest near the mean",
    rows=("11.5",),
    claim="The excess is about two and a half times this root while it is small, and its square where it is large.",
    start=ratio,
    steps=(
        Step(
            "the tokens by how far apart experts are",
            substitute(APART.for_(micro_batch)),
            equation(hot_ratio, 1 + sqrt(6) * crowding + crowding**2),
        ),
        Step(
            "twice as much, and one more",
            both_sides(2 * side + 1),
            equation(2 * hot_ratio + 1, 3 + 2 * sqrt(6) * crowding + 2 * crowding**2),
        ),
        Step("a square", identity(), equation(2 * hot_ratio + 1, (sqrt(3) + sqrt(2) * crowding) ** 2)),
        Step("its root", both_sides(sqrt(side)), equation(sqrt(2 * hot_ratio + 1), sqrt(3) + sqrt(2) * crowding)),
        Step("solve for it", solve_for(crowding), equation(crowding, FARTHEST / sqrt(2))),
    ),
    assumes=(),
    sources=(CRAMER,),
    example=near_the_mean,
    example_text=NEAR,
)

enough = Derivation(
    name="tokens-for-even-experts",
    title="Tokens that keep the hottest expert near the mean",
    rows=("11.5",),
    claim="Twice as even asks for nearly four times the tokens; sparser models ask for more.",
    start=APART,
    steps=(
        Step("solve for the tokens", solve_for(micro_batch), equation(micro_batch, PER_TOKEN / (3 * crowding**2))),
        Step(
            "how far apart experts may be",
            substitute(apart),
            equation(micro_batch, 2 * PER_TOKEN / (3 * FARTHEST**2)),
        ),
    ),
    assumes=(),
    sources=(CRAMER,),
    example=near_the_mean,
    example_text=NEAR,
    holds=(more(FARTHEST, 0),),
)


def inputs(tokens: float = 2048.0) -> dict[str, float]:
    return {symbol.name: v3(tokens)[symbol] for symbol in (experts_routed, experts_per_token, micro_batch)}


def counts_that_fit(mean: float) -> float:
    """The mean of the largest of 256 independent Poisson counts, over what the theorem says."""
    return largest_on_average(256, mean) / float(Scenario(v3(32 * mean)).evaluate(hottest.result.rhs))


DERIVATIONS = (hottest, ratio, apart, enough)

CLAIMS = tuple(
    Claim(
        "11.5",
        f"256 experts, {mean:g} copies each on average: the mean of the largest of as many Poisson "
        "counts, worked out exactly, over the theorem's: no more than one",
        None,
        partial(counts_that_fit, mean),
        partial(inputs, 32 * mean),
        source=Source.OWN,
        must=lambda value: 0.5 < value <= 1,
    )
    for mean in (0.1, 1.0, 4.0, 64.0, 1024.0)
)
