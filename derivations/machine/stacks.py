"""Chapter 7, where the money goes: a machine whose memory comes in stacks, bytes and bandwidth together."""

from collections.abc import Callable, Mapping
from functools import cache

from sympy import Expr, Le, S, Symbol
from sympy.core.relational import Relational

from steptime.derivations.axioms import FULL_OVERLAP, PROPORTIONAL_PRICES
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Best, Crossing, Given, Modelled, given, instance
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.machine import formulas
from steptime.derivations.machine.costs import GB200_RACK, SCALE_OUT_PRICE, Parts, machine_numbers
from steptime.derivations.machine.machine import LECTURE, bought, multipliers
from steptime.derivations.machine.symbols import crossover_budget, rise, step_tokens
from steptime.derivations.rules import equation, optimum, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.economics import machine
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    base_cost, budget, capacity_needed, flops_price, link_price, machine_flops, machine_link_bandwidth,
    machine_scale_out_bandwidth, scale_out_price, stack_bandwidth, stack_capacity, stack_price, stacks, step_flops,
    step_link_bytes, step_memory_bytes, step_scale_out_bytes, step_time,
)  # fmt: skip

TEXT = (
    "DeepSeek-V3 (fp8 weights, bf16 KV cache) on two GB200 NVL72, a pipeline stage each, context 4096, 8192 sequences; "
    f"{GB200_RACK.source}, the rest of it {GB200_RACK.other:,.0f} dollars a chip"
)
CHEAP = 3000.0
CHEAP_TEXT = f"{TEXT}; a slow machine, {CHEAP:,.0f} dollars a chip beside that rest"
BANDWIDTH_WORK = stack_price * step_memory_bytes / stack_bandwidth
OTHER_WORK = flops_price * step_flops + link_price * step_link_bytes + scale_out_price * step_scale_out_bytes
WORK = OTHER_WORK + BANDWIDTH_WORK
# what a step weighs in dollar-seconds; shorthands in the lines below
ENOUGH = Given(Le(machine.stacks_for_bytes / stacks, S.One), "the stacks hold what must be held")
WITHIN_BUDGET = Given(Le(machine.stacked_spend, budget), "the machine costs no more than the budget")
LAYOUT = "dp=72,ep=72,pp=2"
READS_ALL_IT_HOLDS = given(capacity_needed, step_memory_bytes, "a step reads all that is held")
RESOURCES = (machine_flops, stacks, machine_link_bandwidth, machine_scale_out_bandwidth)


@cache
def v3(parts: Parts = GB200_RACK) -> Mapping[Symbol, float]:
    """A machine on which stacks are bought for their bandwidth."""
    values = machine_numbers("deepseek-v3", "gb200-nvl72", parts, layout=LAYOUT, context=4096, batch=8192)
    return {
        **values, base_cost: parts.other, budget: parts.whole, scale_out_price: SCALE_OUT_PRICE,
        step_tokens: values[q.batch] / values[q.chips], rise: 0.01,
    }  # fmt: skip


def v3_cheap() -> Mapping[Symbol, float]:
    """One on which they are bought for their bytes: with so little of all else a step outlasts their drain time."""
    return {**v3(), budget: GB200_RACK.other + CHEAP}


def shortest(
    name: str,
    title: str,
    claim: str,
    of_stacks: Expr,
    value: Expr,
    memory_weighs: Expr,
    holds: tuple[Relational, ...],
    example: Callable[[], Mapping[Symbol, float]],
    example_text: str,
) -> Derivation:
    """The least step time that a budget buys, with stacks bought for one of the two things that they bring.

    ``memory_weighs`` is the multiplier of memory's term; the other terms share the rest by what their work costs, and
    what memory's term leaves of the price of a stack falls to its bytes.
    """
    priced = OTHER_WORK if memory_weighs == 0 else WORK
    weights = {
        formulas.compute_time: flops_price * step_flops / priced,
        formulas.stack_time: memory_weighs,
        formulas.link_time: link_price * step_link_bytes / priced,
        formulas.scale_out_time: scale_out_price * step_scale_out_bytes / priced,
    }
    dollar = value**2 / priced  # by how much one dollar more shortens the step
    return Derivation(
        name=name,
        title=title,
        rows=("7.1",),
        claim=claim,
        start=Modelled(step_time, formulas.stacked_time),
        steps=(
            Step(
                "no other machine within the budget that holds what it must is faster: the multipliers prove it",
                optimum(
                    within=(WITHIN_BUDGET.relation, ENOUGH.relation),
                    at=(
                        equation(machine_flops, step_flops / value),
                        equation(stacks, of_stacks),
                        equation(machine_link_bandwidth, step_link_bytes / value),
                        equation(machine_scale_out_bandwidth, step_scale_out_bytes / value),
                    ),
                    value=value,
                    weights=multipliers(formulas.stacked_time, weights),
                    price=(dollar, dollar * stack_price * of_stacks if memory_weighs == 0 else S.Zero),
                ),
                equation(step_time, value),
            ),
        ),
        assumes=(
            FULL_OVERLAP,
            PROPORTIONAL_PRICES,
            WITHIN_BUDGET,
            ENOUGH,
            *bought("makes the step shortest", *RESOURCES),
        ),
        sources=(LECTURE,),
        example=example,
        example_text=example_text,
        holds=holds,
    )


