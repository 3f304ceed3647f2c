"""Chapter 11, in practice: what experts held twice guarantee, whatever a router's favourites."""

from functools import partial

from steptime.derivations.axioms import COPIES_SPLIT
from steptime.derivations.batch.symbols import experts_routed
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Defined
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.practice.hottest import SEVERAL, inputs, v3
from steptime.derivations.practice.symbols import redundant_experts, slot_ratio, slot_share
from steptime.derivations.rules import equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step

DEEPSEEK = "DeepSeek-AI 2025, DeepSeek-V3/R1 Inference System Overview (open-infra-index, day 6)"

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


DERIVATIONS = (most_share, most_ratio, needed)

CLAIMS = (
    *(
        Claim(
            "11.5",
            f"DeepSeek-V3's 256 experts and 32 more on {chips} chips: places on each ({DEEPSEEK}, {phase})",
            said,
            partial(_places, chips),
            inputs,
            source=Source.PAPER,
        )
        for chips, phase, said in ((32, "prefill", 9.0), (144, "decode", 2.0))
    ),
    *(
        Claim(
            "11.5",
            f"Favourites that fall off with power {power:g} of their rank: the hottest of 288 places, placed "
            "one by one, over one in 32: no more than one",
            None,
            partial(_skewed, power),
            inputs,
            source=Source.OWN,
            must=lambda value: value <= 1 + 1e-12,
        )
        for power in (0.5, 1.0, 3.0, 20.0)
    ),
)
