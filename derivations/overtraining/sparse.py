"""Chapter 4, over-training: a mixture of experts within a time between tokens: weights that cost no FLOP, and reads."""

from sympy import Le, S

from steptime.derivations.axioms import ACTIVE_COUNT, SPARSE_LAW, STREAMED_ONCE
from steptime.derivations.batch.terms import LECTURE as BOARD
from steptime.derivations.facts import Chosen, Given, Priced
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.overtraining.life import FEWEST
from steptime.derivations.overtraining.numbers import LAW, LECTURE
from steptime.derivations.overtraining.within import BOTH, FAST, TOGETHER, fast, streamed
from steptime.derivations.rules import equation, identity, optimum
from steptime.derivations.steps import Derivation, Step
from steptime.model.economics import scaling

from steptime.derivations.overtraining.symbols import (  # isort: skip
    active_exponent, best_tokens, latency_price, stored_exponent, token_limit,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, data_coefficient, data_exponent, decode_efficiency, flops_per_mac, parameters,
    pretraining_tokens, served_tokens, size_coefficient,
)  # fmt: skip

MOE = "Ludziejewski et al. 2025, Joint MoE scaling laws, arXiv 2502.05172: at each number of experts a law of this form"
MIXTURE = f"{FAST}; of the power 0.34 of the weights 0.24 for active and 0.1 for stored ones"

stored = token_limit * streamed
"""Weights that all chips of a stage stream within the limit."""
both = 1 + served_tokens / (3 * decode_efficiency * best_tokens)
"""FLOP of training and serving over those of training alone."""
active = (
    active_exponent
    * size_coefficient
    * stored**-stored_exponent
    * best_tokens**data_exponent
    / (data_exponent * data_coefficient * both)
) ** (1 / active_exponent)
least = 3 * flops_per_mac * active * best_tokens * both
of_both = data_coefficient * best_tokens**-data_exponent * (1 + data_exponent * both / active_exponent)
LOSS = Given(
    Le(
        size_coefficient * active_parameters**-active_exponent * parameters**-stored_exponent + scaling.loss_of_data,
        of_both,
    ),
    "weights and tokens of pre-training leave no more loss than some bound, which is written by the one number of "
    "tokens that reaches it at the least FLOP",
)
ALL_READ = Given(
    Le(parameters / streamed, token_limit),
    "a batch touches every expert: all weights are streamed within the time between two tokens",
)
STORED = Chosen(parameters, "as many weights are stored as make a model's life cheapest")

mixture = Derivation(
    name="least-life-of-experts",
    title="The least FLOP of training and serving a mixture of experts, within a time between tokens",
    rows=("4.7",),
    claim="Experts cost no FLOP, so that the limit always binds: all weights that it leaves room for are stored. Of "
    "them as many are active as a dense law with their power alone would have.",
    start=BOTH,
    steps=(
        *TOGETHER,
        Step(
            "the least of all active and stored weights and tokens within both limits",
            optimum(
                (LOSS.relation, ALL_READ.relation),
                (
                    equation(active_parameters, active),
                    equation(pretraining_tokens, best_tokens),
                    equation(parameters, stored),
                ),
                least,
                (S.One,),
                (
                    3
                    * flops_per_mac
                    * active
                    * best_tokens ** (1 + data_exponent)
                    / (data_exponent * data_coefficient),
                    stored_exponent / active_exponent * least / token_limit,
                ),
            ),
            equation(BOTH.symbol, least),
        ),
    ),
    assumes=(SPARSE_LAW, ACTIVE_COUNT, STREAMED_ONCE, LOSS, ALL_READ, STORED, *FEWEST),
    sources=(LECTURE, LAW, MOE, BOARD),
    example=fast,
    example_text=MIXTURE,
    holds=(at_least(stored, active),),
)

price = Derivation(
    name="price-of-latency-of-experts",
    title="What a second between tokens is worth to a mixture of experts",
    rows=("4.7",),
    claim="A per cent of time is worth the ratio of both powers in per cent of the FLOP of a model's life: whatever is "
    "served, and however fast it must be.",
    start=Priced(
        mixture,
        1,
        latency_price,
        "what the least FLOP fall by for each second more between two tokens, at the same loss",
    ),
    steps=(
        Step(
            "for the limit, a share of all FLOP",
            identity(),
            equation(latency_price, stored_exponent * least / (active_exponent * token_limit)),
        ),
    ),
    assumes=(),
    sources=(LECTURE, LAW, MOE, BOARD),
    example=fast,
    example_text=MIXTURE,
    holds=(at_least(stored, active),),
)

DERIVATIONS = (mixture, price)
