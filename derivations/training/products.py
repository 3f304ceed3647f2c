"""Chapter 10, training: FLOP per token, from the matrix products of the forward pass and those of their gradients."""

from collections.abc import Mapping

import sympy
from sympy import Sum, Symbol

from steptime.derivations.axioms import BOTH_GRADIENTS, PRODUCTS_ALONE
from steptime.derivations.facts import Compared, Defined, Modelled, given, instance
from steptime.derivations.rules import equation, identity, substitute, total
from steptime.derivations.serving.attention import causal_pairs
from steptime.derivations.serving.symbols import token_pairs
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.numbers import KAPLAN, trained
from steptime.model.phases.train import forward_flops

from steptime.derivations.training.symbols import (  # isort: skip
    attention_training_flops, forward_macs, product_columns, product_inner, product_rows, forward_sequence_flops,
    training_flops, training_macs, training_passes, weight_training_flops,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, cached, flops_per_mac, pass_tokens, sequence, turn,
)  # fmt: skip

LLAMA_405B = "Llama 3.1 405B, sequences of 8192 tokens"
PAIRS = instance(causal_pairs, {pass_tokens: sequence, cached: sympy.S.Zero})
"""Pairs of tokens of one sequence, none of which was cached before."""

IN_FULL = given(token_pairs, sequence**2, "each token is counted with all of its sequence")
FORWARD = Modelled(forward_sequence_flops, forward_flops)
OF_WEIGHTS = Defined(
    weight_training_flops,
    training_passes * forward_sequence_flops / sequence,
    "the FLOP of a sequence's products with weights, forward and backward, over its tokens",
)
OF_PAIRS = Defined(
    attention_training_flops,
    training_passes * attention_flops * token_pairs / sequence,
    "the FLOP of a sequence's scores and sums, forward and backward, over its tokens",
)
OF_TOKEN = Defined(
    training_flops, weight_training_flops + attention_training_flops, "the FLOP in weights and in attention"
)
pairs_part = 3 * attention_flops * (sequence - 1) / 2


def product() -> Mapping[Symbol, float]:
    """A matrix of 4096 by 14336 and a sequence of 8192 tokens."""
    return {product_rows: 8192.0, product_inner: 4096.0, product_columns: 14336.0}


def llama_405b() -> Mapping[Symbol, float]:
    """Llama 3.1 405B at the sequence of its pre-training."""
    return trained("llama-3.1-405b", layout="tp=8,pp=16,dp=128", batch=2048, sequence=8192)


each_column, each_inner, each_row = (
    Sum(one * other, (turn, 1, times))
    for one, other, times in (
        (product_rows, product_inner, product_columns),
        (product_rows, product_columns, product_inner),
        (product_inner, product_columns, product_rows),
    )
)
cube = product_rows * product_inner * product_columns

passes = Derivation(
    name="training-passes",
    title="Multiply-adds of training over those of its forward pass",
    rows=("10.1",),
    claim="Y = X W forward, dX = dY W' and dW = X' dY backward: three products of the same three sizes.",
    start=Compared(
        training_passes,
        Defined(
            training_macs,
            each_column + each_inner + each_row,
            "the multiply-adds of all columns of Y, of all columns of dX, and of all rows of X and dY in dW",
        ),
        Defined(forward_macs, each_column, "the multiply-adds of all columns of Y"),
        "the multiply-adds of a product and of the gradients of both its factors over those of the product",
    ),
    steps=(
        Step(
            "each entry of Y adds up as many products as a row of X has numbers",
            total(each_column, cube),
            equation(training_passes, (cube + each_inner + each_row) / cube),
        ),
        Step(
            "each entry of dX as many as a row of dY has",
            total(each_inner, cube),
            equation(training_passes, (2 * cube + each_row) / cube),
        ),
        Step(
            "each entry of dW one for every row: for every token",
            total(each_row, cube),
            equation(training_passes, 3 * cube / cube),
        ),
        Step("the sizes cancel", identity(), equation(training_passes, 3)),
    ),
    assumes=(),
    sources=(KAPLAN,),
    example=product,
    example_text="any matrix",
)

weights = Derivation(
    name="training-flops-weights",
    title="FLOP of training in weights, per token",
    rows=("10.1",),
    claim="Six FLOP a weight and token: a multiply-add each in the product and in the gradients of both its factors.",
    start=OF_WEIGHTS,
    steps=(
        Step(
            "three passes, each a multiply-add a weight and token",
            substitute(passes, FORWARD),
            equation(weight_training_flops, 3 * flops_per_mac * active_parameters),
        ),
    ),
    assumes=(PRODUCTS_ALONE, BOTH_GRADIENTS),
    sources=(KAPLAN,),
    example=llama_405b,
    example_text=LLAMA_405B,
)

attention = Derivation(
    name="training-flops-attention",
    title="FLOP of training in attention, per token",
    rows=("10.1",),
    claim="Scores and sums are products as well: three passes, and each token meets half of the others.",
    start=OF_PAIRS,
    steps=(
        Step(
            "three passes over the pairs of a sequence",
            substitute(passes, PAIRS),
            equation(attention_training_flops, pairs_part),
        ),
    ),
    assumes=(PRODUCTS_ALONE, BOTH_GRADIENTS),
    sources=(KAPLAN,),
    example=llama_405b,
    example_text=LLAMA_405B,
)

in_full = Derivation(
    name="training-flops-attention-full",
    title="FLOP of training in attention, counted in full",
    rows=("10.1",),
    claim="Papers that count the whole square print twice the FLOP of a causal attention.",
    start=OF_PAIRS,
    steps=(
        Step(
            "three passes over the square of the sequence",
            substitute(passes, IN_FULL),
            equation(attention_training_flops, 3 * attention_flops * sequence),
        ),
    ),
    assumes=(PRODUCTS_ALONE, BOTH_GRADIENTS, IN_FULL),
    sources=(KAPLAN,),
    example=llama_405b,
    example_text=LLAMA_405B,
)

per_token = Derivation(
    name="training-flops",
    title="FLOP of training, per token",
    rows=("10.1",),
    claim="Forward once, backward twice: each active weight three times, each pair of tokens three times.",
    start=OF_TOKEN,
    steps=(
        Step(
            "what weights take and what attention takes",
            substitute(weights, attention),
            equation(training_flops, 3 * flops_per_mac * active_parameters + pairs_part),
        ),
    ),
    assumes=(),
    sources=(KAPLAN,),
    example=llama_405b,
    example_text=LLAMA_405B,
)

per_token_in_full = Derivation(
    name="training-flops-full",
    title="FLOP of training, per token, attention counted in full",
    rows=("10.1",),
    claim="Three passes again: only the pairs of tokens are counted differently.",
    start=OF_TOKEN,
    steps=(
        Step(
            "what weights take and what attention takes",
            substitute(weights, in_full),
            equation(training_flops, 3 * flops_per_mac * active_parameters + 3 * attention_flops * sequence),
        ),
    ),
    assumes=(),
    sources=(KAPLAN,),
    example=llama_405b,
    example_text=LLAMA_405B,
)

DERIVATIONS = (passes, weights, attention, in_full, per_token, per_token_in_full)
