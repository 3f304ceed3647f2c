"""Passes of many tokens: a prefill, a check of drafted tokens, and prefill interleaved with decode.

A prefill works on T new tokens of each sequence behind L_c cached ones. Weights are streamed once a pass, every token
is multiplied, each attends to those before it (the causal half), only the last one needs the unembedding. Keys and
values are written once; those of the pass itself stay on the chip. In chunks, one after another, the pass streams the
weights and everything before the chunk again for each chunk.
Sources: Pope et al. 2022 (arXiv 2211.05102) for the two phases; Agrawal et al. 2023 (arXiv 2308.16369) for chunks and
for prefill that rides along with decode; Leviathan et al. 2022 (arXiv 2211.17192) for drafts.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import sympy
from sympy import Expr, Symbol, ceiling

from steptime.model.architecture.attended import pairs_of_tokens
from steptime.model.architecture.stream import Stream
from steptime.model.choices import PhaseName
from steptime.model.phases.decode import flops_per_token
from steptime.model.phases.phase import Phase, weight_traffic
from steptime.model.phases.rates import rates
from steptime.model.terms import StepTime, Term, one, zero

from steptime.model.symbols import (  # isort: skip
    acceptance, active_parameters, answer, attention_flops, batch, cached, chunk, chunks, compute_shards, context,
    drafts, flops_per_mac, in_flight, kv_read, kv_shards, kv_written, micro_batch, own_prefill, pass_tokens, prompt,
    replicas, scale_out_bytes, scale_out_latency, scale_out_starts, scale_up_bytes, scale_up_latency, scale_up_starts,
    tokens_per_pass, traversal, unembedding_parameters, weight_shards,
)  # fmt: skip

kv_traffic_per_sequence = kv_read + kv_written
"""Bytes that a sequence reads of what was cached before, and writes of what is new."""

expected_tokens = (1 - acceptance ** (drafts + 1)) / (1 - acceptance)
"""Expected tokens per pass over drafts: one, and each draft that is accepted with all before it. Each is accepted with
the same chance, independently; what drafting itself costs is not counted."""

decode_steps = answer - 1
"""Decode steps of a request: the prefill itself gives the first token of the answer."""


def flops_of(tokens: Expr, before: Expr, predicted: Expr) -> Expr:
    """FLOP of one sequence: all weights for each token but the unembedding's, those where needed, causal attention.

    >>> from steptime.model.symbols import context
    >>> flops_of(one, context, one) == flops_per_token
    True
    """
    weights = active_parameters * tokens - unembedding_parameters * (tokens - predicted)
    return flops_per_mac * weights + attention_flops * pairs_of_tokens(tokens, before)


def terms_of(flops: Expr, kv_traffic: Expr, tokens: Expr, passes: Expr) -> StepTime:
    """The terms of so many passes, from what each sequence of the micro-batch costs.

    Weights are streamed once a pass, whatever its tokens; what crosses the links grows with the tokens.

    >>> from steptime.model.phases.decode import blackboard, kv_traffic_per_sequence
    >>> terms_of(flops_per_token, kv_traffic_per_sequence, one, one) == blackboard
    True
    """
    sent = micro_batch * tokens
    return StepTime(
        Term("compute", work=flops * micro_batch / compute_shards, rate=rates.compute),
        Term(
            "memory",
            work=passes * weight_traffic / weight_shards + kv_traffic * micro_batch / kv_shards,
            rate=rates.memory,
        ),
        Term("scale_up", scale_up_bytes * sent, rates.scale_up, scale_up_starts, scale_up_latency),
        Term("scale_out", scale_out_bytes * sent, rates.scale_out, scale_out_starts, scale_out_latency),
    )


def _phase(
    name: PhaseName,
    streams: tuple[Stream, ...],
    flops: Expr,
    held: Expr,
    yields: Expr = one,
    passes: Expr = one,
    varies: Symbol = context,
    definitions: Mapping[Symbol, Expr] | None = None,
    traversed: Expr = one,
) -> Phase:
    """A phase of passes that read and write a cache."""
    tokens = sympy.Add(*[stream.share * stream.tokens for stream in streams])
    work = (flops, kv_traffic_per_sequence, tokens, passes)
    board = terms_of(*(traversed * amount for amount in work))
    return Phase(name, board, streams, flops, kv_traffic_per_sequence, held, yields, passes, varies, definitions or {},
                 traversed)  # fmt: skip


@cache
def prefill_phase(has_cache: bool = False, in_chunks: bool = False) -> Phase:
    """A prefill; behind a cached prefix, and in chunks, where it says so, so that its formulas stay short elsewhere.

    The stages of a pipeline work on a sequence one after another, but on its chunks at the same time.
    """
    before = cached if has_cache else zero
    passes = chunks if in_chunks else one
    definitions = {pass_tokens: prompt - before}
    if in_chunks:
        definitions[chunks] = ceiling(pass_tokens / chunk)
    return _phase(
        PhaseName.PREFILL,
        (Stream(tokens=pass_tokens, cached=before, chunks=passes),),
        flops_of(pass_tokens, before, one),
        held=prompt,
        yields=pass_tokens,
        passes=passes,
        varies=prompt,
        definitions=definitions,
        traversed=traversal if in_chunks else one,
    )


PREFILL = prefill_phase()
"""The whole prompt in one pass, nothing cached."""

VERIFY = _phase(
    PhaseName.DECODE,
    (Stream(tokens=pass_tokens, cached=context, predicted=pass_tokens),),
    flops_of(pass_tokens, context, pass_tokens),
    held=context,
    yields=tokens_per_pass,
    definitions={pass_tokens: drafts + 1, tokens_per_pass: expected_tokens},
)
"""A decode step that checks drafted tokens: as many tokens a sequence as drafts and one; it keeps the expected ones."""

ANSWER = _phase(
    PhaseName.ANSWER,
    (Stream(tokens=decode_steps, cached=prompt, predicted=decode_steps, chunks=decode_steps),),
    flops_of(decode_steps, prompt, decode_steps),
    held=prompt + decode_steps,
    yields=decode_steps,
    passes=decode_steps,
    varies=prompt,
)
"""All decode steps of a request at once: tokens behind the prompt, in chunks of one token each.

