"""Formats of stored weights: bits with the scales and zero points of their blocks, and what the multiply-adds run in.

Bits of a weight in groups of g: the number itself, a scale for each group, and a zero point where there is one.
Scales of a channel or of a whole tensor are below 0.4 % and not counted.
"""

from dataclasses import dataclass
from typing import Any

from steptime.model.catalog.huggingface.keys import shown
from steptime.model.errors import UserError

INTEGERS = {2: "int2", 3: "int3", 4: "int4", 5: "int5", 6: "int6", 8: "int8"}
SIXTEEN = None
"""Multiply-adds in the 16 bits of what is not quantised."""


@dataclass(frozen=True)
class Format:
    """One format: the name of its numbers, bits a weight with its scales, and the format of the activations that meet
    it (None: 16 bits)."""

    name: str
    bits: float
    activations: str | None = SIXTEEN


def integers(bits: Any, group: Any, where: str, zero: int = 0, scale: int = 16) -> Format:
    """Whole numbers in groups that share a ``scale`` and a zero point of so many bits; a channel's weigh nothing.

    AWQ and GPTQ store a packed zero point even where the format is symmetric: b + (16 + b)/g (arXiv 2306.00978,
    2210.17323, and their packed layouts).

    >>> integers(4, 128, "file").bits, integers(4, 32, "file", zero=4).bits, integers(8, -1, "file").bits
    (4.125, 4.625, 8.0)
    """
    if isinstance(bits, bool) or not isinstance(bits, int) or bits not in INTEGERS:
        raise UserError(f"{where}: quantisation to {shown(bits)} bits is not modelled; only 2 to 6 and 8")
    if group is None or group in (-1, 0):
        return Format(INTEGERS[bits], float(bits))
    if isinstance(group, bool) or not isinstance(group, int) or not 8 <= group <= 2**16:
        raise UserError(f"{where}: a group of {shown(group)} weights is not modelled")
    return Format(INTEGERS[bits], bits + (scale + zero) / group)


def floats(bits: Any, group: Any, where: str) -> Format:
    """Floating-point numbers: FP8, with groups of 32 MXFP8; NVFP4 in groups of 16, MXFP4 in groups of 32.

    Scales are of 8 bits (OCP Microscaling Formats 1.0; NVIDIA's NVFP4).

    >>> floats(4, 16, "file"), floats(4, 32, "file").bits
    (Format(name='nvfp4', bits=4.5, activations=None), 4.25)
    """
    known = {(4, 16): ("nvfp4", 4.5), (4, 32): ("fp4", 4.25), (4, None): ("fp4", 4.25), (8, 32): ("fp8", 8.25)}
    is_number = isinstance(bits, int) and not isinstance(bits, bool)
    if is_number and isinstance(group, int | None) and (bits, group) in known:
        return Format(*known[bits, group])
    if is_number and bits == 8:
        return Format("fp8", 8.0 if group in (None, -1, 0) else 8 + 16 / _whole(group, where))
    raise UserError(f"{where}: floats of {shown(bits)} bits in groups of {shown(group)} are not modelled")


def fp8_blocks(block: Any, where: str) -> Format:
    """FP8 with one 32-bit scale a block, or one a tensor where none is stated; FP8 multiplies FP8."""
    if block is None:
        return Format("fp8", 8.0, "fp8")
    if not isinstance(block, list) or len(block) != 2:
        raise UserError(f"{where}: weight_block_size must be two whole numbers, not {shown(block)}")
    return Format("fp8", 8 + 32 / (_whole(block[0], where) * _whole(block[1], where)), "fp8")


def _whole(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 2**20:
        raise UserError(f"{where}: a block of {shown(value)} weights is not modelled")
    return value
