"""The few changes that explain a tool's answers best: added, exchanged and dropped one by one."""

import math
from collections.abc import Sequence

import numpy as np

from steptime.model.solver.compared.changes import Change, Kind, changes_of, everything, overlaps
from steptime.model.solver.compared.fit import Fitted, fitted
from steptime.model.solver.compared.pieces import Array, Pieces

MOST = 8
"""Changes of one tool."""
CASES_EACH = 4
"""A factor that is to be found needs so many cases, and an explanation as many."""
SEARCHED = 150
"""Cases with which changes are looked for, spread over all; they are fitted to all and dropped by all."""
ROUGHLY = 1e-2
"""Gain at which the fit of a change ends that is one of many."""
KEPT = 10
"""Explanations that are kept at each step, so that two changes that only help together are found."""
AS_GOOD = 1.1
"""Times the error on left-out cases that an explanation may have to be as good as another."""
NEARLY = 1.1
"""By what factor the others may move where one cause takes another's place."""
MATERIAL = 0.75
"""A change must bring the error on left-out cases below this share of what it was."""


def unchanged(pieces: Pieces, answers: Array) -> Fitted:
    """Our bound as it is."""
    return fitted(pieces, answers, (), np.zeros(0), len(changes_of(pieces)) + len(overlaps()))


def scaled(pieces: Pieces, answers: Array) -> Fitted:
    """Our bound times one number."""
    return unchanged(pieces, answers).with_change(everything(pieces))


def explained(pieces: Pieces, answers: Array) -> list[Fitted]:
    """The changes that explain a tool's answers, best first, one explanation for each overlap: each change brings the
    error on left-out cases down to MATERIAL of what it was without it. Those follow that do as well on left-out cases
    as the likeliest; of all these the one with fewest fitted numbers is the best. Our bound as it is where nothing
    helps.
    """
    start = unchanged(pieces, answers)
    if len(pieces) < CASES_EACH:
        return [start]
    some = np.unique(np.linspace(0, len(pieces) - 1, min(len(pieces), SEARCHED)).astype(int))
    first = unchanged(pieces.at(some), answers[some])
    possible = changes_of(first.pieces)
    starts = (first, *(first.with_change(way) for way in overlaps()))
    ends = [_plainer(_needed(_of_all(_climbed(one, possible), start))) for one in starts]
    likeliest = min(ends, key=lambda one: one.information)
    good = [one for one in ends if one.left_out <= AS_GOOD * likeliest.left_out]
    good.sort(key=lambda one: (len(one.free), len(one.changes), one.left_out))
    return [one for place, one in enumerate(good) if all(not _same(one, other) for other in good[:place])]


def _of_all(found: Fitted, start: Fitted) -> Fitted:
    """What was found with some of the cases, fitted to all."""
    if len(found.pieces) == len(start.pieces):
        return found
    every = {change.term: change for change in (*changes_of(start.pieces), *overlaps())}
    changes = [every[change.term] for change in found.changes]
    return fitted(start.pieces, start.answers, changes, found.logs, start.choices)


def _same(one: Fitted, other: Fitted) -> bool:
    """Whether two explanations make the same changes."""
    return {change.term for change in one.changes} == {change.term for change in other.changes}


def _climbed(start: Fitted, possible: Sequence[Change]) -> Fitted:
    """From one overlap upwards: changes are added to the best few explanations, then exchanged and dropped."""
    beam, best = [start], start
    while beam and len(beam[0].changes) < MOST:
        beam = _best_of([more for one in beam for change in possible if (more := _more(one, change))])
        if beam and beam[0].information < best.information:
            best = beam[0]
    while (better := _exchanged(best, possible)) is not None:
        best = better
    return best


def _best_of(found: list[Fitted]) -> list[Fitted]:
    """The best few, no two that say the same; of two that are as good the more general, which stands first."""
    kept: list[Fitted] = []
    for one in sorted(found, key=lambda one: round(one.information, 3)):
        if all(np.max(np.abs(one.residuals - other.residuals)) > 1e-5 for other in kept):
            kept.append(one)
        if len(kept) == KEPT:
            break
    return [one.settled() for one in kept]


def _more(one: Fitted, change: Change) -> Fitted | None:
    """With a change more; None where it is there already, or its factor would be none."""
    if any(other.term == change.term or other.kind == change.kind == Kind.OVERLAP for other in one.changes):
        return None
    if change.is_free and len(one.pieces) < CASES_EACH * (len(one.free) + 1):
        return None
    found = one.with_change(change, ROUGHLY)
    return found if found.is_possible else None


def _exchanged(best: Fitted, possible: Sequence[Change]) -> Fitted | None:
    """The best with one change less, or with another in its place; None where nothing is better."""
    places = [place for place, change in enumerate(best.changes) if change.kind != Kind.OVERLAP]
    less = [best.but(place) for place in places]
    found = [one for one in less if one.is_possible]
    found += [other for one in less for change in possible if (other := _more(one, change))]
    better = min(found, key=lambda one: one.information, default=best).settled()
    return better if better.information < best.information - 0.1 else None


def _needed(best: Fitted) -> Fitted:
    """Without changes that the error on left-out cases hardly misses, or whose factor the cases do not decide."""
    while best.changes:
        less = [one for place in range(len(best.changes)) if (one := best.but(place)).is_possible]
        least = min(less, key=lambda one: one.left_out, default=None)
        if least is None or (best.is_decided and least.left_out * MATERIAL > best.left_out):
            return best
        best = least
    return best


def _plainer(best: Fitted) -> Fitted:
    """With a convention in the place of a factor wherever it explains as much: it has nothing to adapt."""
    for place, change in enumerate(best.changes):
        if change.is_free:
            plain = [other for other in instead(best, place) if not other.changes[-1].is_free]
            if plain:
                return _plainer(plain[0])
    return best


def instead(best: Fitted, place: int) -> list[Fitted]:
    """Explanations that put another change in the place of one, leave the others nearly as they are, and leave hardly
    more on cases left out."""
    rest = best.but(place)
    ways = overlaps() if best.changes[place].kind == Kind.OVERLAP else changes_of(best.pieces)
    found = [other for change in ways if change.term != best.changes[place].term
             if (rough := _more(rest, change)) and (other := rough.settled()).is_possible and _agree(best, other)
             and other.left_out <= AS_GOOD * best.left_out]  # fmt: skip
    return sorted(found, key=lambda one: one.left_out)


def _agree(best: Fitted, other: Fitted) -> bool:
    """Whether the factors that two explanations share are nearly the same."""
    factors = {change.term: log for change, log in zip(best.free, best.logs, strict=True)}
    moved = [abs(factors[change.term] - log) for change, log in zip(other.free, other.logs, strict=True)
             if change.term in factors]  # fmt: skip
    return all(by <= math.log(NEARLY) for by in moved)
