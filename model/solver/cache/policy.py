"""Where a cache lies at each age, where only the distribution of the time until it is asked for is known: at the
envelope's choice at the hold time one over the hazard (see `economics.reuse`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isinf

from steptime.model.catalog.tiers import AGAIN
from steptime.model.economics.reuse import Reuse
from steptime.model.solver.cache.envelope import Choice, Span, break_even


@dataclass(frozen=True)
class Drop:
    """Held in one choice until an age of ``until`` seconds (infinite: for ever), then computed again where needed."""

    choice: str
    until: float
    expected_cost: float


@dataclass(frozen=True)
class Policy:
    """Where a cache lies at each age, and expected dollars per token of it, those of never asked for ones included.

    ``each_alone``: held in one choice for ever, infinite where some are never asked for. ``hold_then_drop``: the best
    single choice for the best fixed time.
    """

    spans: tuple[Span, ...]
    expected_cost: float
    each_alone: Mapping[str, float]
    hold_then_drop: Drop


def best_policy(choices: Sequence[Choice], lower: Sequence[Span], reuse: Reuse) -> Policy:
    """The policy of least expected cost: at each age the envelope's choice at hold time one over the hazard."""
    named = {choice.name: choice for choice in choices}
    again, ends = named.get(AGAIN), [*(reuse.age(span.end) for span in lower[:-1]), inf]
    aged = zip(lower, [0.0, *ends[:-1]], ends, strict=True)
    spans = tuple(Span(span.choice, start, end) for span, start, end in aged if start < end)
    cost = sum(expected(named[span.choice], reuse, span.start, span.end) for span in spans)
    alone = {choice.name: expected(choice, reuse, 0.0, inf) for choice in choices}
    if again is None:  # too slow: what is dropped could not come back in time, so nothing is
        best = min(choices, key=lambda choice: alone[choice.name])
        return Policy(spans, cost, alone, Drop(best.name, inf, alone[best.name]))
    drops = [Drop(AGAIN, inf, alone[AGAIN])]
    for choice in choices:
        # The cost falls with the age of dropping for as long as 1/hazard is below the break-even with computing again.
        together = break_even(choice, again).hold_time
        age = 0.0 if together is None else reuse.age(together)
        if age > 0:
            later = 0.0 if isinf(age) else expected(again, reuse, age, inf)
            drops.append(Drop(choice.name, age, expected(choice, reuse, 0.0, age) + later))
    return Policy(spans, cost, alone, min(drops, key=lambda drop: drop.expected_cost))


def expected(choice: Choice, reuse: Reuse, start: float, end: float) -> float:
    """Expected dollars, of any cache, in one choice between two ages: to hold it, and to bring it back."""
    held = choice.rate * reuse.held(start, end) if choice.rate else 0.0
    return held + choice.fixed * reuse.returned(start, end)
