"""What others say in numbers, beside what our formulas and catalogue give; and checks of our own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum


class Wording(Enum):
    """How a number was said, and how far off one may be, relative to it: one tolerance for each wording."""

    EXACT = ("as printed", 0.02)
    ABOUT = ("about", 0.25)
    ISH = ("-ish", 0.5)
    ORDER = ("of the order of", 9.0)
    DECADE = ("a range about", 10**0.5 - 1)

    @property
    def text(self) -> str:
        return str(self.value[0])

    @property
    def is_factor(self) -> bool:
        """Whether it allows a factor either way: that of an order of magnitude, or that from the middle of a range of
        one to ten, the root of both ends, to either of them."""
        return self in (Wording.ORDER, Wording.DECADE)

    def admits(self, ratio: float) -> bool:
        """Whether ours over what was said is within the tolerance."""
        most = float(self.value[1])
        return 1 / (1 + most) <= ratio <= 1 + most if self.is_factor else abs(ratio - 1) <= most


class Source(Enum):
    """Who says it."""

    LECTURE = "lecture"
    PAPER = "paper"
    OWN = "own"


@dataclass(frozen=True)
class Claim:
    """One statement of a row. ``said`` is the number that the lecture or a paper gives, None for a check of our own.

    ``ours`` computes the number from a verified derivation and the catalogue; ``inputs`` names what went in. ``must``
    is a bound of our own that a true chain cannot violate; a check of our own consists of it.
    """

    row: str
    statement: str
    said: float | None
    ours: Callable[[], float]
    inputs: Callable[[], Mapping[str, float | str]]
    wording: Wording = Wording.EXACT
    source: Source = Source.LECTURE
    unit: str = ""
    must: Callable[[float], bool] = lambda value: True

    def __post_init__(self) -> None:
        if (self.said is None) != (self.source is Source.OWN):
            raise ValueError(f"{self.row} {self.statement}: a number that somebody said has a source, our own has none")


@dataclass(frozen=True)
class Verdict:
    """A claim computed: ``holds`` within the tolerance of its wording, ``differs`` where what was said is off,
    ``consistent`` where our own check is passed, ``fails`` where our own chain or bound is violated."""

    claim: Claim
    ours: float
    verdict: str
    inputs: Mapping[str, float | str]

    @property
    def ratio(self) -> float | None:
        """Ours over what was said."""
        return self.ours / self.claim.said if self.claim.said else None


def judge(claim: Claim, verified: bool = True) -> Verdict:
    """Compute a claim; ``verified`` says whether the derivations of its row are."""
    ours = claim.ours()
    if not verified or not claim.must(ours):
        verdict = "fails"
    elif claim.said is None:
        verdict = "consistent"
    else:
        verdict = "holds" if claim.wording.admits(ours / claim.said) else "differs"
    return Verdict(claim, ours, verdict, claim.inputs())
