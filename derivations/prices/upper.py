"""Chapter 5, prices: the least step of a price that covers what a token costs at every context."""

from sympy import Le, Max

from steptime.derivations.axioms import PAID_THROUGHOUT, PRICED_AT_COST
from steptime.derivations.batch.balance import balance_exact, kv_by_balance
from steptime.derivations.batch.floor import cost_floor
from steptime.derivations.batch.symbols import balanced_context, token_cost
from steptime.derivations.batch.terms import BINDS, COMPUTING_V3, compute_cost, compute_term, computing_v3, on_one_stage
from steptime.derivations.board import ONE_STAGE
from steptime.derivations.facts import Chosen, Compared, Given, Line, Modelled, instance
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.prices.numbers import LECTURE, V3, v3
from steptime.derivations.prices.symbols import longest_context, upper_price_ratio
from steptime.derivations.rules import branch, equation, extreme, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.economics.cost import cost_per_token

from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, chip_second_price, compute_time, context, flops_per_mac, kv_bytes,
    memory_bandwidth, peak_flops,
)  # fmt: skip

COVERED = Given(Le(context, longest_context), "no context is longer than the longest that the price covers")
DEAREST = Chosen(context, "the upper price covers the dearest context", least=False)
COVERS = "the least price above the step, which covers what a token costs at every context, over the price below it"
REACHED = at_least(longest_context, balanced_context)

GAP = kv_bytes * peak_flops - attention_flops * memory_bandwidth
"""By how much reading a token of context outgrows attending to it."""

two_tiers = Derivation(
    name="two-tier-price",
    title="The smallest step of a two-tier price",
    rows=("5.5",),
    claim="A price that steps up at the balanced context and never lies below cost steps by L_max/L* at least.",
    start=Compared(upper_price_ratio, cost_floor, compute_cost, COVERS),
    steps=(
        Step(
            "the longest context costs most",
            extreme(COVERED.relation, least=False),
            equation(
                upper_price_ratio,
                Max(
                    1, longest_context * kv_bytes * peak_flops / (flops_per_mac * active_parameters * memory_bandwidth)
                ),
            ),
        ),
        Step(
            "bytes of KV cache by the balanced context",
            substitute(kv_by_balance),
            equation(upper_price_ratio, Max(1, longest_context / balanced_context)),
        ),
        Step(
            "the longest context lies beyond the balanced one",
            branch(Max(1, longest_context / balanced_context), longest_context / balanced_context),
            equation(upper_price_ratio, longest_context / balanced_context),
        ),
    ),
    assumes=(PRICED_AT_COST, COVERED, DEAREST),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
    holds=(REACHED,),
)

covered = Derivation(
    name="two-tier-reach",
    title="The longest context that a step of the price covers",
    rows=("5.5",),
    claim="A small step covers little: half as much again covers half as much context again.",
    start=two_tiers,
    steps=(
        Step(
            "solve for the longest context",
            solve_for(longest_context),
            equation(longest_context, upper_price_ratio * balanced_context),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=v3,
    example_text=f"{V3}; upper price 1.5 times the lower",
    holds=(REACHED,),
)

compute_cost_exact = Derivation(
    name="compute-cost-exact",
    title="Cost of a token where compute binds, with the FLOPs of attention",
    rows=("5.5",),
    claim="Where compute binds, attention makes a token dearer in proportion to its context, whatever the batch.",
    start=Modelled(token_cost, cost_per_token),
    steps=(
        on_one_stage(compute_time),
        Step(
            "put in the compute term with the multiply-adds of attention",
            substitute(Line(compute_term, 1)),
            equation(
                token_cost,
                chip_second_price * (flops_per_mac * active_parameters + attention_flops * context) / peak_flops,
            ),
        ),
    ),
    assumes=(PAID_THROUGHOUT, *ONE_STAGE, BINDS[compute_time]),
    sources=(LECTURE,),
    example=computing_v3,
    example_text=COMPUTING_V3,
)

two_tiers_exact = Derivation(
    name="two-tier-price-exact",
    title="The smallest step of a two-tier price, with the FLOPs of attention",
    rows=("5.5",),
    claim="The ratio is L_max/L* again, with the exact balance: attention's multiply-adds make the lower tier dearer.",
    start=Compared(
        upper_price_ratio, Line(cost_floor, 4), instance(compute_cost_exact, {context: balanced_context}), COVERS
    ),
    steps=(
        Step(
            "the longest context costs most",
            extreme(COVERED.relation, least=False),
            equation(
                upper_price_ratio,
                Max(
                    flops_per_mac * active_parameters + attention_flops * longest_context,
                    longest_context * kv_bytes * peak_flops / memory_bandwidth,
                )
                / (flops_per_mac * active_parameters + attention_flops * balanced_context),
            ),
        ),
        Step(
            "the longest context lies beyond the exact balance",
            branch(
                Max(
                    flops_per_mac * active_parameters + attention_flops * longest_context,
                    longest_context * kv_bytes * peak_flops / memory_bandwidth,
                ),
                longest_context * kv_bytes * peak_flops / memory_bandwidth,
            ),
            equation(
                upper_price_ratio,
                longest_context
                * kv_bytes
                * peak_flops
                / ((flops_per_mac * active_parameters + attention_flops * balanced_context) * memory_bandwidth),
            ),
        ),
        Step(
            "the balance with the multiply-adds of attention",
            substitute(balance_exact),
            equation(
                upper_price_ratio,
                longest_context * GAP / (flops_per_mac * active_parameters * memory_bandwidth),
            ),
        ),
    ),
    assumes=(PRICED_AT_COST, COVERED, DEAREST),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
    holds=(at_least(longest_context * GAP, flops_per_mac * active_parameters * memory_bandwidth),),
)

DERIVATIONS = (two_tiers, covered, compute_cost_exact, two_tiers_exact)
