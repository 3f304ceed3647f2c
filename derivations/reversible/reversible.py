"""Chapter 6, reversible networks: activations that do not grow with the layers, for one more forward pass."""

from collections.abc import Mapping

from sympy import Rational, Symbol, sqrt

from steptime.derivations.board import is_
from steptime.derivations.claims import Claim
from steptime.derivations.pipelines.symbols import activation_memory, activation_ratio
from steptime.derivations.reversible import kept as recomputation
from steptime.derivations.rules import both_sides, equation, minimise, side, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.symbols import active_parameters, flops_per_mac, layers

from steptime.derivations.reversible.symbols import (  # isort: skip
    backward_flops, flops_ratio, forward_flops, layer_activations, layer_input, segment_layers,
)  # fmt: skip

LECTURE = "Reiner Pope, blackboard lecture on LLM training and serving, Dwarkesh Podcast, 2026-04-29, chapter 6"
REVNET = "Gomez et al. 2017, arXiv 1707.04585"
CHECKPOINTS = "Chen et al. 2016, arXiv 1604.06174"
KORTHIKANTI = "Korthikanti et al. 2022, arXiv 2205.05198"
GPT3 = f"GPT-3, 96 layers of width 12,288, 34 d bytes a token and layer at 16 bit, no scores kept ({KORTHIKANTI})"
LAYERS, WIDTH = 96.0, 12288.0
"""Brown et al. 2020, arXiv 2005.14165, table 2.1."""


def gpt3() -> Mapping[Symbol, float]:
    """Bytes of one token's activations in GPT-3's layers, and its multiply-adds: 12 d^2 weights a layer."""
    weights = 12 * WIDTH**2 * LAYERS
    return {
        layers: LAYERS,
        layer_activations: 34 * WIDTH,
        layer_input: 2 * WIDTH,
        segment_layers: 1.0,
        active_parameters: weights,
        flops_per_mac: 2.0,
        forward_flops: 2 * weights,
        backward_flops: 4 * weights,
    }


more_flops = Derivation(
    name="recomputation-flops",
    title="What running forward a second time costs",
    rows=("6.1",),
    claim="A backward pass is two forward passes: one more makes 8 FLOP a weight and token of 6.",
    start=equation(flops_ratio, recomputation.with_recomputation / recomputation.once),
    steps=(
        Step(
            "every active weight multiplied once forward, twice backward: 8 over 6",
            substitute(is_(forward_flops, recomputation.forward), is_(backward_flops, recomputation.backward)),
            equation(flops_ratio, Rational(4, 3)),
        ),
    ),
    assumes=("no attention FLOP", "recovering a layer's input costs no more than running the layer"),
    sources=(LECTURE, REVNET),
    example=gpt3,
    example_text=GPT3,
)

kept = Derivation(
    name="reversible-activations",
    title="Activations of a reversible network over those of a plain one",
    rows=("6.1",),
    claim="Inputs are recovered from outputs, layer by layer: nothing is kept but the layer at work.",
    start=equation(activation_memory, recomputation.held_reversible),
    steps=(
        Step(
            "over what a plain network keeps in all layers",
            both_sides(side / recomputation.held_all),
            equation(
                activation_memory / (layers * layer_activations),
                (layer_input + layer_activations) / (layers * layer_activations),
            ),
        ),
        Step(
            "name that ratio",
            substitute(is_(activation_memory, activation_ratio * recomputation.held_all)),
            equation(activation_ratio, (1 + layer_input / layer_activations) / layers),
        ),
    ),
    assumes=("the numbers' rounding does not spoil the inversion", "both streams together are one layer's input"),
    sources=(LECTURE, REVNET),
    example=gpt3,
    example_text=GPT3,
)

