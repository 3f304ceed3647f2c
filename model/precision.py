"""Number formats: bytes an element takes, and which format's peak a multiply-add runs at."""

from collections.abc import Collection

from steptime.model.errors import UserError

BYTES: dict[str, float] = {
    "fp32": 4.0, "tf32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0, "fp4": 0.5, "int4": 0.5,
}  # fmt: skip
"""Bytes per element, block scales not counted."""

STORED = ("bf16", "fp16", "fp8", "fp4", "int8", "int4")
"""Formats that weights, activations and KV cache may be given in."""

_wider: dict[str, tuple[str, ...]] = {
    "fp4": ("fp4", "fp8", "bf16", "fp16", "tf32", "fp32"),
    "fp8": ("fp8", "bf16", "fp16", "tf32", "fp32"),
    "int4": ("int4", "int8", "bf16", "fp16", "tf32", "fp32"),
    "int8": ("int8", "bf16", "fp16", "tf32", "fp32"),
    "bf16": ("bf16", "fp16", "tf32", "fp32"),
    "fp16": ("fp16", "bf16", "tf32", "fp32"),
}


def activations_for(weights: str, peaks: Collection[str]) -> str:
    """The weights' own format where the chip has a peak for it, else the next wider one that it has.

    Sixteen-bit formats stand in for each other before a wider one is taken. Raises UserError where there is none.

    >>> activations_for("fp8", ("bf16", "int8"))
    'bf16'
    """
    for precision in _wider[weights]:
        if precision in peaks or (precision == "fp16" and "bf16" in peaks):
            return precision
    raise UserError(f"no peak for {weights} or anything wider; the machine has {', '.join(sorted(peaks)) or 'none'}")
