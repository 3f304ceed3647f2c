"""Chapter 10, training: fused attention, which keeps no scores and makes them again in its backward pass."""

from collections.abc import Mapping

from sympy import Rational, Symbol

from steptime.derivations.axioms import (  # isort: skip
    BOTH_GRADIENTS, DROPOUT, GATHERED_AGAIN, GPT_LAYER, KEPT_AS_MADE, SEEDED_DROPOUT,
)  # fmt: skip
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Compared, Defined, given, instance
from steptime.derivations.pipelines.symbols import activation_ratio
from steptime.derivations.prices.formulas import grouped
from steptime.derivations.prices.symbols import head_dim, query_heads, value_dim
from steptime.derivations.reversible.symbols import flops_ratio, layer_activations
from steptime.derivations.rules import equation, identity, substitute
from steptime.derivations.serving.symbols import token_pairs
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.compute import whole_in_full
from steptime.derivations.training.formulas import gpt_attention, gpt_weights
from steptime.derivations.training.numbers import GPT, HEADS, shapes
from steptime.derivations.training.products import IN_FULL, passes
from steptime.derivations.training.symbols import fewer_activations, training_passes, vocabulary
from steptime.model.scenario import Scenario

from steptime.derivations.training.activations import (  # isort: skip
    GPT_3, SIXTEEN_BIT, by_sequence, features, gpt_3, heads, kept, scores, stream, token_bytes,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    bytes_per_activation, flops_per_mac, layers, log_sum_exp_bytes, mask_bytes, microbatch, model_flops, sequence,
    tensor_parallel, width,
)  # fmt: skip

DAO = "Dao 2023, arXiv 2307.08691"
OF_GPT_3 = "GPT-3, sequences of 2048 tokens"
AS_WIDE = given(value_dim, head_dim, "values are as wide as keys")
THIRTY_TWO_BIT = given(log_sum_exp_bytes, 4 * mask_bytes, "32 bits a sum of exponentials")
pair_scores = flops_per_mac * grouped.score_features
"""FLOP of the scores of a pair of tokens, over all heads of a layer."""

backward = Derivation(
    name="fused-attention-backward",
    title="FLOP of a fused attention's backward pass over those of its forward pass",
    rows=("10.2",),
    claim="Two products forward, five backward: four gradients of factors, and the scores once more.",
    start=Defined(
        flops_ratio,
        ((training_passes - 1) * grouped.flops_per_pair + pair_scores) / grouped.flops_per_pair,
        "the FLOP of the gradients of scores and sums, and of the scores once more, over those of scores and sums",
    ),
    steps=(
        Step(
            "each product's gradients take two such products",
            substitute(passes),
            equation(flops_ratio, 2 + pair_scores / grouped.flops_per_pair),
        ),
        Step("scores take as long as sums", substitute(AS_WIDE), equation(flops_ratio, Rational(5, 2))),
    ),
    assumes=(BOTH_GRADIENTS, AS_WIDE),
    sources=(DAO + ", section 4.1",),
    example=gpt_3,
    example_text=OF_GPT_3,
)

added = Derivation(
    name="fused-attention-flops",
    title="FLOP with scores made again by a fused kernel",
    rows=("10.2",),
    claim="Half of attention's forward pass runs again: half of what selective recomputation adds.",
    start=Defined(
        flops_ratio,
        1 + layers * pair_scores * token_pairs / model_flops,
        "the FLOP with the scores of all layers made once more, over those without",
    ),
    steps=(
        Step(
            "every token with all of its sequence",
            substitute(whole_in_full, IN_FULL),
            equation(flops_ratio, 1 + layers * pair_scores * sequence**2 / whole_in_full.result.rhs),
        ),
        Step(
            "weights and attention of a GPT",
            substitute(*GPT),
            equation(
                flops_ratio,
                1 + gpt_attention * sequence / (6 * (flops_per_mac * gpt_weights + gpt_attention * sequence)),
            ),
        ),
        Step(
            "the heads share the width",
            substitute(HEADS),
            equation(flops_ratio, 1 + sequence / (36 * width + 6 * sequence + 3 * vocabulary / layers)),
        ),
    ),
    assumes=(IN_FULL, *GPT, HEADS),
    sources=(DAO + ", section 4.1",),
    example=gpt_3,
    example_text=OF_GPT_3,
)

