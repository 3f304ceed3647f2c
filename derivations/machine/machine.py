"""Chapter 7, where the money goes: the machine on which compute, memory and links take equal time."""

from collections.abc import Mapping
from functools import cache

from sympy import Expr, Le, Symbol

from steptime.derivations.axioms import FULL_OVERLAP, PROPORTIONAL_PRICES
from steptime.derivations.batch.symbols import memory_time
from steptime.derivations.facts import Best, Chosen, Compared, Given, Modelled, Solved
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.machine import formulas
from steptime.derivations.machine import symbols as own
from steptime.derivations.machine.costs import GB200_RACK, machine_numbers
from steptime.derivations.rules import equation, identity, optimum, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q

from steptime.derivations.machine.symbols import (  # isort: skip
    capacity_price, idle_compute, idle_link, idle_memory, link_time, machine_memory_bandwidth, memory_bandwidth_price,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    budget, capacity_needed, flops_price, link_price, machine_flops, machine_link_bandwidth, step_flops,
    step_link_bytes, step_memory_bytes, step_time,
)  # fmt: skip

LECTURE = "Reiner Pope, blackboard lecture on LLM training and serving, Dwarkesh Podcast, 2026-04-29"
V3 = (
    "one of the 72 chips of a GB200 NVL72 and its part of the machine, in DeepSeek-V3 (fp8 weights, bf16 KV cache), "
    f"context 4096, 4096 sequences; {GB200_RACK.source}"
)
PRICED_WORK = (
    flops_price * step_flops + memory_bandwidth_price * step_memory_bytes + link_price * step_link_bytes
)  # what the work of a step weighs in dollar-seconds; only a shorthand in the lines below
TIMES = (
    Modelled(q.compute_time, formulas.compute_time),
    Modelled(memory_time, formulas.memory_time),
    Modelled(link_time, formulas.link_time),
)
"""What each resource of a machine takes for its work."""

WITHIN_BUDGET = Given(Le(formulas.spend, budget), "the machine costs no more than the budget")
CHOICES = {
    machine_flops: "FLOP/s",
    machine_memory_bandwidth: "memory bandwidth",
    q.stacks: "stacks of memory",
    machine_link_bandwidth: "link bandwidth",
    q.machine_scale_out_bandwidth: "scale-out bandwidth",
}


def bought(aim: str, *resources: Symbol) -> tuple[Chosen, ...]:
    """That so much is bought of each resource as is best."""
    return tuple(Chosen(one, f"the choice of {CHOICES[one]} is the one that {aim}") for one in resources)


FASTEST = bought("makes the step shortest", machine_flops, machine_memory_bandwidth, machine_link_bandwidth)
LEFT = budget - capacity_price * capacity_needed  # of the budget, once capacity is paid
SHORTEST = PRICED_WORK / LEFT
CAPACITY_PAID = more(budget, capacity_price * capacity_needed)


@cache
def v3() -> Mapping[Symbol, float]:
    return machine_numbers("deepseek-v3", "gb200-nvl72", GB200_RACK, layout="dp=72,ep=72", context=4096, batch=4096)


def multipliers(line: Expr, by_term: Mapping[Expr, Expr]) -> tuple[Expr, ...]:
    """The multiplier of each term of a maximum, in the order in which the maximum holds them."""
    return tuple(by_term[term] for term in line.args)


LONGEST = formulas.full_overlap.xreplace({time.symbol: time.formula for time in TIMES})
SHARES = {
    formulas.compute_time: flops_price * step_flops / PRICED_WORK,
    formulas.memory_time: memory_bandwidth_price * step_memory_bytes / PRICED_WORK,
    formulas.link_time: link_price * step_link_bytes / PRICED_WORK,
}
"""The multiplier of each term: how much of a shorter term would shorten the step, once the machine adjusts."""

