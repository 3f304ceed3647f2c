"""A group of chips that a fleet may have several of: how much of it a request of each class takes.

A group has one or more resources that requests take a share of: the time for prompts, that for answers, a link. A
request a second of class k takes ``work[resource][k]`` of one group, so that what groups serve is linear.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from steptime.model.layout.layout import Layout
from steptime.model.solver.fleet.demand import Role

Array = np.ndarray
PROMPTS, ANSWERS, LINK = "prompts", "answers", "link"


@dataclass(frozen=True)
class Experts:
    """Where the experts of a group are that has attention on chips of its own: option and layout; how many
    micro-batches go to and fro; ``crossing``: seconds for which a token takes the links over which caches come in."""

    option: int
    layout: Layout
    micro_batches: int
    crossing: float = 0.0


@dataclass(frozen=True)
class Column:
    """A kind of group: on which option, in which role, laid out how; ``for_class``: whose limits decide how full it may
    be. ``prompt_time``: share of its time that prompts take where it is full; ``batch``: sequences in flight then, the
    mean. ``place``: its layout among those of its family. ``experts``: where they are apart from attention, which is
    then what ``option`` and ``layout`` are of."""

    option: int
    role: Role
    layout: Layout
    for_class: int
    work: Mapping[str, Mapping[int, float]]
    prompt_time: float = 0.0
    batch: float = 0.0
    place: int = 0
    experts: Experts | None = None

    @property
    def chips(self) -> int:
        return self.layout.chips + (self.experts.layout.chips if self.experts else 0)

    @property
    def on(self) -> Mapping[int, int]:
        """Chips of each option that it takes."""
        found = {self.option: self.layout.chips}
        if self.experts:
            found[self.experts.option] = found.get(self.experts.option, 0) + self.experts.layout.chips
        return found

    @property
    def serves(self) -> frozenset[int]:
        """Classes that it has room for."""
        return frozenset(next(iter(self.work.values())))

    def busy(self, number: int) -> float:
        """Groups that a request a second of a class takes: of its scarcest resource."""
        return max(work[number] for work in self.work.values())


def undominated(columns: Sequence[Column]) -> list[Column]:
    """Columns without those that others replace in every fleet at no more cost.

    Of the same options and part of a request, i replaces j where i serves all that j does, m >= 1 groups of i have no
    more chips of any option than one of j, m the least of chips_j // chips_i, and a request takes no more of m groups
    of i than of one of j, of every resource: w_i <= m w_j. Then n_j groups of j give way to m n_j of i: chips, and with
    them price, power and stock, do not rise, what was served still is; nor does a spare group cost more, since
    m (n - 1) <= m n - 1. Of equals the first stays.
    """
    found: list[Column] = []
    for some in _alike(columns):
        ordered = sorted(some, key=lambda one: (one.chips, sum(map(one.busy, one.serves)) / len(one.serves)))
        kept: list[Column] = []
        for one in ordered:
            if not any(_replaces(other, one) for other in kept):
                kept = [other for other in kept if not _replaces(one, other)]
                kept.append(one)
        found += kept
    return found


def _alike(columns: Sequence[Column]) -> Iterator[list[Column]]:
    """Columns of one part of a request on one option, or on one pair of options for attention and experts."""
    groups: dict[tuple[tuple[int, ...], int, Role], list[Column]] = {}
    for one in columns:
        groups.setdefault((tuple(sorted(one.on)), one.option, one.role.part), []).append(one)
    yield from groups.values()


def _replaces(one: Column, other: Column) -> bool:
    times = min(other.on.get(option, 0) // chips for option, chips in one.on.items())
    if times < 1 or not one.serves >= other.serves:
        return False
    return all(one.work.get(resource, {}).get(number, 0.0) <= times * taken
               for resource, work in other.work.items() for number, taken in work.items()) and (
        one.work.keys() <= other.work.keys())  # fmt: skip
