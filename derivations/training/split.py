"""Chapter 10, training: the split of a number of chips between tensor and data parallelism that sends the least."""

from collections.abc import Mapping

from sympy import sqrt

from steptime.derivations.axioms import ADDING_IS_FREE, FULL_RATE, WHOLE_ENOUGH
from steptime.derivations.board import LINK_PEAK
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.facts import Chosen, Defined, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.machine.symbols import link_time
from steptime.derivations.rules import equation, minimise, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training import tensor, traffic
from steptime.derivations.training.numbers import LLAMA, MEGATRON, SCALING_BOOK, SHOEYBI, llama
from steptime.derivations.training.symbols import gradient_traffic, step_bytes, tensor_traffic
from steptime.model.phases.rates import rates

from steptime.model.symbols import (  # isort: skip
    batch, chips, data_parallel, gradient_bytes, layers, micro_batch, micro_batches, parameters, pipeline_parallel,
    reduce_bytes, scale_out_bandwidth, scale_up_bandwidth, sequence, tensor_parallel, width,
)  # fmt: skip

stream = batch * sequence * layers * width * reduce_bytes
"""Bytes of a step's tokens in the residual stream, once for each layer."""

ONE_STAGE = given(pipeline_parallel, 1, "one pipeline stage")
OF_BATCH = Defined(batch, micro_batch * micro_batches, "the sequences of all micro-batches, on all ranks")
EVERY_CHIP = given(data_parallel, chips / tensor_parallel, "as many ranks as tensor parallelism leaves of the chips")
FEWEST = Chosen(tensor_parallel, "as many chips split each matrix as send the fewest bytes")
SOONEST = Chosen(tensor_parallel, "as many chips split each matrix as take the links the least time")
SHARED_OUT = (OF_BATCH.for_(micro_batch), EVERY_CHIP)
summed_over_chips = 8 * (tensor_parallel - 1) * stream / chips
added_over_chips = 2 * gradient_bytes * parameters * (1 / tensor_parallel - 1 / chips)

fewest_bytes = Derivation(
    name="split-fewest-bytes",
    title="Tensor parallelism that sends the fewest bytes",
    rows=("10.7",),
    claim="Sums grow with tp, gradients shrink with it: the best is a root of weights times chips over tokens.",
    start=Defined(step_bytes, tensor_traffic + gradient_traffic, "the bytes of tensor-parallel sums and of gradients"),
    steps=(
        Step(
            "what rings send",
            substitute(tensor.plain, traffic.plain),
            equation(step_bytes, tensor.plain.result.rhs + traffic.plain.result.rhs),
        ),
        Step(
            "one stage, all of the batch; the ranks are the chips that tp leaves",
            substitute(ONE_STAGE, *SHARED_OUT),
            equation(step_bytes, summed_over_chips + added_over_chips),
        ),
        Step(
            "the fewest bytes",
            minimise(tensor_parallel),
            equation(tensor_parallel, sqrt(gradient_bytes * parameters * chips / (4 * stream))),
        ),
    ),
    assumes=(ONE_STAGE, EVERY_CHIP, FEWEST, WHOLE_ENOUGH),
    sources=(SHOEYBI, SCALING_BOOK),
    example=llama,
    example_text=LLAMA,
    holds=(
        at_least(gradient_bytes * parameters * chips, 4 * stream),
        at_least(4 * stream * chips, gradient_bytes * parameters),
        more(gradient_bytes, 0),
    ),
)

fast_sums, slow_gradients = 4 * stream * scale_out_bandwidth, gradient_bytes * parameters * scale_up_bandwidth

least_time = Derivation(
    name="split-least-time",
    title="Tensor parallelism that takes the links the least time",
    rows=("10.7",),
    claim="Fast links for sums and slow ones for gradients: tp grows with the root of their ratio, about to a domain.",
    start=Defined(
        link_time,
        tensor_traffic / rates.scale_up + gradient_traffic / rates.scale_out,
        "the time of sums within a domain and of gradients between domains, one after another",
    ),
    steps=(
        Step(
            "what rings send, at the peak of the links",
            substitute(tensor.plain, traffic.plain, LINK_PEAK),
            equation(
                link_time,
                tensor.plain.result.rhs / scale_up_bandwidth + traffic.plain.result.rhs / scale_out_bandwidth,
            ),
        ),
        Step(
            "one stage, all of the batch; the ranks are the chips that tp leaves",
            substitute(ONE_STAGE, *SHARED_OUT),
            equation(link_time, summed_over_chips / scale_up_bandwidth + added_over_chips / scale_out_bandwidth),
        ),
        Step(
            "the least time",
            minimise(tensor_parallel),
            equation(
                tensor_parallel,
                sqrt(gradient_bytes * parameters * chips * scale_up_bandwidth / (4 * stream * scale_out_bandwidth)),
            ),
        ),
    ),
    assumes=(LINK_PEAK, ONE_STAGE, EVERY_CHIP, SOONEST, FULL_RATE, ADDING_IS_FREE, WHOLE_ENOUGH),
    sources=fewest_bytes.sources,
    example=llama,
    example_text=LLAMA,
    holds=(
        at_least(slow_gradients * chips, fast_sums),
        at_least(fast_sums * chips, slow_gradients),
        more(gradient_bytes, 0),
    ),
)


def _inputs() -> Mapping[str, float | str]:
    chosen = (parameters, chips, batch, sequence, layers, width, gradient_bytes, reduce_bytes)
    return {symbol.name: llama()[symbol] for symbol in (*chosen, scale_up_bandwidth, scale_out_bandwidth)}


DERIVATIONS = (fewest_bytes, least_time)

CLAIMS = (
    Claim("10.7", "Llama 3.1 70B on 512 H100, 4.2e6 tokens a step: tp that sends the fewest bytes: between 1 and a "
          "domain of 8", None, fewest_bytes.evaluate, _inputs, source=Source.OWN, must=lambda value: 1 < value < 8),
    Claim("10.7", f"The same: tp that takes the links the least time ({MEGATRON}, section 3: generally the GPUs of a "
          "server, here 8)", 8.0, least_time.evaluate, _inputs, source=Source.PAPER, wording=Wording.ABOUT,
          must=lambda value: value > 1),
)  # fmt: skip
