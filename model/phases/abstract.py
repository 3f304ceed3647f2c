"""A model given as quantities, with no architecture: sharded perfectly over the chips of a stage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.architecture.attended import whole_context_read
from steptime.model.architecture.quantities import AbstractModel
from steptime.model.architecture.storage import Stored
from steptime.model.architecture.transformer import Attention, Layer
from steptime.model.choices import Weight
from steptime.model.layout.choices import Plan
from steptime.model.layout.enumeration import Columns, one_split
from steptime.model.layout.layout import SYMBOLIC, SYMBOLS, Degrees, Layout
from steptime.model.network.collectives import all_reduce, group, send
from steptime.model.numeric import Spread
from steptime.model.phases.decode import DECODE
from steptime.model.phases.loads import loads
from steptime.model.phases.memory import Footprint
from steptime.model.phases.phase import Phase
from steptime.model.quantity import lookup
from steptime.model.scenario import Scenario, symbols_in
from steptime.model.symbols import batch, bytes_per_weight, kv_bytes, parameters
from steptime.model.terms import Operation, Transfer, one, zero


@dataclass(frozen=True)
class AbstractLedger:
    """The ledger and the slots of an abstract model; ``given`` are the quantities that have a number."""

    given: frozenset[Symbol] = field(repr=False)
    plan: Plan
    degrees: Degrees = SYMBOLIC
    phase: Phase = DECODE

    @property
    def operations(self) -> tuple[Operation, ...]:
        return self.phase.ledger

    def collectives(self) -> Transfer:
        """Two all-reduces a layer over the chips of a stage, and the sends between stages, where the width is known."""
        if not {q.width, q.layers} <= self.given:
            return Transfer()
        d, axes = self.degrees, self.plan.axes
        held = q.width / d.dp / d.cp * q.reduce_bytes  # of a micro-batch of one
        reduced = all_reduce(held, group(d.tp, one, axes), self.plan.in_switch).times(2 * q.layers)
        return reduced + send(q.width / d.stage * q.send_bytes, d.pp, d.stage, axes)

    @cached_property
    def slots(self) -> dict[Symbol, Expr]:
        """Definitions of what the model does not state; a step reads every weight and writes one token's KV."""
        moved, stage = self.collectives(), self.degrees.stage
        return {
            **self.phase.definitions,
            **loads(self.phase, self.plan.load),
            q.stage_chips: stage,
            q.active_parameters: q.parameters,
            q.parameters_read: q.parameters,
            q.unembedding_parameters: zero,
            q.attention_flops: zero,
            q.kv_written: q.kv_bytes,
            q.compute_shards: stage,
            q.weight_shards: stage,
            q.kv_shards: stage,
            q.scale_up_bytes: moved.scale_up,
            q.scale_out_bytes: moved.scale_out,
            q.scale_up_starts: moved.scale_up_starts,
            q.scale_out_starts: moved.scale_out_starts,
        }


def abstract_footprint(layout: Layout | Degrees, held: Expr) -> Footprint:
    """Weights over stages and their chips, the cache of ``held`` tokens over the chips of a stage.

    Each stage holds its share of the layers for all sequences of the replica.
    """
    replica_chips = layout.stage * layout.pp
    weights = bytes_per_weight * parameters / replica_chips
    return Footprint(weights, kv_bytes * held * batch / (layout.replicas * replica_chips), zero)


Values = Mapping[Symbol, Any]


def cache_traffic(phase: Phase, per_token: Expr, written: Expr) -> Mapping[Symbol, Expr]:
    """Cache traffic of a phase from bytes per token of context, for a model that states no more than that."""
    read = [s.share * whole_context_read(s.tokens, s.cached, s.chunks) for s in phase.streams]
    return {q.kv_read: per_token * sympy.Add(*read), q.kv_written: written * phase.tokens}


class Quantities:
    """The accounts of a model known by its quantities: everything split perfectly over the chips of a stage."""

    is_architecture = False
    transformer = None
    stored: Mapping[Weight, Stored] = {}
    activations: str | None = None
    kv: str | None = None
    unstated = ""
    kinds: Mapping[Layer, int] = {}
    mixers: tuple[tuple[Attention, int], ...] = ()
    layers, experts, tied = 1, 0, False

    def __init__(self, model: AbstractModel) -> None:
        self.model = model
        self.name, self.origin, self.precision, self.notices = model.name, model.origin, model.precision, model.notices

    def stated(self) -> dict[Symbol, float]:
        return {lookup(name).symbol: value for name, value in self.model.values.items()}

    def left_out(self) -> Mapping[Symbol, str]:
        follows = {
            q.active_parameters: "= parameters",
            q.parameters_read: "= parameters",
            q.attention_flops: "0",
            q.kv_written: "= kv_bytes",
        }
        return {symbol: text for symbol, text in follows.items() if symbol.name not in self.model.values}

    def parameters(self, given: Values) -> float:
        return float(given[q.parameters])

    def by_hand(self, given: Values) -> list[Symbol]:
        return []

    def ledger(
        self, plan: Plan, phase: Phase, degrees: Degrees = SYMBOLIC, given: Values | None = None
    ) -> AbstractLedger:
        return AbstractLedger(frozenset(given or self.stated()), plan, degrees, phase)

    def cache_definitions(self, phase: Phase, numbers: Values) -> Mapping[Symbol, Expr]:
        return cache_by_quantities(phase, numbers)

    def footprints(self, layout: Layout, plan: Plan, phase: Phase, given: Values, whole: bool) -> tuple[Footprint, ...]:
        return (abstract_footprint(layout, phase.held),)

    def rooms(self, plan: Plan, phase: Phase, given: Values | None = None) -> "PerfectRooms":
        return PerfectRooms(phase)

    def layouts(self, chips: int) -> Columns | None:
        return one_split(chips)

    def refusal(self, layout: Layout) -> str | None:
        return None

    def meets(self, layout: Layout) -> bool:
        return True

    def has_network(self, given: Values) -> bool:
        known = set(given)
        return {q.width, q.layers} <= known or bool({q.scale_up_bytes, q.scale_out_bytes} & known)


class PerfectRooms:
    """Memory of a chip where everything is split perfectly; ``definitions`` of what has no number of its own."""

    def __init__(self, phase: Phase, definitions: Mapping[Symbol, Expr] | None = None) -> None:
        self.total, self.definitions = abstract_footprint(SYMBOLIC, phase.held).total, definitions or {}

    @property
    def reads(self) -> frozenset[Symbol]:
        """Quantities that enter, degrees among them."""
        there = Scenario({}, self.definitions)
        return frozenset[Symbol]().union(*(there.reach(symbol) for symbol in symbols_in(self.total)))

    def of(self, columns: Columns, rows: Any, values: Values, spread: Spread | None = None) -> np.ndarray:
        degrees = {symbol: columns[key][rows][:, None] for key, symbol in SYMBOLS.items()}
        return np.asarray(Scenario({**values, **degrees}, self.definitions, spread).evaluate(self.total))

    def written(self, columns: Columns) -> tuple[Expr, dict[Symbol, np.ndarray]]:
        """The same as an expression of the degrees; nothing else differs from layout to layout."""
        return self.total, {}


def cache_by_quantities(phase: Phase, numbers: Values) -> Mapping[Symbol, Expr]:
    """A decode step's cache traffic is the blackboard's; other phases' follows from bytes per token."""
    if phase is DECODE:
        return {}
    written = q.kv_bytes if q.kv_written not in numbers else sympy.Float(numbers[q.kv_written])
    return cache_traffic(phase, q.kv_bytes, written)
