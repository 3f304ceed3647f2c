"""Chapter 11, in practice: the expert to which most tokens go, and what experts held twice do about it."""

from collections.abc import Mapping
from functools import partial

from sympy import Symbol, log, sqrt

from steptime.derivations.axioms import COPIES_SPLIT, INDEPENDENT, UNIFORM
from steptime.derivations.batch.symbols import experts_routed
from steptime.derivations.claims import Claim, Source
from steptime.derivations.experts.symbols import experts_per_token
from steptime.derivations.facts import Defined, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.practice.fullest import counts_that_fit, largest
from steptime.derivations.practice.numbers import CRAMER
from steptime.derivations.rules import equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.symbols import micro_batch

from steptime.derivations.practice.symbols import (  # isort: skip
    excess_variance, hot_ratio, hottest_copies, largest_excess, mean_copies, redundant_experts,
    slot_ratio, slot_share, waiting_chips,
)  # fmt: skip

DEEPSEEK = "DeepSeek-AI 2025, DeepSeek-V3/R1 Inference System Overview (open-infra-index, day 6)"
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
    }


MEAN = given(
    mean_copies, micro_batch * experts_per_token / experts_routed, "no expert is chosen more often than others"
)
AS_THEY_FALL = given(excess_variance, mean_copies, "copies fall as tokens come: the variance of a count is its mean")
EXPERTS_WAIT = given(waiting_chips, experts_routed, "the slowest of all experts is waited for")

