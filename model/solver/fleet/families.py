"""Classes by model, with the times of every layout on every machine: what groups are chosen from."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from steptime.model import symbols as q
from steptime.model.choices import PhaseName
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import Columns, layouts
from steptime.model.layout.layout import Layout
from steptime.model.phases.accounts import Accounts, accounts_of
from steptime.model.solver.fleet.apart import Parts, parts_of
from steptime.model.solver.fleet.columns import Experts
from steptime.model.solver.fleet.demand import Demand, Requests, Role
from steptime.model.solver.fleet.tables import BATCHES, Lengths, Times, times_of
from steptime.model.step.build import build_case
from steptime.model.step.inputs import Question

Array = np.ndarray
LEAST = 1e-12
"""Share of a memory that is nothing."""


@dataclass(frozen=True)
class Family:
    """Classes of one model in one set of formats, with layouts of groups and their times on every option. ``nics``:
    bytes a second at which a chip of each hands caches over. ``parts``: attention and experts, where a model has both;
    ``apart``: where the experts of some layouts are, which are those of attention alone; ``of_class``: whom they serve.
    """

    accounts: Accounts
    numbers: tuple[int, ...]
    columns: Columns
    decode: Times
    prefill: Times
    prompts: Mapping[tuple[float, float], int]
    handed: Mapping[int, float]
    nics: Array
    parts: Parts | None = None
    apart: Mapping[int, Experts] = field(default_factory=dict)
    of_class: Mapping[int, int] = field(default_factory=dict)

    @property
    def whole(self) -> Array:
        """Layouts of whole models, not of attention apart."""
        return np.asarray(~np.isin(np.arange(len(self.columns["chips"])), list(self.apart)))

    @property
    def units(self) -> Array:
        """Prompts that a group works on at once: one for each rank and stage."""
        return np.asarray(self.columns["dp"] * self.columns["pp"])

    @cached_property
    def cap(self) -> Array:
        """Sequences for which a group has room, over options, classes and layouts: whole ones on every unit."""
        filled = self.decode.filled
        fits = filled <= 1
        last = np.count_nonzero(fits, axis=-1) - 1
        low = np.clip(last, 0, len(BATCHES) - 2)
        there = np.take_along_axis(filled, low[..., None], axis=-1)[..., 0]
        above = np.take_along_axis(filled, low[..., None] + 1, axis=-1)[..., 0]
        rise = np.maximum(above - there, LEAST)
        room = BATCHES[low] + np.clip((1 - there) / rise, 0, 1) * (BATCHES[low + 1] - BATCHES[low])
        whole = np.floor(room / self.units) * self.units
        return np.where(last < 0, 0.0, np.where(last == len(BATCHES) - 1, BATCHES[-1], np.maximum(whole, BATCHES[low])))


def families(demand: Demand, progress: Callable[[float], None]) -> Iterator[Family]:
    """The classes by model and formats, each family with its times."""
    groups: dict[tuple[int, object], list[int]] = {}
    for number, one in enumerate(demand.classes):
        formats = (one.inputs.weights, one.inputs.kv, one.inputs.activations)
        groups.setdefault((id(accounts_of(one.model)), (formats, one.inputs.efficiency)), []).append(number)
    for done, numbers in enumerate(groups.values()):
        yield _family(demand, tuple(numbers))
        progress((done + 1) / len(groups))


def _family(demand: Demand, numbers: tuple[int, ...]) -> Family:
    some = [demand.classes[number] for number in numbers]
    accounts, inputs = accounts_of(some[0].model), some[0].inputs
    columns = _layouts(accounts, sorted({size for option in demand.options for size in option.sizes}))
    machines = [option.hardware for option in demand.options]
    contexts = [Lengths(one.context) for one in some]
    prompts = list(dict.fromkeys((whole, cached) for one in some for whole, cached, _ in one.prompts))
    decode = times_of(accounts, inputs, machines, contexts, columns, PhaseName.DECODE)
    prefill = times_of(accounts, inputs, machines, [Lengths(*one) for one in prompts], columns, PhaseName.PREFILL)
    handed = {number: _handed(demand, one) for number, one in zip(numbers, some, strict=True)}
    nics = [option.hardware.figures.get(q.scale_out_bandwidth.name) for option in demand.options]
    parts = parts_of(demand, accounts, inputs, some) if any(Role.APART in one.roles for one in demand.options) else None
    return Family(accounts, numbers, columns, decode, prefill, {one: n for n, one in enumerate(prompts)}, handed,
                  np.array([0.0 if nic is None else nic.value for nic in nics]), parts)  # fmt: skip


def _layouts(accounts: Accounts, sizes: Sequence[int]) -> Columns:
    """Every layout of a group of each size that the model has one for."""
    found: list[Columns] = []
    for size in sizes:
        try:
            found.append(layouts(accounts.model, [size], {"replicas": 1}))
        except UserError:  # heads that no degree divides
            continue
    if not found:
        raise UserError(f"{accounts.name} has no layout on {', '.join(map(str, sizes))} chips")
    return {name: np.concatenate([one[name] for one in found]) for name in found[0]}


def _handed(demand: Demand, one: Requests) -> float:
    """Bytes of the cache that a prompt leaves."""
    given = {q.context: one.prompt.mean, q.batch: 1.0}
    inputs = one.inputs.with_given(given, phase=PhaseName.DECODE, layout=Layout())
    case = build_case(Question(one.model, demand.options[0].hardware, inputs))
    return case.number(case.whole_footprints[0].kv) or 0.0
