"""What the experts of one layer ask of a chip, to be set against their all-to-all."""

from steptime.derivations.batch.symbols import experts_routed
from steptime.derivations.collectives.symbols import chip_tokens, expert_weights
from steptime.derivations.experts.symbols import experts_per_token
from steptime.model.symbols import bytes_per_weight, flops_per_mac, stage_chips

chip_expert_flops = flops_per_mac * chip_tokens * experts_per_token * expert_weights
"""FLOP of one chip in the experts of one layer, where load is even: as many choices arrive as its own tokens make."""

chip_expert_bytes = bytes_per_weight * experts_routed * expert_weights / stage_chips
"""Bytes of the experts of one layer that one chip reads, where all of them are chosen by some token."""
