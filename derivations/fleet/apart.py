"""Chapter 13, fleets: attention and experts on chips of their own, micro-batches going to and fro between them."""

from collections.abc import Callable, Mapping

from sympy import Ge, Le

from steptime.derivations.axioms import IN_TURN_TO_AND_FRO, PAID_THROUGHOUT, PARTS_OF_CHIPS
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Chosen, Crossing, Defined, Given, Modelled, given
from steptime.derivations.fleet.numbers import FEW_ROUNDS, MEGASCALE, ROUNDS, STEP_3, hidden_at, rounds
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import branch, equation, extreme, optimum, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.fleet import apart
from steptime.model.symbols import layers, micro_batches

from steptime.derivations.fleet.symbols import cost_of_apart, round_slack, round_wait  # isort: skip
from steptime.model.fleet.symbols import (  # isort: skip
    apart_time, attention_chips, attention_time, attention_work, expert_chips, expert_time, experts_work, fleet_chips,
    layer_cost, layer_interval, layer_round, passing_time, price_a, price_b, price_both, returns, slower_time,
    together_cost, together_work,
)  # fmt: skip

SOURCES = (MEGASCALE, STEP_3)
ORDER = (IN_TURN_TO_AND_FRO,)
m, f = micro_batches, slower_time
LONGEST = Chosen(returns, "the pass takes as long as the longest of all chains", least=False)
LAST = Given(Le(returns, layers - 1, evaluate=False), "a chain goes back once less than there are layers, at most")
SLACK = Defined(round_slack, m * f - layer_round, "the slower side's work on all micro-batches less the round of one")
WAIT = Defined(round_wait, layer_round - m * f, "the round of one micro-batch less the slower side's work on all")
CHAIN = Modelled(apart_time, apart.chain)

busy = Derivation(
    name="apart-kept-busy",
    title="Attention and experts apart, where the slower side never rests",
    rows=("13.5",),
    claim="With enough micro-batches the slower side works all the time: one round fills and drains the other side.",
    start=CHAIN,
    steps=(
        Step(
            "by what all micro-batches keep the slower side busy beyond a round",
            substitute(SLACK.for_(layer_round)),
            equation(apart_time, (returns + 1) * (m * f - round_slack) + (m * layers - 1 - returns * m) * f),
        ),
        Step(
            "every return loses that: the longest chain has none",
            extreme(Ge(returns, 0, evaluate=False), least=False),
            equation(apart_time, m * f - round_slack + (m * layers - 1) * f),
        ),
        Step("by the round again", substitute(SLACK), equation(apart_time, apart.kept_busy)),
    ),
    assumes=(*ORDER, LONGEST),
    sources=SOURCES,
    example=rounds,
    example_text=ROUNDS,
    holds=(at_least(m * f, layer_round),),
)

waiting = Derivation(
    name="apart-waited-for",
    title="Attention and experts apart, where each layer waits for the first micro-batch to come round",
    rows=("13.5",),
    claim="With few micro-batches both sides wait: each layer takes a round, and the last one the rest of them.",
    start=CHAIN,
    steps=(
        Step(
            "by what a round takes beyond the slower side's work",
            substitute(WAIT.for_(layer_round)),
            equation(apart_time, (returns + 1) * (m * f + round_wait) + (m * layers - 1 - returns * m) * f),
        ),
        Step(
            "every return gains that: the longest chain goes through all layers with one micro-batch",
            extreme(LAST.relation, least=False),
            equation(apart_time, layers * (m * f + round_wait) + (m * layers - 1 - (layers - 1) * m) * f),
        ),
        Step("by the round again", substitute(WAIT), equation(apart_time, apart.waited_for)),
    ),
    assumes=(*ORDER, LAST, LONGEST),
    sources=SOURCES,
    example=lambda: rounds(2.0),
    example_text=FEW_ROUNDS,
    holds=(at_least(layer_round, m * f),),
)

SEVERAL = Given(more(layers, 1), "there are several layers")
enough = Derivation(
    name="apart-micro-batches",
    title="Micro-batches that hide the links and the quicker side",
    rows=("13.5",),
    claim="As many as the slower side works through while one comes round: fewer leave it idle, more add nothing.",
    start=Crossing(
        Modelled(apart_time, apart.kept_busy),
        Modelled(apart_time, apart.waited_for),
        "the first micro-batch comes round as the slower side is through with all of them",
    ),
    steps=(Step("solve for the micro-batches", solve_for(m), equation(m, apart.enough)),),
    assumes=(*ORDER, SEVERAL),
    sources=SOURCES,
    example=rounds,
    example_text=ROUNDS,
    holds=(at_least(layer_round, slower_time),),
)

