"""Chapter 7, where the money goes: on a balanced machine the price of a term is its share of the spend."""

from collections.abc import Mapping

from sympy import Symbol

from steptime.derivations.axioms import WRITTEN_OFF
from steptime.derivations.batch.symbols import token_cost
from steptime.derivations.facts import Modelled, Solved, instance
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.machine import formulas
from steptime.derivations.machine.machine import LECTURE, LEFT, PRICED_WORK, V3, balanced_machine, balanced_v3
from steptime.derivations.machine.machine import v3 as machine_v3
from steptime.derivations.machine.shares import BY_CAPACITY, compute_share, link_share, memory_share
from steptime.derivations.rules import equation, identity, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q

from steptime.derivations.machine.symbols import (  # isort: skip
    capacity_share, cost_elasticity, memory_bandwidth_price, raised_cost, rise, step_tokens,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    budget, flops_price, link_price, machine_life, step_flops, step_link_bytes, step_memory_bytes,
)  # fmt: skip


def v3() -> Mapping[Symbol, float]:
    values = machine_v3()
    return {**values, rise: 0.01, step_tokens: values[q.batch] / values[q.chips]}


balanced_cost = Derivation(
    name="balanced-cost",
    title="What a token costs on a balanced machine",
    rows=("7.1",),
    claim="A token costs the dollar-seconds of its work, and its part of what capacity takes.",
    start=Modelled(token_cost, formulas.cost_on_budget),
    steps=(
        Step(
            "the shortest step",
            substitute(balanced_machine),
            equation(token_cost, budget * PRICED_WORK / (LEFT * machine_life * step_tokens)),
        ),
        Step(
            "by the share that capacity takes",
            substitute(BY_CAPACITY),
            equation(token_cost, PRICED_WORK / ((1 - capacity_share) * machine_life * step_tokens)),
        ),
    ),
    assumes=(WRITTEN_OFF,),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
    holds=(more(1, capacity_share),),
)


def price_is_share(name: str, work: Symbol, price: Symbol, share: Derivation) -> Derivation:
    """That the time of a term is worth what is spent on its resource, of all that is spent on time."""
    spent = share.result.lhs
    return Derivation(
        name=f"{name}-price-is-share",
        title=f"What the {name} time is worth on a balanced machine",
        rows=("7.1", "7.2"),
        claim="One per cent more work makes a token dearer by its resource's share of the spend, per cent.",
        start=Modelled(cost_elasticity, formulas.elasticity_of_work),
        steps=(
            Step(
                "cost before, and with more work on the machine that is then best",
                substitute(instance(balanced_cost, {token_cost: raised_cost, work: work * (1 + rise)}), balanced_cost),
                equation(cost_elasticity, ((PRICED_WORK + rise * price * work) / PRICED_WORK - 1) / rise),
            ),
            Step(
                "the same for a rise of any size, since the machine adjusts: the multiplier of the term",
                identity(),
                equation(cost_elasticity, price * work / PRICED_WORK),
            ),
            Step(
                "the price of the resource by what is spent on it",
                substitute(Solved(share, price)),
                equation(cost_elasticity, spent / (1 - capacity_share)),
            ),
        ),
        assumes=(),
        sources=(LECTURE,),
        example=lambda: {**v3(), **balanced_v3(), spent: share.evaluate()},
        example_text=f"{V3}; balanced for the same money",
        holds=(more(1, capacity_share + spent),),
    )


PRICES_OF_TERMS = (
    price_is_share("compute", step_flops, flops_price, compute_share),
    price_is_share("memory", step_memory_bytes, memory_bandwidth_price, memory_share),
    price_is_share("link", step_link_bytes, link_price, link_share),
)

DERIVATIONS = (balanced_cost, *PRICES_OF_TERMS)
