"""Chapter 7, who does not earn: resources that are slack, both sides of a crossover, and no overlap at all."""

from collections.abc import Callable, Mapping
from typing import Any

from sympy import Expr, Symbol

from steptime.derivations.batch.symbols import memory_time, token_cost
from steptime.derivations.batch.terms import compute_cost, memory_cost
from steptime.derivations.board import is_, numbers
from steptime.derivations.claims import Claim
from steptime.derivations.machine import formulas
from steptime.derivations.machine.machine import LECTURE
from steptime.derivations.machine.prices import V3, capacity_elasticity, raised, v3
from steptime.derivations.machine.symbols import cost_elasticity, cost_ratio, lowered_cost, raised_cost, rise
from steptime.derivations.rules import equation, limit, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.economics import cost as economics
from steptime.model.phases.decode import blackboard
from steptime.model.scenario import Scenario
from steptime.model.symbols import compute_time, memory_bandwidth, peak_flops, scale_up_bandwidth


def slack(name: str, title: str, cost: Expr, resource: Symbol) -> Derivation:
    """That a cost does not follow a resource that does not bind."""
    return Derivation(
        name=f"slack-{name}",
        title=title,
        rows=("7.2",),
        claim="More of a resource that does not bind leaves the cost of a token as it is: its price is zero.",
        start=equation(cost_ratio, formulas.cost_ratio),
        steps=(
            Step(
                "the cost with the resource raised, over the cost before",
                substitute(is_(raised_cost, raised(cost, resource)), is_(token_cost, cost)),
                equation(cost_ratio, 1),
            ),
        ),
        assumes=("another term is the largest by more than the rise; full overlap",),
        sources=(LECTURE,),
        example=v3,
        example_text=V3,
    )


slack_memory = slack("memory", "Memory bandwidth where compute binds", compute_cost.result.rhs, memory_bandwidth)
slack_compute = slack("compute", "FLOP/s where memory binds", memory_cost.result.rhs, peak_flops)
slack_links = slack("links", "Link bandwidth where memory binds", memory_cost.result.rhs, scale_up_bandwidth)

elasticity_below = Derivation(
    name="crossover-elasticity",
    title="What a resource is worth on the losing side of a crossover",
    rows=("7.2",),
    claim="At a crossover less of a resource costs all of it, more brings nothing: its price lies between 0 and 1.",
    start=equation(cost_elasticity, formulas.elasticity_below),
    steps=(
        Step(
            "with fewer FLOP/s compute binds; at the crossover its cost is the cost",
            substitute(
                is_(lowered_cost, compute_cost.result.rhs.xreplace({peak_flops: peak_flops * (1 - rise)})),
                is_(token_cost, compute_cost.result.rhs),
            ),
            equation(cost_elasticity, 1 / (1 - rise)),
        ),
        Step("as little less as one likes", limit(rise, 0), equation(cost_elasticity, 1)),
    ),
    assumes=("two terms are equal before; with more FLOP/s the other one binds, and FLOP/s are slack",),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
    holds=(1 - rise,),
)

serial_cost = economics.cost_per_token.xreplace({q.step_time: compute_time + memory_time})
serial_elasticity = Derivation(
    name="serial-elasticity",
    title="What memory bandwidth is worth without overlap",
    rows=("7.2",),
    claim="Without overlap each resource is worth its share of the time: nothing is slack.",
    start=equation(cost_elasticity, formulas.elasticity),
    steps=(
        Step(
            "cost before, and with memory faster",
            substitute(
                is_(raised_cost, serial_cost.xreplace({memory_time: memory_time / (1 + rise)})),
                is_(token_cost, serial_cost),
            ),
            equation(cost_elasticity, memory_time / ((compute_time + memory_time) * (1 + rise))),
        ),
        Step(
            "a rise as small as one likes",
            limit(rise, 0),
            equation(cost_elasticity, memory_time / (compute_time + memory_time)),
        ),
    ),
    assumes=("compute and memory one after the other",),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

DERIVATIONS = (slack_memory, slack_compute, slack_links, elasticity_below, serial_elasticity)

CASES: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "long": ("deepseek-v3", "h100-sxm", {"layout": "dp=32,ep=32", "context": 4096, "batch": 4096}),
    "short": ("llama-3.1-8b", "h100-sxm", {"context": 64, "batch": 2048, "kv": "fp8"}),
}
"""A decode that is short of memory bandwidth, and one that is short of FLOP/s."""


def case(name: str) -> Mapping[Symbol, float]:
    model, hardware, options = CASES[name]
    return numbers(model, hardware, **options)


def measured(name: str, resource: Symbol) -> Callable[[], float]:
    """The elasticity of the model's own step time, the largest of all its terms, for a rise of a millionth."""

    def found() -> float:
        values, little = case(name), 1e-6
        before, after = (
            float(Scenario({**values, resource: values[resource] * (1 + by)}).evaluate(blackboard.time))
            for by in (0.0, little)
        )
        terms = {token_cost: before, raised_cost: after, rise: little}  # chips and batch are the same in both
        return float(Scenario(terms).evaluate(formulas.elasticity))

    return found


def times(name: str) -> Callable[[], Mapping[str, float | str]]:
    """The terms of a case."""

    def found() -> Mapping[str, float | str]:
        scenario = Scenario(case(name))
        terms = (blackboard.compute, blackboard.memory, blackboard.scale_up, blackboard.scale_out)
        model, hardware, options = CASES[name]
        said = ", ".join(f"{key} {value}" for key, value in options.items())
        return {f"{one.name}, s": float(scenario.evaluate(one.time)) for one in terms} | {
            "case": f"{model} on {hardware}: {said}"
        }

    return found


CLAIMS = (
    Claim("7.2", "who earns: memory bandwidth has all of the elasticity where memory binds", 1.0,
          measured("long", memory_bandwidth), times("long"), tolerance=1e-4),
    Claim("7.2", "FLOP/s are worth nothing where memory binds", None,
          measured("long", peak_flops), times("long"), must=lambda value: abs(value) < 1e-9),
    Claim("7.2", "links are worth nothing where memory binds", None,
          measured("long", scale_up_bandwidth), times("long"), must=lambda value: abs(value) < 1e-9),
    Claim("7.2", "who earns: FLOP/s have all of the elasticity where compute binds", 1.0,
          measured("short", peak_flops), times("short"), tolerance=1e-4),
    Claim("7.2", "memory bandwidth is worth nothing where compute binds", None,
          measured("short", memory_bandwidth), times("short"), must=lambda value: abs(value) < 1e-9),
    Claim("7.2", "memory capacity, where it limits the batch, is worth the weights' bytes over the KV cache's", None,
          lambda: float(Scenario(v3()).evaluate(capacity_elasticity.result.rhs)), lambda: {"case": V3},
          must=lambda value: value > 0),
)  # fmt: skip
