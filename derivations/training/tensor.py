"""Chapter 10, training: how far tensor parallelism hides, plain and with sequence parallelism."""

from collections.abc import Mapping

from sympy import Expr, Rational, Symbol

from steptime.derivations.axioms import ADDING_IS_FREE, EVEN_LAYERS, FULL_RATE, GATHERED_AGAIN, TWO_SUMS
from steptime.derivations.board import LINK_PEAK
from steptime.derivations.claims import Claim, Source
from steptime.derivations.collectives import limits as chapter8_limits
from steptime.derivations.facts import Compared, Crossing, Defined
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.rules import equation, identity, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training import compute
from steptime.derivations.training.numbers import KORTHIKANTI, LLAMA, SHOEYBI, llama
from steptime.derivations.training.traffic import round_ring
from steptime.model.phases.rates import rates
from steptime.model.scenario import Scenario

from steptime.derivations.training.symbols import (  # isort: skip
    sequence_parallel_time, sequence_parallel_traffic, stream_gathered, stream_scattered, stream_shard, tensor_time,
    tensor_traffic, traffic_ratio,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, data_parallel, flops_per_mac, layers, micro_batch, micro_batches, peak_flops,
    pipeline_parallel, reduce_bytes, scale_up_bandwidth, sequence, tensor_parallel, width,
)  # fmt: skip

stream = layers * width * reduce_bytes
"""Bytes of a token in the residual stream, once for each layer."""

once_a_layer = layers * micro_batches / pipeline_parallel
"""How often in a step a chip does what each micro-batch asks of each layer of its stage."""

of_micro_batch = micro_batch * sequence / data_parallel * width * reduce_bytes
SCATTERED, GATHERED = (
    round_ring(name, tensor_parallel, stream_shard, of_micro_batch) for name in (stream_scattered, stream_gathered)
)
over_ring = (tensor_parallel - 1) / tensor_parallel * micro_batch * micro_batches * sequence * stream
ranks_and_stages = data_parallel * pipeline_parallel

plain = Derivation(
    name="tensor-parallel-bytes-sent",
    title="Bytes that a chip sends in a step for tensor-parallel sums",
    rows=("10.6",),
    claim="Two blocks a layer, forward and backward: four sums, each a reduce-scatter and an all-gather of the stream.",
    start=Defined(
        tensor_traffic,
        once_a_layer * (2 + 2) * (stream_scattered + stream_gathered),
        "the bytes of two sums in the forward and two in the backward pass, each scattered and gathered",
    ),
    steps=(
        Step(
            "each sends all shares but one",
            substitute(SCATTERED, GATHERED),
            equation(tensor_traffic, 8 * over_ring / ranks_and_stages),
        ),
    ),
    assumes=(TWO_SUMS, EVEN_LAYERS),
    sources=(SHOEYBI,),
    example=llama,
    example_text=LLAMA,
)

together = Derivation(
    name="sequence-parallel-bytes-sent",
    title="Bytes that a chip sends in a step with sequence parallelism",
    rows=("10.6",),
    claim="Blocks gather inputs and scatter results, both ways; inputs once more for the gradient of the weights.",
    start=Defined(
        sequence_parallel_traffic,
        once_a_layer * (2 * (stream_gathered + stream_scattered) + 2 * (2 * stream_gathered + stream_scattered)),
        "the bytes of each block's gather and scatter forward, of both and one more gather backward",
    ),
    steps=(
        Step(
            "each sends all shares but one",
            substitute(SCATTERED, GATHERED),
            equation(sequence_parallel_traffic, 10 * over_ring / ranks_and_stages),
        ),
    ),
    assumes=(TWO_SUMS, EVEN_LAYERS, GATHERED_AGAIN),
    sources=(KORTHIKANTI + ", section 4.2.2",),
    example=llama,
    example_text=LLAMA,
)


