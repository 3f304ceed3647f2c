"""Chapter 7, where the money goes: the share of each resource in what a balanced machine costs; stacks of memory."""

from collections.abc import Callable, Mapping

from sympy import Eq, Expr, Symbol

from steptime.derivations.board import is_
from steptime.derivations.claims import Claim
from steptime.derivations.machine import formulas
from steptime.derivations.machine import symbols as own
from steptime.derivations.machine.machine import LECTURE, NONE_IDLES, PRICED_WORK, V3, balanced_machine, v3
from steptime.derivations.rules import equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.economics import machine
from steptime.model.scenario import Scenario

from steptime.derivations.machine.costs import (  # isort: skip
    B200_MADE, GB200_RACK, H100_MADE, H100_SOLD, MI300X_MADE, Parts, machine_numbers,
)  # fmt: skip
from steptime.derivations.machine.symbols import (  # isort: skip
    capacity_price, capacity_share, machine_memory_bandwidth, memory_bandwidth_price,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    budget, capacity_needed, flops_price, link_price, stack_bandwidth, stack_capacity, step_flops, step_link_bytes,
    step_memory_bytes, step_time,
)  # fmt: skip

capacity_budget = Derivation(
    name="capacity-budget",
    title="A budget by its share for capacity",
    rows=("7.1",),
    claim="What capacity costs, over its share of the budget, is the budget.",
    start=equation(capacity_share, formulas.share_on_capacity),
    steps=(
        Step(
            "solve for the budget",
            solve_for(budget),
            equation(budget, capacity_price * capacity_needed / capacity_share),
        ),
    ),
    assumes=("capacity is bought apart from bandwidth",),
    sources=(LECTURE,),
    example=lambda: {**v3(), capacity_price: 3e-9, capacity_share: 0.05},
    example_text=f"{V3}; capacity bought apart, as DDR5 at 3 dollars per GB and 5 % of the budget",
)


def spend_share(
    name: str, share: Symbol, part: Expr, resource: Symbol, needed: Expr, idle: Eq, work: Expr
) -> Derivation:
    """The share of a resource in what a balanced machine costs."""
    return Derivation(
        name=f"{name}-share",
        title=f"Share of the budget spent on {name}",
        rows=("7.1",),
        claim="What capacity leaves of the budget is shared out as price times work.",
        start=equation(share, part),
        steps=(
            Step(
                "what is bought is what the step time needs, and some that idles",
                substitute(is_(resource, needed)),
                equation(share, work * (1 + idle.lhs) / (step_time * budget)),
            ),
            Step("nothing idles", substitute(idle), equation(share, work / (step_time * budget))),
            Step(
                "put in the step time of the balanced machine",
                substitute(balanced_machine.result),
                equation(share, work / PRICED_WORK * (1 - capacity_price * capacity_needed / budget)),
            ),
            Step(
                "by the share that capacity takes",
                substitute(capacity_budget.result),
                equation(share, (1 - capacity_share) * work / PRICED_WORK),
            ),
        ),
        assumes=balanced_machine.assumes,
        sources=(LECTURE,),
        example=v3,
        example_text=V3,
        holds=(budget - capacity_price * capacity_needed, 1 - capacity_share),
    )


compute_share = spend_share(
    "compute", own.compute_share, formulas.share_on_compute, q.machine_flops, formulas.needed_flops, NONE_IDLES[0],
    flops_price * step_flops,
)  # fmt: skip
memory_share = spend_share(
    "memory", own.memory_share, formulas.share_on_memory, machine_memory_bandwidth, formulas.needed_memory_bandwidth,
    NONE_IDLES[1], memory_bandwidth_price * step_memory_bytes,
)  # fmt: skip
link_share = spend_share(
    "links", own.link_share, formulas.share_on_links, q.machine_link_bandwidth, formulas.needed_link_bandwidth,
    NONE_IDLES[2], link_price * step_link_bytes,
)  # fmt: skip

bandwidth_price = Derivation(
    name="bandwidth-price",
    title="What a byte per second of stacked memory costs",
    rows=("7.1",),
    claim="A stack sells bytes and bytes/s together: a byte/s costs what a byte does, times the stack's drain time.",
    start=equation(memory_bandwidth_price, formulas.price_of_bandwidth),
    steps=(
        Step(
            "a stack is sold by the byte",
            substitute(is_(q.stack_price, capacity_price * stack_capacity)),
            equation(memory_bandwidth_price, capacity_price * stack_capacity / stack_bandwidth),
        ),
    ),
    assumes=("bandwidth decides how many stacks are bought; their capacity comes with it",),
    sources=(LECTURE,),
    example=lambda: {**v3(), capacity_price: 15.1e-9},
    example_text="HBM3e at 15.1 dollars per GB (siliconanalysts.com, June 2026), in the eight stacks of a GB200",
)

