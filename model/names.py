"""Names as people type them: in any case, with any separators, and nearly right."""

from collections.abc import Iterable
from difflib import SequenceMatcher

LONGEST = 80
"""Characters of a name that are compared; no known name is longer."""
ALIKE = 0.6
"""Likeness from which a name may have been meant."""

_separators = str.maketrans("", "", "-_ \t\n")


def squashed(name: str) -> str:
    """A name without what writers leave to taste: case, hyphens, underscores, spaces. Dots stay, as they part numbers.

    >>> squashed("Llama 3.3_70B") == squashed("llama-3.3-70b"), squashed("llama-3-3.70b") == squashed("llama-33.70b")
    (True, True)
    """
    return name.lower().translate(_separators)


def matches(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Known names that are like what was typed, the best first: those that begin with it, then by likeness.

    >>> matches("h10", ["b100", "b200-sxm", "h100-sxm", "h100-pcie", "tpuv4"])
    ['h100-sxm', 'h100-pcie']
    >>> matches("h10-sxm", ["h100-sxm", "tpuv4"])
    ['h100-sxm']
    """
    typed = squashed(name[:LONGEST])
    if not typed:
        return []
    rated = [(likeness(typed, squashed(candidate)), candidate) for candidate in known]
    rated.sort(key=lambda pair: -pair[0])  # stable: equals stay in the order of the catalogue
    return [candidate for rate, candidate in rated if rate >= ALIKE][:most]


def likeness(typed: str, candidate: str) -> float:
    """How like a candidate is to what was typed, both squashed: over 1 where it begins with it, else a share of
    letters in common, with the whole name or with as much of it as was typed.

    >>> likeness("h10", "h100sxm") > 1 > likeness("h10", "b100") > likeness("h10", "tpuv4")
    True
    """
    if candidate.startswith(typed):
        return 1 + len(typed) / len(candidate)
    if typed in candidate:
        return max(ALIKE, _ratio(typed, candidate))
    # Less than the whole name counts for less: what was typed may end early, but more often it is a slip.
    return max(_ratio(typed, candidate), 0.95 * _ratio(typed, candidate[: len(typed) + 1]))


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
