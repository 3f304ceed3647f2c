"""Chapter 9, serving: the causal half of attention, and its share of a prefill."""

from steptime.derivations.prices.formulas import grouped
from steptime.derivations.rules import both_sides, drop, equation, identity, side, solve_for
from steptime.derivations.serving.numbers import ALL_CONTEXT, LLAMA, llama_prefill, summed
from steptime.derivations.serving.symbols import token_pairs
from steptime.derivations.steps import Derivation, Step
from steptime.model.architecture.attended import attended
from steptime.model.phases.prefill import PREFILL

from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, cached, compute_shards, context, flops_per_mac, micro_batch, pass_tokens,
    unembedding_parameters,
)  # fmt: skip

VASWANI = "Vaswani et al. 2017, arXiv 1706.03762, section 3.2.3: no token attends to those after it"

causal_pairs = Derivation(
    name="causal-pairs",
    title="Pairs of tokens in causal attention",
    rows=("9.1",),
    claim="New tokens attend to all that were cached, and among themselves to half of a square.",
    start=equation(token_pairs, summed(attended(grouped), context, cached, pass_tokens)),
    steps=(
        Step(
            "a rectangle and a triangle",
            identity(),
            equation(token_pairs, pass_tokens * cached + pass_tokens * (pass_tokens - 1) / 2),
        ),
    ),
    assumes=("no window", "the pair of a token with itself is left out"),
    sources=(VASWANI,),
    example=lambda: {pass_tokens: 4096.0, cached: 1024.0},
    example_text="4096 new tokens behind 1024 cached ones",
)

weights, attention, _ = PREFILL.ledger
body = active_parameters - unembedding_parameters

prefill_attention = Derivation(
    name="prefill-attention",
    title="The prompt at which attention multiplies as much as the weights",
    rows=("9.1",),
    claim="Attention grows with the square of the prompt: half of a prefill's FLOP at this one, more beyond it.",
    start=equation(attention.flops, weights.flops),
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
            drop(flops_per_mac * unembedding_parameters / pass_tokens, error=2e-7),
            equation(attention_flops * (pass_tokens - 1) / 2, flops_per_mac * body),
        ),
        Step(
            "solve for the prompt",
            solve_for(pass_tokens),
            equation(pass_tokens, 1 + 2 * flops_per_mac * body / attention_flops),
        ),
    ),
    assumes=(ALL_CONTEXT, "nothing cached", "latents expanded where that is cheaper, as it is with nothing cached"),
    sources=(VASWANI,),
    example=lambda: llama_prefill(104_448),
    example_text=f"{LLAMA}, a prompt of 104448 tokens",
)

DERIVATIONS = (causal_pairs, prefill_attention)
