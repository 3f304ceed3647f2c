"""Chapter 10, training: chips shared out among tensor, context and data parallelism, a pipeline and experts given.

Gathered weights fall with tensor parallelism, the stream grows with it, and a ring grows with context parallelism,
which is there for one reason: each sequence is split among so many chips that ranks have a whole one each.
"""

from collections.abc import Mapping

from sympy import Le, Max, S, Symbol, sqrt

from steptime.derivations.axioms import FULL_RATE, RING_BALANCED, WHOLE_ENOUGH
from steptime.derivations.experts.symbols import always_read
from steptime.derivations.facts import Chosen, Defined, Given, given
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.rules import equation, optimum
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.numbers import SCALING_BOOK
from steptime.model.phases.rates import rates
from steptime.model.scenario import Scenario

from steptime.derivations.training.symbols import (  # isort: skip
    axes_beside, axes_in_turn, exchange_all_time, gathered_time, ring_each_time, ring_passes, sequence_ways,
    split_each_time, step_stream_moves, tokens_a_chip, weight_moves,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    context_parallel, interconnect_efficiency, kv_bytes, layers, micro_batches, pipeline_parallel, reduce_bytes,
    scale_out_bandwidth, scale_up_bandwidth, sequence, tensor_parallel, width,
)  # fmt: skip

TABLE_4 = "Llama Team 2024, arXiv 2407.21783, table 4: 16,384 H100, 128 sequences of 131,072 tokens, tp 8, cp 16, pp 16"
LONG = (
    "Llama 3.1 405B on 16,384 H100, 128 sequences of 131,072 tokens in 16 stages, 16 micro-batches a rank; weights "
    "gathered once a step in bf16 and gradients scattered in fp32"
)


def long_context(length: float = 131072.0) -> Mapping[Symbol, float]:
    """Llama 3.1 405B in the long-context part of its training, or with other sequences, and the times that follow."""
    tokens = 128 * 131072 / 16384
    values = {
        always_read: 405e9,
        width: 16384.0,
        layers: 126.0,
        kv_bytes: 126 * 2 * 8 * 128 * 2.0,
        sequence: length,
        micro_batches: 16.0,
        pipeline_parallel: 16.0,
        tokens_a_chip: tokens,
        weight_moves: 6.0,
        step_stream_moves: 10.0,
        ring_passes: 3.0,
        reduce_bytes: 2.0,
        scale_up_bandwidth: 450e9,
        scale_out_bandwidth: 50e9,
        interconnect_efficiency: 1.0,
        exchange_all_time: 0.0,
    }
    values |= {one.line.lhs: float(Scenario(values).evaluate(one.line.rhs)) for one in OF_EACH}
    best = float(Scenario(values).evaluate(best_tensor))
    return {**values, tensor_parallel: best, context_parallel: values[sequence_ways] / best}


GATHERED = given(
    gathered_time,
    weight_moves * always_read / (pipeline_parallel * rates.scale_out),
    "the weights of a stage that every token multiplies, between domains",
)
SPLIT = given(
    split_each_time,
    step_stream_moves * reduce_bytes * tokens_a_chip * width * layers / rates.scale_up,
    "a chip's tokens, in the stream of every layer, within a domain; a stage has fewer layers and as many more tokens",
)
RING = given(
    ring_each_time,
    ring_passes * kv_bytes * tokens_a_chip / rates.scale_out,
    "the keys and values of a chip's tokens, between domains",
)
WAYS = given(
    sequence_ways,
    micro_batches * sequence / (pipeline_parallel * tokens_a_chip),
    "chips of a stage over ranks that have one sequence in each micro-batch",
)
OF_EACH = (GATHERED, SPLIT, RING, WAYS)

AS_MANY = Given(
    Le(sequence_ways / (tensor_parallel * context_parallel), 1),
    "tensor and context parallelism split each sequence among so many chips, or more",
)
SOONEST = (
    Chosen(tensor_parallel, "as many chips split each matrix as make sending take least"),
    Chosen(context_parallel, "as many chips split each sequence as make sending take least"),
)
behind = gathered_time + ring_each_time * sequence_ways
"""What tensor parallelism divides: the weights, and the ring of a sequence that it does not split."""
best_tensor = sqrt(behind / split_each_time)
AT = (equation(tensor_parallel, best_tensor), equation(context_parallel, sequence_ways / best_tensor))
BOTH = (at_least(behind, split_each_time), at_least(split_each_time * sequence_ways**2, behind))
"""Neither degree is below one."""
ASSUMES = (AS_MANY, *SOONEST, FULL_RATE, RING_BALANCED, WHOLE_ENOUGH)

in_turn = Derivation(
    name="axes-in-turn",
    title="Tensor, context and data parallelism of training that send soonest together",
    rows=("10.13",),
    claim="Chips that split matrices spare a ring as well as gathered weights: the best number is a root of both over "
    "the stream, and what is left of a sequence is split round the ring.",
    start=Defined(
        axes_in_turn,
        gathered_time / tensor_parallel + split_each_time * tensor_parallel + ring_each_time * context_parallel,
        "gathered weights, the stream, and keys and values, one after another; what no choice of them changes is left "
        "out",
    ),
    steps=(
        Step(
            "the least where each sequence is split among as many chips as must be",
            optimum(
                AS_MANY.relation,
                AT,
                2 * sqrt(split_each_time * behind),
                (S.One,),
                ring_each_time * sequence_ways / best_tensor,
            ),
            equation(axes_in_turn, 2 * sqrt(split_each_time * behind)),
        ),
    ),
    assumes=ASSUMES,
    sources=(SCALING_BOOK, TABLE_4),
    example=long_context,
    example_text=LONG,
    holds=BOTH,
)

spread = sqrt(exchange_all_time**2 + 4 * split_each_time * behind)
within = (exchange_all_time + spread) / 2
"""The time in which links within domains are busy as long as those between them."""
tensor_beside = behind / within

beside = Derivation(
    name="axes-beside",
    title="Tensor and context parallelism beside data, links within domains and between them busy at once",
    rows=("10.13",),
    claim="Without experts the degrees are those of one after another, at half the time; tokens for experts on the "
    "links within domains leave fewer chips to split matrices.",
    start=Defined(
        axes_beside,
        Max(
            gathered_time / tensor_parallel + ring_each_time * context_parallel,
            split_each_time * tensor_parallel + exchange_all_time,
        ),
        "weights, keys and values between domains; the stream and tokens for experts within them",
    ),
    steps=(
        Step(
            "the least where both are equally long",
            optimum(
                AS_MANY.relation,
                (
                    equation(tensor_parallel, tensor_beside),
                    equation(context_parallel, sequence_ways / tensor_beside),
                ),
                within,
                ((spread + exchange_all_time) / (2 * spread), (spread - exchange_all_time) / (2 * spread)),
                (spread - exchange_all_time) / (2 * spread) * ring_each_time * sequence_ways * within / behind,
            ),
            equation(axes_beside, within),
        ),
    ),
    assumes=ASSUMES,
    sources=(SCALING_BOOK, TABLE_4),
    example=long_context,
    example_text=LONG,
    holds=(
        at_least(behind, within),
        at_least(sequence_ways * within, behind),
    ),
)

DERIVATIONS = (in_turn, beside)
