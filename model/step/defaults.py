"""What is taken where nothing is said."""

from collections.abc import Mapping

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.precision import BYTES

CONSTANTS: Mapping[Symbol, float] = {q.flops_per_mac: 2.0, q.hour: 3600.0, q.million: 1e6}

IDEAL: Mapping[Symbol, float] = {
    q.compute_efficiency: 1.0, q.memory_efficiency: 1.0, q.interconnect_efficiency: 1.0,
    q.scale_up_latency: 0.0, q.scale_out_latency: 0.0, q.expert_load: 1.0,
}  # fmt: skip
"""Every resource at its peak, nothing to start, experts evenly loaded."""

STATES: Mapping[Symbol, float] = {q.bytes_per_state: BYTES["fp32"], q.bytes_per_index: BYTES["fp8"]}
"""Recurrent states are kept in fp32 and index keys in fp8, as the published models that have them do."""

WORK: Mapping[Symbol, float] = {
    q.batch: 64.0, q.context: 4096.0, q.prompt: 4096.0, q.sequence: 4096.0, q.microbatch: 1.0,
}  # fmt: skip
"""The workload."""

REQUEST: Mapping[Symbol, float] = {**WORK, q.batch: 1.0}
"""The workload of a prefill, and of a whole request: prompts are worked on as they arrive, one by one."""

DECODE_EFFICIENCY = 0.3
"""Utilisation in generation over that in training (Pope 2026, blackboard lecture, chapter 4)."""

TRAINED: Mapping[Symbol, float] = {
    q.gradient_bytes: 4.0, q.optimizer_bytes: 12.0, q.bytes_per_activation: 2.0, q.logit_bytes: 4.0, q.mask_bytes: 1.0,
    q.log_sum_exp_bytes: 4.0,
}  # fmt: skip
"""Mixed precision as Megatron and ZeRO describe it: gradients added up in fp32, Adam's master weight and two moments in
fp32, activations in 16 bits, logits and sums of exponentials in fp32 (Rajbhandari et al. 2020, arXiv 1910.02054,
section 3.1)."""