for_bandwidth = shortest(
    "stacks-for-bandwidth",
    "The shortest step where stacks are bought for their bandwidth",
    "Bytes come with the bandwidth: memory costs its traffic, and capacity nothing.",
    step_memory_bytes * (budget - base_cost) / (stack_bandwidth * WORK),
    WORK / (budget - base_cost),
    BANDWIDTH_WORK / WORK,
    (
        more(budget, base_cost),
        at_least(
            step_memory_bytes * stack_capacity * (budget - base_cost),
            capacity_needed * (stack_bandwidth * OTHER_WORK + stack_price * step_memory_bytes),
        ),
    ),
    v3,
    TEXT,
)
for_bytes = shortest(
    "stacks-for-bytes",
    "The shortest step where stacks are bought for their bytes",
    "Bandwidth comes with the bytes: memory is a fixed charge on the budget, and its traffic costs nothing.",
    machine.stacks_for_bytes,
    OTHER_WORK / (budget - base_cost - stack_price * capacity_needed / stack_capacity),
    S.Zero,
    (
        more(stack_capacity * (budget - base_cost), stack_price * capacity_needed),
        at_least(
            capacity_needed * stack_bandwidth * OTHER_WORK,
            step_memory_bytes * (stack_capacity * (budget - base_cost) - stack_price * capacity_needed),
        ),
    ),
    v3_cheap,
    CHEAP_TEXT,
)

crossover = Derivation(
    name="stack-crossover-budget",
    title="The budget from which on stacks are bought for their bandwidth",
    rows=("7.1",),
    claim="A poor machine buys stacks to hold what it must; a rich one, whose step is short, buys more of them.",
    start=Crossing(
        Modelled(stacks, machine.stacks_for_bytes),
        Best(for_bandwidth, stacks),
        "what is bought for its bandwidth just holds what it must",
        over=budget,
        at=crossover_budget,
    ),
    steps=(
        Step(
            "solve for the budget",
            solve_for(crossover_budget),
            equation(
                crossover_budget,
                base_cost + capacity_needed * stack_bandwidth * WORK / (stack_capacity * step_memory_bytes),
            ),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=v3,
    example_text=TEXT,
)

stack_crossover = Derivation(
    name="stack-crossover",
    title="When stacks are bought for their bandwidth",
    rows=("7.1",),
    claim="A step that reads all it holds, in less than the drain time, needs stacks for bandwidth, else for capacity.",
    start=instance(for_bandwidth, {budget: crossover_budget}),
    steps=(
        Step(
            "the step that the budget of the crossover buys",
            substitute(crossover),
            equation(step_time, step_memory_bytes * stack_capacity / (capacity_needed * stack_bandwidth)),
        ),
        Step(
            "a step reads all that is held",
            substitute(READS_ALL_IT_HOLDS),
            equation(step_time, stack_capacity / stack_bandwidth),
        ),
    ),
    assumes=(READS_ALL_IT_HOLDS,),
    sources=(LECTURE,),
    example=v3,
    example_text=TEXT,
)

DERIVATIONS = (for_bandwidth, for_bytes, crossover, stack_crossover)


def at_crossover(what: Expr) -> float:
    """A formula where a step reads all it holds, in the time at which stacks are bought for both."""
    values = {**v3(), capacity_needed: v3()[step_memory_bytes]}
    return float(Scenario({**values, step_time: stack_crossover.evaluate()}).evaluate(what))


CLAIMS = (
    Claim(
        "7.1",
        "a step that reads all it holds needs as many stacks for bandwidth as for bytes at the drain time: GB200",
        None,
        stack_crossover.evaluate,
        lambda: {symbol.name: v3()[symbol] for symbol in (stack_capacity, stack_bandwidth)},
        source=Source.OWN,
        unit="s",
        must=lambda value: abs(at_crossover(formulas.stacks_for_bandwidth / machine.stacks_for_bytes) - 1) < 1e-9,
    ),
)
