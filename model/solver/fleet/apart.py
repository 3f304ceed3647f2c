"""Groups in which attention and experts are apart: what a decode step takes on each pair of machines.

Micro-batches go to and fro between the two parts, by the closed form of chapter 13 (`steptime.model.fleet.apart`). Its
times are those of one micro-batch in one layer: of each part its ledger's over the layers with experts, among which
dense layers and the unembedding are spread; of the link what tokens take to experts and back. Layers count as alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import Integer

from steptime.model import symbols as q
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import PhaseName
from steptime.model.fleet.apart import apart
from steptime.model.layout.enumeration import Columns
from steptime.model.network.copies import distinct_places
from steptime.model.phases.accounts import Accounts
from steptime.model.scenario import Scenario
from steptime.model.solver.fleet.demand import Demand, Requests
from steptime.model.solver.fleet.parts import blocks_of, divides, layouts_of_attention, layouts_of_experts, sides
from steptime.model.solver.fleet.tables import BATCHES, Lengths, Times, times_of
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.layouts.variants import variants_on
from steptime.model.step.coefficients import coefficient_values, coefficients_for
from steptime.model.step.inputs import Inputs

from steptime.model.fleet.symbols import layer_round, slower_time  # isort: skip

Array = np.ndarray
MICRO_BATCHES = (2, 3, 4)
"""Micro-batches that are tried: two keep both sides busy, more hide links."""
WITHOUT = ("sequences",)
"""Terms of an estimate that experts have not: sequences are handled where attention is."""


@dataclass(frozen=True)
class Combined:
    """Groups of two parts, arrays of one length: options and layouts of attention and of experts, micro-batches."""

    attention: Array
    row: Array
    experts: Array
    expert_row: Array
    micro_batches: Array

    def __len__(self) -> int:
        return len(self.row)

    def some(self, chosen: Array) -> "Combined":
        """Some of them."""
        return Combined(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    @classmethod
    def joined(cls, several: Sequence["Combined"]) -> "Combined":
        """All of several."""
        return cls(*(np.concatenate([getattr(one, name) for one in several]) for name in cls.__dataclass_fields__))


@dataclass(frozen=True)
class Links:
    """Per option: bytes a second and chip between domains and within one, chips of a domain (one where no switch joins
    them), the share of a link that is reached in practice, and seconds that an exchange takes to start there."""

    out: Array
    up: Array
    domain: Array
    reached: Array
    start: Array


@dataclass(frozen=True)
class Parts:
    """Both parts of a model: layouts and times of each, over options, classes, layouts and batches; bytes of a token
    that travel to experts and back over one copy, in each layer."""

    model: Transformer
    columns: Columns
    expert_columns: Columns
    attention: Times
    experts: Times
    links: Links
    sent: Array
    returned: Array
    layers: int
    stated: Mapping[tuple[int, int], float | None]

    def step(self, place: int, groups: Combined, in_practice: bool) -> Array:
        """Seconds of a decode step with each number of sequences in a group, shape (groups, batches)."""
        micro = np.minimum(groups.micro_batches[:, None], BATCHES[None, :])
        each = BATCHES[None, :] / micro
        attention = at(self.attention.seconds(in_practice)[groups.attention, place, groups.row], each) / self.layers
        experts = at(self.experts.seconds(in_practice)[groups.experts, 0, groups.expert_row], each) / self.layers
        there, back = self.passing(groups, each, in_practice)
        slower = np.maximum.reduce([attention, experts, there, back])
        values = {layer_round: attention + experts + there + back, slower_time: slower, q.micro_batches: micro,
                  q.layers: float(self.layers)}  # fmt: skip
        return np.asarray(Scenario(values).evaluate(apart))

    def filled(self, place: int, groups: Combined) -> Array:
        """Bytes over those available on the fullest chip of either side: caches of all sequences lie with attention."""
        each = BATCHES[None, :] / np.minimum(groups.micro_batches[:, None], BATCHES[None, :])
        caches = self.attention.filled[groups.attention, place, groups.row]
        return np.asarray(np.maximum(caches, at(self.experts.filled[groups.experts, 0, groups.expert_row], each)))

    def joined(self, groups: Combined) -> Array:
        """Whether one domain holds both sides."""
        chips = self.columns["chips"][groups.row] + self.expert_columns["chips"][groups.expert_row]
        return np.asarray((groups.attention == groups.experts) & (chips <= self.links.domain[groups.attention]))

    def crossing(self, groups: Combined, in_practice: bool) -> Array:
        """Bytes of a token, to experts and back in one layer, (groups, 2): a copy for each chip that has some of its
        experts; at the bound, for each domain of such chips, of which one hands it on."""
        chips = self.expert_columns["chips"][groups.expert_row]
        domains = np.ceil(chips / self.links.domain[groups.experts])
        places = np.where(self.joined(groups) | in_practice, chips, domains)
        found = np.empty((len(groups), 2))
        for number in np.unique(places):
            found[places == number, 0] = self._copied(int(number)) * self.sent[groups.attention[places == number]]
            found[places == number, 1] = self._copied(int(number)) * self.returned[groups.attention[places == number]]
        return found

    def _copied(self, places: int) -> float:
        """Copies of a token's features that a layer sends, the mean over layers, each as wide as its experts read."""
        blocks, width = blocks_of(self.model), self.model.width
        copies = [number * block.routed_width(width) * float(distinct_places(
            Integer(places), block.experts_per_token, (block.groups_kept, block.groups) if block.groups > 1 else None))
            for number, block in blocks]  # fmt: skip
        return sum(copies) / self.layers

    def bandwidth(self, groups: Combined, in_practice: bool) -> tuple[Array, Array]:
        """Bytes a second of all links of either side of a group, one way: those of a domain where one holds both, else
        those between domains, or what a demand states of the pair."""
        links, inside = self.links, self.joined(groups)
        pairs = zip(groups.attention.tolist(), groups.experts.tolist(), strict=True)
        stated = np.array([self.stated.get(pair) or np.inf for pair in pairs])
        found = []
        for option, chips in ((groups.attention, self.columns["chips"][groups.row]),
                              (groups.experts, self.expert_columns["chips"][groups.expert_row])):  # fmt: skip
            each = np.where(inside, links.up[option], np.minimum(links.out[option], stated))
            found.append(each * chips * (links.reached[option] if in_practice else 1.0))
        return found[0], found[1]

    def taken(self, group: Combined, in_practice: bool) -> float:
        """Seconds of the links of one group's attention, between domains, for what comes back of a token."""
        bandwidth, _ = self.bandwidth(group, in_practice)
        each = self.layers * self.crossing(group, in_practice)[0, 1] / bandwidth[0]
        return 0.0 if self.joined(group)[0] else float(each)

    def passing(self, groups: Combined, each: Array, in_practice: bool) -> tuple[Array, Array]:
        """Seconds in which what one micro-batch sends passes to the experts, and back; where several chips hold a token
        each receives a part of it back, and they gather the whole."""
        slower = np.minimum(*self.bandwidth(groups, in_practice))[:, None]
        bytes_there, bytes_back = (part[:, None] for part in self.crossing(groups, in_practice).T)
        tp, dp = (self.columns[name][groups.row][:, None] for name in ("tp", "dp"))
        links, option = self.links, groups.attention
        near = np.where(tp[:, 0] <= links.domain[option], links.up[option], links.out[option])
        near = near * (links.reached[option] if in_practice else 1.0)
        width = self.model.width
        gathered = each / dp * width * self.returned[option][:, None] * (tp - 1) / tp / near[:, None]
        start = links.start[option][:, None] if in_practice else 0.0
        return start + each * bytes_there / slower, start + each * bytes_back / slower + gathered