Its terms are sums over the steps, so that its time is that of the steps one after another where one term binds in all
of them, and less where the growing context changes what binds. With a prefill before it, it is the whole request.
"""

prefills_riding_along = (1 - own_prefill / in_flight) / decode_steps
"""Prefills that a step carries for each sequence that decodes.

Of c sequences each decodes for T_out - 1 steps, then one that was prefilled takes its place: c prefills in so many
steps. A request's own lies before its first step, so that its steps carry those of the other c - 1: for each sequence
(1 - 1/c)/(T_out - 1). One alone waits for none, many for all. Averaged over all steps, which throughput and cost follow
from, every prefill counts: then ``own_prefill`` is zero.
"""

IN_FLIGHT = _phase(
    PhaseName.DECODE,
    (Stream(cached=context), Stream(prefills_riding_along, pass_tokens)),
    flops_per_token + flops_of(pass_tokens, zero, one) * prefills_riding_along,
    held=context,
    definitions={pass_tokens: prompt, in_flight: batch / replicas},
)
"""In-flight batching at a steady rate: the steps of a request, and the prefills of the others that ride along.

All sequences of a replica wait for one another, stages of a pipeline too; where ranks of a layout share no work, those
of one rank (``Ledger.slots``)."""

mean_context = prompt + (answer - 2) / 2
"""The mean over the decode steps of a request of what lies before the token that each works on: the prompt at the first
step, prompt + output - 2 at the last."""

FROM_PROMPT = replace(IN_FLIGHT, definitions={context: mean_context, **IN_FLIGHT.definitions})
"""The same where no context is stated: it is the mean over a request's steps, and moves with prompt and output."""
