"""Chapter 1: what more experts cost and what they bring, at the same active weights."""

from collections.abc import Mapping

import sympy
from sympy import Ne, Symbol

from steptime.derivations.axioms import ROUTED_LAW
from steptime.derivations.batch import routing
from steptime.derivations.batch.batch import V3_ALL, best_batch, v3
from steptime.derivations.batch.serving import full_memory
from steptime.derivations.batch.terms import LECTURE, NO_CONTEXT, ONE_SEQUENCE, memory_cost, ridge_batch
from steptime.derivations.board import READS_ALL
from steptime.derivations.facts import Crossing, Defined, Line, given, instance
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.rules import both_sides, equation, limit, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.scenario import Scenario

from steptime.derivations.batch.symbols import (  # isort: skip
    dense_experts, dense_weights, effective_experts, experts_routed, log_routed_loss, optimal_batch, ridge,
    routed_expert_power, routed_interaction, routed_size_power, token_cost,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, bytes_per_weight, chip_second_price, flops_per_mac, memory_capacity, micro_batch, parameters,
    peak_flops, stage_chips,
)  # fmt: skip

LAW_SOURCE = "Clark et al. 2022, Unified scaling laws for routed language models, arXiv 2202.01169, eq. 1 and Table 3"
TEN = sympy.log(10)
AT_OPTIMUM = given(micro_batch, optimal_batch, "the batch is the optimal one")


def routed(router: str = "S-BASE", weights: float = 370e6, experts: float = 64.0) -> Mapping[Symbol, float]:
    """The law's constants for one way of routing, at so many active weights and experts."""
    values = {**routing.ROUTERS[router], active_parameters: weights, experts_routed: experts}
    return {**values, effective_experts: Scenario(values).evaluate(routing.saturated_experts)}


ROUTED = "370M active weights, 64 experts, routed by S-BASE, constants of the paper's Table 3"

free_sparsity = Derivation(
    name="free-sparsity",
    title="The cost of a token at the optimal batch, whatever the sparsity",
    rows=("1.13",),
    claim="More weights at the same active ones are free while the batch can grow with them.",
    start=memory_cost,
    steps=(
        Step(
            "no KV cache, every weight read, at the optimal batch",
            substitute(NO_CONTEXT, READS_ALL, AT_OPTIMUM),
            equation(
                token_cost, chip_second_price * bytes_per_weight * parameters / (optimal_batch * q.memory_bandwidth)
            ),
        ),
        Step(
            "which grows with the weights: they cancel",
            substitute(best_batch),
            equation(
                token_cost, chip_second_price * bytes_per_weight * active_parameters / (ridge * q.memory_bandwidth)
            ),
        ),
        Step(
            "the ridge by the chip's rates: the cost of compute, which no batch brings down",
            substitute(ridge_batch),
            equation(token_cost, chip_second_price * flops_per_mac * active_parameters / peak_flops),
        ),
    ),
    assumes=(NO_CONTEXT, READS_ALL, AT_OPTIMUM),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
)

capacity_of_sparsity = Derivation(
    name="capacity-of-sparsity",
    title="The chips that sparsity needs",
    rows=("1.13",),
    claim="What more weights do cost is capacity: chips in proportion to all of them.",
    start=Line(full_memory, 1),
    steps=(
        Step(
            "weights alone, before any sequence",
            limit(micro_batch, 0),
            equation(memory_capacity, bytes_per_weight * parameters / stage_chips),
        ),
        Step(
            "solve for the chips",
            solve_for(stage_chips),
            equation(stage_chips, bytes_per_weight * parameters / memory_capacity),
        ),
    ),
    assumes=(ONE_SEQUENCE,),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
    holds=(at_least(bytes_per_weight * parameters, memory_capacity),),
)

LAW = Defined(
    log_routed_loss,
    routing.log10_loss(active_parameters, effective_experts),
    "what the law gives for so many active weights and experts",
)
DENSE = instance(LAW, {active_parameters: parameters, effective_experts: dense_experts})
"""A dense model multiplies all its weights, and has one expert."""
SIZE_POWER = routed_size_power - routed_interaction * sympy.log(effective_experts) / TEN
DENSE_POWER = routed_size_power - routed_interaction * sympy.log(dense_experts) / TEN
SPREAD = routed_expert_power * (sympy.log(effective_experts) - sympy.log(dense_experts))
LOG_WEIGHTS = (SIZE_POWER * sympy.log(active_parameters) + SPREAD) / DENSE_POWER

dense_equivalent = Derivation(
    name="dense-equivalent",
    title="The dense model with the loss of a routed one",
    rows=("1.13",),
    claim="Experts are worth a larger dense model, but a far smaller one than all the weights.",
    start=Crossing(DENSE, LAW, "a dense model has the same loss", over=parameters, at=dense_weights),
    steps=(
        Step(
            "the logarithm of the dense weights on one side",
            both_sides((routing.log10_loss(sympy.S.One, dense_experts) - side) * TEN / DENSE_POWER),
            equation(sympy.log(dense_weights), LOG_WEIGHTS),
        ),
        Step("undo the logarithm", both_sides(sympy.exp(side)), equation(dense_weights, sympy.exp(LOG_WEIGHTS))),
    ),
    assumes=(ROUTED_LAW,),
    sources=(LAW_SOURCE,),
    example=routed,
    example_text=ROUTED,
    holds=(Ne(routed_size_power * TEN, routed_interaction * sympy.log(dense_experts)),),
)

DERIVATIONS = (free_sparsity, capacity_of_sparsity, dense_equivalent)
