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

GIB = 2.0**30
USABLE = 0.9
"""Share of its memory that an engine fills: `gpu_memory_utilization` of vLLM (0.9; 0.92 in its newest releases, which
count captured graphs too), `free_gpu_memory_fraction` of TensorRT-LLM (0.9, of what weights leave); SGLang reserves as
much by a rule of its own (`mem_fraction_static`)."""
PEAK = {False: 5.5 * GIB, True: 8.0 * GIB}
"""Activations at their peak with captured graphs, of a dense model and of one with experts. vLLM measured on its own
start 4.8 to 5.6 GiB for dense models of 0.6 to 70 billion weights, on one chip and on two alike, and 7.4 for one with
experts; its planners take these (llm-d-benchmark, `config_explorer/empirical-vllm-memory-results.md`)."""
OUTSIDE = 0.6 * GIB
"""Context and buffers of collectives, measured there on two chips: 0.55 GiB; 0.13 on one."""
MEASURED_ON = 80 * GIB
"""Memory of the chips that these were measured on. Engines work on shorter chunks where there is less."""


def memory_limits(trains: bool, experts: bool, capacity: float | None) -> dict[Symbol, float]:
    """The share of the memory that may be filled, and bytes that are taken beside weights, caches and the activations
    counted: in proportion on a chip with less memory than they were measured on. In training activations are counted
    one by one, so that only what is outside stays.

    >>> [f"{memory_limits(*of)[q.workspace] / GIB:.4g}" for of in ((False, False, None), (False, True, 40 * GIB))]
    ['6.1', '4.3']
    """
    taken = OUTSIDE + (0.0 if trains else PEAK[experts])
    smaller = 1.0 if capacity is None else min(1.0, capacity / MEASURED_ON)
    return {q.usable_memory: USABLE, q.workspace: taken * smaller}


def limit_words(limits: Mapping[Symbol, float]) -> dict[Symbol, str]:
    """How these defaults are said."""
    share, taken = limits[q.usable_memory], limits[q.workspace]
    return {q.usable_memory: f"{share:.0%} of the capacity", q.workspace: f"{taken / 1e9:.3g} GB a chip"}


def cache_layout(bytes_per_kv: float, bytes_per_index: float) -> dict[Symbol, float]:
    """Bytes of what a cache keeps beside its elements: the rotary key of a tiled latent stays in 16 bits; scales of
    tiles, and of index keys, go with 8 bits (four-bit formats count theirs with the elements).

    >>> [cache_layout(size, 1.0)[q.bytes_per_scale] for size in (2.0, 1.0)]
    [0.0, 4.0]
    """
    return {
        q.bytes_per_rotary: max(bytes_per_kv, BYTES["bf16"]),
        q.bytes_per_scale: BYTES["fp32"] if bytes_per_kv == BYTES["fp8"] else 0.0,
        q.bytes_per_index_scale: BYTES["fp32"] if bytes_per_index == BYTES["fp8"] else 0.0,
    }


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
