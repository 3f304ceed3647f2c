"""Chapter 7, who does not earn: resources that are slack, both sides of a crossover, and no overlap at all."""

from collections.abc import Callable, Mapping
from typing import Any

from sympy import Max, Symbol

from steptime.derivations.axioms import NO_OVERLAP, PAID_THROUGHOUT
from steptime.derivations.batch.symbols import memory_time, token_cost
from steptime.derivations.batch.terms import PRICE_OF_A_SECOND
from steptime.derivations.board import ONE_STAGE, numbers
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Modelled, given, instance
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.machine import formulas
from steptime.derivations.machine.machine import LECTURE

from steptime.derivations.machine.elasticity import (  # isort: skip
    TIMES, capacity_elasticity, faster_compute, faster_links, faster_memory, longest, slower_compute,
)  # fmt: skip
from steptime.derivations.machine.prices import (  # isort: skip
    COMPUTES, LITTLE, READS, SENDS, V3, LLAMA, fitting_batch, llama, overlapped_cost, v3,
)  # fmt: skip
from steptime.derivations.rules import branch, equation, limit, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.economics import cost as economics
from steptime.model.phases.decode import blackboard
from steptime.model.scenario import Scenario

from steptime.derivations.machine.symbols import (  # isort: skip
    changed_time, cost_elasticity, cost_ratio, link_time, lowered_cost, raised_cost, rise,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    chip_second_price, compute_time, memory_bandwidth, micro_batch, peak_flops, scale_up_bandwidth, stage_chips,
)  # fmt: skip

AT_CROSSOVER = given(memory_time, compute_time, "compute and memory take equally long")


def slack(name: str, title: str, faster: Derivation, time: Symbol, binding: Symbol) -> Derivation:
    """That a cost does not follow a resource that does not bind, or does no more than another."""
    before, after = longest(time, time), longest(time, time / (1 + rise))
    return Derivation(
        name=f"slack-{name}",
        title=title,
        rows=("7.2",),
        claim="More of a resource that does not bind alone leaves the cost of a token as it is: its price is zero.",
        start=Modelled(cost_ratio, formulas.cost_ratio),
        steps=(
            Step(
                "the cost with the resource raised, over the cost before",
                substitute(instance(overlapped_cost, {token_cost: raised_cost, time: changed_time}), overlapped_cost),
                equation(cost_ratio, longest(time, changed_time) / before),
            ),
            Step("its term takes less time", substitute(faster), equation(cost_ratio, after / before)),
            Step("another term binds before", branch(before, binding), equation(cost_ratio, after / binding)),
            Step("and after", branch(after, binding), equation(cost_ratio, 1)),
        ),
        assumes=(),
        sources=(LECTURE,),
        example=v3 if binding == memory_time else lambda: llama("70B"),
        example_text=V3 if binding == memory_time else LLAMA.format("70B"),
        holds=tuple(at_least(binding, other) for other in TIMES if other != binding),
    )


slack_memory = slack("memory", "Memory bandwidth where compute binds", faster_memory, memory_time, compute_time)
slack_compute = slack("compute", "FLOP/s where memory binds", faster_compute, compute_time, memory_time)
slack_links = slack("links", "Link bandwidth where memory binds", faster_links, link_time, memory_time)

MET, SLOWER = Max(compute_time, link_time), compute_time / (1 - rise)


def at_crossover() -> Mapping[Symbol, float]:
    """DeepSeek-V3 on chips of so few FLOP/s that both terms take equally long."""
    values = dict(v3())
    reading = float(Scenario(values).evaluate(blackboard.memory.time))
    values[peak_flops] *= values[compute_time] / reading
    return {**values, compute_time: reading, memory_time: reading}


elasticity_below = Derivation(
    name="crossover-elasticity",
    title="What a resource is worth on the losing side of a crossover",
    rows=("7.2",),
    claim="At a crossover less of a resource costs all of it, more brings nothing: its price lies between 0 and 1.",
    start=Modelled(cost_elasticity, formulas.elasticity_below),
    steps=(
        Step(
            "cost before, and with fewer FLOP/s",
            substitute(
                instance(overlapped_cost, {token_cost: lowered_cost, compute_time: changed_time}), overlapped_cost
            ),
            equation(cost_elasticity, (longest(compute_time, changed_time) / formulas.full_overlap - 1) / rise),
        ),
        Step(
            "compute takes so much more time",
            substitute(slower_compute),
            equation(cost_elasticity, (longest(compute_time, SLOWER) / formulas.full_overlap - 1) / rise),
        ),
        Step(
            "at the crossover",
            substitute(AT_CROSSOVER),
            equation(cost_elasticity, (Max(SLOWER, compute_time, link_time) / MET - 1) / rise),
        ),
        Step("the links bind neither before", branch(MET, compute_time), equation(
            cost_elasticity, (Max(SLOWER, compute_time, link_time) / compute_time - 1) / rise
        )),
        Step("nor after: compute does", branch(Max(SLOWER, compute_time, link_time), SLOWER), equation(
            cost_elasticity, 1 / (1 - rise)
        )),
        Step("as little less as one likes", limit(rise, 0), equation(cost_elasticity, 1)),
    ),
    assumes=(AT_CROSSOVER, LITTLE),
    sources=(LECTURE,),
    example=at_crossover,
    example_text=f"{V3}; its FLOP/s so few that compute takes as long as memory",
    holds=(more(compute_time, link_time),),
)  # fmt: skip

