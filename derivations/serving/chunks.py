"""Chapter 9, serving: what a prefill in chunks reads again, and the chunk that hides it behind its multiply-adds."""

from sympy import S, Sum

from steptime.derivations.axioms import ATTENDS_TO_ALL, BEFORE_ONCE, CHUNK_STREAMS, LAST_PREDICTS, ON_CHIP
from steptime.derivations.batch.batch import peak_by_ridge
from steptime.derivations.batch.symbols import memory_time, ridge, tokens_read
from steptime.derivations.board import PERFECT_SHARDS
from steptime.derivations.facts import Compared, Crossing, Defined, Modelled, given, instance
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.prices.formulas import grouped
from steptime.derivations.rules import both_sides, equation, identity, side, solve_for, substitute, total
from steptime.derivations.serving import formulas
from steptime.derivations.serving.prefill import flops as fresh
from steptime.derivations.serving.symbols import chunk_bytes, pass_bytes
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.architecture.attended import attended, whole_context_read

from steptime.derivations.serving.numbers import (  # isort: skip
    BOTH, CACHE_READ, LLAMA, SARATHI, SHARED, V3, WEIGHTS_ALONE, llama_prefill, v3_prefill,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, bytes_per_weight, cached, chunk, chunks, flops_per_mac, kv_bytes,
    memory_bandwidth, micro_batch, parameters, parameters_read, pass_tokens, peak_flops, stage_chips, traversal, turn,
)  # fmt: skip

ONE_STAGE = given(traversal, 1, "one pipeline stage")
EQUAL = given(chunk, pass_tokens / chunks, "chunks of equal length")
AS_MANY = given(chunks, pass_tokens / chunk, "as many chunks as their length makes")
WRITTEN = Modelled(q.kv_written, formulas.chunked_written)
ASSUMES = (CHUNK_STREAMS, ON_CHIP, ONE_STAGE)

mean_context = cached + pass_tokens / 2
flops = fresh + attention_flops * pass_tokens * cached
read_again = bytes_per_weight * parameters_read + micro_batch * kv_bytes * mean_context
computed = micro_batch * flops * memory_bandwidth
moved_in_one = bytes_per_weight * parameters_read + micro_batch * kv_bytes * (cached + pass_tokens)
moved_token_by_token = pass_tokens * (
    bytes_per_weight * parameters_read + micro_batch * kv_bytes * (cached + (pass_tokens + 1) / 2)
)
ROOM = flops * memory_bandwidth - kv_bytes * pass_tokens * peak_flops / 2

found_by_each = Sum(attended(grouped, cached + chunk * turn), (turn, 0, chunks - 1))

reads = Derivation(
    name="chunk-reads",
    title="Cached tokens that a prefill in chunks reads",
    rows=("9.3",),
    claim="Each chunk reads the prefix and all chunks before it: a triangle of chunks on top of the prefix.",
    start=Defined(tokens_read, found_by_each, "what each chunk, one after another, finds in the cache"),
    steps=(
        Step(
            "the prefix once a chunk, and a triangle of chunks",
            total(found_by_each, chunks * cached + chunk * chunks * (chunks - 1) / 2),
            equation(tokens_read, chunks * cached + chunk * chunks * (chunks - 1) / 2),
        ),
        Step(
            "half of the new tokens for each chunk but one",
            substitute(EQUAL),
            equation(tokens_read, whole_context_read(pass_tokens, cached, chunks)),
        ),
    ),
    assumes=(ATTENDS_TO_ALL, BEFORE_ONCE, EQUAL),
    sources=(SARATHI,),
    example=lambda: {pass_tokens: 6144.0, cached: 2048.0, chunks: 12.0, chunk: 512.0},
    example_text="6144 tokens behind 2048 cached ones in 12 chunks",
    holds=(at_least(pass_tokens, chunks),),
)

moved = Derivation(
    name="chunked-bytes",
    title="What a prefill in chunks moves",
    rows=("9.3",),
    claim="Each chunk streams the weights, and what is cached so far; keys and values are written once.",
    start=Modelled(pass_bytes, formulas.chunked_bytes),
    steps=(
        Step(
            "one stage, perfectly sharded; the bytes of the cache by its tokens",
            substitute(ONE_STAGE, *PERFECT_SHARDS[1:], CACHE_READ, WRITTEN),
            equation(
                pass_bytes,
                (chunks * bytes_per_weight * parameters_read + micro_batch * kv_bytes * (tokens_read + pass_tokens))
                / stage_chips,
            ),
        ),
        Step(
            "the cached tokens that each chunk reads",
            substitute(reads),
            equation(pass_bytes, (chunks * read_again + micro_batch * kv_bytes * pass_tokens / 2) / stage_chips),
        ),
    ),
    assumes=(*ASSUMES, *PERFECT_SHARDS[1:]),
    sources=(SARATHI,),
    example=lambda: llama_prefill(8192, cached=2048, chunk=512),
    example_text=f"{LLAMA}, 6144 tokens behind 2048 cached ones in chunks of 512",
    holds=(at_least(pass_tokens, chunks),),
)