every_layer = Derivation(
    name="full-recomputation-activations",
    title="Activations with full recomputation over those without",
    rows=("6.1",),
    claim="Keeping every layer's input costs the same forward pass, and still grows with the layers.",
    start=equation(activation_memory, recomputation.held_segments),
    steps=(
        Step(
            "one layer a segment",
            substitute(is_(segment_layers, 1)),
            equation(activation_memory, layers * layer_input + layer_activations),
        ),
        Step(
            "over what is kept without recomputation",
            both_sides(side / recomputation.held_all),
            equation(
                activation_memory / (layers * layer_activations),
                (layers * layer_input + layer_activations) / (layers * layer_activations),
            ),
        ),
        Step(
            "name that ratio",
            substitute(is_(activation_memory, activation_ratio * recomputation.held_all)),
            equation(activation_ratio, layer_input / layer_activations + 1 / layers),
        ),
    ),
    assumes=("layers alike",),
    sources=(CHECKPOINTS, KORTHIKANTI),
    example=gpt3,
    example_text=GPT3,
)

best_segment = Derivation(
    name="checkpoint-spacing",
    title="Layers between checkpoints that hold the fewest activations",
    rows=("6.1",),
    claim="Fewer checkpoints mean longer segments to hold at once: the best spacing is a root of the layers.",
    start=equation(activation_memory, recomputation.held_segments),
    steps=(
        Step(
            "least over the layers of a segment",
            minimise(segment_layers),
            equation(segment_layers, sqrt(layers * layer_input / layer_activations)),
        ),
    ),
    assumes=("layers alike", "the spacing is rounded to whole layers"),
    sources=(CHECKPOINTS,),
    example=gpt3,
    example_text=GPT3,
)

root_of_layers = Derivation(
    name="checkpoint-activations",
    title="The fewest activations of full recomputation",
    rows=("6.1",),
    claim="Between all layers and none: full recomputation holds the root of the layers at best.",
    start=equation(activation_memory, recomputation.held_segments),
    steps=(
        Step(
            "at the best spacing",
            substitute(best_segment.result),
            equation(activation_memory, 2 * sqrt(layers * layer_input * layer_activations)),
        ),
        Step(
            "over what is kept without recomputation",
            both_sides(side / recomputation.held_all),
            equation(
                activation_memory / (layers * layer_activations),
                2 * sqrt(layer_input / (layers * layer_activations)),
            ),
        ),
        Step(
            "name that ratio",
            substitute(is_(activation_memory, activation_ratio * recomputation.held_all)),
            equation(activation_ratio, 2 * sqrt(layer_input / (layers * layer_activations))),
        ),
    ),
    assumes=best_segment.assumes,
    sources=(CHECKPOINTS,),
    example=gpt3,
    example_text=GPT3,
)


def _inputs() -> Mapping[str, float | str]:
    return {symbol.name: gpt3()[symbol] for symbol in (layers, layer_activations, layer_input)}


DERIVATIONS = (more_flops, kept, every_layer, best_segment, root_of_layers)

CLAIMS = (
    Claim("6.1", "Training FLOP with one more forward pass, over those without", 8 / 6, more_flops.evaluate,
          lambda: {"forward_flops": gpt3()[forward_flops], "backward_flops": gpt3()[backward_flops]}, tolerance=1e-9),
    Claim("6.1", "GPT-3's shape: activations of a reversible network over those of a plain one (lecture: O(1))",
          1 / LAYERS, kept.evaluate, _inputs, tolerance=0.1, must=lambda value: 0 < value < 1),
    Claim("6.1", "The same with full recomputation, every layer's input kept, for the same FLOP", None,
          every_layer.evaluate, _inputs, must=lambda value: 0 < value < 1),
    Claim("6.1", "The same with full recomputation at the best spacing of checkpoints", None, root_of_layers.evaluate,
          _inputs, must=lambda value: 0 < value < 1),
    Claim("6.1", "Activations of full recomputation at its best spacing, over those of a reversible network", None,
          lambda: root_of_layers.evaluate() / kept.evaluate(), _inputs, must=lambda value: value > 1),
)  # fmt: skip
