"""Chapter 8, collectives: how far tensor parallelism may go before its sums outlast the work that it splits."""

from steptime.derivations.batch.terms import compute_term, latency_floor
from steptime.derivations.board import is_
from steptime.derivations.collectives.numbers import KLENK, LLAMA, MEGATRON, dense
from steptime.derivations.rules import equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.network.algorithms import in_switch_all_reduce
from steptime.model.network.collectives import Group, all_reduce

from steptime.model.symbols import (  # isort: skip
    active_parameters, bytes_per_weight, flops_per_mac, layers, memory_bandwidth, micro_batch, parameters_read,
    peak_flops, reduce_bytes, scale_up_bandwidth, stage_chips, tensor_parallel, width,
)  # fmt: skip

activations = micro_batch * width * reduce_bytes
summed = all_reduce(activations, Group(tensor_parallel, tensor_parallel), in_switch=False).times(2 * layers)
ring_time = summed.scale_up / scale_up_bandwidth
switch_time = 2 * layers * in_switch_all_reduce(activations, tensor_parallel).carried / scale_up_bandwidth
SHARED = is_(stage_chips, tensor_parallel)
DENSE = ("a dense model, tp its only parallelism, within one domain", "two sums a layer", "no start-up latency")
weights_time = bytes_per_weight * parameters_read / (tensor_parallel * memory_bandwidth)
sums = 2 * layers * micro_batch * width * reduce_bytes

decode = Derivation(
    name="tensor-parallel-decode",
    title="Tensor parallelism whose sums hide behind the weights of a decode step",
    rows=("8.9",),
    claim="Reading shrinks with tp, sums do not: the limit falls with the batch.",
    start=equation(ring_time, latency_floor.result.rhs),
    steps=(
        Step(
            "the chips of the stage split every matrix",
            substitute(SHARED),
            equation(2 * sums * (tensor_parallel - 1) / (tensor_parallel * scale_up_bandwidth), weights_time),
        ),
        Step(
            "solve for the chips",
            solve_for(tensor_parallel),
            equation(
                tensor_parallel,
                1 + bytes_per_weight * parameters_read * scale_up_bandwidth / (2 * sums * memory_bandwidth),
            ),
        ),
    ),
    assumes=(*DENSE, "sums by a ring, or by all chips at once", "no KV cache"),
    sources=(MEGATRON,),
    example=dense,
    example_text=LLAMA,
)

decode_in_switch = Derivation(
    name="tensor-parallel-decode-in-switch",
    title="The same, where the switch adds",
    rows=("8.9",),
    claim="Sums that cross a link once allow twice as many chips, less one.",
    start=equation(switch_time, latency_floor.result.rhs),
    steps=(
        Step(
            "the chips of the stage split every matrix",
            substitute(SHARED),
            equation(sums / scale_up_bandwidth, weights_time),
        ),
        Step(
            "solve for the chips",
            solve_for(tensor_parallel),
            equation(
                tensor_parallel,
                bytes_per_weight * parameters_read * scale_up_bandwidth / (sums * memory_bandwidth),
            ),
        ),
    ),
    assumes=(*DENSE, "the switch adds and multicasts at the rate of the links", "no KV cache"),
    sources=(MEGATRON, KLENK),
    example=dense,
    example_text=LLAMA,
)

prefill = Derivation(
    name="tensor-parallel-prefill",
    title="Tensor parallelism whose sums hide behind the multiply-adds of a prefill",
    rows=("8.9",),
    claim="Both grow with the tokens: the limit is one of model and chip, and grows with the model's width.",
    start=equation(ring_time, compute_term.result.rhs),
    steps=(
        Step(
            "the chips of the stage split every matrix",
            substitute(SHARED),
            equation(
                2 * sums * (tensor_parallel - 1) / (tensor_parallel * scale_up_bandwidth),
                flops_per_mac * active_parameters * micro_batch / (tensor_parallel * peak_flops),
            ),
        ),
        Step(
            "the tokens cancel; solve for the chips",
            solve_for(tensor_parallel),
            equation(
                tensor_parallel,
                1
                + flops_per_mac
                * active_parameters
                * scale_up_bandwidth
                / (4 * layers * width * reduce_bytes * peak_flops),
            ),
        ),
    ),
    assumes=(*DENSE, "sums by a ring, or by all chips at once", "no attention FLOP"),
    sources=(MEGATRON,),
    example=dense,
    example_text=LLAMA,
)

DERIVATIONS = (decode, decode_in_switch, prefill)
