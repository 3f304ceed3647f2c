"""Chapter 9, serving: what a prefill in chunks reads again, and the chunk that hides it behind its multiply-adds."""

import sympy

from steptime.derivations.batch.batch import peak_by_ridge
from steptime.derivations.batch.symbols import ridge, tokens_read
from steptime.derivations.board import PERFECT_SHARDS, is_
from steptime.derivations.prices.formulas import grouped
from steptime.derivations.rules import both_sides, equation, identity, side, solve_for, substitute
from steptime.derivations.serving.attention import body
from steptime.derivations.serving.symbols import chunk_bytes
from steptime.derivations.steps import Derivation, Step
from steptime.model.architecture.attended import attended

from steptime.derivations.serving.numbers import (  # isort: skip
    ALL_CONTEXT, ALL_READ, BEHIND, CHUNKED, IDEAL, LLAMA, SARATHI, SHARED, V3, cache_of, llama_prefill, summed,
    v3_prefill,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, bytes_per_weight, cached, chunk, chunks, context, flops_per_mac, kv_bytes,
    memory_bandwidth, micro_batch, parameters, parameters_read, pass_tokens, peak_flops, stage_chips, traversal,
    unembedding_parameters,
)  # fmt: skip

in_one = BEHIND.blackboard.memory.work.xreplace({one.lhs: one.rhs for one in cache_of(BEHIND)})
ONE_STAGE = is_(traversal, sympy.S.One)
in_chunks = CHUNKED.blackboard.memory.work.xreplace({one.lhs: one.rhs for one in (ONE_STAGE, *cache_of(CHUNKED))})
mean_context = cached + pass_tokens / 2
flops = (
    flops_per_mac * (body * pass_tokens + unembedding_parameters)
    + attention_flops * pass_tokens * cached
    + attention_flops * pass_tokens * (pass_tokens - 1) / 2
)
read_again = bytes_per_weight * parameters_read + micro_batch * kv_bytes * mean_context
ROOM = flops * memory_bandwidth - kv_bytes * pass_tokens * peak_flops / 2
ASSUMES = (IDEAL, ALL_CONTEXT, ALL_READ, "chunks of equal length, one after another")

reads = Derivation(
    name="chunk-reads",
    title="Cached tokens that a prefill in chunks reads",
    rows=("9.3",),
    claim="Each chunk reads the prefix and all chunks before it: a triangle of chunks on top of the prefix.",
    start=equation(tokens_read, summed(attended(grouped), context, cached, chunks, pass_tokens / chunks)),
    steps=(
        Step(
            "the prefix once a chunk, and half of the new tokens for each chunk but one",
            identity(),
            equation(tokens_read, chunks * cached + pass_tokens * (chunks - 1) / 2),
        ),
    ),
    assumes=("no window", "chunks of equal length", "keys and values of a chunk itself stay on the chip"),
    sources=(SARATHI,),
    example=lambda: {pass_tokens: 6144.0, cached: 2048.0, chunks: 12.0},
    example_text="6144 tokens behind 2048 cached ones in 12 chunks",
)

extra_bytes = Derivation(
    name="chunk-bytes",
    title="What chunks read again",
    rows=("9.3",),
    claim="Each chunk but one streams the weights again, and what is cached so far: half of the prompt on average.",
    start=equation(chunk_bytes, in_chunks - in_one),
    steps=(
        Step(
            "perfectly sharded; a number of chunks less one times what one reads",
            substitute(*PERFECT_SHARDS[1:]),
            equation(chunk_bytes, (chunks - 1) * read_again / stage_chips),
        ),
    ),
    assumes=ASSUMES,
    sources=(SARATHI,),
    example=lambda: llama_prefill(8192, cached=2048, chunk=512),
    example_text=f"{LLAMA}, 6144 tokens behind 2048 cached ones in chunks of 512",
)