def at(times: Array, each: Array) -> Array:
    """Times on the grid of batches at other numbers, a row each: a straight line in between."""
    right = np.clip(np.searchsorted(BATCHES, each), 1, len(BATCHES) - 1)
    part = (each - BATCHES[right - 1]) / (BATCHES[right] - BATCHES[right - 1])
    low, high = (np.take_along_axis(times, places, axis=1) for places in (right - 1, right))
    return np.asarray(low + part * (high - low))


def parts_of(demand: Demand, accounts: Accounts, inputs: Inputs, some: Sequence[Requests]) -> Parts | None:
    """Both parts of a model for some classes; None where it has no two, or no layout of either."""
    model, sizes = accounts.transformer, sorted({size for option in demand.options for size in option.sizes})
    if model is None or not divides(model):
        return None
    attention, experts = sides(model)
    columns = layouts_of_attention(attention.model, sizes)
    expert_columns = layouts_of_experts(experts.model, sizes)
    if columns is None or expert_columns is None:
        return None
    machines = [option.hardware for option in demand.options]
    contexts, layers = [Lengths(one.context) for one in some], experts.layers
    times = times_of(attention, inputs, machines, contexts, columns, PhaseName.DECODE)
    theirs = times_of(experts, inputs, machines, contexts[:1], expert_columns, PhaseName.DECODE, WITHOUT)
    figures = [variants_on(Search(model, (one,), (1,), inputs), accounts, one)[0].values for one in machines]
    stated = {(a, b): demand.bandwidth(a, b) for a in range(len(machines)) for b in range(len(machines))}
    return Parts(
        model, columns, expert_columns, times, theirs, _links(machines, inputs),
        np.array([one[q.dispatch_bytes] for one in figures]), np.array([one[q.combine_bytes] for one in figures]),
        layers, stated,
    )  # fmt: skip


def _links(machines: Sequence[Hardware], inputs: Inputs) -> Links:
    def figure(machine: Hardware, symbol: Any, otherwise: float = 0.0) -> float:
        found = machine.figures.get(symbol.name)
        return otherwise if found is None else found.value

    chosen, rows = coefficients_for(inputs), []
    for machine in machines:
        known = {} if chosen is None else coefficient_values(inputs, machine, chosen)
        switched = not machine.torus_axes and figure(machine, q.scale_up_bandwidth) > 0
        domain = figure(machine, q.scale_up_domain, 1.0) if switched else 1.0
        rows.append((figure(machine, q.scale_out_bandwidth), figure(machine, q.scale_up_bandwidth), domain,
                     known.get(q.link_streaming, 1.0), known.get(q.exchange_start, 0.0)))  # fmt: skip
    return Links(*np.array(rows, dtype=float).T)
