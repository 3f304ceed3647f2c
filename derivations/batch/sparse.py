"""Sparse attention on the blackboard: a decode step reads the KV cache of some tokens of the context only.

Which tokens is decided by an index, whose keys are read for the whole context.
"""

import sympy
from sympy import Expr

from steptime.derivations.batch.symbols import dense_context, index_bytes, selected_tokens, tokens_read
from steptime.model.phases.rates import rates
from steptime.model.symbols import context, kv_bytes, kv_shards

traffic_per_sequence: Expr = kv_bytes * tokens_read + index_bytes * context
"""Bytes that one sequence reads per step: the selected tokens' KV cache, and the index's keys of every token."""

memory_slope = traffic_per_sequence / kv_shards / rates.memory
"""Memory time that one more sequence in the micro-batch adds."""

square_root_read = sympy.sqrt(context * dense_context)
"""Tokens read where a sparse attention reads as the square root of the context (Pope 2026)."""

top_k_read = sympy.Min(context, selected_tokens)
"""Tokens read where the best k are chosen (DeepSeek-V3.2: k = 2048)."""
