"""Chapter 10, training: activations of a GPT's layer, shared by tensor-parallel chips, and with less of them kept."""

from collections.abc import Mapping

from sympy import Expr, Symbol

from steptime.derivations.axioms import DROPOUT, GATHERED_AGAIN, GPT_LAYER, KEPT_AS_MADE
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Compared, Defined, given, instance
from steptime.derivations.pipelines.symbols import activation_ratio
from steptime.derivations.prices.symbols import head_dim, query_heads
from steptime.derivations.reversible.symbols import layer_activations
from steptime.derivations.rules import equation, identity, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.numbers import HEADS, KORTHIKANTI, shapes
from steptime.derivations.training.symbols import fewer_activations
from steptime.model.scenario import Scenario
from steptime.model.symbols import bytes_per_activation, mask_bytes, microbatch, sequence, tensor_parallel, width

GPT_3 = "GPT-3, one sequence of 2048 tokens at 16 bits with dropout, tp=8"
SIXTEEN_BIT = given(bytes_per_activation, 2 * mask_bytes, "16 bits an activation, 8 bits an element of a mask")
ONE_CHIP = given(tensor_parallel, 1, "one chip: nothing is shared")
tokens = microbatch * sequence
scores = query_heads * sequence / width

# --- what a layer keeps of a token, in bytes: each tensor that the gradient of some product or function needs ---------
norm_input = block_input = width * bytes_per_activation
dropout_mask = width * mask_bytes
query = key = value = result = query_heads * head_dim * bytes_per_activation
before_activation = after_activation = 4 * width * bytes_per_activation
after_softmax = after_dropout = query_heads * sequence * bytes_per_activation
score_mask = query_heads * sequence * mask_bytes

stream = 2 * (norm_input + block_input + dropout_mask)
"""Of both blocks, attention and feed-forward: what enters their norms and their matrices, the mask of their dropout."""

heads = query + key + value + result
features = before_activation + after_activation
of_scores = after_softmax + after_dropout + score_mask
token_bytes = tokens * width * mask_bytes


def gpt_3() -> Mapping[Symbol, float]:
    """A layer of GPT-3."""
    return shapes("gpt3-175b", 2048.0)


def kept(per_token: Expr, what: str) -> Defined:
    """The activations of a micro-batch that a layer keeps on one chip."""
    return Defined(layer_activations, tokens * per_token, f"the activations that a layer keeps on one chip: {what}")


def in_sixteen_bit(line: Expr) -> Step:
    """With masks of one byte, and activations of two."""
    return Step("16 bits an activation, 8 a mask's element", substitute(SIXTEEN_BIT), equation(layer_activations, line))


shared = Derivation(
    name="activations-tensor-parallel",
    title="Activations of a GPT's layer on tensor-parallel chips",
    rows=("10.3",),
    claim="Heads and features are shared; inputs, norms and dropout of the stream are whole on every chip.",
    start=kept(
        stream + (heads + features + of_scores) / tensor_parallel,
        "all of the stream, its share of heads, features and scores",
    ),
    steps=(
        Step(
            "the heads share the width",
            substitute(HEADS),
            equation(
                layer_activations,
                microbatch
                * sequence
                * width
                * (
                    4 * bytes_per_activation
                    + 2 * mask_bytes
                    + (12 * bytes_per_activation + scores * (2 * bytes_per_activation + mask_bytes)) / tensor_parallel
                ),
            ),
        ),
        in_sixteen_bit(token_bytes * (10 + 24 / tensor_parallel + 5 * scores / tensor_parallel)),
    ),
    assumes=(GPT_LAYER, KEPT_AS_MADE, DROPOUT, HEADS, SIXTEEN_BIT),
    sources=(KORTHIKANTI + ", equation 2",),
    example=gpt_3,
    example_text=GPT_3,
)

on_one_chip = Derivation(
    name="activations-gpt-layer",
    title="Activations of a GPT's layer",
    rows=("10.3",),
    claim="s b h (34 + 5 a s/h): what matrices need, and scores of every head for every pair of tokens.",
    start=shared,
    steps=(
        Step(
            "one chip",
            substitute(ONE_CHIP),
            equation(layer_activations, token_bytes * (34 + 5 * scores)),
        ),
    ),
    assumes=(ONE_CHIP,),
    sources=(KORTHIKANTI + ", equation 1",),
    example=gpt_3,
    example_text="GPT-3, one sequence of 2048 tokens at 16 bits with dropout",
)