serial_cost = Derivation(
    name="serial-cost",
    title="Cost of a token without overlap",
    rows=("7.2",),
    claim="Without overlap a token pays for both times.",
    start=Modelled(token_cost, economics.cost_per_token),
    steps=(
        Step(
            "one stage, one replica; the price of a second; compute after memory",
            substitute(
                *ONE_STAGE, PRICE_OF_A_SECOND.for_(q.chip_hour_price), Modelled(q.step_time, formulas.no_overlap)
            ),
            equation(token_cost, chip_second_price * stage_chips * (compute_time + memory_time) / micro_batch),
        ),
    ),
    assumes=(PAID_THROUGHOUT, NO_OVERLAP, *ONE_STAGE),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

serial_elasticity = Derivation(
    name="serial-elasticity",
    title="What memory bandwidth is worth without overlap",
    rows=("7.2",),
    claim="Without overlap each resource is worth its share of the time: nothing is slack.",
    start=Modelled(cost_elasticity, formulas.elasticity),
    steps=(
        Step(
            "cost before, and with memory faster",
            substitute(instance(serial_cost, {token_cost: raised_cost, memory_time: changed_time}), serial_cost),
            equation(cost_elasticity, (1 - (compute_time + changed_time) / (compute_time + memory_time)) / rise),
        ),
        Step(
            "its term takes so much less time",
            substitute(faster_memory),
            equation(cost_elasticity, memory_time / ((compute_time + memory_time) * (1 + rise))),
        ),
        Step(
            "a rise as small as one likes",
            limit(rise, 0),
            equation(cost_elasticity, memory_time / (compute_time + memory_time)),
        ),
    ),
    assumes=(LITTLE,),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

DERIVATIONS = (slack_memory, slack_compute, slack_links, elasticity_below, serial_cost, serial_elasticity)

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


def of_capacity() -> float:
    """The same of the closed terms, with as many sequences as a memory holds that is larger by a millionth, over what
    is proved."""
    values, little = dict(v3()), 1e-6

    def cost(by: float) -> float:
        larger = Scenario({**values, q.memory_capacity: values[q.memory_capacity] * (1 + by)})
        batch = float(larger.evaluate(fitting_batch.result.rhs))
        full = Scenario({**values, micro_batch: batch, q.parameters_read: values[q.parameters]})
        return max(float(full.evaluate(term)) for term in (COMPUTES, READS, SENDS)) / batch

    terms = {token_cost: cost(0.0), raised_cost: cost(little), rise: little}
    return float(Scenario(terms).evaluate(formulas.elasticity)) / capacity_elasticity.evaluate()


def own_check(statement: str, name: str, resource: Symbol, worth: float) -> Claim:
    """That the step time of the model, with all that the lecture leaves out, follows a resource as proved."""
    return Claim("7.2", statement, None, measured(name, resource), times(name), source=Source.OWN,
                 must=lambda value: abs(value - worth) < 1e-4)  # fmt: skip


CLAIMS = (
    own_check("who earns: memory bandwidth has all of the elasticity where memory binds", "long", memory_bandwidth, 1),
    own_check("FLOP/s are worth nothing where memory binds", "long", peak_flops, 0),
    own_check("links are worth nothing where memory binds", "long", scale_up_bandwidth, 0),
    own_check("who earns: FLOP/s have all of the elasticity where compute binds", "short", peak_flops, 1),
    own_check("memory bandwidth is worth nothing where compute binds", "short", memory_bandwidth, 0),
    Claim("7.2", "memory capacity, where it limits the batch: a millionth more of it, over what is proved", None,
          of_capacity, lambda: {"case": V3, "proved": capacity_elasticity.evaluate()}, source=Source.OWN,
          must=lambda value: abs(value - 1) < 1e-4),
)  # fmt: skip
