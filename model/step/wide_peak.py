"""The peak at 16 bits, at which attention is worked out, beside the peak at which products are.

Products in 16 bits or wider and attention share one peak: whatever that is, listed or set by hand, attention has it.
Beside products in a narrower format, as fp8, attention has the machine's listed 16-bit peak, which a peak of that
format says nothing of: set, twice as high or on an axis, it moves attention only where it is the lower of the two.
"""

from typing import Any

import numpy as np

from steptime.model.catalog.hardware import Hardware
from steptime.model.precision import BYTES, activations_for


def is_narrow(format: str) -> bool:
    """Whether a format is narrower than 16 bits."""
    return BYTES[format] < BYTES["bf16"]


def wide_peak_of(hardware: Hardware, format: str, peak: Any) -> Any:
    """FLOP/s beside products in a ``format`` at ``peak``, a number or an array: listed for bf16, or for the next wider,
    where the format is narrower and that is less."""
    peaks = hardware.peaks
    if not peaks or not is_narrow(format):
        return peak
    found = np.minimum(hardware.peak(activations_for("bf16", tuple(peaks))), peak)
    return float(found) if np.ndim(found) == 0 else found
