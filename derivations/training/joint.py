"""Chapter 10, training: chips shared out between gathering weights and splitting matrices, both beside the products."""

from collections.abc import Mapping

from sympy import Max, Rational, Symbol, sqrt

from steptime.derivations.axioms import FULL_RATE, WHOLE_ENOUGH
from steptime.derivations.board import LINK_PEAK, PEAK
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Chosen, Crossing, Defined
from steptime.derivations.rules import both_sides, equation, optimum, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.numbers import SCALING_BOOK
from steptime.model.phases.rates import rates

from steptime.derivations.training.symbols import (  # isort: skip
    batch_tokens, forward_compute_time, gathering_axes, gathering_chips, split_sending_least, split_sending_time,
    stream_axes, stream_moves, tokens_a_chip,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    bytes_per_weight, chips, flops_per_mac, layers, parameters, peak_flops, reduce_bytes, scale_up_bandwidth, width,
)  # fmt: skip

CUBE = (
    "the scaling book's own: 64 TPU v5p with two links for weights and one for activations, feed-forward blocks alone "
    "of 32,768 by 8,192, 48,000 tokens"
)


def cube(tokens: float = 48000.0, number: float = 64.0) -> Mapping[Symbol, float]:
    """A cube of chips, and blocks of two matrices each."""
    return {
        width: 8192.0,
        layers: 1.0,
        parameters: 2 * 8192.0 * 32768.0,
        bytes_per_weight: 2.0,
        reduce_bytes: 2.0,
        flops_per_mac: 2.0,
        stream_moves: 2.0,
        chips: number,
        batch_tokens: tokens,
        tokens_a_chip: tokens / number,
        gathering_axes: 2.0,
        stream_axes: 1.0,
        peak_flops: 4.59e14,
        scale_up_bandwidth: 1.8e11,
    }


weights = bytes_per_weight * parameters / scale_up_bandwidth
"""Time in which all weights pass one link."""

stream = stream_moves * reduce_bytes * batch_tokens * width * layers / scale_up_bandwidth
"""Time in which all gathers and scatters of the stream of a step's tokens pass one link."""

BESIDE = Defined(
    split_sending_time,
    Max(
        bytes_per_weight * parameters / (chips / gathering_chips) / (rates.scale_up * gathering_axes),
        stream_moves * reduce_bytes * batch_tokens / gathering_chips * width * layers / (rates.scale_up * stream_axes),
    ),
    "weights, less the ways in which matrices are split, and activations, less those in which tokens are: on links of "
    "their own",
)
SOONEST = Chosen(gathering_chips, "the chips are shared out so that sending takes least")
best = sqrt(stream * gathering_axes * chips / (weights * stream_axes))
least = sqrt(weights * stream / (chips * gathering_axes * stream_axes))

joint = Derivation(
    name="gathering-and-splitting",
    title="The least that gathering weights and splitting matrices take, together",
    rows=("10.12",),
    claim="Gathered weights shrink with the ways matrices are split, activations with the ways tokens are: best where "
    "both take equally long, and then the time falls with the root of the chips alone.",
    start=BESIDE,
    steps=(
        Step(
            "links at their peak",
            substitute(LINK_PEAK),
            equation(
                split_sending_time,
                Max(
                    weights * gathering_chips / (chips * gathering_axes),
                    stream / (gathering_chips * stream_axes),
                ),
            ),
        ),
        Step(
            "least where both are equal",
            optimum((), (equation(gathering_chips, best),), least, (Rational(1, 2), Rational(1, 2)), ()),
            equation(split_sending_time, least),
        ),
    ),
    assumes=(LINK_PEAK, SOONEST, FULL_RATE, WHOLE_ENOUGH),
    sources=(SCALING_BOOK,),
    example=cube,
    example_text=CUBE,
)

EQUAL = Crossing(
    Defined(
        split_sending_least,
        weights * gathering_chips / (chips * gathering_axes),
        "the time in which weights are gathered",
    ),
    joint,
    "as many chips gather as take the least time",
)
shared = Derivation(
    name="chips-that-gather",
    title="Chips that gather weights, of those that train",
    rows=("10.12",),
    claim="A root of tokens over weights of a layer: large batches gather weights, large models split them. For two "
    "matrices of one precision it is of tokens over the width between them, times links and chips.",
    start=EQUAL,
    steps=(
        Step(
            "solve for the chips",
            solve_for(gathering_chips),
            equation(
                gathering_chips,
                sqrt(
                    stream_moves
                    * reduce_bytes
                    * batch_tokens
                    * width
                    * layers
                    / (bytes_per_weight * parameters)
                    * gathering_axes
                    / stream_axes
                    * chips
                ),
            ),
        ),
    ),
    assumes=(),
    sources=(SCALING_BOOK,),
    example=cube,
    example_text=CUBE,
)

MULTIPLIES = Defined(
    forward_compute_time,
    flops_per_mac * parameters * batch_tokens / (chips * rates.compute),
    "one multiply-add for each weight and token, on all chips",
)
OF_EACH = Defined(tokens_a_chip, batch_tokens / chips, "the tokens of a step over its chips")
enough = Derivation(
    name="tokens-for-joint-sharding",
    title="Tokens a chip with which gathering and splitting hide",
    rows=("10.12",),
    claim="The square of FLOP over bytes of a link, over the weights of a layer for each feature: wider models train "
    "on more chips at one batch.",
    start=Crossing(MULTIPLIES, joint, "sending takes as long as the products of a forward pass"),
    steps=(
        Step(
            "compute at its peak; the tokens of a chip",
            substitute(PEAK[0], OF_EACH.for_(batch_tokens)),
            equation(
                flops_per_mac * parameters * tokens_a_chip / peak_flops,
                sqrt(
                    bytes_per_weight
                    * parameters
                    * stream_moves
                    * reduce_bytes
                    * tokens_a_chip
                    * width
                    * layers
                    / (gathering_axes * stream_axes)
                )
                / scale_up_bandwidth,
            ),
        ),
        Step(
            "both squared, for each token",
            both_sides(side**2 / tokens_a_chip),
            equation(
                (flops_per_mac * parameters / peak_flops) ** 2 * tokens_a_chip,
                bytes_per_weight
                * parameters
                * stream_moves
                * reduce_bytes
                * width
                * layers
                / (gathering_axes * stream_axes * scale_up_bandwidth**2),
            ),
        ),
        Step(
            "solve for the tokens",
            solve_for(tokens_a_chip),
            equation(
                tokens_a_chip,
                (peak_flops / (flops_per_mac * scale_up_bandwidth)) ** 2
                * (stream_moves * reduce_bytes * bytes_per_weight * width * layers)
                / (parameters * gathering_axes * stream_axes),
            ),
        ),
    ),
    assumes=(PEAK[0],),
    sources=(SCALING_BOOK,),
    example=cube,
    example_text=CUBE,
)


def _inputs() -> dict[str, float]:
    return {symbol.name: value for symbol, value in cube().items()}


DERIVATIONS = (joint, shared, enough)

CLAIMS = (
    Claim("10.12", f"Chips of 64 TPU v5p that gather weights ({SCALING_BOOK}: about 13.9)", 13.9, shared.evaluate,
          _inputs, source=Source.PAPER),
    Claim("10.12", f"Tokens a chip with which both hide on TPU v5p ({SCALING_BOOK}: roughly 99)", 99.0, enough.evaluate,
          _inputs, source=Source.PAPER),
)  # fmt: skip
