"""The KV cache on the blackboard: its bytes, computed again, in a tier further away, and what it costs at an age."""

import sympy

from steptime.derivations.prices import passes
from steptime.model.architecture.attended import attended, kept
from steptime.model.architecture.attention import GroupedAttention, LatentAttention
from steptime.model.economics import reuse
from steptime.model.economics.cache import fetch, hold
from steptime.model.economics.reuse import tier_rate

from steptime.derivations.prices.symbols import (  # isort: skip
    head_dim, kv_head, kv_heads, kv_layer, kv_layers, kv_rank, pass_time, prompt_place, query_heads, reuse_hazard,
    reuse_survival, rope_dim, value_dim, window, windowed_layers,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, bytes_per_kv, chip_second_price, compute_efficiency, compute_time, context,
    far_bandwidth, far_capacity, far_link_bandwidth, far_second_price, flops_per_mac, hold_time, kv_bytes, pass_tokens,
    peak_flops, prompt, reuse_share,
)  # fmt: skip

rematerialise = (
    chip_second_price
    * sympy.Sum(flops_per_mac * active_parameters + attention_flops * (prompt_place - 1), (prompt_place, 1, prompt))
    / (prompt * compute_efficiency * peak_flops)
)
"""A prefill on one chip, over the tokens of its prompt: each multiplies the weights and attends to those before it."""

held = hold + fetch
far_hold = far_second_price * kv_bytes / far_capacity * hold_time
far_fetch = far_second_price * kv_bytes / far_bandwidth + chip_second_price * kv_bytes / far_link_bandwidth
far_held = far_hold + far_fetch
"""Held in a tier and brought back; the same in a tier further away."""

grouped = GroupedAttention(heads=query_heads, kv_heads=kv_heads, head_dim=head_dim, value_dim=value_dim)
windowed = GroupedAttention(heads=query_heads, kv_heads=kv_heads, head_dim=head_dim, value_dim=value_dim, window=window)
latent = LatentAttention(heads=query_heads, nope_dim=head_dim, rope_dim=rope_dim, value_dim=value_dim, kv_rank=kv_rank)
grouped_kv_bytes = kv_layers * grouped.cache_elements * bytes_per_kv
latent_kv_bytes = kv_layers * latent.cache_elements * bytes_per_kv
windowed_kv_bytes = grouped_kv_bytes + windowed_layers * windowed.cache_elements * bytes_per_kv * (
    attended(windowed) / context
)
"""Layers that keep everything, and layers that keep a window: the elements that the model counts."""

_of_heads = bytes_per_kv * sympy.Sum(head_dim + value_dim, (kv_head, 1, kv_heads))
kept_by_heads = sympy.Sum(_of_heads, (kv_layer, 1, kv_layers))
kept_as_latent = sympy.Sum(bytes_per_kv * (kv_rank + rope_dim), (kv_layer, 1, kv_layers))
kept_by_windows = (
    sympy.Sum(_of_heads * context, (kv_layer, 1, kv_layers))
    + sympy.Sum(_of_heads * kept(windowed, context), (kv_layer, 1, windowed_layers))
) / context
"""What a token leaves in the cache, layer by layer and head by head: a key and a value, or a latent and a rotary key;
of layers with a window, what all tokens of a context leave, over their number."""

pass_cost = passes.cost_per_token(pass_time, pass_tokens)
pass_compute_time = passes.compute_time_of(compute_time)
"""Dollars per token of a pass, and the time for which it multiplies."""

ever = reuse_share * reuse_survival / (1 - reuse_share + reuse_share * reuse_survival)
"""Chance that a cache not asked for until now ever will be."""

returning_hazard = reuse.HAZARD["exponential"] * ever
exponential_survival = sympy.exp(-reuse.CUMULATIVE["exponential"])
"""The hazard where some caches are never asked for, and the others after an exponential time."""

near_rate = tier_rate + reuse_hazard * fetch
far_rate = far_hold / hold_time + reuse_hazard * far_fetch
"""What a cache is expected to cost per second in a tier, and in one further away."""
