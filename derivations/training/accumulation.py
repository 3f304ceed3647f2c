"""Chapter 10, training: memory traffic of gradients and optimizer, and the micro-batch that hides it."""

from collections.abc import Mapping

import sympy
from sympy import Sum

from steptime.derivations.axioms import ACTIVATIONS_STAY, EVEN_MODEL, GRADIENTS_ADD_UP
from steptime.derivations.batch.symbols import memory_time
from steptime.derivations.board import PEAK, READS_ALL
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Crossing, Defined, Modelled, Tends, given
from steptime.derivations.rules import equation, limit, solve_for, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training import compute
from steptime.derivations.training.formulas import step_memory
from steptime.derivations.training.numbers import LLAMA, OF_MICROBATCH, ZERO, held, llama
from steptime.derivations.training.symbols import microbatch_tokens

from steptime.model.symbols import (  # isort: skip
    active_parameters, bytes_per_weight, flops_per_mac, gradient_bytes, memory_bandwidth, micro_batch, micro_batches,
    optimizer_bytes, parameters, peak_flops, pipeline_parallel, state_traffic, tensor_parallel, turn, weight_passes,
    weight_shards,
)  # fmt: skip

model_chips = tensor_parallel * pipeline_parallel
update = 2 * optimizer_bytes + bytes_per_weight
streamed = weight_passes * bytes_per_weight + 2 * gradient_bytes
written, read = Sum(gradient_bytes, (turn, 1, micro_batches)), Sum(gradient_bytes, (turn, 2, micro_batches))
"""The sum of gradients is written by every micro-batch, and read by every one but the first."""

SPLIT_BY_TP = given(weight_shards, tensor_parallel, "tensor-parallel chips split the weights of a stage, ranks do not")
MANY = Tends(micro_batches, sympy.oo, "ever more micro-batches a step")

traffic = Derivation(
    name="state-traffic",
    title="Bytes of gradients and optimizer that a chip reads and writes in a step",
    rows=("10.8",),
    claim="Each micro-batch moves a gradient twice; the update moves state twice and the new weight once.",
    start=Defined(
        state_traffic,
        held * (written + read + gradient_bytes + 2 * optimizer_bytes + bytes_per_weight),
        "what each weight of a chip moves: its gradient as micro-batches add it up; in the update its gradient read, "
        "its state read and written, itself written",
    ),
    steps=(
        Step(
            "every micro-batch writes",
            total(written, micro_batches * gradient_bytes),
            equation(state_traffic, held * (micro_batches * gradient_bytes + read + gradient_bytes + update)),
        ),
        Step(
            "the update reads the gradient that the first micro-batch did not",
            total(read, (micro_batches - 1) * gradient_bytes),
            equation(state_traffic, (2 * micro_batches * gradient_bytes + update) * parameters / model_chips),
        ),
    ),
    assumes=(EVEN_MODEL, GRADIENTS_ADD_UP),
    sources=(ZERO + ", section 3.1",),
    example=llama,
    example_text=LLAMA,
)

memory = Derivation(
    name="training-memory-time",
    title="Memory time of a training step",
    rows=("10.8",),
    claim="Every micro-batch streams the weights for each of its passes, and moves the gradients twice.",
    start=Modelled(memory_time, step_memory),
    steps=(
        Step(
            "at the peak, all weights read, split by tp and stages",
            substitute(PEAK[1], READS_ALL, SPLIT_BY_TP, traffic),
            equation(
                memory_time,
                (micro_batches * streamed + update) * parameters / (model_chips * memory_bandwidth),
            ),
        ),
    ),
    assumes=(PEAK[1], READS_ALL, SPLIT_BY_TP, ACTIVATIONS_STAY),
    sources=(ZERO + ", section 3.1",),
    example=llama,
    example_text=LLAMA,
)

hidden = Derivation(
    name="micro-batch-hides-streaming",
    title="Tokens of a micro-batch with which memory traffic hides",
    rows=("10.8",),
    claim="A training micro-batch has a ridge too; gradients in fp32 move as many bytes as four passes of weights.",
    start=Crossing(compute.plain, memory, "the multiply-adds take as long as the memory traffic"),
    steps=(
        Step(
            "the tokens of a micro-batch on one rank",
            substitute(OF_MICROBATCH.for_(micro_batch)),
            equation(
                3 * flops_per_mac * active_parameters * microbatch_tokens * micro_batches / (model_chips * peak_flops),
                (micro_batches * streamed + update) * parameters / (model_chips * memory_bandwidth),
            ),
        ),
        Step(
            "solve for the tokens",
            solve_for(microbatch_tokens),
            equation(
                microbatch_tokens,
                (streamed + update / micro_batches)
                * parameters
                * peak_flops
                / (3 * flops_per_mac * active_parameters * memory_bandwidth),
            ),
        ),
    ),
    assumes=(),
    sources=(ZERO + ", section 3.1",),
    example=llama,
    example_text=LLAMA,
)

many = Derivation(
    name="micro-batch-hides-streaming-many",
    title="Tokens of a micro-batch, one of many, with which memory traffic hides",
    rows=("10.8",),
    claim="The update is paid once a step, so that many micro-batches need fewer tokens each.",
    start=hidden,
    steps=(
        Step(
            "many micro-batches",
            limit(micro_batches, sympy.oo),
            equation(
                microbatch_tokens,
                streamed * parameters * peak_flops / (3 * flops_per_mac * active_parameters * memory_bandwidth),
            ),
        ),
    ),
    assumes=(MANY,),
    sources=hidden.sources,
    example=llama,
    example_text=LLAMA,
)


def _inputs() -> Mapping[str, float | str]:
    chosen = (bytes_per_weight, gradient_bytes, optimizer_bytes, weight_passes, micro_batches)
    return {symbol.name: llama()[symbol] for symbol in (*chosen, peak_flops, memory_bandwidth)}


DERIVATIONS = (traffic, memory, hidden, many)

CLAIMS = (
    Claim("10.8", "Llama 3.1 70B on H100, 8 micro-batches: tokens of one with which memory traffic hides: fewer than "
          "its 8192", None, hidden.evaluate, _inputs, source=Source.OWN,
          must=lambda value: 100 < value < llama()[microbatch_tokens]),
    Claim("10.8", "The same with many micro-batches: fewer, by the update's share of the traffic: 26 of 8 x 12 + 26 "
          "bytes a weight", None, many.evaluate, _inputs, source=Source.OWN,
          must=lambda value: abs(value / hidden.evaluate() - 96 / 122) < 1e-9),
)  # fmt: skip
