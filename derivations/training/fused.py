"""Chapter 10, training: fused attention, which keeps no scores and makes them again in its backward pass."""

from collections.abc import Mapping

from sympy import Rational, Symbol

from steptime.derivations.board import is_
from steptime.derivations.claims import Claim
from steptime.derivations.pipelines.symbols import activation_ratio
from steptime.derivations.prices.symbols import query_heads
from steptime.derivations.reversible.symbols import flops_ratio, layer_activations
from steptime.derivations.rules import equation, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.activations import GPT as DROPOUT
from steptime.derivations.training.activations import GPT_3, SIXTEEN_BIT, gpt_3, scores, token_bytes
from steptime.derivations.training.flops import GPT, IN_FULL
from steptime.derivations.training.symbols import vocabulary
from steptime.model.choices import Recompute
from steptime.model.scenario import Scenario
from steptime.model.terms import FORWARD_AND_BACKWARD

from steptime.derivations.training.numbers import (  # isort: skip
    HEADS, gpt_attention, gpt_weights, kept, ledger, run_again, shapes,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, bytes_per_activation, flops_per_mac, layers, log_sum_exp_bytes, mask_bytes,
    microbatch, sequence, tensor_parallel, width,
)  # fmt: skip

DAO = "Dao 2023, arXiv 2307.08691"
FULL = "each token counted with all of its sequence"
forward = attention_flops * sequence**2
"""FLOP of one sequence's scores and sums in a forward pass."""

once_more = layers * ledger(attention="full").scored_again.flops
"""FLOP of the scores that the backward pass makes again."""

backward = Derivation(
    name="fused-attention-backward",
    title="FLOP of a fused attention's backward pass over those of its forward pass",
    rows=("10.2",),
    claim="Two products forward, five backward: four gradients of factors, and the scores once more.",
    start=equation(flops_ratio, ((FORWARD_AND_BACKWARD - 1) * forward + once_more) / forward),
    steps=(
        Step(
            "attention of a GPT, keys as wide as values",
            substitute(is_(attention_flops, gpt_attention)),
            equation(flops_ratio, Rational(5, 2)),
        ),
    ),
    assumes=("no scores are kept", GPT, FULL),
    sources=(DAO + ", section 4.1",),
    example=gpt_3,
    example_text="GPT-3, sequences of 2048 tokens",
)

added = Derivation(
    name="fused-attention-flops",
    title="FLOP with scores made again by a fused kernel",
    rows=("10.2",),
    claim="Half of attention's forward pass runs again: half of what selective recomputation adds.",
    start=equation(flops_ratio, 1 + run_again(attention="full") / IN_FULL.flops_per_sequence),
    steps=(
        Step(
            "weights and attention of a GPT",
            substitute(is_(active_parameters, gpt_weights), is_(attention_flops, gpt_attention)),
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
    assumes=(FULL, GPT, "nothing else runs again"),
    sources=(DAO + ", section 4.1",),
    example=gpt_3,
    example_text="GPT-3, sequences of 2048 tokens",
)

activations = Derivation(
    name="activations-fused-attention",
    title="Activations of a GPT's layer with fused attention and sequence parallelism",
    rows=("10.3",),
    claim="34/t of s b h, and of each head and token one number: nothing grows with the square of the sequence.",
    start=equation(layer_activations, kept(Recompute.NONE, tensor_parallel, sequence_parallel=True, fused=True)),
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
            substitute(SIXTEEN_BIT, is_(log_sum_exp_bytes, 4 * mask_bytes)),
            equation(layer_activations, token_bytes * (34 + 4 * query_heads / width) / tensor_parallel),
        ),
    ),
    assumes=(*DROPOUT, "dropout of scores is made again from its seed"),
    sources=(DAO + ", section 3.1",),
    example=gpt_3,
    example_text=GPT_3,
)

saved = Derivation(
    name="fused-activations-ratio",
    title="Activations with fused attention over those with scores kept",
    rows=("10.3",),
    claim="What selective recomputation saves a fused kernel saves as well, for half of its FLOP.",
    start=equation(activation_ratio, kept(Recompute.NONE, fused=True) / kept(Recompute.NONE)),
    steps=(
        Step(
            "the heads share the width",
            substitute(HEADS),
            equation(
                activation_ratio,
                (16 * bytes_per_activation + 2 * mask_bytes + query_heads * log_sum_exp_bytes / width)
                / (16 * bytes_per_activation + 2 * mask_bytes + scores * (2 * bytes_per_activation + mask_bytes)),
            ),
        ),
        Step(
            "16 bits an activation, 8 a mask's element, 32 a sum of exponentials",
            substitute(SIXTEEN_BIT, is_(log_sum_exp_bytes, 4 * mask_bytes)),
            equation(activation_ratio, (34 + 4 * query_heads / width) / (34 + 5 * scores)),
        ),
    ),
    assumes=(*activations.assumes, "one chip, or sequence parallelism on any number"),
    sources=activations.sources,
    example=gpt_3,
    example_text="GPT-3, sequences of 2048 tokens",
)


def _kept(model: str, tokens: float) -> float:
    return float(Scenario(shapes(model, tokens)).evaluate(saved.result.rhs))


def _inputs(tokens: float = 2048.0) -> Mapping[str, float | str]:
    values = shapes("gpt3-175b", tokens)
    chosen: tuple[Symbol, ...] = (query_heads, width, sequence)
    return {"model": "gpt3-175b", **{symbol.name: values[symbol] for symbol in chosen}}


def _share(value: float) -> bool:
    return 0 < value < 1


DERIVATIONS = (backward, added, activations, saved)

CLAIMS = (
    Claim("10.2", f"FLOP of a fused attention's backward pass over its forward pass ({DAO}, section 4.1: 2.5)", 2.5,
          backward.evaluate, _inputs, tolerance=1e-9),
    Claim("10.2", "GPT-3: FLOP that a fused kernel makes again, over those of a step", None,
          lambda: added.evaluate() - 1, _inputs, must=_share),
    Claim("10.3", "GPT-3: activations with fused attention over those with scores kept", None,
          lambda: _kept("gpt3-175b", 2048.0), _inputs, must=_share),
    Claim("10.3", "The same at 32,768 tokens", None,
          lambda: _kept("gpt3-175b", 32768.0), lambda: _inputs(32768.0), must=lambda value: 0 < value < 0.03),
)  # fmt: skip
