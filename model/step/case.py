"""One scenario, complete: architecture, machine, layout, precision, and a number for every symbol that has one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import isclose

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Figure, Hardware
from steptime.model.choices import Load, Overlap, TermName
from steptime.model.errors import Unbound
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import Layout
from steptime.model.phases.accounts import Accounts
from steptime.model.phases.decode import DECODE
from steptime.model.phases.memory import Footprint, filled, usable
from steptime.model.phases.phase import Phase
from steptime.model.quantity import declared
from steptime.model.scenario import Number, Scenario
from steptime.model.step.bounds import stages_of, step_bound, written
from steptime.model.step.capped import counted_power
from steptime.model.step.inputs import WORKLOAD, Default, Inputs, Missing, Notice, Question
from steptime.model.terms import Operation

RESOURCES = DECODE.resources
"""The terms of a decode step by name."""

TERMS = (TermName.COMPUTE, TermName.MEMORY, TermName.INTERCONNECT)

MACHINE = frozenset(symbol.name for symbol in (
    q.peak_flops, q.memory_bandwidth, q.memory_capacity, q.scale_up_bandwidth, q.scale_up_domain, q.scale_out_bandwidth,
    q.chip_hour_price, q.power, q.processors, q.processor_bandwidth, q.resting_power,
))  # fmt: skip
"""Quantities that a machine's entry or file would supply."""

ONES = (
    q.compute_efficiency, q.memory_efficiency, q.interconnect_efficiency, q.pipeline_parallel, q.replicas,
    q.stage_chips, q.expert_load, q.own_prefill,
)  # fmt: skip
ZEROS = (
    q.scale_up_latency, q.scale_out_latency, q.attention_flops, q.kv_written, q.kv_read, q.unembedding_parameters,
    q.scale_up_bytes, q.scale_out_bytes,
)  # fmt: skip
"""Factors and summands that formulas are shown without, where they are one and zero."""


