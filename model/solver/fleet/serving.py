"""What a class of requests asks of groups of chips: where it may be served, for how long, and how many at once.

At the bound or in practice; whatever is asked for many layouts on many machines is one array.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from steptime.model.solver.fleet.demand import Demand, Requests, Role
from steptime.model.solver.fleet.families import Family
from steptime.model.solver.fleet.meeting import Met, MetInPool
from steptime.model.solver.fleet.tables import BATCHES
from steptime.model.waiting.admissible import admissible
from steptime.model.waiting.laws import Drawn
from steptime.model.waiting.pools import admissible_prefill
from steptime.model.waiting.rising import largest
from steptime.model.waiting.waits import Groups, waits

Array = np.ndarray
NEVER = 1e6
"""Seconds of a step that takes longer than anybody waits: over a link that has no figure."""
IDLE = 1e-9
"""Seconds of a decode step of groups that have none."""


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


class Serving:
    """Classes of one family on layouts of every option. ``among``: layouts on options that are looked at, by role and
    class, all where None."""

    def __init__(
        self, demand: Demand, family: Family, in_practice: bool, among: Mapping[tuple[Role, int], Places] | None = None
    ) -> None:  # fmt: skip
        self.demand, self.family, self.in_practice, self.among = demand, family, in_practice, among
        self.decode = family.decode.seconds(in_practice)
        self.prefill = family.prefill.seconds(in_practice)[..., 0]
        self.cap = family.cap

    def asked(self, number: int) -> Requests:
        """A class by its number."""
        return self.demand.classes[number]

    # --- where a class may be served ---------------------------------------------------------------------------------
    def possible(self, number: int, role: Role) -> Places:
        """Layouts of allowed sizes, on options that take the role, with room for a sequence and with their links."""
        if self.among is not None:
            return self.among.get((role, number), Places(np.empty(0, int), np.empty(0, int)))
        place, chips = self.family.numbers.index(number), self.family.columns["chips"]
        found = np.zeros((len(self.demand.options), len(chips)), bool)
        for at, option in enumerate(self.demand.options):
            if role in option.roles and (role == Role.TOGETHER or self.nic(at)):
                found[at] = np.isin(chips, option.sizes) & self.family.whole
        if role == Role.APART:
            found[:] = False
            found[:, [row for row, one in self.family.of_class.items() if one == number]] = True
        if role != Role.PREFILL:
            found &= self.cap[:, place] >= 1
            found &= self.decode[:, place, :, 0] < NEVER
        if role.part != Role.DECODE:
            prompts = [self.family.prompts[whole, cached] for whole, cached, _ in self.asked(number).prompts]
            found &= (self.family.prefill.filled[..., 0][:, prompts] <= 1).all(axis=1)
            found &= (self.prefill[:, prompts] < NEVER).all(axis=1)
        return Places(*np.nonzero(found))

    def nic(self, option: int) -> float:
        """Bytes a second at which a chip hands caches over; none where the machine has no such figure."""
        return float(self.family.nics[option])

    # --- how full it may be ------------------------------------------------------------------------------------------
    def prompts(self, number: int, places: Places) -> Array:
        """Seconds that each prompt of a class takes of a group, which works on one for each of its units at once."""
        rows = [self.family.prompts[whole, cached] for whole, cached, _ in self.asked(number).prompts]
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
        prompt_shares = [part * share for number, part in shares.items() for _, _, share in self.asked(number).prompts]
        laws = {number: self.asked(number).output for number in shares}
        output = [1.0 if role == Role.PREFILL else value - 1 for law in laws.values() for value in law.values]
        output_shares = [shares[number] * share for number, law in laws.items() for share in law.shares]
        prompts = 0 * prompts if role.part == Role.DECODE else prompts
        return Groups.of(BATCHES, np.minimum(steps, NEVER), prompts, output,
                         prompt_shares=prompt_shares, output_shares=output_shares, cap=cap)  # fmt: skip

    def rate(self, steps_of: int, number: int, role: Role, places: Places) -> Array:
        """The largest rate of a class alone at which its percentiles hold; none where they never do."""
        if not len(places):
            return np.zeros(0)
        one = self.asked(number)
        percentile = 100 * one.percentile
        first, token = self.limits(number, role, places)
        rate, good = np.zeros(len(places)), (first > 0) & (token > 0)
        if not good.any():
            return rate
        if role == Role.PREFILL:
            prompts = Drawn.of(self.prompts(number, places)[good], [share for _, _, share in one.prompts])
            rate[good] = admissible_prefill(prompts, max_ttft=first[good], percentile=percentile)
            return rate
        groups = self.groups(steps_of, number, role, places.some(good))
        limit = np.inf if role.part == Role.DECODE else first[good]
        rate[good] = admissible(groups, max_ttft=limit, max_tpot=token[good], percentile=percentile).rate
        return rate

    def behind(self, number: int, role: Role, places: Places) -> Array:
        """Seconds of the longest first token beyond its share of the group: others are worked on beside it; and of its
        hand-over, what no prefill hides."""
        longest = self.prompts(number, places).max(axis=1)
        units = self.family.units[places.row]
        exposed = 0.0 if role == Role.TOGETHER else np.maximum(0.0, self.link(number, places) - longest * units)
        return np.asarray((units - 1) * longest + exposed)

    def late(self, number: int, role: Role, places: Places) -> Array:
        """Seconds by which the hand-over delays each token, spread over all."""
        together = role == Role.TOGETHER
        return np.zeros(len(places)) if together else self.link(number, places) / self.asked(number).steps

    def link(self, number: int, places: Places) -> Array:
        """Seconds of a group's links for the cache of one prompt."""
        chips = self.family.columns["chips"][places.row]
        return np.asarray(self.family.handed[number] / (self.family.nics[places.option] * chips))

    def linked(self, number: int, places: Places) -> Array:
        """The same, and what tokens of an answer take of them where experts are apart."""
        crossing = [0.0 if (one := self.family.apart.get(int(row))) is None else one.crossing for row in places.row]
        return np.asarray(self.link(number, places) + self.asked(number).steps * np.array(crossing))

    # --- among others ------------------------------------------------------------------------------------------------
    def limits(self, number: int, role: Role, places: Places) -> tuple[Array, Array]:
        """Seconds that a class has left in a role for its first token, and for a token; infinite where not limited."""
        one, none = self.asked(number), np.full(len(places), np.inf)
        first = none if one.max_ttft is None else one.max_ttft - self.behind(number, role, places)
        token = none if one.max_tpot is None else one.max_tpot - self.late(number, role, places)
        return none if role.part == Role.DECODE else first, none if role == Role.PREFILL else token

    def drawn(self, number: int, places: Places) -> Drawn:
        """Seconds that prompts of a class take, as they are drawn."""
        return Drawn(self.prompts(number, places), np.array([share for _, _, share in self.asked(number).prompts]))

    def meets(
        self, number: int, steps_of: int, shares: Mapping[int, float], role: Role, places: Places, rate: Array
    ) -> Met | MetInPool:  # fmt: skip
        """What a class meets where requests of several, with shares, come at a rate, one for each place."""
        own, groups = self.drawn(number, places), self.mixed(steps_of, shares, role, places)
        if role == Role.PREFILL:
            return MetInPool(rate, groups.prefill, own)
        law = self.asked(number).output
        output = Drawn(np.array(law.values) - 1, np.array(law.shares))
        return Met(waits(groups, rate), Drawn(0 * own.values, own.shares) if role.part == Role.DECODE else own, output)

    def rate_beside(self, number: int, other: int, role: Role, places: Places) -> Array:
        """The largest rate of a class at which percentiles of another, of which few come, still hold beside it."""
        first, token = self.limits(other, role, places)
        late = 1 - self.asked(other).percentile
        most = self.groups(number, number, role, places).most

        def too_many(used: Array, index: Array) -> Array:
            there, rate = places.some(index), used * most[index]
            found, worst = self.meets(other, number, {number: 1.0}, role, there, rate), np.zeros(len(index))
            limited = np.isfinite(first[index])
            if limited.any():
                worst = np.where(limited, found.late_first(np.where(limited, first[index], 1.0)), worst)
            if isinstance(found, Met) and np.isfinite(token[index]).all():
                worst = np.maximum(worst, found.late_tokens(token[index]))
            return worst - late

        rate, good = np.zeros(len(places)), np.flatnonzero((first > 0) & (token > 0))
        if len(good):
            rate[good] = largest(lambda used, index: too_many(used, good[index]), len(good)) * most[good]
        return rate
