"""Chapter 13, fleets: groups of chips are bought whole, and one more of them that may fail."""

from sympy import Le, oo

from steptime.derivations.axioms import BASIC_OPTIMUM, PAID_THROUGHOUT
from steptime.derivations.facts import Chosen, Crossing, Given, Modelled, Tends, given
from steptime.derivations.fleet.numbers import DANTZIG, GROUPS, RACK, SPARE, groups, two
from steptime.derivations.fleet.prices import LECTURE, RATIO
from steptime.derivations.rules import both_sides, equation, extreme, limit, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.fleet import spare

from steptime.model.fleet.symbols import (  # isort: skip
    demanded_rate, fleet_cost, fleet_rows, group_price, group_size, groups_in_part, integrality_gap, needed_chips,
    needed_groups, other_cost, price_a, price_b, price_ratio, rate_a, rate_b, rounding_cost, size_a, size_b,
    spare_factor, whole_groups,
)  # fmt: skip

OF_CHIPS = given(needed_groups, needed_chips / group_size, "as many groups as the chips that are needed make")

factor = Derivation(
    name="spare-group",
    title="What a spare group costs",
    rows=("13.6",),
    claim="One group's share of the chips: it falls with the size of a group, and with what the fleet serves.",
    start=Modelled(spare_factor, spare.with_spare),
    steps=(
        Step(
            "groups of so many chips",
            substitute(OF_CHIPS),
            equation(spare_factor, 1 + group_size / needed_chips),
        ),
    ),
    assumes=(OF_CHIPS,),
    sources=(LECTURE,),
    example=groups,
    example_text=GROUPS,
)

NEXT = Given(
    Le(whole_groups, needed_groups + 1, evaluate=False), "no more groups are bought than the next whole number of them"
)
DEAREST = Chosen(whole_groups, "the most that rounding up can cost", least=False)
rounded = Derivation(
    name="rounding-up",
    title="What it costs, at most, that groups are bought whole",
    rows=("13.6",),
    claim="Less than one group of each kind: small groups, or a large demand, hardly notice.",
    start=Modelled(rounding_cost, spare.rounding),
    steps=(
        Step(
            "up to one more than is needed", extreme(NEXT.relation, least=False), equation(rounding_cost, group_price)
        ),
    ),
    assumes=(NEXT, DEAREST),
    sources=(DANTZIG,),
    example=groups,
    example_text=GROUPS,
)

ROWS = Given(
    Le(groups_in_part, fleet_rows, evaluate=False), "an optimum buys no more kinds of groups than there are rows"
)
MOST = Chosen(groups_in_part, "as many kinds are rounded up as can be", least=False)
all_rows = Derivation(
    name="integrality-gap",
    title="By how much whole groups can be dearer than parts of groups",
    rows=("13.6",),
    claim="By one group, of the dearest kind, for each demand and limit: a bound on the gap of the whole program.",
    start=Modelled(integrality_gap, spare.gap),
    steps=(
        Step("each by one group", substitute(rounded), equation(integrality_gap, groups_in_part * group_price)),
        Step(
            "as many kinds as there are rows",
            extreme(ROWS.relation, least=False),
            equation(integrality_gap, fleet_rows * group_price),
        ),
    ),
    assumes=(BASIC_OPTIMUM, ROWS, MOST),
    sources=(DANTZIG,),
    example=groups,
    example_text=GROUPS,
)

LARGE = Tends(demanded_rate, oo, "ever more is served")
spares = Derivation(
    name="break-even-with-spare",
    title="The break-even price ratio where each fleet has a spare group",
    rows=("13.6",),
    claim="The machine of larger groups must be cheaper by its spare one: chips that it needs and does not use.",
    start=Crossing(
        Modelled(fleet_cost, spare.spare_on_a),
        Modelled(other_cost, spare.spare_on_b),
        "both fleets cost the same, a spare group included",
    ),
    steps=(
        Step(
            "solve for a price",
            solve_for(price_a),
            equation(price_a, price_b * (demanded_rate / rate_b + size_b) / (demanded_rate / rate_a + size_a)),
        ),
        Step(
            "by the ratio of prices",
            substitute(RATIO.for_(price_a)),
            equation(
                price_ratio * price_b,
                price_b * (demanded_rate / rate_b + size_b) / (demanded_rate / rate_a + size_a),
            ),
        ),
        Step(
            "for one dollar of B",
            both_sides(side / price_b),
            equation(price_ratio, (demanded_rate / rate_b + size_b) / (demanded_rate / rate_a + size_a)),
        ),
    ),
    assumes=(PAID_THROUGHOUT,),
    sources=(LECTURE,),
    example=two,
    example_text=SPARE,
)

large = Derivation(
    name="break-even-of-large-fleets",
    title="The break-even price ratio with a spare group each, as fleets grow",
    rows=("13.6",),
    claim="Spare groups do not decide between machines where there are many: the ratio is that of rates again.",
    start=spares,
    steps=(Step("ever more is served", limit(demanded_rate, oo), equation(price_ratio, rate_a / rate_b)),),
    assumes=(LARGE,),
    sources=(LECTURE,),
    example=two,
    example_text=RACK,
)

DERIVATIONS = (factor, rounded, all_rows, spares, large)
