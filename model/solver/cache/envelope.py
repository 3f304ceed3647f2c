"""Places for a cache as lines in the hold time, and the cheapest of them: their lower envelope."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Choice:
    """A place for a token's cache: ``fixed`` dollars to bring it back, ``rate`` dollars per second to hold it.

    ``drain_time``: seconds to read all of the tier once; None where nothing is read, or no bandwidth is known.
    ``restore``: seconds until the whole cache is in the chip again.
    """

    name: str
    fixed: float
    rate: float
    drain_time: float | None = None
    restore: float = 0.0

    def cost(self, time: float) -> float:
        """Dollars per token held for some seconds and brought back."""
        return self.fixed + self.rate * time


@dataclass(frozen=True)
class BreakEven:
    """Two choices, the one that is cheaper to bring back from first: ``hold_time`` from which on the second is cheaper
    altogether, or the one that ``always`` is; neither where their lines are the same."""

    between: tuple[str, str]
    hold_time: float | None
    always: str | None


@dataclass(frozen=True)
class Span:
    """A choice over an interval of hold times or ages, seconds; the last one's end is infinite."""

    choice: str
    start: float
    end: float


def break_even(one: Choice, other: Choice) -> BreakEven:
    """From which hold time on the choice that costs more to bring back from is the cheaper one.

    >>> break_even(Choice("near", 0.0, 2.0), Choice("far", 6.0, 1.0)).hold_time
    6.0
    """
    near, far = sorted((one, other), key=lambda choice: (choice.fixed, choice.rate))
    if (near.fixed, near.rate) == (far.fixed, far.rate):
        return BreakEven((one.name, other.name), None, None)
    if near.rate <= far.rate:
        return BreakEven((near.name, far.name), None, near.name)
    return BreakEven((near.name, far.name), (far.fixed - near.fixed) / (near.rate - far.rate), None)


def envelope(choices: Sequence[Choice]) -> tuple[Span, ...]:
    """The cheapest choice over hold times from zero on; rates fall from one to the next.

    >>> [(span.choice, span.end) for span in envelope((Choice("near", 0.0, 2.0), Choice("far", 6.0, 1.0)))]
    [('near', 6.0), ('far', inf)]
    """
    present, since = min(choices, key=lambda choice: (choice.fixed, choice.rate)), 0.0
    found: list[Span] = []
    while True:
        crossings = [
            ((other.fixed - present.fixed) / (present.rate - other.rate), other.rate, place)
            for place, other in enumerate(choices)
            if other.rate < present.rate
        ]
        if not crossings:
            return (*found, Span(present.name, since, inf))
        until, _, place = min(crossings)
        if until > since:  # else three lines meet, up to rounding
            found.append(Span(present.name, since, until))
        present, since = choices[place], max(since, until)
