"""Chapter 7, where the money goes: the machine on which compute, memory and links take equal time."""

from collections.abc import Mapping
from functools import cache

from sympy import Eq, Expr, Symbol

from steptime.derivations.batch.symbols import memory_time
from steptime.derivations.board import is_
from steptime.derivations.machine import formulas
from steptime.derivations.machine import symbols as own
from steptime.derivations.machine.costs import GB200_RACK, machine_numbers
from steptime.derivations.rules import equation, identity, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q

from steptime.derivations.machine.symbols import (  # isort: skip
    capacity_price, idle_compute, idle_link, idle_memory, link_time, machine_memory_bandwidth, memory_bandwidth_price,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    budget, capacity_needed, flops_price, link_price, step_flops, step_link_bytes, step_memory_bytes, step_time,
)  # fmt: skip

LECTURE = "Reiner Pope, blackboard lecture on LLM training and serving, Dwarkesh Podcast, 2026-04-29"
V3 = (
    "DeepSeek-V3 (fp8 weights, bf16 KV cache) on a whole GB200 NVL72, "
    f"context 4096, 4096 sequences; {GB200_RACK.source}"
)
NONE_IDLES = (is_(idle_compute, 0), is_(idle_memory, 0), is_(idle_link, 0))
PRICED_WORK = (
    flops_price * step_flops + memory_bandwidth_price * step_memory_bytes + link_price * step_link_bytes
)  # what the work of a step weighs in dollar-seconds; only a shorthand in the lines below


@cache
def v3() -> Mapping[Symbol, float]:
    return machine_numbers("deepseek-v3", "gb200-nvl72", GB200_RACK, layout="dp=72,ep=72", context=4096, batch=4096)


balanced_machine = Derivation(
    name="balanced-machine",
    title="The shortest step that a budget buys",
    rows=("7.1",),
    claim="A budget is spent best where nothing idles: every resource is busy for the whole step.",
    start=equation(budget, formulas.spend),
    steps=(
        Step(
            "buy of each resource what the step time needs, and some that idles",
            substitute(
                is_(q.machine_flops, formulas.needed_flops),
                is_(machine_memory_bandwidth, formulas.needed_memory_bandwidth),
                is_(q.machine_link_bandwidth, formulas.needed_link_bandwidth),
            ),
            equation(
                budget,
                (
                    flops_price * step_flops * (1 + idle_compute)
                    + memory_bandwidth_price * step_memory_bytes * (1 + idle_memory)
                    + link_price * step_link_bytes * (1 + idle_link)
                )
                / step_time
                + capacity_price * capacity_needed,
            ),
        ),
        Step(
            "solve for the step time",
            solve_for(step_time),
            equation(
                step_time,
                (
                    flops_price * step_flops * (1 + idle_compute)
                    + memory_bandwidth_price * step_memory_bytes * (1 + idle_memory)
                    + link_price * step_link_bytes * (1 + idle_link)
                )
                / (budget - capacity_price * capacity_needed),
            ),
        ),
        Step(
            "whatever idles only adds to the sum: the step is shortest without",
            substitute(*NONE_IDLES),
            equation(step_time, PRICED_WORK / (budget - capacity_price * capacity_needed)),
        ),
    ),
    assumes=("compute, memory and links overlap in full", "prices are proportional to what is bought"),
    sources=(LECTURE, "Kung 1986, Memory requirements for balanced computer architectures, doi 10.1145/17407.17362"),
    example=v3,
    example_text=V3,
    holds=(budget - capacity_price * capacity_needed,),
)

imbalance = Derivation(
    name="imbalance",
    title="What idle resources cost in time",
    rows=("7.1",),
    claim="Each resource that idles lengthens the step by its share of the spend times its idle share.",
    start=equation(own.imbalance, balanced_machine.lines[2].rhs / balanced_machine.result.rhs),
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
    assumes=balanced_machine.assumes,
    sources=(LECTURE,),
    example=v3,
    example_text=f"{V3}; a tenth of each resource idle",
    holds=balanced_machine.holds,
)


def equal_time(name: str, time: Symbol, term: Expr, resource: Symbol, needed: Expr, idle: Eq) -> Derivation:
    """That a resource is busy for the whole step of a balanced machine."""
    return Derivation(
        name=f"balanced-{name}-time",
        title=f"The {name} time of a balanced machine",
        rows=("7.1",),
        claim="On a balanced machine the three times are equal: each is the step time.",
        start=equation(time, term),
        steps=(
            Step(
                "what is bought is what the step time needs, and some that idles",
                substitute(is_(resource, needed)),
                equation(time, step_time / (1 + idle.lhs)),
            ),
            Step("nothing idles", substitute(idle), equation(time, step_time)),
        ),
        assumes=balanced_machine.assumes,
        sources=(LECTURE,),
        example=v3,
        example_text=V3,
    )


EQUAL_TIMES = (
    equal_time("compute", q.compute_time, formulas.compute_time, q.machine_flops, formulas.needed_flops, NONE_IDLES[0]),
    equal_time(
        "memory",
        memory_time,
        formulas.memory_time,
        machine_memory_bandwidth,
        formulas.needed_memory_bandwidth,
        NONE_IDLES[1],
    ),
    equal_time(
        "link", link_time, formulas.link_time, q.machine_link_bandwidth, formulas.needed_link_bandwidth, NONE_IDLES[2]
    ),
)

DERIVATIONS = (balanced_machine, imbalance, *EQUAL_TIMES)
