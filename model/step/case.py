"""One scenario, complete: architecture, machine, layout, precision, and a number for every symbol that has one."""

from dataclasses import dataclass, field
from math import isclose

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.hardware import Hardware
from steptime.model.catalog.models import AbstractModel
from steptime.model.economics import cost as economics
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import Layout
from steptime.model.phases.decode import DECODE
from steptime.model.phases.memory import Footprint, fullest
from steptime.model.phases.phase import Phase, rates
from steptime.model.quantity import declared
from steptime.model.scenario import Scenario, Unbound
from steptime.model.step.inputs import Question
from steptime.model.terms import Operation

RESOURCES = DECODE.resources
"""The terms of a decode step by name."""

TERMS = ("compute", "memory", "interconnect")


@dataclass(frozen=True)
class Case:
    """A question with everything filled in. ``defaults`` and ``notices`` are shown; ``absent`` have no number."""

    question: Question
    model: Transformer | AbstractModel
    hardware: Hardware
    layout: Layout
    precision: dict[str, str]
    plan: Plan
    phase: Phase
    operations: tuple[Operation, ...]
    footprints: tuple[Footprint, ...]
    whole_footprints: tuple[Footprint, ...]
    scenario: Scenario
    defaults: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    absent: frozenset[Symbol] = frozenset()
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def resources(self) -> dict[str, Expr]:
        """The terms by name; interconnect is the larger of its two tiers."""
        return self.phase.resources

    def number(self, expr: Expr, key: str = "") -> float | None:
        """The number for an expression, or None where an input is missing, which is noted under ``key``."""
        try:
            return float(self.scenario.evaluate(expr))
        except Unbound as error:
            if key:
                self.missing[key] = ", ".join(self.where(name) for name in sorted(error.names))
            return None

    def where(self, name: str) -> str:
        """The file and the key that would give a quantity."""
        if name in ("chip_hour_price", "power") or name in _machine:
            return self.hardware.missing(name)
        return f"{getattr(self.model, 'origin', self.model.name)}: {name}"

    def short(self, expr: Expr, keep: Symbol | None = None) -> Expr:
        """An expression without the factors that are one and the summands that are zero here, for people to read.

        Where weights, multiply-adds and KV cache are all split over the whole stage, that is one number of chips.
        """
        ones = (
            q.compute_efficiency,
            q.memory_efficiency,
            q.interconnect_efficiency,
            q.pipeline_parallel,
            q.replicas,
            q.stage_chips,
            q.expert_load,
        )
        zeros = (
            q.scale_up_latency,
            q.scale_out_latency,
            q.attention_flops,
            q.kv_written,
            q.kv_read,
            q.unembedding_parameters,
            q.scale_up_bytes,
            q.scale_out_bytes,
        )
        values = dict.fromkeys(ones, 1) | dict.fromkeys(zeros, 0)
        neutral = {s: v for s, v in values.items() if s != keep and self.number(s) == v}
        stage = self.number(q.stage_chips)
        shards = (q.compute_shards, q.weight_shards, q.kv_shards)
        if stage and all(isclose(self.number(shard) or 0.0, stage, rel_tol=1e-12) for shard in shards):
            neutral |= dict.fromkeys(shards, sympy.S.One if stage == 1 else q.stage_chips)
        return expr.xreplace({symbol: sympy.sympify(value, strict=True) for symbol, value in neutral.items()})

    @property
    def quantities(self) -> dict[str, float]:
        """Every declared quantity that has a number here, in base units."""
        found: dict[str, float] = {}
        for name, record in declared().items():
            value = None if record.symbol in self.absent else self.number(record.symbol)
            if value is not None:
                found[name] = value
        return found

    @property
    def has_network(self) -> bool:
        """Whether anything says what crosses the links: always for an architecture, for quantities where they do."""
        if isinstance(self.model, Transformer) or self.layout.chips == self.layout.replicas:
            return True
        given = set(self.scenario.values)
        return {q.width, q.layers} <= given or bool({q.scale_up_bytes, q.scale_out_bytes} & given)

    @property
    def times(self) -> dict[str, float | None]:
        """The three terms in seconds; None where a term has no number, or an abstract model no network."""
        found = {name: self.number(self.resources[name], f"terms.{name}") for name in TERMS}
        if not self.has_network:
            found["interconnect"] = None
            self.missing["terms.interconnect"] = f"{self.where('width')}, layers"
        return found

    @property
    def bottleneck(self) -> str | None:
        """The largest term; None where one that counts has no number."""
        times = {name: time for name, time in self.times.items() if self.has_network or name != "interconnect"}
        if any(time is None for time in times.values()):
            return None
        return max(times, key=lambda name: times[name] or 0.0)

    @property
    def bounds(self) -> dict[str, Expr]:
        """The step time with everything, operations, or nothing overlapped."""
        return overlap_bounds(self.phase, self.operations)

    @property
    def doubtful(self) -> list[str]:
        """Figures of the machine that went in and are marked doubtful, with their source and date."""
        named = {**self.hardware.figures, "peak_flops": self.hardware.peaks.get(self.precision["activations"])}
        by_hand = {entry.partition("=")[0].strip() for entry in self.question.sets}
        return [
            f"{name} {figure.value:g} ({', '.join(figure.source)} {figure.date})"
            for name, figure in named.items()
            if figure is not None and figure.doubtful and name not in by_hand
        ]

    @property
    def fits(self) -> bool | None:
        """Whether the fullest chip has room; None where the capacity is unknown."""
        needed, capacity = self.number(fullest(self.whole_footprints)), self.number(q.memory_capacity)
        return None if needed is None or capacity is None else needed <= capacity

    @property
    def fullest_stage(self) -> Footprint:
        """The stage whose chips hold most."""
        return max(self.whole_footprints, key=lambda footprint: self.number(footprint.total) or 0.0)


_machine = frozenset(
    symbol.name
    for symbol in (
        q.peak_flops,
        q.memory_bandwidth,
        q.memory_capacity,
        q.scale_up_bandwidth,
        q.scale_up_domain,
        q.scale_out_bandwidth,
    )
)


def overlap_bounds(phase: Phase, operations: tuple[Operation, ...]) -> dict[str, Expr]:
    """Lower and upper bounds of the step time: full <= per-operation <= none <= 4 full."""
    return {
        "full": phase.blackboard.time,
        "per-operation": rates.operation_by_operation(operations),
        "none": phase.blackboard.serial_time,
    }


def results(
    phase: Phase, operations: tuple[Operation, ...], found: tuple[Footprint, ...], overlap: str
) -> dict[Symbol, Expr]:
    """Definitions of what comes out, from the ledger and the overlap that was asked for."""
    return {
        q.step_time: overlap_bounds(phase, operations)[overlap],
        q.tokens_per_second: phase.yields * economics.throughput,
        q.tokens_per_second_per_sequence: phase.yields * economics.speed,
        q.dollars_per_million_tokens: economics.cost_per_million_tokens / phase.yields,
        q.joules_per_token: economics.energy_per_token / phase.yields,
        q.memory_per_chip: fullest(found),
    }
