"""Chapter 7, who earns: by how much the cost of a token falls for each share by which a resource is raised."""

from collections.abc import Mapping

from sympy import Expr, Symbol

from steptime.derivations.batch.symbols import memory_time, token_cost
from steptime.derivations.batch.terms import compute_cost, memory_cost
from steptime.derivations.board import is_, numbers
from steptime.derivations.machine import formulas
from steptime.derivations.machine.machine import LECTURE
from steptime.derivations.machine.symbols import cost_elasticity, raised_cost, rise
from steptime.derivations.rules import equation, identity, limit, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.economics import cost as economics
from steptime.model.phases.decode import blackboard
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    bytes_per_weight, chip_second_price, compute_time, context, kv_bytes, memory_bandwidth, memory_capacity,
    micro_batch, parameters, parameters_read, peak_flops, scale_up_bandwidth, scale_up_bytes, stage_chips,
)  # fmt: skip

V3 = (
    "DeepSeek-V3 (fp8 weights, bf16 KV cache) on 32 H100 (dp=32, ep=32), "
    "context 4096, 4096 sequences; every resource raised by 1 %"
)


def v3() -> Mapping[Symbol, float]:
    values = numbers("deepseek-v3", "h100-sxm", layout="dp=32,ep=32", context=4096, batch=4096)
    case = Scenario(values)
    times = {compute_time: blackboard.compute.time, memory_time: blackboard.memory.time}
    return {**values, rise: 0.01, **{symbol: float(case.evaluate(time)) for symbol, time in times.items()}}


def raised(cost: Expr, resource: Symbol) -> Expr:
    """A cost once a resource is raised by the share ``rise``."""
    return cost.xreplace({resource: resource * (1 + rise)})


ONE_STAGE = (
    is_(q.chips, stage_chips),
    is_(q.batch, micro_batch),
    is_(q.chip_hour_price, chip_second_price * q.hour),
)
"""One pipeline stage, one replica; the price of a second."""

link_cost = Derivation(
    name="link-cost",
    title="Cost of a token where the links bind",
    rows=("7.2",),
    claim="Where the links bind, a token costs the same at every batch.",
    start=equation(token_cost, economics.cost_per_token),
    steps=(
        Step(
            "one stage, one replica; the step takes what its links take",
            substitute(*ONE_STAGE, is_(q.step_time, blackboard.scale_up.time)),
            equation(
                token_cost,
                chip_second_price
                * stage_chips
                * (
                    q.scale_up_starts * q.scale_up_latency / micro_batch
                    + scale_up_bytes / (q.interconnect_efficiency * scale_up_bandwidth)
                ),
            ),
        ),
        Step(
            "links at their peak, no start-up latency",
            substitute(is_(q.interconnect_efficiency, 1), is_(q.scale_up_latency, 0)),
            equation(token_cost, chip_second_price * stage_chips * scale_up_bytes / scale_up_bandwidth),
        ),
    ),
    assumes=("all traffic on scale-up links",),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

fitting_batch = Derivation(
    name="fitting-batch",
    title="The batch that memory capacity admits",
    rows=("7.2",),
    claim="What the weights leave of the capacity is shared out among the sequences.",
    start=equation(memory_capacity, formulas.memory_held),
    steps=(
        Step(
            "solve for the batch",
            solve_for(micro_batch),
            equation(
                micro_batch,
                (stage_chips * memory_capacity - bytes_per_weight * parameters) / (context * kv_bytes),
            ),
        ),
    ),
    assumes=("one pipeline stage; weights and KV cache evenly spread over its chips",),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
    holds=(stage_chips * memory_capacity - bytes_per_weight * parameters,),
)

capacity_cost = Derivation(
    name="capacity-cost",
    title="Cost of a token where memory binds and is full",
    rows=("7.2",),
    claim="With memory full, the cost of a token is its KV cache's share of reading all of the memory once.",
    start=memory_cost.result,
    steps=(
        Step(
            "a step reads every weight, for as many sequences as fit",
            substitute(is_(parameters_read, parameters), fitting_batch.result),
            equation(
                token_cost,
                chip_second_price
                * context
                * kv_bytes
                / memory_bandwidth
                * (bytes_per_weight * parameters / (stage_chips * memory_capacity - bytes_per_weight * parameters) + 1),
            ),
        ),
        Step(
            "one fraction",
            identity(),
            equation(
                token_cost,
                chip_second_price
                * (stage_chips * memory_capacity / memory_bandwidth)
                * (context * kv_bytes / (stage_chips * memory_capacity - bytes_per_weight * parameters)),
            ),
        ),
    ),
    assumes=("the batch is as large as capacity admits, and still memory-bound",),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
    holds=fitting_batch.holds,
)


def bottleneck(name: str, title: str, cost: Expr, resource: Symbol) -> Derivation:
    """That all of a cost follows the resource that binds."""
    return Derivation(
        name=f"{name}-elasticity",
        title=title,
        rows=("7.2",),
        claim="Who owns the bottleneck earns: one per cent more of it makes a token one per cent cheaper.",
        start=equation(cost_elasticity, formulas.elasticity),
        steps=(
            Step(
                "cost before, and with the resource raised",
                substitute(is_(raised_cost, raised(cost, resource)), is_(token_cost, cost)),
                equation(cost_elasticity, 1 / (1 + rise)),
            ),
            Step("a rise as small as one likes", limit(rise, 0), equation(cost_elasticity, 1)),
        ),
        assumes=("this term is the largest; full overlap",),
        sources=(LECTURE,),
        example=v3,
        example_text=V3,
    )


compute_elasticity = bottleneck(
    "compute", "What FLOP/s are worth where compute binds", compute_cost.result.rhs, peak_flops
)
memory_elasticity = bottleneck(
    "memory", "What memory bandwidth is worth where memory binds", memory_cost.result.rhs, memory_bandwidth
)
link_elasticity = bottleneck(
    "link", "What link bandwidth is worth where the links bind", link_cost.result.rhs, scale_up_bandwidth
)

capacity_elasticity = Derivation(
    name="capacity-elasticity",
    title="What memory capacity is worth where it limits the batch",
    rows=("7.2",),
    claim="Capacity is worth the bytes of the weights over those of the KV cache; over one if weights take more.",
    start=equation(cost_elasticity, formulas.elasticity),
    steps=(
        Step(
            "cost before, and with the capacity raised",
            substitute(
                is_(raised_cost, raised(capacity_cost.result.rhs, memory_capacity)),
                is_(token_cost, capacity_cost.result.rhs),
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
    assumes=capacity_cost.assumes,
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
    holds=fitting_batch.holds,
)

DERIVATIONS = (
    link_cost, fitting_batch, capacity_cost, compute_elasticity, memory_elasticity, link_elasticity,
    capacity_elasticity,
)  # fmt: skip
