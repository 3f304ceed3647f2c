"""What a fleet may be made of: for each machine, role and class every layout, as full as its limits let it be.

A group is filled for one class, the one it is named for, up to the largest rate at which the percentiles of that class
hold: then prompts take all the time that they may, and as many answers are in flight as may be. Other classes of the
model whose contexts are no longer may share it. Their sequences count as long as those of the class it is filled for,
and of no resource do they take less than what keeps their own percentiles where they have the group to themselves.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from steptime.model.layout.enumeration import layout_of
from steptime.model.solver.fleet.columns import ANSWERS, LINK, PROMPTS, Column, undominated
from steptime.model.solver.fleet.demand import Role
from steptime.model.solver.fleet.serving import IDLE, Places, Serving
from steptime.model.solver.fleet.tables import BATCHES
from steptime.model.waiting.waits import waits

Array = np.ndarray
Work = dict[str, dict[int, Array]]
"""Groups that a request a second takes, by resource and class, a number for each place."""
AT_ONCE = 4
"""Layouts of one size that are looked at first, by what they could take at most."""
SURE = 1.1
"""By how much a layout may take more than what it could at most, roughly."""
SAME = 1e-9
"""Rates that differ by less, relative, are one."""
EMPTIER = 0.3
"""Of its largest rate the least at which a group is filled so that another class may share it."""


class Filling(Serving):
    """Groups of one family, filled."""

    def columns(self) -> list[Column]:
        """The groups that serve classes of the family; those that others replace at no more cost are left out."""
        found: list[Column] = []
        for number in self.family.numbers:
            for role in Role:
                found += self._filled(number, role)
        return undominated(found)

    def _filled(self, number: int, role: Role) -> Iterator[Column]:
        """Groups of one role that are filled for one class: as full as they may be, and for each other class that needs
        them emptier, as full as it lets them be."""
        places = self.possible(number, role)
        if role == Role.APART:  # few, on purpose
            rate = self.rate(number, number, role, places)
            places, rate = places.some(rate > 0), rate[rate > 0]
        else:
            places, rate = self.best(number, role, self.leading(number, role, places))
        if not len(places):
            return
        beside = {other: self.rate_beside(number, other, role, places) for other in self.family.numbers
                  if other != number and self.asked(other).context <= self.asked(number).context}  # fmt: skip
        alone = {other: self.rate(number, other, role, places) for other in beside}
        yield from self._at(number, role, places, rate, beside, alone)
        for other in beside:
            some = (beside[other] < rate) & (beside[other] > EMPTIER * rate)
            mosts, alones = ({each: taken[some] for each, taken in rates.items()} for rates in (beside, alone))
            yield from self._at(number, role, places.some(some), beside[other][some], mosts, alones)

    def _at(
        self, number: int, role: Role, places: Places, rate: Array, beside: Mapping[int, Array],
        alone: Mapping[int, Array],
    ) -> Iterator[Column]:  # fmt: skip
        """Groups filled to a rate, with the classes that may be served ``beside``, each up to a rate of its own, and
        the largest rates of these ``alone``."""
        if not len(places):
            return
        work: Work = {resource: {number: taken / rate} for resource, taken in self._taken(number, role, rate, places)}
        for other, most in beside.items():
            self._share(number, other, places, work, np.where(most >= rate * (1 - SAME), alone[other], 0.0))
        full = waits(self.groups(number, number, role, places), rate)
        for place in range(len(places)):
            layout = layout_of(self.family.columns, int(places.row[place]))
            here = {resource: {k: float(taken[place]) for k, taken in each.items() if np.isfinite(taken[place])}
                    for resource, each in work.items()}  # fmt: skip
            yield Column(int(places.option[place]), role, layout, number, here, float(1 - full.left[place]),
                         float(full.in_flight[place]), int(places.row[place]),
                         self.family.apart.get(int(places.row[place])))  # fmt: skip

    def best(self, number: int, role: Role, places: Places) -> tuple[Places, Array]:
        """Of each option and size the layout that takes the largest rate of a class, with that rate; without sizes that
        several smaller groups replace. Layouts are looked at in the order of what they could take at most."""
        found, taken = np.zeros(len(places)), np.zeros(len(places), bool)
        most, cells = self.most(number, role, places), list(_cells(places, self.family.columns["chips"]))
        cells = [cell[np.argsort(-most[cell], kind="stable")] for cell in cells]
        if cells:
            first = np.concatenate([cell[:AT_ONCE] for cell in cells])
            found[first] = self.rate(number, number, role, places.some(first))
            rest = np.concatenate([cell[AT_ONCE:][most[cell[AT_ONCE:]] * SURE > found[cell].max()] for cell in cells])
            found[rest] = self.rate(number, number, role, places.some(rest))
        for cell in cells:
            taken[cell[np.argmax(found[cell])]] = True
        taken &= found > 0
        for place in np.flatnonzero(taken):
            times = self.family.columns["chips"][places.row[place]] // self.family.columns["chips"][places.row]
            smaller = taken & (places.option == places.option[place]) & (times >= 2)
            taken[place] = not (times[smaller] * found[smaller] >= found[place]).any()
        return places.some(taken), found[taken]

    def most(self, number: int, role: Role, places: Places) -> Array:
        """A rate that a group hardly exceeds: as many sequences as its room and the mean pace of tokens let be."""
        one, place = self.asked(number), self.family.numbers.index(number)
        prompts = self.prompts(number, places) @ [share for _, _, share in one.prompts]
        if role == Role.PREFILL:
            return np.asarray(1 / prompts)
        steps, cap = self.decode[places.option, place, places.row], self.cap[places.option, place, places.row]
        slow = steps > (np.inf if one.max_tpot is None else one.max_tpot)
        allowed = (BATCHES[None, :] <= cap[:, None]) & ~slow
        paces = np.where(allowed, BATCHES[None, :] / steps, 0.0)
        at = np.argmax(paces, axis=1)
        above = np.minimum(at + 1, len(BATCHES) - 1)  # the limit lies below the next
        pace = np.minimum(BATCHES[above], np.maximum(cap, 1)) / steps[np.arange(len(at)), at]
        answers = one.steps / np.where(allowed.any(axis=1), pace, IDLE)
        return np.asarray(1 / (answers + (0.0 if role == Role.DECODE else prompts)))

    def leading(self, number: int, role: Role, places: Places) -> Places:
        """Layouts without those that another of as many chips on the same option replaces: no slower in any step and
        with any prompt, nor with less room. It takes any rate that they do. Of equals the first stays."""
        one, place = self.asked(number), self.family.numbers.index(number)
        rows = [self.family.prompts[whole, cached] for whole, cached, _ in one.prompts]
        prompts = self.prefill[places.option[:, None], np.array(rows)[None, :], places.row[:, None]]
        each = prompts / self.family.units[places.row][:, None]
        steps = self.decode[places.option, place, places.row]
        room = -self.cap[places.option, place, places.row][:, None]
        parts = {Role.PREFILL: [prompts, each], Role.DECODE: [steps, room]}
        figures = np.hstack(parts.get(role, [steps, room, prompts, each]))
        stay = [cell[_first(figures[cell])] for cell in _cells(places, self.family.columns["chips"])]
        return places.some(np.concatenate(stay)) if stay else places

    # --- what a request takes ----------------------------------------------------------------------------------------
    def _taken(self, number: int, role: Role, rate: Array, places: Places) -> Iterator[tuple[str, Array]]:
        """Of each resource what a rate of the class that a group is filled for takes: all there is for it."""
        every = np.ones(len(places))
        if role.part != Role.DECODE:
            yield PROMPTS, every
        if role != Role.PREFILL:
            yield ANSWERS, every
        if role != Role.TOGETHER:
            yield LINK, np.asarray(rate * self.linked(number, places))

    def _share(self, number: int, other: int, places: Places, work: Work, alone: Array) -> None:
        """What another class takes of groups that are filled for one; its largest rate ``alone`` is none where it may
        not."""
        mine, its = self.asked(number), self.asked(other)
        found = {
            PROMPTS: self.prompts(other, places) @ [share for _, _, share in its.prompts]
            / (self.prompts(number, places) @ [share for _, _, share in mine.prompts]),
            ANSWERS: np.full(len(places), its.steps / mine.steps),
        }  # fmt: skip
        if LINK in work:
            found[LINK] = self.linked(other, places) / np.maximum(self.linked(number, places), IDLE)
        taken = {resource: found[resource] * each[number] for resource, each in work.items()}
        most = np.max([taken[resource] for resource in taken if resource != LINK], axis=0)
        with np.errstate(divide="ignore"):
            scale = np.where(alone > 0, np.maximum(1.0, 1 / (most * alone)), np.inf)
        for resource, each in work.items():
            each[other] = np.where(alone > 0, taken[resource] * (1.0 if resource == LINK else scale), np.inf)


def _cells(places: Places, chips: Array) -> Iterator[Array]:
    """Places of one option and size."""
    if len(places):
        _, which = np.unique(np.column_stack([places.option, chips[places.row]]), axis=0, return_inverse=True)
        for number in range(which.max() + 1):
            yield np.flatnonzero(which.ravel() == number)


def _first(figures: Array) -> Array:
    """Rows that no other row equals or undercuts in every column; of equal rows the first."""
    kept = np.empty((0, figures.shape[1]))
    rows: list[int] = []
    for row in np.argsort(figures.sum(axis=1), kind="stable"):  # none is undercut by one of a larger sum
        if not (kept <= figures[row]).all(axis=1).any():
            kept = np.vstack([kept, figures[row]])
            rows.append(int(row))
    return np.array(sorted(rows), dtype=int)
