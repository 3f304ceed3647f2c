"""Chapter 4, over-training: the least FLOP of training and serving within a time between tokens, and its worth."""

from collections.abc import Mapping

from sympy import Le, S, Symbol

from steptime.derivations.axioms import ACTIVE_COUNT, LOSS_LAW, STREAMED_ONCE
from steptime.derivations.batch.terms import LECTURE as BOARD
from steptime.derivations.facts import Defined, Given, Modelled, Priced
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.overtraining import formulas
from steptime.derivations.overtraining.budgets import pretraining
from steptime.derivations.overtraining.life import FEWEST
from steptime.derivations.overtraining.numbers import LAW, LECTURE, life_at
from steptime.derivations.rules import equation, identity, optimum, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.economics import scaling

from steptime.derivations.overtraining.symbols import (  # isort: skip
    active_exponent, latency_price, life_work, limited_tokens, pretraining_work, read_over_active, serving_work,
    stored_exponent, token_limit,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, bytes_per_weight, data_coefficient, data_exponent, decode_efficiency, flops_per_mac,
    memory_bandwidth, pretraining_tokens, served_tokens, size_coefficient, size_exponent, stage_chips,
)  # fmt: skip

FAST = "Chinchilla's law, 2.6e14 tokens served; 1 ms between tokens on 8 chips of 8 TB/s, a byte a weight"


def fast() -> Mapping[Symbol, float]:
    """The lecture's traffic, on few chips and fast; and the powers of a mixture that add up to the dense one."""
    return {
        **life_at(),
        token_limit: 1e-3,
        stage_chips: 8.0,
        memory_bandwidth: 8e12,
        bytes_per_weight: 1.0,
        read_over_active: 1.0,
        limited_tokens: 4e14,
        active_exponent: 0.24,
        stored_exponent: 0.1,
    }


streamed = stage_chips * memory_bandwidth / bytes_per_weight
"""Weights a second that all chips of a stage stream."""
allowed = token_limit * streamed / read_over_active
"""Active weights that the limit leaves room for."""
life = flops_per_mac * active_parameters * (3 * pretraining_tokens + served_tokens / decode_efficiency)
size_left, data_left = (
    size_coefficient * allowed**-size_exponent,
    data_coefficient * limited_tokens**-data_exponent,
)
"""What weights and tokens leave of the loss at the limit."""
nat = 3 * flops_per_mac * allowed * limited_tokens / (data_exponent * data_left)
"""FLOP of a nat by more tokens."""
least = flops_per_mac * allowed * (3 * limited_tokens + served_tokens / decode_efficiency)
LOSS = Given(
    Le(scaling.loss_of_size + scaling.loss_of_data, size_left + data_left),
    "weights and tokens of pre-training leave no more loss than some bound, which is written by the tokens that reach "
    "it with as many weights as the limit allows",
)
TIME = Given(
    Le(read_over_active * active_parameters / streamed, token_limit),
    "all weights that a step reads are streamed within the time between two tokens",
)
TOGETHER = (
    Step(
        "what each of them takes",
        substitute(pretraining, Modelled(serving_work, formulas.serving_flops)),
        equation(life_work, formulas.life_flops),
    ),
)
BOTH = Defined(life_work, pretraining_work + serving_work, "the FLOP of pre-training and of serving")
saved = nat * size_exponent * size_left - least
"""FLOP that as many weights more would save, for each of those that there are: tokens spared, less their own."""

limited = Derivation(
    name="least-life-within-latency",
    title="The least FLOP of training and serving for a loss, within a time between tokens",
    rows=("4.7",),
    claim="As many weights as the limit allows, and the tokens that then reach the loss. It binds where weights would "
    "still spare more training than they cost in serving.",
    start=BOTH,
    steps=(
        *TOGETHER,
        Step(
            "the least of all weights and tokens within both limits",
            optimum(
                (LOSS.relation, TIME.relation),
                (equation(active_parameters, allowed), equation(pretraining_tokens, limited_tokens)),
                least,
                (S.One,),
                (nat, saved / token_limit),
            ),
            equation(life_work, least),
        ),
    ),
    assumes=(LOSS_LAW, ACTIVE_COUNT, STREAMED_ONCE, LOSS, TIME, *FEWEST),
    sources=(LECTURE, LAW, BOARD),
    example=fast,
    example_text=FAST,
    holds=(at_least(nat * size_exponent * size_left, least),),
)

price = Derivation(
    name="price-of-latency",
    title="What a second between tokens is worth in FLOP over a model's life",
    rows=("4.7",),
    claim="Nothing where the limit does not bind: there weights cost in serving what they spare in training. Above it "
    "a per cent of time is worth a share of training, less all of both.",
    start=Priced(
        limited,
        1,
        latency_price,
        "what the least FLOP fall by for each second more between two tokens, at the same loss",
    ),
    steps=(
        Step(
            "training spared, less training and serving",
            identity(),
            equation(
                latency_price,
                flops_per_mac
                * allowed
                / token_limit
                * (
                    3 * limited_tokens * (size_exponent * size_left / (data_exponent * data_left) - 1)
                    - served_tokens / decode_efficiency
                ),
            ),
        ),
    ),
    assumes=(),
    sources=(LECTURE, LAW, BOARD),
    example=fast,
    example_text=FAST,
    holds=(at_least(nat * size_exponent * size_left, least),),
)

DERIVATIONS = (limited, price)
