"""Chapter 7, where the money goes: what a term's time is worth on the best machine, which is its share of the spend."""

from collections.abc import Mapping

from sympy import Expr, Le, S

from steptime.derivations.axioms import PROPORTIONAL_PRICES, WRITTEN_OFF
from steptime.derivations.batch.symbols import token_cost
from steptime.derivations.claims import Claim, Wording
from steptime.derivations.facts import Best, Given, Modelled, instance
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.machine import formulas
from steptime.derivations.machine.costs import Parts
from steptime.derivations.machine.machine import LECTURE, bought
from steptime.derivations.machine.shares import ENDS
from steptime.derivations.rules import equation, identity, optimum, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario

from steptime.derivations.machine.stacks import (  # isort: skip
    BANDWIDTH_WORK, ENOUGH, OTHER_WORK, RESOURCES, TEXT, WORK, for_bandwidth, v3,
)  # fmt: skip
from steptime.derivations.machine.symbols import (  # isort: skip
    cost_elasticity, raised_cost, rise, stack_share, step_tokens,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    base_cost, budget, capacity_needed, flops_price, link_price, machine_flops, machine_life, machine_link_bandwidth,
    machine_scale_out_bandwidth, scale_out_price, stack_bandwidth, stack_capacity, stack_price, stacks, step_flops,
    step_link_bytes, step_memory_bytes, step_scale_out_bytes, step_time,
)  # fmt: skip


def within_step(term: Expr, what: str) -> Given:
    """That a term is done within the step time."""
    return Given(Le(term, step_time), f"{what} within the step time")


IN_TIME = (
    within_step(formulas.compute_time, "the machine computes"),
    within_step(formulas.stack_time, "the stacks are read"),
    within_step(formulas.link_time, "scale-up sends"),
    within_step(formulas.scale_out_time, "scale-out sends"),
)
PER_DOLLAR_SECOND = 1 / (machine_life * step_tokens)  # dollars of a token for a dollar-second of a step

cheapest = Derivation(
    name="fastest-is-cheapest",
    title="Why the fastest machine is the cheapest per token",
    rows=("7.1",),
    claim="What the work asks for costs the same however fast it is done; only the base is paid by the second.",
    start=Modelled(token_cost, formulas.cost_of_stacked),
    steps=(
        Step(
            "none that keeps the step time is cheaper than the machine on which nothing idles; its cost rises with it",
            optimum(
                within=tuple(limit.relation for limit in (*IN_TIME, ENOUGH)),
                at=(
                    equation(machine_flops, step_flops / step_time),
                    equation(stacks, formulas.stacks_for_bandwidth),
                    equation(machine_link_bandwidth, step_link_bytes / step_time),
                    equation(machine_scale_out_bandwidth, formulas.needed_scale_out_bandwidth),
                ),
                value=(base_cost * step_time + WORK) * PER_DOLLAR_SECOND,
                weights=(S.One,),
                price=(
                    flops_price * step_flops * PER_DOLLAR_SECOND / step_time,
                    BANDWIDTH_WORK * PER_DOLLAR_SECOND / step_time,
                    link_price * step_link_bytes * PER_DOLLAR_SECOND / step_time,
                    scale_out_price * step_scale_out_bytes * PER_DOLLAR_SECOND / step_time,
                    S.Zero,
                ),
            ),
            equation(
                token_cost,
                base_cost * step_time / (machine_life * step_tokens)
                + (OTHER_WORK + BANDWIDTH_WORK) / (machine_life * step_tokens),
            ),
        ),
    ),
    assumes=(
        WRITTEN_OFF,
        PROPORTIONAL_PRICES,
        *IN_TIME,
        ENOUGH,
        *bought("makes a token cheapest", *RESOURCES),
    ),
    sources=(LECTURE,),
    example=lambda: {**v3(), step_time: for_bandwidth.evaluate()},
    example_text=TEXT,
    holds=(at_least(step_memory_bytes * stack_capacity, capacity_needed * stack_bandwidth * step_time),),
)

on_budget = Derivation(
    name="cost-on-budget",
    title="What a token costs on the fastest machine that a budget buys",
    rows=("7.1",),
    claim="A token costs the dollar-seconds of its work, and its part of the base.",
    start=Modelled(token_cost, formulas.cost_on_budget),
    steps=(
        Step(
            "the shortest step",
            substitute(for_bandwidth),
            equation(token_cost, budget * WORK / ((budget - base_cost) * machine_life * step_tokens)),
        ),
    ),
    assumes=(WRITTEN_OFF,),
    sources=(LECTURE,),
    example=v3,
    example_text=TEXT,
    holds=for_bandwidth.holds,
)

term_price = Derivation(
    name="term-price-is-share",
    title="What the time of a term is worth on a balanced machine",
    rows=("7.1", "7.2"),
    claim="One per cent more memory traffic makes a token dearer by memory's share of what can be chosen, per cent.",
    start=Modelled(cost_elasticity, formulas.elasticity_of_work),
    steps=(
        Step(
            "cost before, and with more traffic on the machine that is then best",
            substitute(
                instance(on_budget, {token_cost: raised_cost, step_memory_bytes: step_memory_bytes * (1 + rise)}),
                on_budget,
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
    assumes=(),
    sources=(LECTURE,),
    example=v3,
    example_text=TEXT,
    holds=for_bandwidth.holds,
)

share_of_stacks = Derivation(
    name="stacks-share",
    title="Share of what can be chosen that is spent on stacks",
    rows=("7.1", "7.2"),
    claim="As much is spent on memory as its time is worth: the price of a term is its share of the spend.",
    start=Modelled(stack_share, formulas.share_on_stacks),
    steps=(
        Step(
            "as many stacks as are best",
            substitute(Best(for_bandwidth, stacks)),
            equation(stack_share, BANDWIDTH_WORK / (OTHER_WORK + BANDWIDTH_WORK)),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=v3,
    example_text=TEXT,
    holds=for_bandwidth.holds,
)


DERIVATIONS = (cheapest, on_budget, term_price, share_of_stacks)


def memory_worth(parts: Parts) -> float:
    return float(Scenario(v3(parts)).evaluate(term_price.result.rhs))


def inputs(parts: Parts) -> Mapping[str, float | str]:
    shown = (flops_price, stack_price, stack_bandwidth, link_price, step_flops, step_memory_bytes, step_link_bytes)
    return {symbol.name: v3(parts)[symbol] for symbol in shown} | {"prices": parts.source, "case": TEXT}


def at_an_end(end: str, parts: Parts) -> Claim:
    """What is said of memory's share, against one end of the interval that published prices leave."""
    said = "what memory's time is worth on a balanced machine: about half, as is spent on it"
    return Claim("7.2", f"{said}: {end}", 0.5, lambda: memory_worth(parts), lambda: inputs(parts), Wording.ABOUT,
                 must=lambda value: 0 < value < 1)  # fmt: skip


CLAIMS = tuple(at_an_end(end, parts) for end, parts in ENDS)
