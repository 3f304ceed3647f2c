"""Chapter 10, training: the best degrees of parallelism in bytes, tokens and bandwidths, beside those of a report."""

from sympy import Expr, S, Symbol, sqrt

from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.experts.symbols import always_read
from steptime.derivations.facts import Best, given
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.rules import both_sides, equation, side, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.axes import LONG, OF_EACH, TABLE_4, in_turn, long_context
from steptime.derivations.training.numbers import SCALING_BOOK
from steptime.derivations.training.symbols import ring_passes, step_stream_moves, tokens_a_chip, weight_moves

from steptime.model.symbols import (  # isort: skip
    context_parallel, kv_bytes, layers, micro_batches, pipeline_parallel, reduce_bytes, scale_out_bandwidth,
    scale_up_bandwidth, sequence, tensor_parallel, width,
)  # fmt: skip


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
    example=lambda: long_context(8192.0),
    example_text=f"{LONG}; with sequences of 8,192 tokens instead, 16 times as many",
    holds=(
        at_least(
            passed * scale_up_bandwidth,
            step_stream_moves * reduce_bytes * width * layers * scale_out_bandwidth * micro_batches * sequence,
        ),
    ),
)

DERIVATIONS = (tensor, context, enough)


def _inputs() -> dict[str, float]:
    return {symbol.name: long_context()[symbol] for symbol in context.result.rhs.free_symbols}


CLAIMS = (
    Claim("10.13", f"Chips that split each sequence ({TABLE_4}: 16)", 16.0, context.evaluate, _inputs,
          source=Source.PAPER, wording=Wording.ABOUT),
    Claim("10.13", f"Chips that split each matrix ({TABLE_4}: 8)", 8.0, tensor.evaluate, _inputs,
          source=Source.PAPER, wording=Wording.ABOUT),
)  # fmt: skip
