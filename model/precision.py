"""Number formats: bytes an element takes, and which format's peak a multiply-add runs at."""

from collections.abc import Iterable
from functools import cache

from steptime.model.errors import UserError

BYTES: dict[str, float] = {
    "fp32": 4.0, "tf32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0,
    "fp4": (4 + 8 / 32) / 8, "nvfp4": (4 + 8 / 16) / 8,
    **{f"int{bits}": (bits + 16 / 128) / 8 for bits in (6, 5, 4, 3, 2)},
}  # fmt: skip
"""Bytes per element, with the scales of its block where they weigh.

``fp4`` is MXFP4: 32 elements share one 8-bit scale (OCP Microscaling Formats 1.0): 4.25 bits. ``nvfp4``: 16 elements
share one 8-bit scale (NVIDIA's format of Blackwell): 4.5 bits. ``int4`` and other odd sizes: groups of 128 share a
16-bit scale, the usual size of AWQ and GPTQ (arXiv 2306.00978, 2210.17323): 4.125 bits. Scales of eight-bit formats,
one for a channel or for a block of 128 x 128, are below 0.1 % and not counted; nor are zero points, nor NVFP4's one
scale for a whole tensor: a checkpoint's own file says which it has.

>>> BYTES["fp4"], BYTES["nvfp4"], BYTES["int4"]
(0.53125, 0.5625, 0.515625)
"""

STORED = ("bf16", "fp16", "fp8", "fp4", "nvfp4", "int8", "int6", "int5", "int4", "int3", "int2")
"""Formats that weights, activations and KV cache may be given in."""
QUANTISED = frozenset(STORED) - {"bf16", "fp16"}
"""Those of fewer than 16 bits."""
WEIGHTS_ALONE = frozenset({"int6", "int5", "int4", "int3", "int2"})
"""Formats of weights whose multiply-adds run in 16 bits unless something says otherwise: AWQ, GPTQ, NF4."""

_wider: dict[str, tuple[str, ...]] = {
    "fp4": ("fp4", "fp8", "bf16", "fp16", "tf32", "fp32"),
    "fp8": ("fp8", "bf16", "fp16", "tf32", "fp32"),
    **{f"int{bits}": (f"int{bits}", "int8", "bf16", "fp16", "tf32", "fp32") for bits in (6, 5, 4, 3, 2)},
    "int8": ("int8", "bf16", "fp16", "tf32", "fp32"),
    "bf16": ("bf16", "fp16", "tf32", "fp32"),
    "fp16": ("fp16", "bf16", "tf32", "fp32"),
}


@cache
def peak_format(precision: str, peaks: tuple[str, ...]) -> str:
    """The name under which a machine lists the peak of a format: NVFP4 multiplies at the fp4 peak, and fp16 at that of
    bf16 unless it has its own.

    >>> peak_format("nvfp4", ("bf16", "fp4")), peak_format("fp16", ("bf16",))
    ('fp4', 'bf16')
    """
    if precision == "nvfp4":
        return "fp4"
    return "bf16" if precision == "fp16" and "fp16" not in peaks else precision


@cache
def activations_for(weights: str, peaks: tuple[str, ...]) -> str:
    """The weights' own format where the chip has a peak for it, else the next wider one that it has.

    Sixteen-bit formats stand in for each other before a wider one is taken; NVFP4 asks for the fp4 peak. Raises
    UserError where there is none.

    >>> activations_for("fp8", ("bf16", "int8")), activations_for("nvfp4", ("bf16", "fp4"))
    ('bf16', 'fp4')
    """
    for precision in _wider[peak_format(weights, (weights,))]:
        if precision in peaks or (precision == "fp16" and "bf16" in peaks):
            return precision
    raise UserError(f"no peak for {weights} or anything wider; the machine has {', '.join(sorted(peaks)) or 'none'}")


def narrowest(formats: Iterable[str]) -> str:
    """Of the formats that multiply-adds run in, the one with the fewest bits: no machine is slower in it.

    >>> narrowest({"bf16", "fp8", "nvfp4"})
    'nvfp4'
    """
    return min(formats, key=lambda name: (BYTES[name], name))
