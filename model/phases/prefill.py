"""Passes of many tokens: a prefill, a check of drafted tokens, and prefill interleaved with decode.

A prefill works on T new tokens of each sequence behind L_c cached ones. Weights are streamed once a pass, every token
is multiplied, each attends to those before it (the causal half), only the last one needs the unembedding. Keys and
values are written once; those of the pass itself stay on the chip. In chunks, one after another, the pass streams the
weights and everything before the chunk again for each chunk.
Sources: Pope et al. 2022 (arXiv 2211.05102) for the two phases; Agrawal et al. 2023 (arXiv 2308.16369) for chunks and
for prefill that rides along with decode; Leviathan et al. 2022 (arXiv 2211.17192) for drafts.
"""

from sympy import Expr, ceiling

from steptime.model.architecture.attended import pairs_of_tokens
from steptime.model.phases.decode import flops_per_token
from steptime.model.phases.phase import Phase, Stream, one
from steptime.model.phases.speculative import expected_tokens
from steptime.model.symbols import (
    active_parameters,
    answer,
    attention_flops,
    cached,
    chunk,
    chunks,
    context,
    drafts,
    flops_per_mac,
    kv_read,
    kv_written,
    pass_tokens,
    prompt,
    tokens_per_pass,
    unembedding_parameters,
)
from steptime.model.terms import zero

kv_traffic_per_sequence = kv_read + kv_written
"""Bytes that a sequence reads of what was cached before, and writes of what is new."""

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


def prefill_phase(has_cache: bool = False, in_chunks: bool = False) -> Phase:
    """A prefill; behind a cached prefix, and in chunks, where it says so, so that its formulas stay short elsewhere."""
    before = cached if has_cache else zero
    passes = chunks if in_chunks else one
    definitions = {pass_tokens: prompt - before}
    if in_chunks:
        definitions[chunks] = ceiling(pass_tokens / chunk)
    return Phase(
        "prefill",
        (Stream(tokens=pass_tokens, cached=before, chunks=passes),),
        flops_of(pass_tokens, before, one),
        kv_traffic_per_sequence,
        held=prompt,
        yields=pass_tokens,
        passes=passes,
        varies=prompt,
        definitions=definitions,
    )


PREFILL = prefill_phase()
"""The whole prompt in one pass, nothing cached."""

VERIFY = Phase(
    "decode",
    (Stream(tokens=pass_tokens, cached=context, predicted=pass_tokens),),
    flops_of(pass_tokens, context, pass_tokens),
    kv_traffic_per_sequence,
    held=context,
    yields=tokens_per_pass,
    definitions={pass_tokens: drafts + 1, tokens_per_pass: expected_tokens},
)
"""A decode step that checks drafted tokens: as many tokens a sequence as drafts and one; it keeps the expected ones."""

ANSWER = Phase(
    "answer",
    (Stream(tokens=decode_steps, cached=prompt, predicted=decode_steps, chunks=decode_steps),),
    flops_of(decode_steps, prompt, decode_steps),
    kv_traffic_per_sequence,
    held=prompt + decode_steps,
    yields=decode_steps,
    passes=decode_steps,
    varies=prompt,
)
"""All decode steps of a request at once: tokens behind the prompt, in chunks of one token each.

Its terms are sums over the steps, so that its time is that of the steps one after another where one term binds in all
of them, and less where the growing context changes what binds. With a prefill before it, it is the whole request.
"""

_rides_along = Stream(1 / decode_steps, pass_tokens)

IN_FLIGHT = Phase(
    "decode",
    (Stream(cached=context), _rides_along),
    flops_per_token + flops_of(pass_tokens, zero, one) / decode_steps,
    kv_traffic_per_sequence,
    held=context,
    definitions={pass_tokens: prompt},
)
"""In-flight batching at a steady rate: a request decodes for T_out - 1 steps, then one that was prefilled takes its
place, so that each step carries 1/(T_out - 1) of a prefill for every sequence that decodes."""