EQUAL = given(expert_time, attention_time, "both sides take equally long")
balanced = Derivation(
    name="apart-micro-batches-balanced",
    title="Micro-batches that hide the links where both sides take equally long",
    rows=("13.5",),
    claim="Two micro-batches, one on either side, and as many more as pass between them meanwhile.",
    start=enough,
    steps=(
        Step(
            "a round, and the slower side",
            substitute(Modelled(layer_round, apart.one_round), Modelled(slower_time, apart.slower)),
            equation(m, apart.one_round / apart.slower),
        ),
        Step(
            "the experts are no slower",
            branch(apart.slower, attention_time),
            equation(m, (attention_time + expert_time + 2 * passing_time) / attention_time),
        ),
        Step("both alike", substitute(EQUAL), equation(m, 2 + 2 * passing_time / attention_time)),
    ),
    assumes=(EQUAL,),
    sources=SOURCES,
    example=rounds,
    example_text=ROUNDS,
    holds=(more(attention_time, 0),),
)

WITHIN = Given(Le(attention_chips + expert_chips, fleet_chips, evaluate=False), "no more chips than there are")
SPLIT = (
    Chosen(attention_chips, "so many chips for attention that micro-batches follow fastest"),
    Chosen(expert_chips, "so many chips for experts that micro-batches follow fastest"),
)
all_work = attention_work + experts_work
split = Derivation(
    name="apart-split",
    title="The best split of chips between attention and experts",
    rows=("13.5",),
    claim="Chips follow the work, so that neither side waits; all of them together are as fast as they could be.",
    start=Modelled(layer_interval, apart.pace),
    steps=(
        Step(
            "the multipliers of both sides prove it",
            optimum(
                within=WITHIN.relation,
                at=(
                    equation(attention_chips, fleet_chips * attention_work / all_work),
                    equation(expert_chips, fleet_chips * experts_work / all_work),
                ),
                value=all_work / fleet_chips,
                weights=tuple(
                    (attention_work if term.has(attention_chips) else experts_work) / all_work
                    for term in apart.pace.args
                ),
                price=all_work / fleet_chips**2,
            ),
            equation(layer_interval, all_work / fleet_chips),
        ),
    ),
    assumes=(*ORDER, PARTS_OF_CHIPS, WITHIN, *SPLIT),
    sources=SOURCES,
    example=rounds,
    example_text=ROUNDS,
)

against = Derivation(
    name="apart-cost",
    title="What attention and experts apart cost, over both on every chip",
    rows=("13.5",),
    claim="Each side on the machine where its work is cheapest; on one machine it is less work, or nothing is gained.",
    start=Defined(cost_of_apart, layer_cost / together_cost, "dollars of a micro-batch's layer, apart over together"),
    steps=(
        Step(
            "what both cost, chips busy all the time",
            substitute(Modelled(layer_cost, apart.cost_apart), Modelled(together_cost, apart.cost_together)),
            equation(cost_of_apart, (price_a * attention_work + price_b * experts_work) / (price_both * together_work)),
        ),
    ),
    assumes=(PAID_THROUGHOUT, PARTS_OF_CHIPS),
    sources=SOURCES,
    example=rounds,
    example_text=ROUNDS,
)

worth = Derivation(
    name="apart-price",
    title="The price of the chips for experts up to which apart costs no more",
    rows=("13.5",),
    claim="What attention leaves of the cost of both together, over the chip-seconds that the experts take.",
    start=Crossing(
        Modelled(layer_cost, apart.cost_apart),
        Modelled(together_cost, apart.cost_together),
        "a micro-batch's layer costs as much apart as together",
    ),
    steps=(
        Step(
            "solve for the price",
            solve_for(price_b),
            equation(price_b, (price_both * together_work - price_a * attention_work) / experts_work),
        ),
    ),
    assumes=(PAID_THROUGHOUT, PARTS_OF_CHIPS),
    sources=SOURCES,
    example=rounds,
    example_text=ROUNDS,
    holds=(more(price_both * together_work, price_a * attention_work),),
)

DERIVATIONS = (busy, waiting, enough, balanced, split, against, worth)


def at_share(share: float) -> Callable[[], float]:
    """Micro-batches that hide passing for such a share of the time of one side."""
    return lambda: hidden_at(balanced.result.rhs, share)


def inputs(share: float) -> Callable[[], Mapping[str, float | str]]:
    return lambda: {"passing_time/attention_time": share}


CLAIMS = tuple(
    Claim("13.5", f"micro-batches that hide links: {said} (MegaScale-Infer)", number, at_share(share), inputs(share),
          source=Source.PAPER)
    for said, number, share in (
        ("where passing takes half of one side's time", 3.0, 0.5), ("where it takes as long", 4.0, 1.0),
    )
)  # fmt: skip
