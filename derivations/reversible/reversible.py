"""Chapter 6, reversible networks: activations that do not grow with the layers, for one more forward pass."""

from collections.abc import Mapping

from sympy import Expr, Rational, Symbol, sqrt

from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.facts import Chosen, Compared, Defined, Modelled, given
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.pipelines.symbols import activation_memory, activation_ratio
from steptime.derivations.reversible import formulas
from steptime.derivations.reversible.formulas import over_layers
from steptime.derivations.rules import equation, minimise, solve_for, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.products import passes
from steptime.model.scenario import Scenario
from steptime.model.symbols import layers

from steptime.derivations.axioms import (  # isort: skip
    BOTH_GRADIENTS, EQUAL_LAYERS, EVERY_LAYER_TWICE, INVERTED, PRODUCTS_ALONE, RUN_AGAIN,
)  # fmt: skip
from steptime.derivations.reversible.symbols import (  # isort: skip
    flops_ratio, layer_activations, layer_input, segment_layers, segments,
)  # fmt: skip

LECTURE = "Reiner Pope, blackboard lecture on LLM training and serving, Dwarkesh Podcast, 2026-04-29, chapter 6"
REVNET = "Gomez et al. 2017, arXiv 1707.04585"
CHECKPOINTS = "Chen et al. 2016, arXiv 1604.06174"
KORTHIKANTI = "Korthikanti et al. 2022, arXiv 2205.05198"
GPT3 = f"GPT-3, 96 layers of width 12,288, 34 d bytes a token and layer at 16 bit, no scores kept ({KORTHIKANTI})"
LAYERS, WIDTH = 96.0, 12288.0
"""Brown et al. 2020, arXiv 2005.14165, table 2.1."""


def gpt3() -> Mapping[Symbol, float]:
    """Bytes of one token's activations in GPT-3's layers."""
    return {layers: LAYERS, layer_activations: 34 * WIDTH, layer_input: 2 * WIDTH, segment_layers: 1.0}


more_flops = Derivation(
    name="recomputation-flops",
    title="What running forward a second time costs",
    rows=("6.1",),
    claim="A backward pass is two forward passes: one more makes 8 FLOP a weight and token of 6.",
    start=Defined(
        flops_ratio,
        formulas.with_recomputation / formulas.once,
        "the FLOP of training with one more forward pass over those without",
    ),
    steps=(
        Step(
            "three products of the same size, one forward and two for the gradients: 8 over 6",
            substitute(passes),
            equation(flops_ratio, Rational(4, 3)),
        ),
    ),
    assumes=(PRODUCTS_ALONE, BOTH_GRADIENTS, EVERY_LAYER_TWICE),
    sources=(LECTURE, REVNET),
    example=gpt3,
    example_text=GPT3,
)

plain = layers * layer_activations
OF_ALL = Defined(
    activation_ratio, activation_memory / formulas.held_all, "what is held over the activations of all layers"
)

kept = Derivation(
    name="reversible-activations",
    title="Activations of a reversible network over those of a plain one",
    rows=("6.1",),
    claim="Inputs are recovered from outputs, layer by layer: nothing is kept but the layer at work.",
    start=Compared(
        activation_ratio,
        Modelled(activation_memory, formulas.held_reversible),
        Modelled(activation_memory, formulas.held_all),
        "the activations of the last layer's output and of the layer at work, over those of all layers",
    ),
    steps=(
        Step(
            "a plain network keeps those of every layer",
            total(formulas.held_all, plain),
            equation(activation_ratio, (1 + layer_input / layer_activations) / layers),
        ),
    ),
    assumes=(EQUAL_LAYERS, INVERTED),
    sources=(LECTURE, REVNET),
    example=gpt3,
    example_text=GPT3,
)

inputs = over_layers(layer_input, segments)
at_work = over_layers(layer_activations, segment_layers)
EQUAL_SEGMENTS = given(segments, layers / segment_layers, "the layers are cut into segments of equal length")

in_segments = Derivation(
    name="segment-activations",
    title="Activations with full recomputation in segments",
    rows=("6.1",),
    claim="The input of every segment, and one segment whole: the fewer inputs, the longer the segment.",
    start=Modelled(activation_memory, formulas.held_segments),
    steps=(
        Step(
            "an input for every segment",
            total(inputs, segments * layer_input),
            equation(activation_memory, segments * layer_input + at_work),
        ),
        Step(
            "all activations of the one that is run again",
            total(at_work, segment_layers * layer_activations),
            equation(activation_memory, segments * layer_input + segment_layers * layer_activations),
        ),
        Step(
            "the segments divide the layers",
            substitute(EQUAL_SEGMENTS),
            equation(activation_memory, layers / segment_layers * layer_input + segment_layers * layer_activations),
        ),
    ),
    assumes=(EQUAL_LAYERS, RUN_AGAIN, EQUAL_SEGMENTS),
    sources=(CHECKPOINTS,),
    example=gpt3,
    example_text=GPT3,
)