@dataclass(frozen=True)
class Case:
    """Inputs with everything filled in. ``defaults`` and ``notices`` are shown; ``absent`` have no number."""

    inputs: Inputs
    accounts: Accounts
    hardware: Hardware
    layout: Layout
    precision: Mapping[str, str]
    plan: Plan
    phase: Phase
    operations: tuple[Operation, ...]
    scenario: Scenario
    defaults: tuple[Default, ...] = ()
    notices: tuple[Notice, ...] = ()
    absent: frozenset[Symbol] = frozenset()

    @property
    def model(self) -> str:
        """The name of the model."""
        return self.accounts.name

    @property
    def question(self) -> Question:
        """The question that this case answers."""
        return Question(self.accounts.model, self.hardware, self.inputs)

    @property
    def layout_of_others(self) -> Layout:
        """The layout of another pass on the same chips: what was not stated of it, how to copy tokens to experts, is
        open again."""
        return replace(self.layout, copies=self.inputs.layout.copies if self.inputs.layout else None)

    @property
    def resources(self) -> dict[str, Expr]:
        """The terms by name; interconnect is the larger of its two tiers."""
        return self.phase.resources

    @property
    def comparable(self) -> dict[str, Expr]:
        """What may meet: the terms, and what the memory term reads."""
        return {**self.phase.resources, **self.phase.read}

    @property
    def length(self) -> Symbol:
        """The length that the step is asked at: what its phase varies, or the prompt where context follows from it."""
        return q.prompt if self.phase.varies in self.phase.definitions else self.phase.varies

    def takes(self, symbol: Symbol) -> bool:
        """Whether a quantity may be put in: it has a value, or is one of the workload that follows where none is."""
        follows = symbol in WORKLOAD and symbol in self.phase.definitions
        return follows or (symbol in self.scenario.values and symbol not in self.absent)

    @property
    def relaxes(self) -> bool:
        """Whether the mean load and the fullest can differ: sequences, experts or layers lie on several places."""
        return self.layout.chips > self.layout.tp or self.layout.ep > 1

    @cached_property
    def relaxed(self) -> "Case":
        """The case with the mean load on every rank, micro-batch and stage: what closed forms and crossovers are of."""
        if self.plan.load == Load.MEAN:
            return self
        plan = replace(self.plan, load=Load.MEAN)
        values = self.scenario.values
        operations, definitions = written(
            self.accounts, plan, self.phase, self.layout, values, self.inputs, self.counted_power
        )
        return replace(self, plan=plan, operations=operations, scenario=Scenario(values, definitions))

    def changed(self, values: Mapping[Symbol, Number]) -> "Case":
        """The case with other numbers, or arrays of them, for quantities that have one."""
        case = replace(self, scenario=self.scenario | values)
        if self.plan.load != Load.MEAN and "relaxed" in self.__dict__:  # its formulas are written once
            case.__dict__["relaxed"] = self.relaxed.changed(values)
        return case

    def number(self, expr: Expr) -> float | None:
        """The number for an expression, or None where an input is missing."""
        try:
            return float(self.scenario.evaluate(expr))
        except Unbound:
            return None

    def numbers(self, exprs: Iterable[Expr]) -> dict[Expr, float | None]:
        """The number for each of many expressions, or None where an input is missing."""
        asked = tuple(exprs)
        return {**dict.fromkeys(asked), **self.scenario.numbers(asked)}

    def missing(self, outputs: Mapping[str, Expr]) -> tuple[Missing, ...]:
        """The outputs that have no number, and where it would come from."""
        lacking = {key: self.scenario.missing(expr) for key, expr in outputs.items()}
        found = [Missing(key, tuple(self.where(name) for name in sorted(names))) for key, names in lacking.items()
                 if names]  # fmt: skip
        if "terms.interconnect" in outputs and not self.has_network:
            found.append(Missing("terms.interconnect", (self.where("width"), "layers")))
        return tuple(found)

    def where(self, name: str) -> str:
        """The file and the key that would give a quantity."""
        return self.hardware.missing(name) if name in MACHINE else f"{self.accounts.origin}: {name}"

    @property
    def counted_power(self) -> Expr:
        """The watts of a chip that joules count."""
        return counted_power(self.inputs, self.hardware)

    @property
    def of_all_steps(self) -> "Case":
        """The case whose step is the mean of all, every prefill that rides along counted: throughput and cost follow
        from it. Itself where none rides along."""
        return self.changed({q.own_prefill: 0.0}) if q.own_prefill in self.scenario.values else self

    @cached_property
    def neutral(self) -> Mapping[Symbol, Expr]:
        """Symbols that are one, or zero, or the chips of a stage here."""
        numbers = self.scenario.numbers((*ONES, *ZEROS, q.compute_shards, q.weight_shards, q.kv_shards))
        found: dict[Symbol, Expr] = {symbol: sympy.S.One for symbol in ONES if numbers.get(symbol) == 1}
        found |= {symbol: sympy.S.Zero for symbol in ZEROS if numbers.get(symbol) == 0}
        stage = numbers.get(q.stage_chips)
        shards = (q.compute_shards, q.weight_shards, q.kv_shards)
        if stage and all(isclose(numbers.get(shard, 0.0), stage, rel_tol=1e-12) for shard in shards):
            found |= dict.fromkeys(shards, sympy.S.One if stage == 1 else q.stage_chips)
        return found

    def short(self, expr: Expr, keep: Symbol | None = None) -> Expr:
        """An expression without the factors that are one and the summands that are zero here, for people to read.

        Where weights, multiply-adds and KV cache are all split over the whole stage, that is one number of chips.
        """
        return expr.xreplace({symbol: value for symbol, value in self.neutral.items() if symbol != keep})

    @cached_property
    def quantities(self) -> dict[str, float]:
        """Every declared quantity that has a number here, in base units."""
        asked = [record.symbol for record in declared().values() if record.symbol not in self.absent]
        return {symbol.name: float(value) for symbol, value in self.scenario.numbers(asked).items()}

    @cached_property
    def has_network(self) -> bool:
        """Whether anything says what crosses the links: always for an architecture, for quantities where they do."""
        return self.layout.chips == self.layout.replicas or self.accounts.has_network(self.scenario.values)

    @cached_property
    def times(self) -> dict[str, float | None]:
        """The three terms in seconds; None where a term has no number, or an abstract model no network."""
        terms = self.resources
        numbers = self.numbers(terms[name] for name in TERMS)
        found: dict[str, float | None] = {name: numbers[terms[name]] for name in TERMS}
        return found if self.has_network else {**found, TermName.INTERCONNECT: None}

    @property
    def bottleneck(self) -> TermName | None:
        """The largest term; None where one that counts has no number."""
        times = {name: time for name, time in self.times.items() if self.has_network or name != TermName.INTERCONNECT}
        if any(time is None for time in times.values()):
            return None
        return TermName(max(times, key=lambda name: times[name] or 0.0))

    @property
    def stages(self) -> Expr:
        """Layers of the fullest stage over those of the mean one."""
        return stages_of(self.accounts, self.plan.load, self.layout.pp)

    @cached_property
    def bounds(self) -> dict[Overlap, Expr]:
        """The step time with everything, operations, or nothing overlapped."""
        return {overlap: step_bound(self.phase, self.operations, overlap, self.stages) for overlap in Overlap}

    @cached_property
    def doubtful(self) -> dict[str, Figure]:
        """Figures of the machine that went in and are marked doubtful."""
        named = {**self.hardware.figures, "peak_flops": self.hardware.peaks.get(self.precision["activations"])}
        given = {symbol.name for symbol in self.inputs.given}
        return {name: figure for name, figure in named.items()
                if figure is not None and figure.doubtful and name not in given}  # fmt: skip

    # --- memory ------------------------------------------------------------------------------------------------------
    @cached_property
    def footprints(self) -> tuple[Footprint, ...]:
        """What a chip of each distinct stage holds, with the mean number of sequences on a rank."""
        return self._footprints(whole=False)

    @cached_property
    def whole_footprints(self) -> tuple[Footprint, ...]:
        """The same with whole sequences on the fullest rank."""
        return self._footprints(whole=True)

    def _footprints(self, whole: bool) -> tuple[Footprint, ...]:
        return self.accounts.footprints(self.layout, self.plan, self.phase, self.inputs.given, whole)

    @property
    def fits(self) -> bool | None:
        """Whether the fullest chip has room in what may be used of it; None where the capacity is unknown."""
        taken, most = self.numbers((filled, usable)).values()
        return None if taken is None or most is None else taken <= most

    @cached_property
    def fullest_stage(self) -> Footprint:
        """The stage whose chips hold most."""
        return max(self.whole_footprints, key=lambda footprint: self.number(footprint.total) or 0.0)