extra_bytes = Derivation(
    name="chunk-bytes",
    title="What chunks read again",
    rows=("9.3",),
    claim="Each chunk but one streams the weights again, and what is cached so far: half of the prompt on average.",
    start=Compared(
        chunk_bytes,
        moved,
        instance(moved, {chunks: S.One}),
        "the bytes of a prefill in chunks less those of one in a single chunk",
        over=False,
    ),
    steps=(
        Step(
            "a number of chunks less one times what one reads",
            identity(),
            equation(chunk_bytes, (chunks - 1) * read_again / stage_chips),
        ),
    ),
    assumes=(),
    sources=(SARATHI,),
    example=lambda: llama_prefill(8192, cached=2048, chunk=512),
    example_text=f"{LLAMA}, 6144 tokens behind 2048 cached ones in chunks of 512",
    holds=(at_least(pass_tokens, chunks),),
)

cache_outweighs = Derivation(
    name="chunk-cache",
    title="The prompt at which the cache read again costs as much as the weights",
    rows=("9.3",),
    claim="Both grow with the number of chunks alike, so that no chunk decides it, but the prompt.",
    start=Crossing(
        instance(extra_bytes, {bytes_per_weight: S.Zero}),
        instance(extra_bytes, {kv_bytes: S.Zero}),
        "chunks read as many bytes of cache again as of weights",
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
    assumes=(),
    sources=(SARATHI,),
    example=lambda: llama_prefill(8192, 8, cached=2048, chunk=512),
    example_text=f"{LLAMA}, 8 sequences behind 2048 cached tokens",
    holds=(
        more(kv_bytes, 0),
        more(chunks, 1),
        at_least(2 * bytes_per_weight * parameters_read, micro_batch * kv_bytes * (2 * cached + chunks)),
    ),
)

hidden = Derivation(
    name="chunk-length",
    title="The chunk above which what is read again hides behind compute",
    rows=("9.3",),
    claim="Chunks are free down to this length: compute does not change, and reads stay below it.",
    start=Crossing(
        Modelled(q.compute_time, formulas.chunked_compute.time),
        Modelled(memory_time, formulas.chunked_memory.time),
        BOTH,
    ),
    steps=(
        Step(
            "at the peak, one stage, perfectly sharded; the bytes of the cache by its tokens",
            substitute(*SHARED, ONE_STAGE, CACHE_READ, WRITTEN),
            equation(
                flops * micro_batch / (stage_chips * peak_flops),
                (chunks * bytes_per_weight * parameters_read + micro_batch * kv_bytes * (tokens_read + pass_tokens))
                / (stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "the cached tokens that each chunk reads",
            substitute(reads),
            equation(
                flops * micro_batch / (stage_chips * peak_flops),
                (chunks * read_again + micro_batch * kv_bytes * pass_tokens / 2) / (stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "as many chunks as it takes",
            substitute(AS_MANY),
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
    assumes=(LAST_PREDICTS, *ASSUMES, *SHARED, AS_MANY),
    sources=(SARATHI,),
    example=lambda: llama_prefill(8192, cached=2048, chunk=512),
    example_text=f"{LLAMA}, 6144 tokens of one sequence behind 2048 cached ones",
    holds=(at_least(computed, moved_in_one * peak_flops), at_least(moved_token_by_token * peak_flops, computed)),
)

hidden_weights = Derivation(
    name="chunk-ridge",
    title="The chunk that hides the reading of weights, as the ridge",
    rows=("9.3",),
    claim="With weights alone the chunk is the prompt that turns compute-bound, and depends on no prompt.",
    start=hidden,
    steps=(
        Step(
            "weights alone, all of them, and every token multiplies all active ones",
            substitute(*WEIGHTS_ALONE),
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
            substitute(peak_by_ridge),
            equation(chunk, ridge * parameters / (active_parameters * micro_batch)),
        ),
    ),
    assumes=WEIGHTS_ALONE,
    sources=(SARATHI,),
    example=lambda: v3_prefill(8192, 1),
    example_text=f"{V3}, one sequence; the ridge as it follows",
    holds=(
        at_least(ridge * parameters, active_parameters * micro_batch),
        at_least(pass_tokens * active_parameters * micro_batch, ridge * parameters),
    ),
)

DERIVATIONS = (reads, moved, extra_bytes, cache_outweighs, hidden, hidden_weights)
