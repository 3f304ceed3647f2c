"""Chapter 10, training: activations of a GPT's layer, shared by tensor-parallel chips, and with less of them kept."""

from collections.abc import Mapping

from sympy import Symbol

from steptime.derivations.board import is_
from steptime.derivations.claims import Claim
from steptime.derivations.pipelines.symbols import activation_ratio
from steptime.derivations.prices.symbols import query_heads
from steptime.derivations.reversible.symbols import layer_activations
from steptime.derivations.rules import equation, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.numbers import HEADS, KORTHIKANTI, kept, shapes
from steptime.model.choices import Recompute
from steptime.model.scenario import Scenario
from steptime.model.symbols import bytes_per_activation, mask_bytes, microbatch, sequence, tensor_parallel, width

GPT_3 = "GPT-3, one sequence of 2048 tokens at 16 bits with dropout, tp=8"
GPT = ("a GPT with dropout", "a mask takes half as many bytes as an activation")
SIXTEEN_BIT = is_(bytes_per_activation, 2 * mask_bytes)
token_bytes = microbatch * sequence * width * mask_bytes
scores = query_heads * sequence / width


def gpt_3() -> Mapping[Symbol, float]:
    """A layer of GPT-3."""
    return shapes("gpt3-175b", 2048.0)


shared = Derivation(
    name="activations-tensor-parallel",
    title="Activations of a GPT's layer on tensor-parallel chips",
    rows=("10.3",),
    claim="Heads and features are shared; inputs, norms and dropout of the stream are whole on every chip.",
    start=equation(layer_activations, kept(Recompute.NONE, tensor_parallel)),
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
        Step(
            "16 bits an activation, 8 a mask's element",
            substitute(SIXTEEN_BIT),
            equation(layer_activations, token_bytes * (10 + 24 / tensor_parallel + 5 * scores / tensor_parallel)),
        ),
    ),
    assumes=GPT,
    sources=(KORTHIKANTI + ", equation 2",),
    example=gpt_3,
    example_text=GPT_3,
)

on_one_chip = Derivation(
    name="activations-gpt-layer",
    title="Activations of a GPT's layer",
    rows=("10.3",),
    claim="s b h (34 + 5 a s/h): what matrices need, and scores of every head for every pair of tokens.",
    start=shared.result,
    steps=(
        Step(
            "one chip",
            substitute(is_(tensor_parallel, 1)),
            equation(layer_activations, token_bytes * (34 + 5 * scores)),
        ),
    ),
    assumes=GPT,
    sources=(KORTHIKANTI + ", equation 1",),
    example=gpt_3,
    example_text="GPT-3, one sequence of 2048 tokens at 16 bits with dropout",
)

by_sequence = Derivation(
    name="activations-sequence-parallel",
    title="The same with sequence parallelism",
    rows=("10.3",),
    claim="What the chips held alike they share by tokens: everything is divided by them.",
    start=equation(layer_activations, kept(Recompute.NONE, tensor_parallel, sequence_parallel=True)),
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
        Step(
            "16 bits an activation, 8 a mask's element",
            substitute(SIXTEEN_BIT),
            equation(layer_activations, token_bytes * (34 + 5 * scores) / tensor_parallel),
        ),
    ),
    assumes=(*GPT, "blocks gather their input again in the backward pass"),
    sources=(KORTHIKANTI + ", equation 4",),
    example=gpt_3,
    example_text=GPT_3,
)

selective = Derivation(
    name="activations-selective",
    title="The same with the core of attention run again",
    rows=("10.3",),
    claim="Without scores nothing grows with the square of the sequence: 34/t of s b h is left.",
    start=equation(layer_activations, kept(Recompute.SELECTIVE, tensor_parallel, sequence_parallel=True)),
    steps=(
        Step(
            "the heads share the width",
            substitute(HEADS),
            equation(
                layer_activations,
                microbatch * sequence * width * (16 * bytes_per_activation + 2 * mask_bytes) / tensor_parallel,
            ),
        ),
        Step(
            "16 bits an activation, 8 a mask's element",
            substitute(SIXTEEN_BIT),
            equation(layer_activations, 34 * token_bytes / tensor_parallel),
        ),
    ),
    assumes=by_sequence.assumes,
    sources=(KORTHIKANTI + ", equation 6",),
    example=gpt_3,
    example_text=GPT_3,
)

ratio = Derivation(
    name="selective-activations-ratio",
    title="Activations with selective recomputation over those without",
    rows=("10.3",),
    claim="The longer the sequence over the width of a head, the more running scores again saves.",
    start=equation(activation_ratio, kept(Recompute.SELECTIVE) / kept(Recompute.NONE)),
    steps=(
        Step(
            "the heads share the width",
            substitute(HEADS),
            equation(
                activation_ratio,
                (16 * bytes_per_activation + 2 * mask_bytes)
                / (16 * bytes_per_activation + 2 * mask_bytes + scores * (2 * bytes_per_activation + mask_bytes)),
            ),
        ),
        Step(
            "16 bits an activation, 8 a mask's element",
            substitute(SIXTEEN_BIT),
            equation(activation_ratio, 34 / (34 + 5 * scores)),
        ),
    ),
    assumes=(*GPT, "one chip, or sequence parallelism on any number"),
    sources=(KORTHIKANTI + ", section 5",),
    example=gpt_3,
    example_text="GPT-3, sequences of 2048 tokens",
)


def _saved(model: str) -> float:
    return 1 - float(Scenario(shapes(model, 2048.0)).evaluate(ratio.result.rhs))


def _inputs(model: str = "gpt3-175b") -> Mapping[str, float | str]:
    values = shapes(model, 2048.0)
    return {"model": model, **{symbol.name: values[symbol] for symbol in (query_heads, width, sequence)}}


def _share(value: float) -> bool:
    return 0 < value < 1


DERIVATIONS = (shared, on_one_chip, by_sequence, selective, ratio)

CLAIMS = (
    Claim("10.3", f"GPT-3: activations that selective recomputation saves ({KORTHIKANTI}, section 5: 70 %)", 0.70,
          lambda: _saved("gpt3-175b"), _inputs, tolerance=0.01, must=_share),
    Claim("10.3", f"MT-NLG 530B: the same ({KORTHIKANTI}, section 5: 65 %)", 0.65,
          lambda: _saved("mt-nlg-530b"), lambda: _inputs("mt-nlg-530b"), tolerance=0.01, must=_share),
    Claim("10.3", f"GPT-3: scores and their masks, in s b h bytes a layer ({KORTHIKANTI}, section 5: 5 a s/h = 80)",
          80.0, lambda: float(Scenario(gpt_3()).evaluate(5 * scores)), _inputs, tolerance=1e-9),
    Claim("10.3", "GPT-3 on 8 chips, nothing run again: activations with sequence parallelism over those without",
          None, lambda: by_sequence.evaluate() / shared.evaluate(), _inputs, must=_share),
)  # fmt: skip
