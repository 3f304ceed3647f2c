"""Chapter 9, serving: the causal half of attention, and its share of a prefill."""

from collections.abc import Mapping

from sympy import Sum, Symbol

from steptime.derivations.axioms import ATTENDS_TO_ALL, LAST_PREDICTS
from steptime.derivations.board import numbers
from steptime.derivations.facts import Crossing, Defined, Modelled
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.prices.formulas import grouped
from steptime.derivations.rules import both_sides, drop, equation, side, solve_for, substitute, total
from steptime.derivations.serving import formulas
from steptime.derivations.steps import Derivation, Step
from steptime.model.architecture.attended import attended, pairs_of_tokens

from steptime.derivations.serving.numbers import LLAMA, llama_prefill  # isort: skip
from steptime.derivations.serving.symbols import (  # isort: skip
    pairs_flops, sequence_flops, token_pairs, weights_flops,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, cached, compute_shards, flops_per_mac, micro_batch, pass_tokens, turn,
    unembedding_parameters,
)  # fmt: skip

VASWANI = "Vaswani et al. 2017, arXiv 1706.03762, section 3.2.3: no token attends to those after it"

attended_by_all = Sum(attended(grouped, cached + turn), (turn, 0, pass_tokens - 1))

causal_pairs = Derivation(
    name="causal-pairs",
    title="Pairs of tokens in causal attention",
    rows=("9.1",),
    claim="New tokens attend to all that were cached, and among themselves to half of a square.",
    start=Defined(token_pairs, attended_by_all, "what each new token attends to, in order, itself left out"),
    steps=(
        Step(
            "a rectangle and a triangle",
            total(attended_by_all, pairs_of_tokens(pass_tokens, cached)),
            equation(token_pairs, pass_tokens * cached + pass_tokens * (pass_tokens - 1) / 2),
        ),
    ),
    assumes=(ATTENDS_TO_ALL,),
    sources=(VASWANI,),
    example=lambda: {pass_tokens: 4096.0, cached: 1024.0},
    example_text="4096 new tokens behind 1024 cached ones",
)

body = active_parameters - unembedding_parameters

prefill_flops = Derivation(
    name="prefill-flops",
    title="FLOP of a prefill",
    rows=("9.1",),
    claim="Each new token multiplies all weights but the unembedding, the last one that too; pairs come on top.",
    start=Defined(
        sequence_flops,
        flops_per_mac * (body * pass_tokens + unembedding_parameters) + attention_flops * token_pairs,
        "the FLOP of the weights, for each token, and of attention, for each pair",
    ),
    steps=(
        Step(
            "the pairs counted",
            substitute(causal_pairs),
            equation(sequence_flops, formulas.behind_flops),
        ),
    ),
    assumes=(LAST_PREDICTS,),
    sources=(VASWANI,),
    example=lambda: llama_prefill(8192, cached=4096),
    example_text=f"{LLAMA}, one prompt whose first 4096 tokens are cached",
)


def small_model() -> Mapping[Symbol, float]:
    """GPT-2, of the catalogue's models the one whose unembedding counts most, at the prompt where both are equal."""
    return numbers("gpt2", "h100-sxm", layout="tp=1", phase="prefill", prompt=9217, batch=1)


prefill_attention = Derivation(
    name="prefill-attention",
    title="The prompt at which attention multiplies as much as the weights",
    rows=("9.1",),
    claim="Attention grows with the square of the prompt: half of a prefill's FLOP at this one, more beyond it.",
    start=Crossing(
        Modelled(pairs_flops, formulas.prefill_attention_flops),
        Modelled(weights_flops, formulas.prefill_weights_flops),
        "attention multiplies as much as the weights",
    ),
    steps=(
        Step(
            "for one token",
            both_sides(side * compute_shards / (micro_batch * pass_tokens)),
            equation(
                attention_flops * (pass_tokens - 1) / 2,
                flops_per_mac * body + flops_per_mac * unembedding_parameters / pass_tokens,
            ),
        ),
        Step(
            "only the last token needs the unembedding",
            drop(flops_per_mac * unembedding_parameters / pass_tokens, error=5e-5),
            equation(attention_flops * (pass_tokens - 1) / 2, flops_per_mac * body),
        ),
        Step(
            "solve for the prompt",
            solve_for(pass_tokens),
            equation(pass_tokens, 1 + 2 * flops_per_mac * body / attention_flops),
        ),
    ),
    assumes=(ATTENDS_TO_ALL, LAST_PREDICTS),
    sources=(VASWANI,),
    example=small_model,
    example_text="GPT-2 on one H100, a prompt of 9217 tokens",
    holds=(
        more(attention_flops, 0),
        at_least(
            body * (attention_flops + 2 * flops_per_mac * body), 20_000 * attention_flops * unembedding_parameters
        ),
    ),
)

DERIVATIONS = (causal_pairs, prefill_flops, prefill_attention)