def hides(name: str, title: str, claim: str, sent: Derivation, time: Symbol, moves: int, source: str) -> Derivation:
    """The tensor-parallel chips whose traffic takes as long as their multiply-adds."""
    each: Expr = moves * stream
    return Derivation(
        name=name,
        title=title,
        rows=("10.6",),
        claim=claim,
        start=Crossing(
            Defined(time, sent.result.lhs / rates.scale_up, "the time that this traffic takes a chip's scale-up link"),
            compute.plain,
            "the links take as long as the multiply-adds",
        ),
        steps=(
            Step(
                "what a ring sends, at the peak of the links",
                substitute(sent, LINK_PEAK),
                equation(
                    moves * over_ring / (ranks_and_stages * scale_up_bandwidth),
                    3
                    * flops_per_mac
                    * active_parameters
                    * micro_batch
                    * micro_batches
                    * sequence
                    / (tensor_parallel * ranks_and_stages * peak_flops),
                ),
            ),
            Step(
                "the tokens cancel; solve for the chips",
                solve_for(tensor_parallel),
                equation(
                    tensor_parallel,
                    1 + 3 * flops_per_mac * active_parameters * scale_up_bandwidth / (each * peak_flops),
                ),
            ),
        ),
        assumes=(LINK_PEAK, FULL_RATE, ADDING_IS_FREE),
        sources=(source,),
        example=llama,
        example_text=LLAMA,
    )


limit = hides(
    "tensor-parallel-training",
    "Tensor parallelism whose sums hide behind the multiply-adds of training",
    "Three passes multiply and two sum: beyond one chip, half as many more as in a prefill.",
    plain,
    tensor_time,
    8,
    SHOEYBI,
)
sequence_limit = hides(
    "sequence-parallel-training",
    "Tensor parallelism whose sums hide in training, with sequence parallelism",
    "A quarter more bytes take a fifth of the chips beyond the first.",
    together,
    sequence_parallel_time,
    10,
    KORTHIKANTI + ", section 4.2.2",
)

more_bytes = Derivation(
    name="sequence-parallel-bytes",
    title="Bytes of sequence parallelism over those of plain tensor parallelism",
    rows=("10.6",),
    claim="A sum is a scatter and a gather in any case; gathering each block's input once more makes five of four.",
    start=Compared(traffic_ratio, together, plain, "the bytes with sequence parallelism over those without"),
    steps=(Step("one gather more for every two sums", identity(), equation(traffic_ratio, Rational(5, 4))),),
    assumes=(),
    sources=(KORTHIKANTI + ", section 4.2.2",),
    example=llama,
    example_text=LLAMA,
    holds=(more(tensor_parallel, 1),),
)


def _beyond_one() -> float:
    """Chips beyond the first in training over those in a prefill, by chapter 8."""
    values = Scenario(llama())
    return float((values.evaluate(limit.result.rhs) - 1) / (values.evaluate(chapter8_limits.prefill.result.rhs) - 1))


def _inputs() -> Mapping[str, float | str]:
    chosen = (active_parameters, layers, width, reduce_bytes, peak_flops, scale_up_bandwidth)
    return {symbol.name: llama()[symbol] for symbol in chosen}


DERIVATIONS = (plain, together, limit, more_bytes, sequence_limit)

CLAIMS = (
    Claim("10.6", "Llama 3.1 70B on H100: largest tp whose sums hide in training: more than a domain of 8", None,
          limit.evaluate, _inputs, source=Source.OWN, must=lambda value: value > 8),
    Claim("10.6", "The same with sequence parallelism: fewer, and more than a domain still", None,
          sequence_limit.evaluate, _inputs, source=Source.OWN, must=lambda value: 8 < value < limit.evaluate()),
    Claim("10.6", "Chips beyond the first whose sums hide, training over prefill: 3 passes for 2 sums", None,
          _beyond_one, _inputs, source=Source.OWN, must=lambda value: abs(value - 3 / 2) < 1e-9),
)  # fmt: skip
