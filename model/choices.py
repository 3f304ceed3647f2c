"""The words that choices are made of: what a step is, how it is counted, what is minimised. Each is its own text."""

from enum import StrEnum


class PhaseName(StrEnum):
    """What one step is; ``answer`` is the part of a request that follows its prefill."""

    DECODE = "decode"
    PREFILL = "prefill"
    TRAIN = "train"
    ANSWER = "answer"


PHASES = (PhaseName.DECODE, PhaseName.PREFILL, PhaseName.TRAIN)
"""The phases that can be asked for."""


class Scope(StrEnum):
    """A pure pass, or decode with prefills riding along at a steady rate."""

    STEPS = "steps"
    SERVING = "serving"


class Overlap(StrEnum):
    """Which terms run at the same time: all, those of one operation, or none."""

    FULL = "full"
    PER_OPERATION = "per-operation"
    NONE = "none"

    @property
    def said(self) -> str:
        """How a time is counted, to follow it: nothing is faster than where all overlaps, and that alone is a bound."""
        return {
            Overlap.FULL: "at the bound",
            Overlap.PER_OPERATION: "overlapped inside operations alone",
            Overlap.NONE: "with nothing overlapped",
        }[self]


class Experts(StrEnum):
    """Experts that a step reads: those that its tokens are expected to touch, or all."""

    EXPECTED = "expected"
    ALL = "all"


class Copies(StrEnum):
    """How often a token is sent to its experts: once to each domain that holds one, or once to each."""

    PER_DOMAIN = "per-domain"
    PER_EXPERT = "per-expert"


class Split(StrEnum):
    """Chips that share a dense feed-forward block: a tensor-parallel group, or all of the stage."""

    TENSOR = "tp"
    STAGE = "all"


class Load(StrEnum):
    """Sequences on a rank of chips: their mean, whole ones on the fullest, or a mean over time of at least one."""

    MEAN = "mean"
    WHOLE = "whole"
    AT_LEAST_ONE = "at-least-one"


class Efficiency(StrEnum):
    """Achieved over peak: one, or fitted to measurements."""

    IDEAL = "ideal"
    CALIBRATED = "calibrated"


class Recompute(StrEnum):
    """What the backward pass runs again: nothing; scores and their sums, where no fused kernel makes them; every layer
    from its input; and layers whose input follows from their output (Gomez et al. 2017, arXiv 1707.04585)."""

    NONE = "none"
    SELECTIVE = "selective"
    FULL = "full"
    REVERSIBLE = "reversible"


class AttentionKernel(StrEnum):
    """How training makes scores and their sums: in one kernel that keeps neither and makes the scores again (Dao et al.
    2022, arXiv 2205.14135), or in steps that keep them (Korthikanti et al. 2022, arXiv 2205.05198)."""

    FUSED = "fused"
    UNFUSED = "unfused"


class Schedule(StrEnum):
    """Order of passes in a pipeline: 1F1B, interleaved where a stage holds several chunks of layers; and two schedules
    that put weight gradients off: of at least as many micro-batches as stages, the second of nearly twice as many. A
    step of fewer has a longer bubble than is counted."""

    ONE_F_ONE_B = "1f1b"
    ZB_H1 = "zb-h1"
    ZB_H2 = "zb-h2"


class Counted(StrEnum):
    """How training counts attention: each token with those before it, or with all, as many papers print."""

    CAUSAL = "causal"
    FULL = "full"


class Minimise(StrEnum):
    """What a batch or a layout is chosen for, each but latency per token."""

    COST = "cost"
    LATENCY = "latency"
    ENERGY = "energy"
    CHIP_SECONDS = "chip-seconds"


class Basis(StrEnum):
    """What kind of price a chip-hour has: what a provider asks on demand; what is paid on the market (medians, indices,
    retail); what having the chip costs its owner; someone's estimate of cost. Prices of two kinds do not compare."""

    RENT = "rent"
    LIST = "list"
    OWNERSHIP = "ownership"
    ESTIMATE = "estimate"


class Draw(StrEnum):
    """Whose watts a power is: the chip's alone, or with its share of host, network and cooling."""

    CHIP = "chip"
    SYSTEM = "system"


class MachineGoal(StrEnum):
    """What a machine is designed for."""

    STEP_TIME = "step-time"
    COST = "cost"
    ENERGY = "energy"


class EngineName(StrEnum):
    """Programs that serve or train, for which a layout becomes a command line."""

    VLLM = "vllm"
    SGLANG = "sglang"
    TRTLLM = "trtllm"
    MEGATRON = "megatron"


class Format(StrEnum):
    """Number formats that weights, activations and KV cache may be given in."""

    BF16 = "bf16"
    FP16 = "fp16"
    FP8 = "fp8"
    FP4 = "fp4"
    NVFP4 = "nvfp4"
    INT8 = "int8"
    INT6 = "int6"
    INT5 = "int5"
    INT4 = "int4"
    INT3 = "int3"
    INT2 = "int2"


class TermName(StrEnum):
    """The terms of a step; interconnect is the larger of its two tiers."""

    COMPUTE = "compute"
    MEMORY = "memory"
    INTERCONNECT = "interconnect"
    SCALE_UP = "scale_up"
    SCALE_OUT = "scale_out"


class PartName(StrEnum):
    """What the memory term of a pass reads: the weights, and the KV cache, which it also writes."""

    WEIGHTS = "weights"
    KV = "kv"


def written(name: str) -> str:
    """A term, or a part of one, as a sentence names it.

    >>> written("memory"), written("kv")
    ('memory', 'reading the KV cache')
    """
    return {"weights": "reading weights", "kv": "reading the KV cache"}.get(name, name)


class Weight(StrEnum):
    """Kinds of weights that a model may store in formats of their own; shared experts stand with dense blocks, routers
    with norms and biases. A table that is tied is the embedding."""

    ATTENTION = "attention"
    DENSE = "dense"
    EXPERTS = "experts"
    ROUTER = "router"
    EMBEDDING = "embedding"
    UNEMBEDDING = "unembedding"


UNQUANTISED = (Weight.ROUTER, Weight.EMBEDDING, Weight.UNEMBEDDING)
"""Kinds of weights that stay in 16 bits where a model is quantised, unless it says otherwise."""
