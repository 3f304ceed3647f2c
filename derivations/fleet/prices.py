"""Chapter 13, fleets: two machines by their prices, and the price ratio at which a token costs the same on both."""

from collections.abc import Callable, Mapping
from functools import partial

from sympy import Expr, Symbol, ceiling
from sympy.core.relational import Relational

from steptime.derivations.axioms import EVEN_CHIPS, FULL_OVERLAP, PAID_THROUGHOUT
from steptime.derivations.facts import Compared, Crossing, Defined, Modelled
from steptime.derivations.fleet.numbers import DECODE, LINKED, MANY, MIXED, WHOLE, two
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.rules import both_sides, branch, equation, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.fleet import prices

from steptime.model.fleet.symbols import (  # isort: skip
    bandwidth_a, bandwidth_b, cost_a, cost_b, cost_relation, demanded_rate, fleet_cost, link_a, link_b, other_cost,
    peak_a, peak_b, price_a, price_b, price_ratio, rate_a, rate_b, size_a, size_b, token_bytes, token_flops, token_sent,
)  # fmt: skip

LECTURE = "Pope 2026, blackboard lecture, chapter 1: a token costs its chips' price over their tokens a second"
ON_A, ON_B = Modelled(cost_a, prices.cost_on_a), Modelled(cost_b, prices.cost_on_b)
RATIO = Defined(price_ratio, price_a / price_b, "the price of a chip of A over that of a chip of B")

even = Derivation(
    name="break-even-price",
    title="The price ratio at which two machines cost the same",
    rows=("13.1",),
    claim="A chip may cost as many times more as it serves more: below that ratio A is cheaper, above it B.",
    start=Crossing(ON_A, ON_B, "a token costs the same on both"),
    steps=(
        Step("solve for a price", solve_for(price_a), equation(price_a, price_b * rate_a / rate_b)),
        Step(
            "by the ratio of prices",
            substitute(RATIO.for_(price_a)),
            equation(price_ratio * price_b, price_b * rate_a / rate_b),
        ),
        Step("for one dollar of B", both_sides(side / price_b), equation(price_ratio, prices.break_even)),
    ),
    assumes=(PAID_THROUGHOUT,),
    sources=(LECTURE,),
    example=two,
    example_text=DECODE,
)

relation = Derivation(
    name="cost-by-price-ratio",
    title="What a token costs on one machine over what it costs on another",
    rows=("13.1",),
    claim="It is below one exactly where the price ratio is below the ratio of rates: in proportion, without a limit.",
    start=Compared(cost_relation, ON_A, ON_B, "dollars per token on A over those on B"),
    steps=(
        Step(
            "by the ratio of prices",
            substitute(RATIO.for_(price_a)),
            equation(cost_relation, price_ratio * rate_b / rate_a),
        ),
    ),
    assumes=(PAID_THROUGHOUT,),
    sources=(LECTURE,),
    example=two,
    example_text=DECODE,
)

ON = {
    "A": (token_bytes / bandwidth_a, token_flops / peak_a, token_sent / link_a),
    "B": (token_bytes / bandwidth_b, token_flops / peak_b, token_sent / link_b),
}
LONGEST = {"A": (1 / prices.rate_on_a), "B": (1 / prices.rate_on_b)}
WORDS = ("memory", "FLOP/s", "links")


def regime(
    name: str,
    claim: str,
    binds: tuple[int, int],
    example: Callable[[], Mapping[Symbol, float]],
    example_text: str,
) -> Derivation:
    """The break-even ratio where one resource of A, and one of B, sets the pace: of memory, FLOP/s and links."""
    first, second = ON["A"][binds[0]], ON["B"][binds[1]]
    said = WORDS[binds[0]] if binds[0] == binds[1] else f"{WORDS[binds[0]]} of A and {WORDS[binds[1]]} of B"
    return Derivation(
        name=name,
        title=f"The break-even price ratio where {said} set{'s' if said == 'memory' else ''} the pace",
        rows=("13.1",),
        claim=claim,
        start=even,
        steps=(
            Step(
                "what a chip of each serves",
                substitute(Modelled(rate_a, prices.rate_on_a), Modelled(rate_b, prices.rate_on_b)),
                equation(price_ratio, LONGEST["B"] / LONGEST["A"]),
            ),
            Step(
                f"{WORDS[binds[0]]} of A",
                branch(LONGEST["A"], first),
                equation(price_ratio, LONGEST["B"] / first),
            ),
            Step(f"{WORDS[binds[1]]} of B", branch(LONGEST["B"], second), equation(price_ratio, second / first)),
        ),
        assumes=(FULL_OVERLAP, EVEN_CHIPS),
        sources=(LECTURE,),
        example=example,
        example_text=example_text,
        holds=(*not_above(first, ON["A"]), *not_above(second, ON["B"])),
    )


def not_above(largest: Expr, all_of: tuple[Expr, ...]) -> tuple[Relational, ...]:
    """That none of several takes longer than one of them."""
    return tuple(at_least(largest, other) for other in all_of if other != largest)


by_memory = regime(
    "break-even-memory", "Bandwidth alone is bought: neither FLOP/s nor links change what a chip is worth.", (0, 0),
    two, DECODE,
)  # fmt: skip
by_compute = regime(
    "break-even-compute", "FLOP/s alone are bought, as in a prefill: faster memory is worth nothing.", (1, 1),
    partial(two, "b200-sxm", "h100-sxm", 4096, 1), MANY,
)  # fmt: skip
by_links = regime(
    "break-even-links", "Where exchanges set the pace a chip is worth its links.", (2, 2),
    partial(two, "l40s", "l4", 1024, 100), LINKED,
)  # fmt: skip
by_two = regime(
    "break-even-memory-compute", "A reads while B multiplies: the work of a token decides, not one rate.", (0, 1),
    partial(two, "h100-sxm", "h20", 200, 500), MIXED,
)  # fmt: skip

whole = Derivation(
    name="break-even-whole",
    title="The break-even price ratio of whole machines",
    rows=("13.1",),
    claim="Machines of many chips are bought whole: a small demand pays for the larger machine's idle chips.",
    start=Crossing(
        Modelled(fleet_cost, prices.whole_on_a),
        Modelled(other_cost, prices.whole_on_b),
        "as many whole machines as the demand takes cost the same",
    ),
    steps=(
        Step(
            "solve for a price",
            solve_for(price_a),
            equation(
                price_a,
                price_b
                * size_b
                * ceiling(demanded_rate / (size_b * rate_b))
                / (size_a * ceiling(demanded_rate / (size_a * rate_a))),
            ),
        ),
        Step(
            "by the ratio of prices",
            substitute(RATIO.for_(price_a)),
            equation(
                price_ratio * price_b,
                price_b
                * size_b
                * ceiling(demanded_rate / (size_b * rate_b))
                / (size_a * ceiling(demanded_rate / (size_a * rate_a))),
            ),
        ),
        Step("for one dollar of B", both_sides(side / price_b), equation(price_ratio, prices.whole_break_even)),
    ),
    assumes=(PAID_THROUGHOUT,),
    sources=(LECTURE,),
    example=two,
    example_text=WHOLE,
)

DERIVATIONS = (even, relation, by_memory, by_compute, by_links, by_two, whole)
