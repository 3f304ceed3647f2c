"""The KV cache on the blackboard: its bytes, computed again, in a tier further away, and what it costs at an age."""

from steptime.model.architecture.attended import attended
from steptime.model.architecture.attention import GroupedAttention, LatentAttention
from steptime.model.economics.cache import fetch
from steptime.model.economics.reuse import tier_rate

from steptime.derivations.prices.symbols import (  # isort: skip
    head_dim, kv_heads, kv_layers, kv_rank, query_heads, reuse_hazard, reuse_survival, rope_dim, value_dim, window,
    windowed_layers,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, bytes_per_kv, chip_second_price, context, far_bandwidth, far_capacity,
    far_link_bandwidth, far_second_price, flops_per_mac, hold_time, kv_bytes, peak_flops, reuse_share,
)  # fmt: skip

rematerialise = chip_second_price * (flops_per_mac * active_parameters + attention_flops * context / 2) / peak_flops
"""A prefill at the chip's peak; a token attends to half of the context on average."""

far_hold = far_second_price * kv_bytes / far_capacity * hold_time
far_fetch = far_second_price * kv_bytes / far_bandwidth + chip_second_price * kv_bytes / far_link_bandwidth
grouped = GroupedAttention(heads=query_heads, kv_heads=kv_heads, head_dim=head_dim, value_dim=value_dim)
windowed = GroupedAttention(heads=query_heads, kv_heads=kv_heads, head_dim=head_dim, value_dim=value_dim, window=window)
latent = LatentAttention(heads=query_heads, nope_dim=head_dim, rope_dim=rope_dim, value_dim=value_dim, kv_rank=kv_rank)
grouped_kv_bytes = kv_layers * grouped.cache_elements * bytes_per_kv
latent_kv_bytes = kv_layers * latent.cache_elements * bytes_per_kv
windowed_kv_bytes = grouped_kv_bytes + windowed_layers * windowed.cache_elements * bytes_per_kv * (
    attended(windowed) / context
)
"""Layers that keep everything, and layers that keep a window."""

ever = reuse_share * reuse_survival / (1 - reuse_share + reuse_share * reuse_survival)
"""Chance that a cache not asked for until now ever will be."""

near_rate = tier_rate + reuse_hazard * fetch
far_rate = far_hold / hold_time + reuse_hazard * far_fetch
"""What a cache is expected to cost per second in a tier, and in one further away."""