balanced_machine = Derivation(
    name="balanced-machine",
    title="The shortest step that a budget buys",
    rows=("7.1",),
    claim="A budget is spent best where nothing idles: every resource is busy for the whole step.",
    start=Modelled(step_time, formulas.full_overlap),
    steps=(
        Step("each term by its resource", substitute(*TIMES), equation(step_time, LONGEST)),
        Step(
            "no way to spend the budget is better than the one that makes the terms equal: its multipliers prove it",
            optimum(
                within=WITHIN_BUDGET.relation,
                at=(
                    equation(machine_flops, step_flops / SHORTEST),
                    equation(machine_memory_bandwidth, step_memory_bytes / SHORTEST),
                    equation(machine_link_bandwidth, step_link_bytes / SHORTEST),
                ),
                value=SHORTEST,
                weights=multipliers(LONGEST, SHARES),
                price=SHORTEST / LEFT,
            ),
            equation(step_time, SHORTEST),
        ),
    ),
    assumes=(FULL_OVERLAP, PROPORTIONAL_PRICES, WITHIN_BUDGET, *FASTEST),
    sources=(LECTURE, "Kung 1986, Memory requirements for balanced computer architectures, doi 10.1145/17407.17362"),
    example=v3,
    example_text=V3,
    holds=(CAPACITY_PAID,),
)

BOUGHT = (
    Modelled(machine_flops, formulas.needed_flops),
    Modelled(machine_memory_bandwidth, formulas.needed_memory_bandwidth),
    Modelled(machine_link_bandwidth, formulas.needed_link_bandwidth),
)
"""Any machine that keeps the step time, by what of it idles."""
BUSY_OR_NOT = (
    flops_price * step_flops * (1 + idle_compute)
    + memory_bandwidth_price * step_memory_bytes * (1 + idle_memory)
    + link_price * step_link_bytes * (1 + idle_link)
)

idle_machine = Derivation(
    name="idle-machine",
    title="The step of a machine some of which idles",
    rows=("7.1",),
    claim="What idles is paid for as if it worked.",
    start=Modelled(budget, formulas.spend),
    steps=(
        Step(
            "of each resource what the step time needs, and some that idles",
            substitute(*BOUGHT),
            equation(budget, BUSY_OR_NOT / step_time + capacity_price * capacity_needed),
        ),
        Step("solve for the step time", solve_for(step_time), equation(step_time, BUSY_OR_NOT / LEFT)),
    ),
    assumes=(FULL_OVERLAP, PROPORTIONAL_PRICES),
    sources=(LECTURE,),
    example=v3,
    example_text=f"{V3}; a tenth of each resource idle",
    holds=(CAPACITY_PAID,),
)

imbalance = Derivation(
    name="imbalance",
    title="What idle resources cost in time",
    rows=("7.1",),
    claim="Each resource that idles lengthens the step by its share of the spend times its idle share.",
    start=Compared(
        own.imbalance, idle_machine, balanced_machine, "the step of a machine some of which idles over the shortest"
    ),
    steps=(
        Step(
            "for the same money; every summand is positive",
            identity(),
            equation(
                own.imbalance,
                1
                + (
                    flops_price * step_flops * idle_compute
                    + memory_bandwidth_price * step_memory_bytes * idle_memory
                    + link_price * step_link_bytes * idle_link
                )
                / PRICED_WORK,
            ),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=v3,
    example_text=f"{V3}; a tenth of each resource idle",
    holds=(CAPACITY_PAID,),
)


def balanced_v3() -> Mapping[Symbol, float]:
    """The machine that the same money buys with nothing idle, and its step."""
    values = {**v3(), step_time: balanced_machine.evaluate()}
    needs = (
        (machine_flops, step_flops),
        (machine_memory_bandwidth, step_memory_bytes),
        (machine_link_bandwidth, step_link_bytes),
    )
    return {**values, **{resource: values[work] / values[step_time] for resource, work in needs}}


def equal_time(name: str, time: Modelled, resource: Symbol) -> Derivation:
    """That a resource is busy for the whole step of a balanced machine."""
    return Derivation(
        name=f"balanced-{name}-time",
        title=f"The {name} time of a balanced machine",
        rows=("7.1",),
        claim="On a balanced machine the three times are equal: each is the step time.",
        start=time,
        steps=(
            Step(
                "as much of the resource as is best",
                substitute(Best(balanced_machine, resource)),
                equation(time.symbol, SHORTEST),
            ),
            Step(
                "the budget by the step that it buys",
                substitute(Solved(balanced_machine, budget)),
                equation(time.symbol, step_time),
            ),
        ),
        assumes=(),
        sources=(LECTURE,),
        example=balanced_v3,
        example_text=f"{V3}; balanced for the same money",
    )


EQUAL_TIMES = (
    equal_time("compute", TIMES[0], machine_flops),
    equal_time("memory", TIMES[1], machine_memory_bandwidth),
    equal_time("link", TIMES[2], machine_link_bandwidth),
)

DERIVATIONS = (balanced_machine, idle_machine, imbalance, *EQUAL_TIMES)