hottest = Derivation(
    name="hottest-expert",
    title="Copies of tokens at the hottest of many experts",
    rows=("11.5",),
    claim="Even a router without favourites fills experts unevenly: the mean, and a root that many tokens outgrow.",
    start=Defined(hottest_copies, mean_copies + largest_excess, "the mean, and what the largest exceeds it by"),
    steps=(
        Step(
            "put in the largest of many",
            substitute(largest),
            equation(hottest_copies, mean_copies + sqrt(2 * excess_variance * log(waiting_chips))),
        ),
        Step(
            "the variance of a count, over all experts",
            substitute(AS_THEY_FALL, EXPERTS_WAIT),
            equation(hottest_copies, mean_copies + sqrt(2 * mean_copies * log(experts_routed))),
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
    claim="It falls with the root of the tokens: large batches even out what no router has to. Favourites come on top.",
    start=Defined(hot_ratio, hottest_copies / mean_copies, "the hottest expert's copies over the mean one's"),
    steps=(
        Step(
            "put in the hottest",
            substitute(hottest),
            equation(hot_ratio, 1 + sqrt(2 * log(experts_routed) / mean_copies)),
        ),
        Step(
            "the mean by the tokens",
            substitute(MEAN),
            equation(hot_ratio, 1 + sqrt(2 * experts_routed * log(experts_routed) / (micro_batch * experts_per_token))),
        ),
    ),
    assumes=(MEAN,),
    sources=(CRAMER,),
    example=v3,
    example_text=SEVERAL,
)

enough = Derivation(
    name="tokens-for-even-experts",
    title="Tokens that keep the hottest expert near the mean",
    rows=("11.5",),
    claim="Twice as even asks for four times the tokens; sparser models ask for more.",
    start=ratio,
    steps=(
        Step(
            "solve for the tokens",
            solve_for(micro_batch),
            equation(
                micro_batch, 2 * experts_routed * log(experts_routed) / (experts_per_token * (hot_ratio - 1) ** 2)
            ),
        ),
    ),
    assumes=(),
    sources=(CRAMER,),
    example=v3,
    example_text=f"{SEVERAL}; the hottest at one and a half times the mean",
    holds=(more(hot_ratio, 1),),
)
ENOUGH = Defined(
    redundant_experts,
    1 / slot_share,
    "enough for any favourites: each expert takes its share over the limit, rounded up by less than one place, and all "
    "shares together are one",
)

most_share = Derivation(
    name="redundant-experts-share",
    title="What redundant experts guarantee, whatever the favourites",
    rows=("11.5",),
    claim="With r of them placed for the load as it is, no place receives more than one copy in r: one expert that all "
    "tokens chose would be held r times over.",
    start=ENOUGH,
    steps=(Step("solve for the share", solve_for(slot_share), equation(slot_share, 1 / redundant_experts)),),
    assumes=(COPIES_SPLIT,),
    sources=(DEEPSEEK,),
    example=v3,
    example_text=SEVERAL,
)

most_ratio = Derivation(
    name="redundant-experts-ratio",
    title="The hottest place over the mean one, at most, with redundant experts",
    rows=("11.5",),
    claim="Without them there is no bound but the number of experts over those that a token chooses; an eighth more "
    "places bound it by nine, however skewed the router.",
    start=Defined(slot_ratio, slot_share * (experts_routed + redundant_experts), "its share times the places"),
    steps=(
        Step(
            "the share that is guaranteed",
            substitute(most_share),
            equation(slot_ratio, 1 + experts_routed / redundant_experts),
        ),
    ),
    assumes=(),
    sources=(DEEPSEEK,),
    example=v3,
    example_text=SEVERAL,
)

needed = Derivation(
    name="redundant-experts-needed",
    title="Redundant experts that keep any router's favourites at bay",
    rows=("11.5",),
    claim="Every expert over, for a hottest place at twice the mean; half of them for three times.",
    start=most_ratio,
    steps=(
        Step(
            "solve for the experts",
            solve_for(redundant_experts),
            equation(redundant_experts, experts_routed / (slot_ratio - 1)),
        ),
    ),
    assumes=(),
    sources=(DEEPSEEK,),
    example=lambda: {**v3(), slot_ratio: 9.0},
    example_text=f"{SEVERAL}; the hottest place at nine times the mean",
    holds=(more(slot_ratio, 1), at_least(experts_routed + 1, slot_ratio)),
)


def _inputs(tokens: float = 2048.0) -> dict[str, float]:
    return {symbol.name: v3(tokens)[symbol] for symbol in (experts_routed, experts_per_token, micro_batch)}


def _places(chips: int) -> float:
    """Experts that each of so many chips holds."""
    values = v3()
    return (values[experts_routed] + values[redundant_experts]) / chips


def guaranteed(shares: list[float], again: int) -> float:
    """The largest share of one place after each expert in turn that is hottest is held once more."""
    held = [1] * len(shares)
    for _ in range(again):
        hot = max(range(len(shares)), key=lambda place: shares[place] / held[place])
        held[hot] += 1
    return max(share / copies for share, copies in zip(shares, held, strict=True))


def _skewed(power: float) -> float:
    """The hottest place's share for a router whose favourites fall off as a power, over what is guaranteed."""
    weights = [1 / rank**power for rank in range(1, 257)]
    return guaranteed([weight / sum(weights) for weight in weights], 32) * 32


DERIVATIONS = (hottest, ratio, enough, most_share, most_ratio, needed)

CLAIMS = (
    *(
        Claim(
            "11.5",
            f"DeepSeek-V3's 256 experts and 32 more on {chips} chips: places on each ({DEEPSEEK}, {phase})",
            said,
            partial(_places, chips),
            _inputs,
            source=Source.PAPER,
        )
        for chips, phase, said in ((32, "prefill", 9.0), (144, "decode", 2.0))
    ),
    *(
        Claim(
            "11.5",
            f"256 experts, {mean:g} copies each on average: the mean of the largest of as many Poisson "
            "counts, worked out exactly, over the theorem's: one, or a little less or more",
            None,
            partial(counts_that_fit, 256, mean),
            partial(_inputs, 32 * mean),
            source=Source.OWN,
            must=lambda value: 0.75 < value <= 1.05,
        )
        for mean in (4.0, 64.0, 1024.0)
    ),
    *(
        Claim(
            "11.5",
            f"Favourites that fall off with power {power:g} of their rank: the hottest of 288 places, placed "
            "one by one, over one in 32: no more than one",
            None,
            partial(_skewed, power),
            _inputs,
            source=Source.OWN,
            must=lambda value: value <= 1 + 1e-12,
        )
        for power in (0.5, 1.0, 3.0, 20.0)
    ),
)
