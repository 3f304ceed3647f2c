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
class Column:
    """A kind of group: on which option, in which role, laid out how; ``for_class``: whose limits decide how full it may
    be. ``prompt_time``: share of its time that prompts take where it is full; ``batch``: sequences in flight then, the
    mean. ``place``: its layout among those of its family."""

    option: int
    role: Role
    layout: Layout
    for_class: int
    work: Mapping[str, Mapping[int, float]]
    prompt_time: float = 0.0
    batch: float = 0.0
    place: int = 0

    @property
    def chips(self) -> int:
        return self.layout.chips

    @property
    def serves(self) -> frozenset[int]:
        """Classes that it has room for."""
        return frozenset(next(iter(self.work.values())))

    def busy(self, number: int) -> float:
        """Groups that a request a second of a class takes: of its scarcest resource."""
        return max(work[number] for work in self.work.values())


def undominated(columns: Sequence[Column]) -> list[Column]:
    """Columns without those that others replace in every fleet at no more cost.

    Of one option and role, i replaces j where i serves all that j does, m = chips_j // chips_i >= 1 groups of i take
    the place of one of j, and a request takes no more of m groups of i than of one of j, of every resource: w_i <= m
    w_j. Then n_j groups of j give way to m n_j of i: chips, and with them price, power and stock, do not rise, what was
    served still is; nor does a spare group cost more, since m (n - 1) <= m n - 1. Of equals the first stays.
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
    groups: dict[tuple[int, Role], list[Column]] = {}
    for one in columns:
        groups.setdefault((one.option, one.role), []).append(one)
    yield from groups.values()


def _replaces(one: Column, other: Column) -> bool:
    times = other.chips // one.chips
    if times < 1 or not one.serves >= other.serves:
        return False
    return all(one.work.get(resource, {}).get(number, 0.0) <= times * taken
               for resource, work in other.work.items() for number, taken in work.items()) and (
        one.work.keys() <= other.work.keys())  # fmt: skip
