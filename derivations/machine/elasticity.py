"""Chapter 7, who earns: the elasticity of the cost of a token to the resource whose term is the longest."""

from collections.abc import Callable, Mapping

from sympy import Expr, Max, Symbol

from steptime.derivations.batch.symbols import memory_time, token_cost
from steptime.derivations.batch.terms import compute_term, memory_term
from steptime.derivations.facts import Modelled, Solved, instance
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.machine import formulas
from steptime.derivations.machine.machine import LECTURE

from steptime.derivations.machine.prices import (  # isort: skip
    LITTLE, LLAMA, RAISED, SOME_FIT, V3, capacity_cost, link_term, llama, overlapped_cost, v3,
)  # fmt: skip
from steptime.derivations.machine.symbols import changed_time, cost_elasticity, link_time, raised_cost, rise
from steptime.derivations.rules import branch, equation, limit, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q

from steptime.model.symbols import (  # isort: skip
    bytes_per_weight, compute_time, memory_bandwidth, memory_capacity, parameters, peak_flops, scale_up_bandwidth,
    stage_chips,
)  # fmt: skip

TIMES = (compute_time, memory_time, link_time)


def changed(name: str, title: str, term: Derivation, resource: Symbol, change: Expr) -> Derivation:
    """What a term takes once its resource is so many times as much."""
    time = term.result.lhs
    return Derivation(
        name=name,
        title=title,
        rows=("7.2",),
        claim="A term takes as much less time as its resource is more.",
        start=instance(term, {time: changed_time, resource: resource * change}),
        steps=(
            Step(
                "the resource by the time that the term took",
                substitute(Solved(term, resource)),
                equation(changed_time, time / change),
            ),
        ),
        assumes=(),
        sources=(LECTURE,),
        example=v3,
        example_text=f"{V3}; {RAISED}",
        holds=(more(1, rise),) if change == 1 - rise else (),
    )


faster_compute = changed("faster-compute", "Compute time with more FLOP/s", compute_term, peak_flops, 1 + rise)
faster_memory = changed("faster-memory", "Memory time with more bandwidth", memory_term, memory_bandwidth, 1 + rise)
faster_links = changed("faster-links", "Link time with more bandwidth", link_term, scale_up_bandwidth, 1 + rise)
slower_compute = changed("slower-compute", "Compute time with fewer FLOP/s", compute_term, peak_flops, 1 - rise)


def longest(time: Symbol, becomes: Expr) -> Expr:
    """The step once one of its terms has become another."""
    return Max(*(becomes if one == time else one for one in TIMES))


def bottleneck(
    name: str,
    title: str,
    faster: Derivation,
    time: Symbol,
    example: Callable[[], Mapping[Symbol, float]],
    example_text: str,
) -> Derivation:
    """That all of a cost follows the resource that binds."""
    before, after = longest(time, time), longest(time, time / (1 + rise))
    return Derivation(
        name=f"{name}-elasticity",
        title=title,
        rows=("7.2",),
        claim="Who owns the bottleneck earns: one per cent more of it makes a token one per cent cheaper.",
        start=Modelled(cost_elasticity, formulas.elasticity),
        steps=(
            Step(
                "cost before, and with the resource raised",
                substitute(instance(overlapped_cost, {token_cost: raised_cost, time: changed_time}), overlapped_cost),
                equation(cost_elasticity, (1 - longest(time, changed_time) / before) / rise),
            ),
            Step(
                "its term takes so much less time",
                substitute(faster),
                equation(cost_elasticity, (1 - after / before) / rise),
            ),
            Step("it binds before", branch(before, time), equation(cost_elasticity, (1 - after / time) / rise)),
            Step("and after", branch(after, time / (1 + rise)), equation(cost_elasticity, 1 / (1 + rise))),
            Step("a rise as small as one likes", limit(rise, 0), equation(cost_elasticity, 1)),
        ),
        assumes=(LITTLE,),
        sources=(LECTURE,),
        example=example,
        example_text=example_text,
        holds=tuple(more(time, other) for other in TIMES if other != time),
    )


compute_elasticity = bottleneck(
    "compute", "What FLOP/s are worth where compute binds", faster_compute, compute_time,
    lambda: llama("70B"), LLAMA.format("70B"),
)  # fmt: skip
memory_elasticity = bottleneck(
    "memory", "What memory bandwidth is worth where memory binds", faster_memory, memory_time, v3, V3
)
link_elasticity = bottleneck(
    "link", "What link bandwidth is worth where the links bind", faster_links, link_time, llama, LLAMA.format("8B")
)

MORE_MEMORY = {one: one * (1 + rise) for one in (memory_capacity, q.memory_per_chip)}
"""A larger memory, and as much more in it."""

capacity_elasticity = Derivation(
    name="capacity-elasticity",
    title="What memory capacity is worth where it limits the batch",
    rows=("7.2",),
    claim="Capacity is worth the bytes of the weights over those of the KV cache; over one if weights take more.",
    start=Modelled(cost_elasticity, formulas.elasticity),
    steps=(
        Step(
            "cost before, and with the capacity raised",
            substitute(
                instance(capacity_cost, {token_cost: raised_cost, **MORE_MEMORY}),
                capacity_cost,
            ),
            equation(
                cost_elasticity,
                bytes_per_weight
                * parameters
                / (stage_chips * memory_capacity * (1 + rise) - bytes_per_weight * parameters),
            ),
        ),
        Step(
            "a rise as small as one likes",
            limit(rise, 0),
            equation(
                cost_elasticity,
                bytes_per_weight * parameters / (stage_chips * memory_capacity - bytes_per_weight * parameters),
            ),
        ),
    ),
    assumes=(LITTLE,),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
    holds=(*SOME_FIT, *(more(one.lhs, one.rhs) for one in capacity_cost.region[2:])),
)

DERIVATIONS = (
    faster_compute, faster_memory, faster_links, slower_compute, compute_elasticity, memory_elasticity, link_elasticity,
    capacity_elasticity,
)  # fmt: skip
