"""What the experts of one layer ask of a chip, to be set against their all-to-all."""

from steptime.model.symbols import (
    bytes_per_weight,
    chip_tokens,
    expert_weights,
    experts_per_token,
    experts_routed,
    flops_per_mac,
    stage_chips,
)

chip_expert_flops = flops_per_mac * chip_tokens * experts_per_token * expert_weights
"""FLOP of one chip in the experts of one layer, where load is even: as many choices arrive as its own tokens make."""

chip_expert_bytes = bytes_per_weight * experts_routed * expert_weights / stage_chips
"""Bytes of the experts of one layer that one chip reads, where all of them are chosen by some token."""
