"""Chapter 8, collectives: how far tensor parallelism may go before its sums outlast the work that it splits."""

from steptime.derivations.axioms import TWO_SUMS
from steptime.derivations.batch.terms import NO_CONTEXT, compute_term, memory_term
from steptime.derivations.collectives.numbers import KLENK, LLAMA, MEGATRON, dense
from steptime.derivations.collectives.rings import NO_START_UP
from steptime.derivations.collectives.rings import reduce as ring
from steptime.derivations.collectives.switches import switch
from steptime.derivations.collectives.symbols import group_bytes, group_chips, group_time, sums_time, switch_time
from steptime.derivations.facts import Crossing, Defined, given, instance
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.rules import equation, limit, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.network.algorithms import in_switch_all_reduce, ring_all_reduce
from steptime.model.network.collectives import Group, all_reduce

from steptime.model.symbols import (  # isort: skip
    active_parameters, bytes_per_weight, flops_per_mac, layers, memory_bandwidth, micro_batch, parameters_read,
    peak_flops, reduce_bytes, scale_up_bandwidth, scale_up_latency, stage_chips, tensor_parallel, width,
)  # fmt: skip

activations = micro_batch * width * reduce_bytes
"""Bytes that a layer sums at once: those of one token, for each of them."""

summed = all_reduce(activations, Group(tensor_parallel, tensor_parallel), in_switch=False).times(2 * layers)
by_switch = in_switch_all_reduce(activations, tensor_parallel)
by_ring = ring_all_reduce(activations, tensor_parallel)
SHARED = given(stage_chips, tensor_parallel, "the chips of a stage split every matrix, all in one domain")
TWO_A_LAYER = "the time of two sums in each layer, one after another"
weights_time = bytes_per_weight * parameters_read / (tensor_parallel * memory_bandwidth)
sums = 2 * layers * micro_batch * width * reduce_bytes

sums_by_ring = Derivation(
    name="tensor-parallel-sums",
    title="Time of the sums of tensor parallelism in one pass",
    rows=("8.9",),
    claim="By a ring or by all chips at once: a chip's link carries almost twice the activations, twice a layer.",
    start=Defined(sums_time, 2 * layers * group_time, TWO_A_LAYER),
    steps=(
        Step(
            "each sum goes round a ring",
            substitute(instance(ring, {group_bytes: activations, group_chips: tensor_parallel})),
            equation(sums_time, 2 * layers * by_ring.time(scale_up_bandwidth, scale_up_latency)),
        ),
        Step(
            "no start-up latency: the bytes of the model's all-reduce",
            limit(scale_up_latency, 0),
            equation(sums_time, summed.scale_up / scale_up_bandwidth),
        ),
    ),
    assumes=(TWO_SUMS, NO_START_UP),
    sources=(MEGATRON,),
    example=dense,
    example_text=LLAMA,
)

sums_in_switch = Derivation(
    name="tensor-parallel-sums-in-switch",
    title="Time of the sums of tensor parallelism in one pass, where the switch adds",
    rows=("8.9",),
    claim="A chip's link carries the activations once, whatever the number of chips.",
    start=Defined(sums_time, 2 * layers * switch_time, TWO_A_LAYER),
    steps=(
        Step(
            "each sum goes through the switch",
            substitute(instance(switch, {group_bytes: activations, group_chips: tensor_parallel})),
            equation(sums_time, 2 * layers * by_switch.time(scale_up_bandwidth, scale_up_latency)),
        ),
        Step(
            "no start-up latency",
            limit(scale_up_latency, 0),
            equation(sums_time, 2 * layers * by_switch.carried / scale_up_bandwidth),
        ),
    ),
    assumes=(TWO_SUMS, NO_START_UP),
    sources=(MEGATRON, KLENK),
    example=dense,
    example_text=LLAMA,
    holds=(at_least(tensor_parallel, 2),),
)

decode = Derivation(
    name="tensor-parallel-decode",
    title="Tensor parallelism whose sums hide behind the weights of a decode step",
    rows=("8.9",),
    claim="Reading shrinks with tp, sums do not: the limit falls with the batch.",
    start=Crossing(sums_by_ring, memory_term, "the sums take as long as the memory"),
    steps=(
        Step(
            "the chips of the stage split every matrix; no KV cache",
            substitute(SHARED, NO_CONTEXT),
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
    assumes=(SHARED, NO_CONTEXT),
    sources=(MEGATRON,),
    example=dense,
    example_text=LLAMA,
)

decode_in_switch = Derivation(
    name="tensor-parallel-decode-in-switch",
    title="Tensor parallelism whose sums hide behind the weights of a decode step, where the switch adds",
    rows=("8.9",),
    claim="Sums that cross a link once allow twice as many chips, less two.",
    start=Crossing(sums_in_switch, memory_term, "the sums take as long as the memory"),
    steps=(
        Step(
            "the chips of the stage split every matrix; no KV cache",
            substitute(SHARED, NO_CONTEXT),
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
    assumes=(SHARED, NO_CONTEXT),
    sources=(MEGATRON, KLENK),
    example=dense,
    example_text=LLAMA,
    holds=(
        at_least(tensor_parallel, 2),
        at_least(bytes_per_weight * parameters_read * scale_up_bandwidth, 2 * sums * memory_bandwidth),
    ),
)

prefill = Derivation(
    name="tensor-parallel-prefill",
    title="Tensor parallelism whose sums hide behind the multiply-adds of a prefill",
    rows=("8.9",),
    claim="Both grow with the tokens: the limit is one of model and chip, and grows with the model's width.",
    start=Crossing(sums_by_ring, compute_term, "the sums take as long as the multiply-adds"),
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
    assumes=(SHARED,),
    sources=(MEGATRON,),
    example=dense,
    example_text=LLAMA,
)

DERIVATIONS = (sums_by_ring, sums_in_switch, decode, decode_in_switch, prefill)
