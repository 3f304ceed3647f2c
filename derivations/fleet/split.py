"""Chapter 13, fleets: how many chips prefill and how many decode, and what another ratio loses."""

from functools import partial

from sympy import Expr, Le

from steptime.derivations.axioms import BUSY_SHARE, PARTS_OF_CHIPS
from steptime.derivations.facts import Chosen, Crossing, Defined, Given, Modelled
from steptime.derivations.fleet.numbers import APART, DISTSERVE, FEW, MANY_PREFILL, SPLITWISE, apart
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.rules import branch, equation, optimum, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.fleet import split

from steptime.model.fleet.symbols import (  # isort: skip
    balanced_ratio, chips_ratio, decode_chips, decode_load, decode_work, fleet_chips, kept_share, most_requests,
    prefill_chips, prefill_load, prefill_work, request_interval, served_requests,
)  # fmt: skip

SOURCES = (DISTSERVE, SPLITWISE)
RATIO = Defined(chips_ratio, prefill_chips / decode_chips, "the chips that prefill over those that decode")
prefill_need, decode_need = prefill_work / prefill_load, decode_work / decode_load
"""Chip-seconds that must be bought for a request in each phase, idle ones with them; shorthands in the lines below."""

ratio = Derivation(
    name="split-ratio",
    title="Chips that prefill to chips that decode, by their work",
    rows=("13.2",),
    claim="Neither phase waits for the other where both keep up with the same requests; each may be idle for a share.",
    start=Crossing(
        Modelled(served_requests, split.prefill_serves),
        Modelled(served_requests, split.decode_serves),
        "both phases serve equally many requests a second",
    ),
    steps=(
        Step(
            "solve for the chips that prefill",
            solve_for(prefill_chips),
            equation(prefill_chips, decode_chips * decode_load * prefill_work / (decode_work * prefill_load)),
        ),
        Step(
            "by the ratio",
            substitute(RATIO.for_(prefill_chips)),
            equation(
                chips_ratio * decode_chips, decode_chips * decode_load * prefill_work / (decode_work * prefill_load)
            ),
        ),
        Step("solve for the ratio", solve_for(chips_ratio), equation(chips_ratio, split.balanced)),
    ),
    assumes=(BUSY_SHARE,),
    sources=SOURCES,
    example=apart,
    example_text=APART,
)


def binding(name: str, phase: str, other: str, serves: Expr, others: Expr, more: str) -> Derivation:
    """What a fleet serves where one phase is the slower one."""
    return Derivation(
        name=name,
        title=f"Requests per second where {phase} binds",
        rows=("13.2",),
        claim=f"With {more} chips that prefill than the ratio says {other} waits for {phase}: its chips are idle.",
        start=Modelled(served_requests, split.served),
        steps=(Step(f"{phase} is the slower one", branch(split.served, serves), equation(served_requests, serves)),),
        assumes=(BUSY_SHARE,),
        sources=SOURCES,
        example=apart if more == "fewer" else partial(apart, 10.0, 22.0),
        example_text=FEW if more == "fewer" else MANY_PREFILL,
        holds=(at_least(others, serves),),
    )


prefill_binds = binding("prefill-binds", "prefill", "decode", split.prefill_serves, split.decode_serves, "fewer")
decode_binds = binding("decode-binds", "decode", "prefill", split.decode_serves, split.prefill_serves, "more")

WITHIN = Given(
    Le(prefill_chips + decode_chips, fleet_chips, evaluate=False), "both phases together have no more than all chips"
)
SOONEST = (
    Chosen(prefill_chips, "so many chips prefill that most requests are served"),
    Chosen(decode_chips, "so many chips decode that most requests are served"),
)
least = (prefill_need + decode_need) / fleet_chips
best = Derivation(
    name="best-split",
    title="The best split of a fleet over prefill and decode",
    rows=("13.2",),
    claim="Chips go to the phases as their work: no other split serves more, and one more chip is worth its share.",
    start=Modelled(request_interval, split.interval),
    steps=(
        Step(
            "the multipliers of both phases prove it",
            optimum(
                within=WITHIN.relation,
                at=(
                    equation(prefill_chips, fleet_chips * prefill_need / (prefill_need + decode_need)),
                    equation(decode_chips, fleet_chips * decode_need / (prefill_need + decode_need)),
                ),
                value=least,
                weights=tuple(
                    need / (prefill_need + decode_need)
                    for need in (
                        prefill_need if term.has(prefill_chips) else decode_need for term in split.interval.args
                    )
                ),
                price=least / fleet_chips,
            ),
            equation(request_interval, (prefill_work / prefill_load + decode_work / decode_load) / fleet_chips),
        ),
    ),
    assumes=(BUSY_SHARE, PARTS_OF_CHIPS, WITHIN, *SOONEST),
    sources=SOURCES,
    example=apart,
    example_text=f"{APART}; 32 chips",
)

BALANCED = Defined(balanced_ratio, split.balanced, "the ratio at which neither phase waits")
KEPT = Defined(kept_share, served_requests / most_requests, "what is served over what as many chips serve at best")


def kept(name: str, serves: Expr, few: bool, gives: Expr) -> Derivation:
    """What a ratio serves of what the best one does, with too few chips that prefill or with too many."""
    what = "few" if few else "many"
    return Derivation(
        name=name,
        title=f"What is served with too {what} chips that prefill",
        rows=("13.2",),
        claim="A whole ratio near the best loses little: the share of the chips that its slower phase lacks.",
        start=KEPT,
        steps=(
            Step(
                "put in both",
                substitute(Modelled(served_requests, split.served), Modelled(most_requests, split.best_of_all)),
                equation(kept_share, split.served / split.best_of_all),
            ),
            Step(
                f"too {what} prefill",
                branch(split.served, serves),
                equation(kept_share, serves / split.best_of_all),
            ),
            Step(
                "by the ratio of chips, and the best one",
                substitute(RATIO.for_(prefill_chips), BALANCED.for_(prefill_work)),
                equation(kept_share, gives),
            ),
        ),
        assumes=(BUSY_SHARE,),
        sources=SOURCES,
        example=apart if few else partial(apart, 10.0, 22.0),
        example_text=FEW if few else MANY_PREFILL,
        holds=(at_least(balanced_ratio, chips_ratio) if few else at_least(chips_ratio, balanced_ratio),),
    )


too_few = kept(
    "kept-with-few",
    split.prefill_serves,
    True,
    chips_ratio * (1 + balanced_ratio) / (balanced_ratio * (1 + chips_ratio)),
)
too_many = kept("kept-with-many", split.decode_serves, False, (1 + balanced_ratio) / (1 + chips_ratio))

DERIVATIONS = (ratio, prefill_binds, decode_binds, best, too_few, too_many)