def over_plain(held: Expr, ratio: Expr) -> tuple[Step, Step, Step]:
    """What is held as so much of the activations that a plain network keeps, those of every layer."""
    return (
        Step(
            "as so much of what is kept without recomputation",
            substitute(OF_ALL.for_(activation_memory)),
            equation(activation_ratio * formulas.held_all, held),
        ),
        Step(
            "a plain network keeps those of every layer",
            total(formulas.held_all, plain),
            equation(activation_ratio * plain, held),
        ),
        Step("solve for the ratio", solve_for(activation_ratio), equation(activation_ratio, ratio)),
    )


EACH_LAYER = given(segment_layers, 1, "every layer is a segment of its own")

every_layer = Derivation(
    name="full-recomputation-activations",
    title="Activations with full recomputation over those without",
    rows=("6.1",),
    claim="Keeping every layer's input costs the same forward pass, and still grows with the layers.",
    start=in_segments,
    steps=(
        Step(
            "one layer a segment",
            substitute(EACH_LAYER),
            equation(activation_memory, layers * layer_input + layer_activations),
        ),
        *over_plain(layers * layer_input + layer_activations, layer_input / layer_activations + 1 / layers),
    ),
    assumes=(EACH_LAYER,),
    sources=(CHECKPOINTS, KORTHIKANTI),
    example=gpt3,
    example_text=GPT3,
)

FEWEST = Chosen(segment_layers, "segments of the length that holds the fewest activations, not rounded to whole layers")
LAYERS_ENOUGH = at_least(layers * layer_input, layer_activations)

best_segment = Derivation(
    name="checkpoint-spacing",
    title="Layers between checkpoints that hold the fewest activations",
    rows=("6.1",),
    claim="Fewer checkpoints mean longer segments to hold at once: the best spacing is a root of the layers.",
    start=in_segments,
    steps=(
        Step(
            "least over the layers of a segment",
            minimise(segment_layers),
            equation(segment_layers, sqrt(layers * layer_input / layer_activations)),
        ),
    ),
    assumes=(FEWEST,),
    sources=(CHECKPOINTS,),
    example=gpt3,
    example_text=GPT3,
    holds=(LAYERS_ENOUGH,),
)

root_of_layers = Derivation(
    name="checkpoint-activations",
    title="The fewest activations of full recomputation",
    rows=("6.1",),
    claim="Between all layers and none: full recomputation holds the root of the layers at best.",
    start=in_segments,
    steps=(
        Step(
            "at the best spacing",
            substitute(best_segment),
            equation(activation_memory, 2 * sqrt(layers * layer_input * layer_activations)),
        ),
        *over_plain(
            2 * sqrt(layers * layer_input * layer_activations), 2 * sqrt(layer_input / (layers * layer_activations))
        ),
    ),
    assumes=(),
    sources=(CHECKPOINTS,),
    example=gpt3,
    example_text=GPT3,
    holds=(LAYERS_ENOUGH,),
)


def _inputs() -> Mapping[str, float | str]:
    return {symbol.name: gpt3()[symbol] for symbol in (layers, layer_activations, layer_input)}


def _held(length: float) -> float:
    """Bytes held with so many layers a segment."""
    return float(Scenario({**gpt3(), segment_layers: length}).evaluate(in_segments.result.rhs))


def _whole_spacing() -> float:
    """The better of the two whole numbers of layers next to the best spacing: what it holds, over all layers."""
    least = min(_held(float(int(best_segment.evaluate()) + more)) for more in (0, 1))
    return least / (LAYERS * gpt3()[layer_activations])


DERIVATIONS = (more_flops, kept, in_segments, every_layer, best_segment, root_of_layers)

CLAIMS = (
    Claim("6.1", "Training FLOP with one more forward pass, over those without", 8 / 6, more_flops.evaluate,
          lambda: {"training_passes": passes.evaluate()}),
    Claim("6.1", "GPT-3's shape: activations of a reversible network over those of a plain one (lecture: one of all "
          "layers)", 1 / LAYERS, kept.evaluate, _inputs, Wording.ORDER),
    Claim("6.1", "The same with full recomputation, every layer's input kept, for the same FLOP", None,
          every_layer.evaluate, _inputs, source=Source.OWN, must=lambda value: kept.evaluate() < value < 1),
    Claim("6.1", "The same with full recomputation at the best spacing of checkpoints", None, root_of_layers.evaluate,
          _inputs, source=Source.OWN, must=lambda value: kept.evaluate() < value < every_layer.evaluate()),
    Claim("6.1", "The same at the best whole number of layers between checkpoints", None, _whole_spacing,
          _inputs, source=Source.OWN, must=lambda value: 1 <= value / root_of_layers.evaluate() < 1.05),
)  # fmt: skip
