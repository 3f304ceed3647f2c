"""Chapter 10, training: the split of a number of chips between tensor and data parallelism that sends the least."""

from collections.abc import Mapping

from sympy import sqrt

from steptime.derivations.board import is_
from steptime.derivations.claims import Claim
from steptime.derivations.machine.symbols import link_time
from steptime.derivations.rules import equation, minimise, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.symbols import step_bytes
from steptime.model.phases.rates import rates
from steptime.model.terms import one

from steptime.derivations.training.numbers import (  # isort: skip
    ACROSS, DENSE, LINKS, LLAMA, SCALING_BOOK, SHOEYBI, STEP, ledger, llama, sums,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    batch, chips, data_parallel, gradient_bytes, layers, micro_batch, micro_batches, parameters, pipeline_parallel,
    reduce_bytes, replicas, scale_out_bandwidth, scale_up_bandwidth, sequence, tensor_parallel, width,
)  # fmt: skip

stream = batch * sequence * layers * width * reduce_bytes
"""Bytes of a step's tokens in the residual stream, once for each layer."""

OF_BATCH = (
    is_(micro_batch, STEP.definitions[micro_batch]),
    is_(micro_batches, STEP.definitions[micro_batches].xreplace({replicas: one})),
    is_(pipeline_parallel, 1),
)
RANKS = is_(data_parallel, chips / tensor_parallel)
EVERY_CHIP = "every chip is in a tensor-parallel group and in a data-parallel one; degrees need not be whole"
summed = 8 * (tensor_parallel - 1) * stream / (tensor_parallel * data_parallel)
added = 2 * (data_parallel - 1) * gradient_bytes * parameters / (data_parallel * tensor_parallel)
summed_over_chips = 8 * (tensor_parallel - 1) * stream / chips
added_over_chips = 2 * gradient_bytes * parameters * (1 / tensor_parallel - 1 / chips)

fewest_bytes = Derivation(
    name="split-fewest-bytes",
    title="Tensor parallelism that sends the fewest bytes",
    rows=("10.7",),
    claim="Sums grow with tp, gradients shrink with it: the best is a root of weights times chips over tokens.",
    start=equation(step_bytes, sums().scale_up + ledger().gradients().scale_up),
    steps=(
        Step(
            "the batch in micro-batches on all ranks, one stage",
            substitute(*OF_BATCH),
            equation(step_bytes, summed + added),
        ),
        Step(
            "the ranks are the chips that tp leaves",
            substitute(RANKS),
            equation(step_bytes, summed_over_chips + added_over_chips),
        ),
        Step(
            "the fewest bytes",
            minimise(tensor_parallel),
            equation(tensor_parallel, sqrt(gradient_bytes * parameters * chips / (4 * stream))),
        ),
    ),
    assumes=(DENSE, EVERY_CHIP, "one tier, rings"),
    sources=(SHOEYBI, SCALING_BOOK),
    example=llama,
    example_text=LLAMA,
    holds=(tensor_parallel - 1, chips - tensor_parallel, data_parallel - 1),
)

least_time = Derivation(
    name="split-least-time",
    title="Tensor parallelism that takes the links the least time",
    rows=("10.7",),
    claim="Fast links for sums and slow ones for gradients: tp grows with the root of their ratio, about to a domain.",
    start=equation(
        link_time,
        sums().scale_up / rates.scale_up + ledger(ACROSS).gradients().scale_out / rates.scale_out,
    ),
    steps=(
        Step(
            "at the peak; the batch in micro-batches on all ranks, one stage",
            substitute(LINKS, *OF_BATCH),
            equation(link_time, summed / scale_up_bandwidth + added / scale_out_bandwidth),
        ),
        Step(
            "the ranks are the chips that tp leaves",
            substitute(RANKS),
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
    assumes=(DENSE, EVERY_CHIP, "sums within a domain, gradients between domains, one after another"),
    sources=fewest_bytes.sources,
    example=llama,
    example_text=LLAMA,
    holds=fewest_bytes.holds,
)


def _inputs() -> Mapping[str, float | str]:
    chosen = (parameters, chips, batch, sequence, layers, width, gradient_bytes, reduce_bytes)
    return {symbol.name: llama()[symbol] for symbol in (*chosen, scale_up_bandwidth, scale_out_bandwidth)}


DERIVATIONS = (fewest_bytes, least_time)

CLAIMS = (
    Claim("10.7", "Llama 3.1 70B on 512 H100, 4.2e6 tokens a step: tp that sends the fewest bytes", None,
          fewest_bytes.evaluate, _inputs, must=lambda value: value > 1),
    Claim("10.7", "The same: tp that takes the links the least time (the usual choice is a domain of 8)", 8.0,
          least_time.evaluate, _inputs, must=lambda value: value > 1),
)  # fmt: skip