cache_outweighs = Derivation(
    name="chunk-cache",
    title="The prompt at which the cache read again costs as much as the weights",
    rows=("9.3",),
    claim="Both grow with the number of chunks alike, so that no chunk decides it, but the prompt.",
    start=equation(
        extra_bytes.result.rhs.xreplace({bytes_per_weight: sympy.S.Zero}),
        extra_bytes.result.rhs.xreplace({kv_bytes: sympy.S.Zero}),
    ),
    steps=(
        Step(
            "for one chunk more",
            both_sides(side * stage_chips / (chunks - 1)),
            equation(micro_batch * kv_bytes * mean_context, bytes_per_weight * parameters_read),
        ),
        Step(
            "solve for the new tokens",
            solve_for(pass_tokens),
            equation(pass_tokens, 2 * (bytes_per_weight * parameters_read / (micro_batch * kv_bytes) - cached)),
        ),
    ),
    assumes=ASSUMES,
    sources=(SARATHI,),
    example=lambda: llama_prefill(8192, 8, cached=2048, chunk=512),
    example_text=f"{LLAMA}, 8 sequences behind 2048 cached tokens",
    holds=(bytes_per_weight * parameters_read - micro_batch * kv_bytes * cached,),
)

hidden = Derivation(
    name="chunk-length",
    title="The chunk above which what is read again hides behind compute",
    rows=("9.3",),
    claim="Chunks are free down to this length: compute does not change, and reads stay below it.",
    start=equation(CHUNKED.blackboard.compute.time, CHUNKED.blackboard.memory.time),
    steps=(
        Step(
            "at the peak, one stage, perfectly sharded; the cache of all that came before, once a chunk",
            substitute(*SHARED, ONE_STAGE, *cache_of(CHUNKED)),
            equation(
                flops * micro_batch / (stage_chips * peak_flops),
                (chunks * read_again + micro_batch * kv_bytes * pass_tokens / 2) / (stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "as many chunks as it takes",
            substitute(is_(chunks, pass_tokens / chunk)),
            equation(
                flops * micro_batch / (stage_chips * peak_flops),
                pass_tokens * (read_again / chunk + micro_batch * kv_bytes / 2) / (stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "clear the rates and the chips",
            both_sides(side * stage_chips * peak_flops * memory_bandwidth),
            equation(
                flops * micro_batch * memory_bandwidth,
                pass_tokens * (read_again / chunk + micro_batch * kv_bytes / 2) * peak_flops,
            ),
        ),
        Step(
            "solve for the chunk",
            solve_for(chunk),
            equation(chunk, pass_tokens * read_again * peak_flops / (micro_batch * ROOM)),
        ),
    ),
    assumes=ASSUMES,
    sources=(SARATHI,),
    example=lambda: llama_prefill(8192, cached=2048, chunk=512),
    example_text=f"{LLAMA}, 6144 tokens of one sequence behind 2048 cached ones",
    holds=(ROOM,),
)

hidden_weights = Derivation(
    name="chunk-ridge",
    title="The same, as the ridge",
    rows=("9.3",),
    claim="With weights alone the chunk is the prompt that turns compute-bound, and depends on no prompt.",
    start=hidden.result,
    steps=(
        Step(
            "weights alone, all of them, and every token multiplies all active ones",
            substitute(
                is_(kv_bytes, 0),
                is_(attention_flops, 0),
                is_(unembedding_parameters, 0),
                is_(parameters_read, parameters),
            ),
            equation(
                chunk,
                bytes_per_weight
                * parameters
                * peak_flops
                / (micro_batch * flops_per_mac * active_parameters * memory_bandwidth),
            ),
        ),
        Step(
            "the rates as the ridge",
            substitute(peak_by_ridge.result),
            equation(chunk, ridge * parameters / (active_parameters * micro_batch)),
        ),
    ),
    assumes=(*ASSUMES, "no FLOP of attention, no cache, every token multiplied by the unembedding too"),
    sources=(SARATHI,),
    example=lambda: v3_prefill(8192, 1),
    example_text=f"{V3}, one sequence; the ridge as it follows",
)

DERIVATIONS = (reads, extra_bytes, cache_outweighs, hidden, hidden_weights)
