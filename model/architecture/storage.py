"""How weights are stored: the name of the format, and the bytes that one takes with its share of the scales."""

from dataclasses import dataclass

from steptime.model.choices import UNQUANTISED, Weight
from steptime.model.precision import BYTES, QUANTISED


@dataclass(frozen=True)
class Stored:
    """A format, or several with / between them, the most frequent first; ``bytes`` of one weight on average."""

    format: str
    bytes: float

    def __str__(self) -> str:
        usual = BYTES.get(self.format)
        is_usual = usual is not None and abs(self.bytes / usual - 1) < 1e-3
        return self.format if is_usual else f"{self.format} ({8 * self.bytes:.4g} bits)"


def stored_as(format: str) -> dict[Weight, Stored]:
    """The kinds of weights that a format leaves in 16 bits: none of a format of 16 bits or more.

    >>> sorted(stored_as("fp8")), stored_as("bf16")
    ([<Weight.EMBEDDING: 'embedding'>, <Weight.ROUTER: 'router'>, <Weight.UNEMBEDDING: 'unembedding'>], {})
    """
    return dict.fromkeys(UNQUANTISED, Stored("bf16", BYTES["bf16"])) if format in QUANTISED else {}