stack_crossover = Derivation(
    name="stack-crossover",
    title="When stacks are bought for their bandwidth",
    rows=("7.1",),
    claim="A step that reads all it holds, in less than the drain time, needs stacks for bandwidth, else for capacity.",
    start=equation(machine.stacks_for_bytes, formulas.stacks_for_bandwidth),
    steps=(
        Step(
            "solve for the step time",
            solve_for(step_time),
            equation(step_time, step_memory_bytes / capacity_needed * stack_capacity / stack_bandwidth),
        ),
        Step(
            "a step reads all that is held",
            substitute(is_(capacity_needed, step_memory_bytes)),
            equation(step_time, stack_capacity / stack_bandwidth),
        ),
    ),
    assumes=("stacks can be bought in any number",),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

DERIVATIONS = (
    capacity_budget, compute_share, memory_share, link_share, bandwidth_price, stack_crossover,
)  # fmt: skip


def of_three() -> float:
    """Memory's share of what the three resources of the balanced machine cost."""
    return float(Scenario(v3()).evaluate(memory_share.result.rhs))


def of_all() -> float:
    """Memory's share of a whole balanced machine, where all that is no resource keeps its share of the price."""
    return of_three() * (1 - GB200_RACK.other / GB200_RACK.whole)


def inputs() -> Mapping[str, float | str]:
    """The unit prices and the work that went in."""
    names = (flops_price, memory_bandwidth_price, link_price, step_flops, step_memory_bytes, step_link_bytes)
    other = {"neither FLOP/s nor memory nor links": GB200_RACK.other / GB200_RACK.whole}
    return {symbol.name: v3()[symbol] for symbol in names} | other | {"case": V3}


def as_built(model: str, hardware: str, parts: Parts) -> Callable[[], float]:
    """Memory's share of a chip's dollars, its bandwidth at its unit price; capacity comes with it."""

    def share() -> float:
        values = machine_numbers(model, hardware, parts, layout="dp=32,ep=32", context=4096, batch=2048)
        return float(Scenario({**values, budget: parts.whole}).evaluate(formulas.share_on_memory))

    return share


def made(hardware: str, parts: Parts, lecture: float, statement: str) -> Claim:
    """A claim on a chip as it is built."""
    return Claim(
        "7.1",
        statement,
        lecture,
        as_built("deepseek-v3", hardware, parts),
        lambda: {"memory, dollars": parts.memory, "all, dollars": parts.whole, "source": parts.source},
        tolerance=0.1,
        must=lambda value: 0 < value < 1,
    )


def about(statement: str, lecture: float, ours: Callable[[], float], tolerance: float) -> Claim:
    """A claim on the share of memory in a balanced machine."""
    return Claim("7.1", statement, lecture, ours, inputs, tolerance, must=lambda value: 0 < value < 1)


WHOLE = "a whole balanced machine at 2026 prices, with boards, cooling and processors"
CLAIMS = (
    about(
        "about half of the spend on FLOP/s, memory and links of a balanced machine is on memory", 0.5, of_three, 0.05
    ),
    about(f"about half of the spend is on memory: {WHOLE}", 0.5, of_all, 0.05),
    about(f"published: memory about 30 % of capital spending in 2026; {WHOLE}", 0.3, of_all, 0.1),
    about(f"forecast: memory about 50 % of capital spending in 2027; {WHOLE}", 0.5, of_all, 0.1),
    Claim(
        "7.1",
        "on a balanced machine the shares of FLOP/s, memory and links add up to the whole",
        1.0,
        lambda: float(
            Scenario(v3()).evaluate(sum(one.result.rhs for one in (compute_share, memory_share, link_share)))
        ),
        inputs,
        tolerance=1e-9,
    ),
    made("h100-sxm", H100_SOLD, 0.08, "published: memory about 8 % of spending in 2023-24; of an H100's selling price"),
    made("h100-sxm", H100_MADE, 0.42, "HBM is 42 % of what an H100 costs to make"),
    made("b200-sxm", B200_MADE, 0.45, "HBM is 45 % of what a B200 costs to make"),
    made("mi300x", MI300X_MADE, 0.55, "HBM is 55 % of what an MI300X costs to make"),
    Claim(
        "7.1",
        "a step that reads all it holds needs as many stacks for bandwidth as for bytes at the drain time: GB200",
        None,
        lambda: float(Scenario(v3()).evaluate(stack_crossover.result.rhs)),
        lambda: {symbol.name: v3()[symbol] for symbol in (stack_capacity, stack_bandwidth)},
        unit="s",
        must=lambda value: 0.01 < value < 0.06,
    ),
)
