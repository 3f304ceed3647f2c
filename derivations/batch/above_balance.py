"""Chapter 1: why one runs somewhat above the balanced batch, where compute and memory do not overlap in full."""

from collections.abc import Mapping
from functools import partial

from sympy import Symbol

from steptime.derivations.axioms import OVERLAP_IN_PART
from steptime.derivations.batch.symbols import balance_multiple, cost_premium, overlapped
from steptime.derivations.batch.terms import LECTURE
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Defined, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import both_sides, equation, identity, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario

BOOK = "Austin et al. 2025, How to Scale Your Model, inference: larger batches than the roofline's still gain"
TWICE = "twice the balanced batch, half of what memory takes hidden behind the multiply-adds"


def above(multiple: float = 2.0, hidden: float = 0.5, premium: float = 1.25) -> Mapping[Symbol, float]:
    """So many times the balanced batch, so much overlapped."""
    return {balance_multiple: multiple, overlapped: hidden, cost_premium: premium}


PREMIUM = Defined(
    cost_premium,
    (balance_multiple + (1 - overlapped)) / balance_multiple,
    "a step takes its multiply-adds, in proportion to the batch, and what of streaming the weights is not hidden "
    "behind them; over its multiply-adds alone",
)

premium = Derivation(
    name="cost-above-balance",
    title="What a token costs above the balanced batch, over the least",
    rows=("1.16",),
    claim="With full overlap the balanced batch is as cheap as any; with none it costs twice the least, and each "
    "further multiple of it takes off less.",
    start=PREMIUM,
    steps=(
        Step(
            "what is not hidden, for each sequence",
            identity(),
            equation(cost_premium, 1 + (1 - overlapped) / balance_multiple),
        ),
    ),
    assumes=(OVERLAP_IN_PART,),
    sources=(LECTURE, BOOK),
    example=above,
    example_text=TWICE,
)

multiple = Derivation(
    name="batch-for-premium",
    title="How far above the balanced batch a token costs no more than so much",
    rows=("1.16",),
    claim="What does not overlap over what one is ready to pay: a third above the least asks for three times the "
    "balanced batch where nothing overlaps, for half as much where half does.",
    start=premium,
    steps=(
        Step(
            "less the least",
            both_sides(side - 1),
            equation(cost_premium - 1, (1 - overlapped) / balance_multiple),
        ),
        Step(
            "solve for the multiple",
            solve_for(balance_multiple),
            equation(balance_multiple, (1 - overlapped) / (cost_premium - 1)),
        ),
    ),
    assumes=(),
    sources=(LECTURE, BOOK),
    example=above,
    example_text=f"{TWICE}; a quarter above the least",
    holds=(more(cost_premium, 1), at_least(2 - overlapped, cost_premium)),
)

revealed = Derivation(
    name="overlap-by-cost",
    title="The overlap that costs at two batches reveal",
    rows=("1.16",),
    claim="A token at the balanced batch costs as much above the least as does not overlap.",
    start=premium,
    steps=(
        Step(
            "solve for the overlap",
            solve_for(overlapped),
            equation(overlapped, 1 - balance_multiple * (cost_premium - 1)),
        ),
    ),
    assumes=(),
    sources=(BOOK,),
    example=above,
    example_text=f"{TWICE}; a quarter above the least",
    holds=(at_least(1 + balance_multiple, balance_multiple * cost_premium),),
)

AT_BALANCE = given(balance_multiple, 1, "the balanced batch itself")
balanced = Derivation(
    name="cost-at-balance",
    title="What a token costs at the balanced batch, over the least",
    rows=("1.16",),
    claim="Between the least and twice as much: the roofline's corner is where overlap matters most.",
    start=premium,
    steps=(Step("the balanced batch", substitute(AT_BALANCE), equation(cost_premium, 2 - overlapped)),),
    assumes=(AT_BALANCE,),
    sources=(LECTURE, BOOK),
    example=above,
    example_text=TWICE,
)


def _premium(times: float, hidden: float) -> float:
    return float(Scenario(above(times, hidden)).evaluate(premium.result.rhs))


def _named(times: float, hidden: float) -> dict[str, float]:
    return {balance_multiple.name: times, overlapped.name: hidden}


DERIVATIONS = (premium, multiple, revealed, balanced)
CLAIMS = tuple(
    Claim(
        "1.16",
        f"{times:g} times the balanced batch, nothing overlapped: cost of a token over the least, within a half",
        None,
        partial(_premium, times, 0.0),
        partial(_named, times, 0.0),
        source=Source.OWN,
        must=lambda value: 1 < value <= 1.5,
    )
    for times in (2.0, 3.0)
)
