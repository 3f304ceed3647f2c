"""Chapter 10, training: chips shared out among tensor, context and data parallelism, a pipeline and experts given.

Gathered weights fall with tensor parallelism, the stream grows with it, and a ring grows with context parallelism,
which is there for one reason: each sequence is split among so many chips that ranks have a whole one each.
"""

from collections.abc import Mapping
from functools import partial

from sympy import Expr, Le, Max, S, Symbol, sqrt

from steptime.derivations.axioms import FULL_RATE, RING_BALANCED, WHOLE_ENOUGH
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.experts.symbols import always_read
from steptime.derivations.facts import Best, Chosen, Defined, Given, given
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.rules import both_sides, equation, optimum, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.numbers import LLAMA_3, SCALING_BOOK
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

TABLE_4 = f"{LLAMA_3}, table 4: 16,384 H100, 128 sequences of 131,072 tokens, tp 8, cp 16, pp 16"
LONG = (
    "Llama 3.1 405B on 16,384 H100, 128 sequences of 131,072 tokens in 16 stages, 16 micro-batches a rank; weights "
    "gathered once a step in bf16 and gradients scattered in fp32"
)


def long_context() -> Mapping[Symbol, float]:
    """Llama 3.1 405B in the long-context part of its training, and the times that follow."""
    tokens = 128 * 131072 / 16384
    values = {
        always_read: 405e9,
        width: 16384.0,
        layers: 126.0,
        kv_bytes: 126 * 2 * 8 * 128 * 2.0,
        sequence: 131072.0,
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
    title="The same with links within domains and between them busy at once",
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


def written_out(name: str, title: str, claim: str, of: Symbol, value: Expr, holds: tuple[Expr, ...]) -> Derivation:
    """A best degree in bytes, tokens and bandwidths."""
    return Derivation(
        name=name,
        title=title,
        rows=("10.13",),
        claim=claim,
        start=Best(in_turn, of),
        steps=(Step("what each takes", substitute(*OF_EACH), equation(of, value)),),
        assumes=OF_EACH,
        sources=(SCALING_BOOK, TABLE_4),
        example=long_context,
        example_text=LONG,
        holds=holds,
    )


passed = weight_moves * always_read + ring_passes * kv_bytes * micro_batches * sequence
"""Bytes of a stage's weights, and of the keys and values of all sequences of a rank, times the stages."""
streamed = step_stream_moves * reduce_bytes * tokens_a_chip * width * layers * pipeline_parallel
explicit = sqrt(passed * scale_up_bandwidth / (streamed * scale_out_bandwidth))
whole = micro_batches * sequence / (pipeline_parallel * tokens_a_chip)
WRITTEN = (
    at_least(passed * scale_up_bandwidth, streamed * scale_out_bandwidth),
    at_least(streamed * scale_out_bandwidth * whole**2, passed * scale_up_bandwidth),
)

tensor = written_out(
    "tensor-among-axes",
    "Tensor parallelism beside context and data parallelism",
    "Keys and values of the sequences that a rank trains on count as if they were weights to gather.",
    tensor_parallel,
    explicit,
    WRITTEN,
)
context = written_out(
    "context-among-axes",
    "Context parallelism beside tensor and data parallelism",
    "What is left of a sequence's split once matrices are split as far as pays: it grows with the sequence, and with "
    "chips at one batch.",
    context_parallel,
    whole / explicit,
    WRITTEN,
)

ONE = given(context_parallel, 1, "no sequence is split by context parallelism")
enough = Derivation(
    name="tokens-without-context-parallelism",
    title="Tokens a chip from which training needs no context parallelism",
    rows=("10.13",),
    claim="Above it tensor parallelism alone splits each sequence as far as must be; below it, with long sequences or "
    "more chips at one batch, a ring joins in.",
    start=context,
    steps=(
        Step("one chip for each sequence's context", substitute(ONE), equation(S.One, whole / explicit)),
        Step(
            "squared",
            both_sides(side**2 * tokens_a_chip),
            equation(
                tokens_a_chip,
                (micro_batches * sequence) ** 2
                * (step_stream_moves * reduce_bytes * width * layers * scale_out_bandwidth)
                / (pipeline_parallel * passed * scale_up_bandwidth),
            ),
        ),
    ),
    assumes=(ONE,),
    sources=(SCALING_BOOK, TABLE_4),
    example=long_context,
    example_text=LONG,
    holds=(
        at_least(
            passed * scale_up_bandwidth,
            step_stream_moves * reduce_bytes * width * layers * scale_out_bandwidth * micro_batches * sequence,
        ),
    ),
)

DERIVATIONS = (in_turn, beside, tensor, context, enough)


def _inputs() -> dict[str, float]:
    return {symbol.name: long_context()[symbol] for symbol in context.result.rhs.free_symbols}


CLAIMS = (
    Claim("10.13", f"Chips that split each sequence ({TABLE_4}: 16)", 16.0, context.evaluate, _inputs,
          source=Source.PAPER, wording=Wording.ABOUT),
    Claim("10.13", f"Chips that split each matrix ({TABLE_4}: 8)", 8.0, tensor.evaluate, _inputs,
          source=Source.PAPER, wording=Wording.ABOUT),
)  # fmt: skip
