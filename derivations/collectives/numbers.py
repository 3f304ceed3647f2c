"""Numbers of collectives, for the examples of chapter 8."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sympy import Symbol

from steptime.derivations.board import numbers
from steptime.derivations.collectives.symbols import expert_weights
from steptime.derivations.experts.numbers import expert_blocks, on
from steptime.model import symbols as q

if TYPE_CHECKING:
    from steptime.model.architecture.transformer import ExpertFeedForward

RING_STEP = 3.4e-6
"""Seconds of one step of NCCL's ring over NVLink, large messages."""

THAKUR = "Thakur, Rabenseifner and Gropp 2005, doi 10.1177/1094342005051521"
CHAN = "Chan, Heimlich, Purkayastha and van de Geijn 2007, doi 10.1002/cpe.1206"
SANDERS = "Sanders, Speck and Traeff 2009, doi 10.1016/j.parco.2009.09.001"
KLENK = "Klenk, Jiang, Thorson and Dennison 2020, doi 10.1109/ISCA45697.2020.00085"
NCCL = "NCCL 2020, src/graph/tuning.cc: a ring step over NVLink takes 3.4 us (Simple)"
SCOTT = 'Scott 1991, "Efficient all-to-all communication patterns in hypercube and mesh topologies"'
DALLY = 'Dally and Towles 2004, "Principles and Practices of Interconnection Networks", section 5.2'
MEGATRON = "Shoeybi et al. 2019, arXiv 1909.08053: two all-reduces a layer in a forward pass"
GSHARD = "Lepikhin et al. 2020, arXiv 2006.16668"
DEEPSEEK = "DeepSeek-AI 2024, arXiv 2412.19437, section 2.1.2: a token reaches a bounded number of nodes"

H100 = "64 tokens of 8192 bf16 activations, summed by 8 H100; 3.4 us a start-up"
TREE_OF_H100 = "64 MiB summed by 8 H100 up and down a tree of 3 levels; 3.4 us a start"
RACKS = "256 chips in domains of 72 GB200"
LLAMA = "Llama 3.1 70B in bf16 on H100 links, 64 sequences"


def links(hardware: str, **given: float) -> Mapping[Symbol, float]:
    """A catalogue chip's figures, and other quantities by name."""
    from steptime.model.catalog.hardware import load_hardware
    from steptime.model.quantity import lookup

    figures = {name: figure.value for name, figure in load_hardware(hardware).figures.items()}
    return {lookup(name).symbol: float(value) for name, value in {**figures, **given}.items()}


def eight_h100() -> Mapping[Symbol, float]:
    """The activations of 64 tokens, 8192 wide in bf16, in one domain of H100."""
    return links("h100-sxm", group_chips=8, group_bytes=64 * 8192 * 2, scale_up_latency=RING_STEP)


def tree_of_h100() -> Mapping[Symbol, float]:
    """Eight H100: five stages after the first, up and down a tree; 64 MiB at the peak of a link."""
    from steptime.derivations.collectives.symbols import all_stages, piece_time, pieces

    start, stages, moving = RING_STEP, 5.0, 64 * 2**20 / links("h100-sxm")[q.scale_up_bandwidth]
    best = (stages * moving / start) ** 0.5
    return {q.piece_start: start, q.further_stages: stages, q.moving_time: moving, pieces: best,
            all_stages: stages + 1, piece_time: start + moving / best}  # fmt: skip


def domains_of(hardware: str, chips: int, volume: float = 64e6) -> Mapping[Symbol, float]:
    """So many chips over the scale-up domains of a kind of chip."""
    return links(hardware, stage_chips=chips, group_bytes=volume)


def dense() -> Mapping[Symbol, float]:
    """Llama 3.1 70B in one domain of H100."""
    from steptime.model.catalog.transformers import load_transformer

    model = load_transformer("llama-3.1-70b")
    shape = {q.width: float(model.width), q.layers: float(len(model.layers))}
    return {**numbers("llama-3.1-70b", "h100-sxm", layout="tp=8", context=1000, batch=64), **shape}


def one_expert(block: "ExpertFeedForward", width: float) -> Mapping[Symbol, float]:
    """The weights of one routed expert."""
    return {expert_weights: float(block.expert_weights(int(width)))}


def experts_on(hardware: str, chips: int) -> Mapping[Symbol, float]:
    """DeepSeek-V3, its experts spread over so many chips."""
    values = on(hardware, chips)
    return {**values, **one_expert(expert_blocks()[0], values[q.width]), q.scale_up_latency: RING_STEP}