activations = Derivation(
    name="activations-fused-attention",
    title="Activations of a GPT's layer with fused attention and sequence parallelism",
    rows=("10.3",),
    claim="34/t of s b h, and of each head and token one number: nothing grows with the square of the sequence.",
    start=kept(
        (stream + heads + features + query_heads * log_sum_exp_bytes) / tensor_parallel,
        "its share of the stream, of heads and features, of a sum of exponentials for each head",
    ),
    steps=(
        Step(
            "the heads share the width",
            substitute(HEADS),
            equation(
                layer_activations,
                microbatch
                * sequence
                * (width * (16 * bytes_per_activation + 2 * mask_bytes) + query_heads * log_sum_exp_bytes)
                / tensor_parallel,
            ),
        ),
        Step(
            "16 bits an activation, 8 a mask's element, 32 a sum of exponentials",
            substitute(SIXTEEN_BIT, THIRTY_TWO_BIT),
            equation(layer_activations, token_bytes * (34 + 4 * query_heads / width) / tensor_parallel),
        ),
    ),
    assumes=(GPT_LAYER, KEPT_AS_MADE, DROPOUT, GATHERED_AGAIN, SEEDED_DROPOUT, HEADS, SIXTEEN_BIT, THIRTY_TWO_BIT),
    sources=(DAO + ", section 3.1",),
    example=gpt_3,
    example_text=GPT_3,
)

saved = Derivation(
    name="fused-activations-ratio",
    title="Activations with fused attention over those with scores kept",
    rows=("10.3",),
    claim="What selective recomputation saves a fused kernel saves as well, for half of its FLOP.",
    start=Compared(
        activation_ratio,
        instance(activations, {layer_activations: fewer_activations}),
        by_sequence,
        "the activations of a layer with fused attention over those with scores kept",
    ),
    steps=(
        Step(
            "tokens and chips cancel",
            identity(),
            equation(activation_ratio, (34 + 4 * query_heads / width) / (34 + 5 * scores)),
        ),
    ),
    assumes=(),
    sources=activations.sources,
    example=gpt_3,
    example_text=OF_GPT_3,
)


def _kept(model: str, tokens: float) -> float:
    return float(Scenario(shapes(model, tokens)).evaluate(saved.result.rhs))


def _inputs(tokens: float = 2048.0) -> Mapping[str, float | str]:
    values = shapes("gpt3-175b", tokens)
    chosen: tuple[Symbol, ...] = (query_heads, width, sequence)
    return {"model": "gpt3-175b", **{symbol.name: values[symbol] for symbol in chosen}}


DERIVATIONS = (backward, added, activations, saved)

CLAIMS = (
    Claim("10.2", f"FLOP of a fused attention's backward pass over its forward pass ({DAO}, section 4.1: 2.5)", 2.5,
          backward.evaluate, _inputs, source=Source.PAPER),
    Claim("10.2", "GPT-3: FLOP that a fused kernel makes again, over those of a step: less than s/36h", None,
          lambda: added.evaluate() - 1, _inputs, source=Source.OWN,
          must=lambda value: 0 < value < 2048 / (36 * 12288)),
    Claim("10.3", "GPT-3: activations with fused attention over those with scores kept, little more than 34/114", None,
          lambda: _kept("gpt3-175b", 2048.0), _inputs, source=Source.OWN,
          must=lambda value: 34 / 114 < value < 1.001 * 34 / 114),
    Claim("10.3", "The same at 32,768 tokens: below 3 %", None,
          lambda: _kept("gpt3-175b", 32768.0), lambda: _inputs(32768.0), source=Source.OWN,
          must=lambda value: 0 < value < 0.03),
)  # fmt: skip
