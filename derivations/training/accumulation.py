"""Chapter 10, training: memory traffic of gradients and optimizer, and the micro-batch that hides it."""

from collections.abc import Mapping

import sympy

from steptime.derivations.board import PEAK, is_
from steptime.derivations.claims import Claim
from steptime.derivations.rules import equation, identity, limit, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.symbols import microbatch_tokens

from steptime.derivations.training.numbers import (  # isort: skip
    DENSE, IDEAL, LLAMA, NOTHING_ELSE, OF_MICROBATCH, SHARED, WEIGHTS_ALONE, ZERO, ledger, llama, phase,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, bytes_per_weight, flops_per_mac, gradient_bytes, memory_bandwidth, micro_batches,
    optimizer_bytes, parameters, parameters_read, peak_flops, pipeline_parallel, state_traffic, tensor_parallel,
    weight_passes, weight_shards,
)  # fmt: skip

board = phase().blackboard
model_chips = tensor_parallel * pipeline_parallel
update = 2 * optimizer_bytes + bytes_per_weight
streamed = weight_passes * bytes_per_weight + 2 * gradient_bytes
PLAIN = "the sum of gradients is read and written by every micro-batch, written only by the first; no ZeRO"

traffic = Derivation(
    name="state-traffic",
    title="Bytes of gradients and optimizer that a chip reads and writes in a step",
    rows=("10.8",),
    claim="Each micro-batch moves a gradient twice; the update moves state twice and the new weight once.",
    start=equation(state_traffic, ledger().state_traffic()),
    steps=(
        Step(
            "the update reads the gradient that the first micro-batch did not",
            identity(),
            equation(state_traffic, (2 * micro_batches * gradient_bytes + update) * parameters / model_chips),
        ),
    ),
    assumes=(DENSE, PLAIN),
    sources=(ZERO + ", section 3.1",),
    example=llama,
    example_text=LLAMA,
)

hidden = Derivation(
    name="micro-batch-hides-streaming",
    title="Tokens of a micro-batch with which memory traffic hides",
    rows=("10.8",),
    claim="A training micro-batch has a ridge too; gradients in fp32 move as many bytes as four passes of weights.",
    start=equation(board.compute.time, board.memory.time),
    steps=(
        Step(
            "weights alone, at the peak, all of them read; the tokens of a micro-batch on one rank",
            substitute(
                *SHARED,
                PEAK[1],
                *NOTHING_ELSE,
                OF_MICROBATCH,
                is_(weight_shards, tensor_parallel),
                is_(parameters_read, parameters),
                is_(state_traffic, traffic.result.rhs),
            ),
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
    assumes=(IDEAL, DENSE, WEIGHTS_ALONE, PLAIN, "activations are not counted as memory traffic"),
    sources=(ZERO + ", section 3.1",),
    example=llama,
    example_text=LLAMA,
)

many = Derivation(
    name="micro-batch-hides-streaming-many",
    title="The same with many micro-batches",
    rows=("10.8",),
    claim="The update is paid once a step, so that many micro-batches need fewer tokens each.",
    start=hidden.result,
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
    assumes=hidden.assumes,
    sources=hidden.sources,
    example=llama,
    example_text=LLAMA,
)


def _inputs() -> Mapping[str, float | str]:
    chosen = (bytes_per_weight, gradient_bytes, optimizer_bytes, weight_passes, micro_batches)
    return {symbol.name: llama()[symbol] for symbol in (*chosen, peak_flops, memory_bandwidth)}


DERIVATIONS = (traffic, hidden, many)

CLAIMS = (
    Claim("10.8", "Llama 3.1 70B on H100, 8 micro-batches: tokens of one with which memory traffic hides", None,
          hidden.evaluate, _inputs, must=lambda value: value > 0),
    Claim("10.8", "The same with many micro-batches", None, many.evaluate, _inputs, must=lambda value: value > 0),
)  # fmt: skip
