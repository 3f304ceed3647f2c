"""The model's formulas that chapter 9 starts from: terms of its phases, lines of their ledgers, ways of attention."""

from steptime.derivations.batch import sparse
from steptime.derivations.batch.symbols import tokens_read
from steptime.derivations.prices.formulas import grouped, latent
from steptime.derivations.prices.symbols import head_dim, kv_layers, query_heads, value_dim, window
from steptime.model.architecture.attended import kept, whole_context_read
from steptime.model.architecture.attention import CompressedAttention, LatentAttention, RecurrentMixer
from steptime.model.architecture.mixing import cache_bytes, cache_read, cache_written, state_moved
from steptime.model.architecture.stream import Stream
from steptime.model.phases.abstract import cache_traffic
from steptime.model.phases.decode import DECODE, flops_per_token
from steptime.model.phases.prefill import ANSWER, IN_FLIGHT, PREFILL, VERIFY, prefill_phase
from steptime.model.symbols import (
    cached,
    context,
    kv_bytes,
    kv_read,
    kv_written,
    micro_batch,
    pass_tokens,
    tokens_per_pass,
)
from steptime.model.terms import one

from steptime.derivations.serving.symbols import (  # isort: skip
    convolution_channels, convolution_kernel, entry_tokens, entry_width, state_heads, state_key_dim, state_value_dim,
)  # fmt: skip

BEHIND = prefill_phase(has_cache=True)
"""A prefill behind a cached prefix."""

CHUNKED = prefill_phase(has_cache=True, in_chunks=True)
"""The same in chunks."""

read_by_tokens = kv_bytes * tokens_read
"""Bytes of the cache that a sequence reads, by the tokens of it."""

# --- terms of phases, and what they read and write by bytes per token of context -------------------------------------
prefill_compute, prefill_memory = PREFILL.blackboard.compute, PREFILL.blackboard.memory
prefill_written = cache_traffic(PREFILL, kv_bytes, kv_bytes)[kv_written]

behind_flops, behind_compute = BEHIND.flops_per_sequence, BEHIND.blackboard.compute
behind_cache = BEHIND.memory_slope * micro_batch
behind_read = cache_traffic(BEHIND, kv_bytes, kv_bytes)[kv_read]
behind_written = cache_traffic(BEHIND, kv_bytes, kv_bytes)[kv_written]

chunked_compute, chunked_memory = CHUNKED.blackboard.compute, CHUNKED.blackboard.memory
chunked_bytes = CHUNKED.blackboard.memory.work
chunked_written = cache_traffic(CHUNKED, kv_bytes, kv_bytes)[kv_written]

answer_compute, answer_memory = ANSWER.blackboard.compute, ANSWER.blackboard.memory
answer_written = cache_traffic(ANSWER, kv_bytes, kv_bytes)[kv_written]

riding_compute, riding_memory = IN_FLIGHT.blackboard.compute, IN_FLIGHT.blackboard.memory
riding_read = cache_traffic(IN_FLIGHT, kv_bytes, kv_bytes)[kv_read]
riding_written = cache_traffic(IN_FLIGHT, kv_bytes, kv_bytes)[kv_written]
flops_with_prefills = IN_FLIGHT.flops_per_sequence
flops_of_prefills = IN_FLIGHT.flops_per_sequence - flops_per_token

verify_compute, verify_memory = VERIFY.blackboard.compute, VERIFY.blackboard.memory
verify_read = cache_traffic(VERIFY, kv_bytes, kv_bytes)[kv_read]
verify_written = cache_traffic(VERIFY, kv_bytes, kv_bytes)[kv_written]
replaced_steps = tokens_per_pass * DECODE.blackboard.memory.time

# --- lines of ledgers ------------------------------------------------------------------------------------------------
_weights, _attention, _ = PREFILL.ledger
prefill_weights_flops, prefill_attention_flops = _weights.flops, _attention.flops

# --- ways of attention -----------------------------------------------------------------------------------------------
stream = Stream(tokens=pass_tokens, cached=cached)
absorbed = latent.flops_per_pair * stream.pairs
expanded = latent.expanded_flops_per_pair * stream.pairs + latent.expansion_flops * whole_context_read(
    pass_tokens, cached, one
)
grouped_flops = kv_layers * grouped.flops_per_pair
"""Attention FLOP of a token for each token of context, where heads are grouped."""

recurrent = RecurrentMixer(
    "recurrent",
    heads=state_heads,
    key_dim=state_key_dim,
    value_dim=state_value_dim,
    inputs=0,
    channels=convolution_channels,
    kernel=convolution_kernel,
)
"""A recurrent mixer by its shapes."""

cache_moved = cache_read(grouped, DECODE.streams) + cache_written(grouped, DECODE.streams)
recurrent_moved = state_moved(recurrent, DECODE.streams)
compressed = CompressedAttention(
    heads=query_heads, dim=entry_width, query_rank=1, output_groups=1, output_rank=1, near=window, ratio=entry_tokens
)
every_token = LatentAttention(
    heads=query_heads, nope_dim=head_dim, rope_dim=0, value_dim=value_dim, kv_rank=entry_width
)
compressed_held, whole_held = cache_bytes(compressed, context), cache_bytes(every_token, context)
near_kept = kept(compressed.parts[0], context)
"""What a layer keeps of a context in compressed entries, and with a vector of the same width for every token."""

sparse_read, selected_read = sparse.traffic_per_sequence, sparse.top_k_read
