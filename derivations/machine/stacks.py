"""Chapter 7, where the money goes: a machine of stacks and two tiers of links; the price of a term is its share."""

from collections.abc import Mapping

from sympy import Eq, Expr, S, Symbol

from steptime.derivations.batch.symbols import token_cost
from steptime.derivations.board import is_
from steptime.derivations.claims import Claim
from steptime.derivations.machine import formulas
from steptime.derivations.machine.costs import GB200_RACK, SCALE_OUT_PRICE, YEARS
from steptime.derivations.machine.machine import LECTURE, V3
from steptime.derivations.machine.machine import v3 as machine_v3
from steptime.derivations.rules import equation, identity, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.economics import machine
from steptime.model.scenario import Scenario

from steptime.derivations.machine.symbols import (  # isort: skip
    cost_elasticity, idle_compute, idle_link, raised_cost, rise, step_tokens,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    base_cost, budget, capacity_needed, flops_price, link_price, machine_life, scale_out_price, stack_bandwidth,
    stack_capacity, stack_price, step_flops, step_link_bytes, step_memory_bytes, step_scale_out_bytes, step_time,
)  # fmt: skip

NO_SCALE_OUT = f"{V3}; within one rack, the rest of it {GB200_RACK.other:,.0f} dollars a chip"
FOR_TIME = (
    is_(q.machine_flops, formulas.needed_flops.xreplace({idle_compute: S.Zero})),
    is_(q.machine_link_bandwidth, formulas.needed_link_bandwidth.xreplace({idle_link: S.Zero})),
    is_(q.machine_scale_out_bandwidth, formulas.needed_scale_out_bandwidth),
)
"""What the step time needs of each resource but stacks, and nothing that idles."""
BANDWIDTH_WORK = stack_price * step_memory_bytes / stack_bandwidth
OTHER_WORK = flops_price * step_flops + link_price * step_link_bytes + scale_out_price * step_scale_out_bytes
# what a step weighs in dollar-seconds; shorthands in the lines below


def v3() -> Mapping[Symbol, float]:
    values = machine_v3()
    return {
        **values, base_cost: GB200_RACK.other, budget: values[budget] + GB200_RACK.other,
        scale_out_price: SCALE_OUT_PRICE,
        step_scale_out_bytes: 0.0, q.machine_scale_out_bandwidth: 0.0, step_tokens: values[q.batch] / 72, rise: 0.01,
        machine_life: YEARS * 365.25 * 86400,
    }  # fmt: skip


def fastest(name: str, title: str, claim: str, stacks: Eq, *lines: Expr, holds: Expr) -> Derivation:
    """The step time that a budget buys, with stacks bought for one of the two things that they bring."""
    return Derivation(
        name=name,
        title=title,
        rows=("7.1",),
        claim=claim,
        start=equation(budget, machine.stacked_spend),
        steps=(
            Step("buy what the step time needs", substitute(*FOR_TIME, stacks), equation(budget, lines[0])),
            Step("solve for the step time", solve_for(step_time), equation(step_time, lines[1])),
        ),
        assumes=("all terms overlap in full, and start at once", "prices are proportional to what is bought"),
        sources=(LECTURE,),
        example=v3,
        example_text=NO_SCALE_OUT,
        holds=(holds,),
    )


for_bandwidth = fastest(
    "stacks-for-bandwidth",
    "The shortest step where stacks are bought for their bandwidth",
    "Bytes come with the bandwidth: memory costs its traffic, and capacity nothing.",
    is_(q.stacks, formulas.stacks_for_bandwidth),
    base_cost + (OTHER_WORK + BANDWIDTH_WORK) / step_time,
    (OTHER_WORK + BANDWIDTH_WORK) / (budget - base_cost),
    holds=budget - base_cost,
)
for_bytes = fastest(
    "stacks-for-bytes",
    "The shortest step where stacks are bought for their bytes",
    "Bandwidth comes with the bytes: memory is a fixed charge on the budget, and its traffic costs nothing.",
    is_(q.stacks, machine.stacks_for_bytes),
    base_cost + OTHER_WORK / step_time + stack_price * capacity_needed / stack_capacity,
    OTHER_WORK / (budget - base_cost - stack_price * capacity_needed / stack_capacity),
    holds=budget - base_cost - stack_price * capacity_needed / stack_capacity,
)

cheapest = Derivation(
    name="fastest-is-cheapest",
    title="Why the fastest machine is the cheapest per token",
    rows=("7.1",),
    claim="What the work asks for costs the same however fast it is done; only the base is paid by the second.",
    start=equation(token_cost, machine.stacked_spend / machine_life * step_time / step_tokens),
    steps=(
        Step(
            "buy what the step time needs",
            substitute(*FOR_TIME, is_(q.stacks, formulas.stacks_for_bandwidth)),
            equation(
                token_cost,
                (base_cost + (OTHER_WORK + BANDWIDTH_WORK) / step_time) / machine_life * step_time / step_tokens,
            ),
        ),
        Step(
            "multiply out: it only rises with the step time",
            identity(),
            equation(
                token_cost,
                base_cost * step_time / (machine_life * step_tokens)
                + (OTHER_WORK + BANDWIDTH_WORK) / (machine_life * step_tokens),
            ),
        ),
    ),
    assumes=("a machine is written off evenly over its life", "one workload"),
    sources=(LECTURE,),
    example=lambda: {**v3(), step_time: for_bandwidth.evaluate()},
    example_text=NO_SCALE_OUT,
)


def cost(memory_bytes: Expr) -> Expr:
    """Dollars of a token on the machine that the budget buys, for so much memory traffic in a step."""
    time = for_bandwidth.result.rhs.xreplace({step_memory_bytes: memory_bytes})
    return budget * time / (machine_life * step_tokens)


term_price = Derivation(
    name="term-price-is-share",
    title="What the time of a term is worth on a balanced machine",
    rows=("7.1", "7.2"),
    claim="One per cent more memory traffic makes a token dearer by memory's share of what can be chosen, per cent.",
    start=equation(cost_elasticity, formulas.elasticity_of_work),
    steps=(
        Step(
            "cost before, and with more traffic on the machine that is then best",
            substitute(
                is_(raised_cost, cost(step_memory_bytes * (1 + rise))), is_(token_cost, cost(step_memory_bytes))
            ),
            equation(
                cost_elasticity,
                ((OTHER_WORK + BANDWIDTH_WORK * (1 + rise)) / (OTHER_WORK + BANDWIDTH_WORK) - 1) / rise,
            ),
        ),
        Step(
            "the same for a rise of any size: the machine adjusts",
            identity(),
            equation(cost_elasticity, BANDWIDTH_WORK / (OTHER_WORK + BANDWIDTH_WORK)),
        ),
    ),
    assumes=for_bandwidth.assumes,
    sources=(LECTURE,),
    example=v3,
    example_text=NO_SCALE_OUT,
    holds=for_bandwidth.holds,
)

DERIVATIONS = (for_bandwidth, for_bytes, cheapest, term_price)


def memory_worth() -> float:
    return float(Scenario(v3()).evaluate(term_price.result.rhs))


def inputs() -> Mapping[str, float | str]:
    shown = (flops_price, stack_price, stack_bandwidth, link_price, step_flops, step_memory_bytes, step_link_bytes)
    return {symbol.name: v3()[symbol] for symbol in shown} | {"case": NO_SCALE_OUT}


CLAIMS = (
    Claim("7.2", "what memory's time is worth on a balanced machine: about half, as is spent on it", 0.5, memory_worth,
          inputs, 0.1, must=lambda value: 0 < value < 1),
)  # fmt: skip
