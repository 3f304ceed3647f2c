"""What a fleet may be made of: for each machine, role and class every layout, as full as its limits let it be.

A group is filled for one class, the one it is named for, up to the largest rate at which the percentiles of that class
hold: then prompts take all the time that they may, and as many answers are in flight as may be. Other classes of the
model whose contexts are no longer may share it. Their sequences count as long as those of the class it is filled for,
and of no resource do they take less than what keeps their own percentiles where they have the group to themselves.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from steptime.model import symbols as q
from steptime.model.layout.enumeration import layout_of
from steptime.model.solver.fleet.columns import ANSWERS, LINK, PROMPTS, Column, undominated
from steptime.model.solver.fleet.demand import Demand, Requests, Role
from steptime.model.solver.fleet.families import Family
from steptime.model.solver.fleet.tables import BATCHES
from steptime.model.waiting.admissible import admissible
from steptime.model.waiting.laws import Drawn
from steptime.model.waiting.pools import admissible_prefill
from steptime.model.waiting.waits import Groups, waits

Array = np.ndarray
Work = dict[str, dict[int, Array]]
"""Groups that a request a second takes, by resource and class, a number for each place."""
NEVER = 1e6
"""Seconds of a step that takes longer than anybody waits: over a link that has no figure."""
IDLE = 1e-9
"""Seconds of a decode step of groups that have none."""
AT_ONCE = 4
"""Layouts of one size that are looked at first, by what they could take at most."""
SURE = 1.1
"""By how much a layout may take more than what it could at most, roughly."""


@dataclass(frozen=True)
class Places:
    """Layouts on options, a row each."""

    option: Array
    row: Array

    def __len__(self) -> int:
        return len(self.row)

    def some(self, chosen: Array) -> "Places":
        """Some of them."""
        return Places(self.option[chosen], self.row[chosen])


class Filling:
    """Groups of one family, filled; at the bound or in practice. ``among``: layouts on options that are looked at, by
    role and class, all where None."""

    def __init__(
        self, demand: Demand, family: Family, in_practice: bool, among: Mapping[tuple[Role, int], Places] | None = None
    ) -> None:  # fmt: skip
        self.demand, self.family, self.in_practice, self.among = demand, family, in_practice, among
        self.decode = family.decode.seconds(in_practice)
        self.prefill = family.prefill.seconds(in_practice)[..., 0]
        self.cap = family.cap

    def columns(self) -> list[Column]:
        """The groups that serve classes of the family; those that others replace at no more cost are left out."""
        found: list[Column] = []
        for number in self.family.numbers:
            for role in Role:
                found += self._filled(number, role)
        return undominated(found)

    def _filled(self, number: int, role: Role) -> Iterator[Column]:
        """Groups of one role that are filled for one class."""
        places, rate = self.best(number, role, self.possible(number, role))
        if not len(places):
            return
        work: Work = {resource: {number: taken / rate} for resource, taken in self._taken(number, role, rate, places)}
        for other in self.family.numbers:
            if other != number and self._class(other).context <= self._class(number).context:
                self._share(number, other, role, places, work)
        full = waits(self.groups(number, number, role, places), rate)
        for place in range(len(places)):
            layout = layout_of(self.family.columns, int(places.row[place]))
            here = {resource: {k: float(taken[place]) for k, taken in each.items() if np.isfinite(taken[place])}
                    for resource, each in work.items()}  # fmt: skip
            yield Column(int(places.option[place]), role, layout, number, here, float(1 - full.left[place]),
                         float(full.in_flight[place]), int(places.row[place]))  # fmt: skip

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
        one, place = self._class(number), self.family.numbers.index(number)
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

    def _class(self, number: int) -> Requests:
        return self.demand.classes[number]

    # --- where a class may be served ---------------------------------------------------------------------------------
    def possible(self, number: int, role: Role) -> Places:
        """Layouts of allowed sizes, on options that take the role, with room for a sequence and with their links."""
        if self.among is not None:
            return self.among.get((role, number), Places(np.empty(0, int), np.empty(0, int)))
        place, chips = self.family.numbers.index(number), self.family.columns["chips"]
        found = np.zeros((len(self.demand.options), len(chips)), bool)
        for at, option in enumerate(self.demand.options):
            if role in option.roles and (role == Role.TOGETHER or self._nic(at)):
                found[at] = np.isin(chips, option.sizes)
        if role != Role.PREFILL:
            found &= self.cap[:, place] >= 1
            found &= self.decode[:, place, :, 0] < NEVER
        if role != Role.DECODE:
            prompts = [self.family.prompts[whole, cached] for whole, cached, _ in self._class(number).prompts]
            found &= (self.family.prefill.filled[..., 0][:, prompts] <= 1).all(axis=1)
            found &= (self.prefill[:, prompts] < NEVER).all(axis=1)
        return self.leading(number, role, Places(*np.nonzero(found)))

    def leading(self, number: int, role: Role, places: Places) -> Places:
        """Layouts without those that another of as many chips on the same option replaces: no slower in any step and
        with any prompt, nor with less room. It takes any rate that they do. Of equals the first stays."""
        one, place = self._class(number), self.family.numbers.index(number)
        rows = [self.family.prompts[whole, cached] for whole, cached, _ in one.prompts]
        prompts = self.prefill[places.option[:, None], np.array(rows)[None, :], places.row[:, None]]
        each = prompts / self.family.units[places.row][:, None]
        steps = self.decode[places.option, place, places.row]
        room = -self.cap[places.option, place, places.row][:, None]
        parts = {Role.PREFILL: [prompts, each], Role.DECODE: [steps, room]}
        figures = np.hstack(parts.get(role, [steps, room, prompts, each]))
        stay = [cell[_first(figures[cell])] for cell in _cells(places, self.family.columns["chips"])]
        return places.some(np.concatenate(stay)) if stay else places

    def _nic(self, option: int) -> float:
        """Bytes a second at which a chip hands caches over; none where the machine has no such figure."""
        figure = self.demand.options[option].hardware.figures.get(q.scale_out_bandwidth.name)
        return 0.0 if figure is None else figure.value

    # --- how full it may be ------------------------------------------------------------------------------------------
    def prompts(self, number: int, places: Places) -> Array:
        """Seconds that each prompt of a class takes of a group, which works on one for each of its units at once."""
        rows = [self.family.prompts[whole, cached] for whole, cached, _ in self._class(number).prompts]
        seconds = self.prefill[places.option[:, None], np.array(rows)[None, :], places.row[:, None]]
        return np.asarray(seconds / self.family.units[places.row][:, None])

    def groups(self, steps_of: int, number: int, role: Role, places: Places) -> Groups:
        """Groups with the requests of one class, their decode steps those of another behind its contexts."""
        return self.mixed(steps_of, {number: 1.0}, role, places)

    def mixed(self, steps_of: int, shares: Mapping[int, float], role: Role, places: Places) -> Groups:
        """Groups with requests of several classes, of which each has a share, behind contexts of one class."""
        place = self.family.numbers.index(steps_of)
        steps, cap = self.decode[places.option, place, places.row], self.cap[places.option, place, places.row]
        if role == Role.PREFILL:
            steps, cap = np.full_like(steps, IDLE), np.full_like(cap, BATCHES[-1])
        prompts = np.concatenate([self.prompts(number, places) for number in shares], axis=1)
        prompt_shares = [part * share for number, part in shares.items() for _, _, share in self._class(number).prompts]
        laws = {number: self._class(number).output for number in shares}
        output = [1.0 if role == Role.PREFILL else value - 1 for law in laws.values() for value in law.values]
        output_shares = [shares[number] * share for number, law in laws.items() for share in law.shares]
        return Groups.of(BATCHES, np.minimum(steps, NEVER), 0 * prompts if role == Role.DECODE else prompts, output,
                         prompt_shares=prompt_shares, output_shares=output_shares, cap=cap)  # fmt: skip

    def rate(self, steps_of: int, number: int, role: Role, places: Places) -> Array:
        """The largest rate of a class alone at which its percentiles hold; none where they never do."""
        if not len(places):
            return np.zeros(0)
        one = self._class(number)
        percentile, none = 100 * one.percentile, np.full(len(places), np.inf)
        first = none if one.max_ttft is None else one.max_ttft - self._behind(number, role, places)
        token = none if one.max_tpot is None else one.max_tpot - self._late(number, role, places)
        rate, good = np.zeros(len(places)), (first > 0) & (token > 0)
        if not good.any():
            return rate
        if role == Role.PREFILL:
            prompts = Drawn.of(self.prompts(number, places)[good], [share for _, _, share in one.prompts])
            rate[good] = admissible_prefill(prompts, max_ttft=first[good], percentile=percentile)
            return rate
        groups = self.groups(steps_of, number, role, places.some(good))
        limit = np.inf if role == Role.DECODE else first[good]
        rate[good] = admissible(groups, max_ttft=limit, max_tpot=token[good], percentile=percentile).rate
        return rate

    def _behind(self, number: int, role: Role, places: Places) -> Array:
        """Seconds of the longest first token beyond its share of the group: others are worked on beside it; and of its
        hand-over, what no prefill hides."""
        longest = self.prompts(number, places).max(axis=1)
        units = self.family.units[places.row]
        exposed = 0.0 if role == Role.TOGETHER else np.maximum(0.0, self._link(number, places) - longest * units)
        return np.asarray((units - 1) * longest + exposed)

    def _late(self, number: int, role: Role, places: Places) -> Array:
        """Seconds by which the hand-over delays each token, spread over all."""
        together = role == Role.TOGETHER
        return np.zeros(len(places)) if together else self._link(number, places) / self._class(number).steps

    def _link(self, number: int, places: Places) -> Array:
        """Seconds of a group's links for the cache of one prompt."""
        nic = np.array([self._nic(option) for option in range(len(self.demand.options))])
        return np.asarray(self.family.handed[number] / (nic[places.option] * self.family.columns["chips"][places.row]))

    # --- what a request takes ----------------------------------------------------------------------------------------
    def _taken(self, number: int, role: Role, rate: Array, places: Places) -> Iterator[tuple[str, Array]]:
        """Of each resource what a rate of the class that a group is filled for takes: all there is for it."""
        every = np.ones(len(places))
        if role != Role.DECODE:
            yield PROMPTS, every
        if role != Role.PREFILL:
            yield ANSWERS, every
        if role != Role.TOGETHER:
            yield LINK, np.asarray(rate * self._link(number, places))

    def _share(self, number: int, other: int, role: Role, places: Places, work: Work) -> None:
        """What another class takes of groups that are filled for one."""
        mine, its = self._class(number), self._class(other)
        found: Mapping[str, Array] = {
            PROMPTS: self.prompts(other, places) @ [share for _, _, share in its.prompts]
            / (self.prompts(number, places) @ [share for _, _, share in mine.prompts]),
            ANSWERS: np.full(len(places), its.steps / mine.steps),
            LINK: np.full(len(places), self.family.handed[other] / self.family.handed[number])
            if self.family.handed[number] else np.zeros(len(places)),
        }  # fmt: skip
        taken = {resource: found[resource] * each[number] for resource, each in work.items()}
        alone = self.rate(number, other, role, places)
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
