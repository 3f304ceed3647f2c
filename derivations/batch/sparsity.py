"""Chapter 1: what more experts cost and what they bring, at the same active weights."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.batch import routing
from steptime.derivations.batch.batch import V3_ALL, best_batch, v3
from steptime.derivations.batch.serving import full_memory
from steptime.derivations.batch.terms import LECTURE, memory_cost, ridge_batch
from steptime.derivations.board import is_
from steptime.derivations.rules import both_sides, equation, limit, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.scenario import Scenario

from steptime.derivations.batch.symbols import (  # isort: skip
    dense_experts, dense_weights, effective_experts, experts_routed, log_dense_weights, optimal_batch, ridge,
    routed_expert_power, routed_interaction, routed_offset, routed_size_power, token_cost,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, bytes_per_weight, chip_second_price, flops_per_mac, memory_capacity, parameters, peak_flops,
    stage_chips,
)  # fmt: skip

ROUTED_LAW = "Clark et al. 2022, Unified scaling laws for routed language models, arXiv 2202.01169, eq. 1 and Table 3"
TEN = sympy.log(10)


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
    start=memory_cost.result,
    steps=(
        Step(
            "no KV cache, every weight read, at the optimal batch",
            substitute(is_(q.context, 0), is_(q.parameters_read, parameters), is_(q.micro_batch, optimal_batch)),
            equation(
                token_cost, chip_second_price * bytes_per_weight * parameters / (optimal_batch * q.memory_bandwidth)
            ),
        ),
        Step(
            "which grows with the weights: they cancel",
            substitute(best_batch.result),
            equation(
                token_cost, chip_second_price * bytes_per_weight * active_parameters / (ridge * q.memory_bandwidth)
            ),
        ),
        Step(
            "the ridge by the chip's rates: the cost of compute, which no batch brings down",
            substitute(ridge_batch.result),
            equation(token_cost, chip_second_price * flops_per_mac * active_parameters / peak_flops),
        ),
    ),
    assumes=("no KV cache", "every expert is read in every step", "enough sequences for the batch"),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
)

capacity_of_sparsity = Derivation(
    name="capacity-of-sparsity",
    title="The chips that sparsity needs",
    rows=("1.13",),
    claim="What more weights do cost is capacity: chips in proportion to all of them.",
    start=full_memory.start,
    steps=(
        Step(
            "weights alone, before any sequence",
            limit(q.micro_batch, 0),
            equation(memory_capacity, bytes_per_weight * parameters / stage_chips),
        ),
        Step(
            "solve for the chips",
            solve_for(stage_chips),
            equation(stage_chips, bytes_per_weight * parameters / memory_capacity),
        ),
    ),
    assumes=("weights split evenly over the chips of one stage",),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
)

SIZE_POWER = routed_size_power - routed_interaction * sympy.log(effective_experts) / TEN
DENSE_POWER = routed_size_power - routed_interaction * sympy.log(dense_experts) / TEN
SPREAD = routed_expert_power * (sympy.log(effective_experts) - sympy.log(dense_experts))

dense_equivalent = Derivation(
    name="dense-equivalent",
    title="The dense model with the loss of a routed one",
    rows=("1.13",),
    claim="Experts are worth a larger dense model, but a far smaller one than all the weights.",
    start=equation(
        routing.log10_loss(dense_weights, dense_experts), routing.log10_loss(active_parameters, effective_experts)
    ),
    steps=(
        Step(
            "the dense weights by their logarithm",
            substitute(is_(dense_weights, sympy.exp(log_dense_weights))),
            equation(
                routed_offset
                - routed_size_power * log_dense_weights / TEN
                - routed_expert_power * sympy.log(dense_experts) / TEN
                + routed_interaction * log_dense_weights * sympy.log(dense_experts) / TEN**2,
                routed_offset
                - routed_size_power * sympy.log(active_parameters) / TEN
                - routed_expert_power * sympy.log(effective_experts) / TEN
                + routed_interaction * sympy.log(active_parameters) * sympy.log(effective_experts) / TEN**2,
            ),
        ),
        Step(
            "solve for the logarithm",
            solve_for(log_dense_weights),
            equation(log_dense_weights, (SIZE_POWER * sympy.log(active_parameters) + SPREAD) / DENSE_POWER),
        ),
        Step(
            "undo the logarithm",
            both_sides(sympy.exp(side)),
            equation(
                sympy.exp(log_dense_weights),
                sympy.exp((SIZE_POWER * sympy.log(active_parameters) + SPREAD) / DENSE_POWER),
            ),
        ),
        Step(
            "count the weights again",
            substitute(is_(log_dense_weights, sympy.log(dense_weights))),
            equation(dense_weights, sympy.exp((SIZE_POWER * sympy.log(active_parameters) + SPREAD) / DENSE_POWER)),
        ),
    ),
    assumes=("the law as fitted at 15M to 1.3B dense weights and up to 512 experts, 130B tokens",),
    sources=(ROUTED_LAW,),
    example=routed,
    example_text=ROUTED,
)

DERIVATIONS = (free_sparsity, capacity_of_sparsity, dense_equivalent)
