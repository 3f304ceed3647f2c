"""Chapter 13, fleets: when a mix of two machines is cheaper than either alone, and what it saves."""

from sympy import Expr, Symbol
from sympy.core.relational import Relational

from steptime.derivations.axioms import PAID_THROUGHOUT, PARTS_OF_CHIPS
from steptime.derivations.facts import Crossing, Defined, Given, Modelled
from steptime.derivations.fleet.numbers import CLASSES, DANTZIG, classes
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import equation, identity, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.fleet import mixes

from steptime.model.fleet.symbols import (  # isort: skip
    demand_one, demand_two, fleet_cost, mix_excess, mix_saving, other_cost, price_a, price_b, rate_a_one, rate_a_two,
    rate_b_one, rate_b_two, request_value, share_one, share_two,
)  # fmt: skip

CHEAPER_ON_A = Given(
    at_least(price_b * rate_a_one, price_a * rate_b_one), "a request of the first class is no dearer on A than on B"
)
CHEAPER_ON_B = Given(
    at_least(price_a * rate_b_two, price_b * rate_a_two), "a request of the second class is no dearer on B than on A"
)

EXCESS = Defined(mix_excess, fleet_cost - other_cost, "what a fleet costs beyond another that serves the same")
SAVING = Defined(mix_saving, fleet_cost - other_cost, "what one machine for both classes costs beyond one for each")


def compared(one: Expr, other: Expr, symbol: Symbol) -> Step:
    """Put in what two fleets cost."""
    return Step(
        "put in what both cost",
        substitute(Modelled(fleet_cost, one), Modelled(other_cost, other)),
        equation(symbol, one - other),
    )


one_class = Derivation(
    name="mix-of-one-class",
    title="Why one class is served by one machine",
    rows=("13.4",),
    claim="Whatever part of one class the dearer machine serves costs the difference: it is proved not below nought.",
    start=EXCESS,
    steps=(
        compared(mixes.mix_of_one, mixes.one_on_a, mix_excess),
        Step(
            "the part on the other machine",
            identity(),
            equation(mix_excess, demand_one * (1 - share_one) * (price_b / rate_b_one - price_a / rate_a_one)),
        ),
    ),
    assumes=(PAID_THROUGHOUT, PARTS_OF_CHIPS, CHEAPER_ON_A),
    sources=(DANTZIG,),
    example=classes,
    example_text=CLASSES,
)

two_classes = Derivation(
    name="mix-of-two-classes",
    title="Which machine serves which of two classes",
    rows=("13.4",),
    claim="Each class where a request of it is no dearer: no other shares cost less, which is proved of the excess.",
    start=EXCESS,
    steps=(
        compared(mixes.mix_of_two, mixes.one_on_each, mix_excess),
        Step(
            "the parts of both that the other machine serves",
            identity(),
            equation(
                mix_excess,
                demand_one * (1 - share_one) * (price_b / rate_b_one - price_a / rate_a_one)
                + demand_two * share_two * (price_a / rate_a_two - price_b / rate_b_two),
            ),
        ),
    ),
    assumes=(PAID_THROUGHOUT, PARTS_OF_CHIPS, CHEAPER_ON_A, CHEAPER_ON_B),
    sources=(DANTZIG,),
    example=classes,
    example_text=CLASSES,
)


def saved(machine: str, alone: Expr, gives: Expr, wins: Relational) -> Derivation:
    """What a mix saves against one machine for both classes: it saves nothing where the condition does not hold."""
    which = "below the greatest" if machine == "B" else "above the least"
    return Derivation(
        name=f"saving-against-{machine.lower()}",
        title=f"What a mix saves against machine {machine} alone",
        rows=("13.4",),
        claim=f"Something exactly where the price ratio is {which} ratio of rates: where it lies between both, a mix "
        "beats either machine alone.",
        start=SAVING,
        steps=(
            compared(alone, mixes.one_on_each, mix_saving),
            Step(f"the class that leaves machine {machine}", identity(), equation(mix_saving, gives)),
        ),
        assumes=(PAID_THROUGHOUT, PARTS_OF_CHIPS),
        sources=(DANTZIG,),
        example=classes,
        example_text=CLASSES,
        holds=(wins,),
    )


against_a = saved(
    "A", mixes.all_on_a, demand_two * (price_a / rate_a_two - price_b / rate_b_two),
    more(price_a * rate_b_two, price_b * rate_a_two),
)  # fmt: skip
against_b = saved(
    "B", mixes.all_on_b, demand_one * (price_b / rate_b_one - price_a / rate_a_one),
    more(price_b * rate_a_one, price_a * rate_b_one),
)  # fmt: skip

entry = Derivation(
    name="entry-price",
    title="The price below which an unused machine serves a class",
    rows=("13.4",),
    claim="What a second of it is worth at the class's marginal price: its own price less this is its reduced cost.",
    start=Crossing(
        Modelled(request_value, mixes.on_a_one),
        Modelled(request_value, mixes.on_b_one),
        "a request costs as much on the unused machine as where it is served",
    ),
    steps=(
        Step(
            "solve for its price",
            solve_for(price_b),
            equation(price_b, rate_b_one * price_a / rate_a_one),
        ),
    ),
    assumes=(PAID_THROUGHOUT, PARTS_OF_CHIPS),
    sources=(DANTZIG,),
    example=classes,
    example_text=CLASSES,
)

DERIVATIONS = (one_class, two_classes, against_a, against_b, entry)