by_sequence = Derivation(
    name="activations-sequence-parallel",
    title="Activations of a GPT's layer with sequence parallelism",
    rows=("10.3",),
    claim="What the chips held alike they share by tokens: everything is divided by them.",
    start=kept(
        (stream + heads + features + of_scores) / tensor_parallel,
        "its share of the stream by tokens, of heads, features and scores as before",
    ),
    steps=(
        Step(
            "the heads share the width",
            substitute(HEADS),
            equation(
                layer_activations,
                microbatch
                * sequence
                * width
                * (16 * bytes_per_activation + 2 * mask_bytes + scores * (2 * bytes_per_activation + mask_bytes))
                / tensor_parallel,
            ),
        ),
        in_sixteen_bit(token_bytes * (34 + 5 * scores) / tensor_parallel),
    ),
    assumes=(GPT_LAYER, KEPT_AS_MADE, DROPOUT, GATHERED_AGAIN, HEADS, SIXTEEN_BIT),
    sources=(KORTHIKANTI + ", equation 4",),
    example=gpt_3,
    example_text=GPT_3,
)

selective = Derivation(
    name="activations-selective",
    title="Activations of a GPT's layer with the core of attention run again",
    rows=("10.3",),
    claim="Without scores nothing grows with the square of the sequence: 34/t of s b h is left.",
    start=kept((stream + heads + features) / tensor_parallel, "its share of the stream, of heads and features"),
    steps=(
        Step(
            "the heads share the width",
            substitute(HEADS),
            equation(
                layer_activations,
                microbatch * sequence * width * (16 * bytes_per_activation + 2 * mask_bytes) / tensor_parallel,
            ),
        ),
        in_sixteen_bit(34 * token_bytes / tensor_parallel),
    ),
    assumes=by_sequence.assumes,
    sources=(KORTHIKANTI + ", equation 6",),
    example=gpt_3,
    example_text=GPT_3,
)

FEWER = "the activations of a layer where its scores are run again, over those where they are kept"

ratio = Derivation(
    name="selective-activations-ratio",
    title="Activations with selective recomputation over those without",
    rows=("10.3",),
    claim="The longer the sequence over the width of a head, the more running scores again saves.",
    start=Compared(activation_ratio, instance(selective, {layer_activations: fewer_activations}), by_sequence, FEWER),
    steps=(Step("tokens and chips cancel", identity(), equation(activation_ratio, 34 / (34 + 5 * scores))),),
    assumes=(),
    sources=(KORTHIKANTI + ", section 5",),
    example=gpt_3,
    example_text="GPT-3, sequences of 2048 tokens",
)


def _saved(model: str) -> float:
    return 1 - float(Scenario(shapes(model, 2048.0)).evaluate(ratio.result.rhs))


def _inputs(model: str = "gpt3-175b") -> Mapping[str, float | str]:
    values = shapes(model, 2048.0)
    return {"model": model, **{symbol.name: values[symbol] for symbol in (query_heads, width, sequence)}}


DERIVATIONS = (shared, on_one_chip, by_sequence, selective, ratio)

CLAIMS = (
    Claim("10.3", f"GPT-3: activations that selective recomputation saves ({KORTHIKANTI}, section 5: 70 %)", 0.70,
          lambda: _saved("gpt3-175b"), _inputs, source=Source.PAPER),
    Claim("10.3", f"MT-NLG 530B: the same ({KORTHIKANTI}, section 5: 65 %)", 0.65,
          lambda: _saved("mt-nlg-530b"), lambda: _inputs("mt-nlg-530b"), source=Source.PAPER),
    Claim("10.3", f"GPT-3: scores and their masks, in s b h bytes a layer ({KORTHIKANTI}, section 5: 5 a s/h = 80)",
          80.0, lambda: float(Scenario(gpt_3()).evaluate(5 * scores)), _inputs, source=Source.PAPER),
    Claim("10.3", "GPT-3 on 8 chips, nothing run again: activations with sequence parallelism over those without; "
          "7/8 of the stream's 10 s b h are gone", None, lambda: by_sequence.evaluate() / shared.evaluate(), _inputs,
          source=Source.OWN, must=lambda value: abs(value - (1 - 10 * 7 / 8 / (10 + (24 + 80) / 8))) < 1e-9),
)  # fmt: skip
