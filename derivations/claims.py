"""What the lecture says in numbers, beside what our formulas and catalogue give."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """One statement of a row. ``lecture`` is its number, None where it only says how things are.

    ``ours`` computes the number from a verified derivation and the catalogue; ``inputs`` names what went in.
    ``tolerance`` is relative. ``must`` is a bound of our own that a true chain cannot violate.
    """

    row: str
    statement: str
    lecture: float | None
    ours: Callable[[], float]
    inputs: Callable[[], Mapping[str, float | str]]
    tolerance: float = 0.05
    unit: str = ""
    must: Callable[[float], bool] = lambda value: True


@dataclass(frozen=True)
class Verdict:
    """A claim computed: ``holds`` within its tolerance, ``differs`` where the lecture's guess is off, ``fails`` where
    our own chain or bound is violated."""

    claim: Claim
    ours: float
    verdict: str
    inputs: Mapping[str, float | str]

    @property
    def ratio(self) -> float | None:
        """Ours over the lecture's."""
        return self.ours / self.claim.lecture if self.claim.lecture else None


def judge(claim: Claim, verified: bool = True) -> Verdict:
    """Compute a claim; ``verified`` says whether the derivations of its row are."""
    ours = claim.ours()
    if not verified or not claim.must(ours):
        verdict = "fails"
    elif claim.lecture is None or abs(ours / claim.lecture - 1) <= claim.tolerance:
        verdict = "holds"
    else:
        verdict = "differs"
    return Verdict(claim, ours, verdict, claim.inputs())
