"""What a sweep may ask for, by name: terms, bounds, quantities, shares of the peaks, what binds, what limits break."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.choices import Overlap, TermName
from steptime.model.economics.utilisation import memory_bandwidth_utilisation, model_flops_utilisation
from steptime.model.errors import unknown
from steptime.model.phases.phase import Phase
from steptime.model.quantity import count, declared, lookup, second
from steptime.model.step.bounds import step_bound
from steptime.model.step.inputs import CALLED
from steptime.model.terms import Operation, one

BOTTLENECK, BROKEN = "bottleneck", "broken"
"""What is no number: the largest term, and the limits that a point breaks."""
ESTIMATE = "estimate"
"""Seconds of a step in practice."""
BINDING = (TermName.COMPUTE, TermName.MEMORY, TermName.INTERCONNECT)

BOUNDS: Mapping[str, Overlap] = {f"bounds.{overlap.replace('-', '_')}": overlap for overlap in Overlap}
PER_CHIP = "tokens_per_second_per_chip"
FOLLOWING: Mapping[str, int] = {
    "tokens_per_second": -1, "tokens_per_second_per_sequence": -1, PER_CHIP: -1, "dollars_per_million_tokens": 1,
    "joules_per_token": 1,
}  # fmt: skip
"""What follows from the time of a step, in proportion or in inverse proportion: in practice under estimate.NAME."""


class Sense(IntEnum):
    """Whether less or more of something is better, where that is clear."""

    LESS = -1
    OPEN = 0
    MORE = 1


MORE = frozenset({"tokens_per_second", "tokens_per_second_per_sequence", PER_CHIP, "mfu", "mbu"})
LESS = frozenset({
    "step_time", "mean_step_time", ESTIMATE, "dollars_per_million_tokens", "joules_per_token", "memory_per_chip",
    "budget", *TermName, *BOUNDS,
})  # fmt: skip


@dataclass(frozen=True)
class Output:
    """Something that comes out, or goes in: its name, its unit, and whether less or more of it is better."""

    name: str
    unit: Expr
    sense: Sense

    @property
    def symbol(self) -> Symbol | None:
        """The quantity, where it is one."""
        return declared()[self.name].symbol if self.name in declared() else None


def output_of(name: str) -> Output:
    """The output of a name; raises UserError with the best matches."""
    written = {argument: symbol.name for symbol, argument in CALLED.items()}.get(name, name)
    if (after := written.removeprefix("estimate.")) in FOLLOWING and after != written:
        return replace(output_of(after), name=written)
    sense = Sense.MORE if written in MORE else Sense.LESS if written in LESS else Sense.OPEN
    if written in declared():
        return Output(written, lookup(written).unit, sense)
    if written in (ESTIMATE, *TermName, *BOUNDS):
        return Output(written, second, sense)
    if written == PER_CHIP:
        return Output(written, 1 / second, sense)
    if written in ("mfu", "mbu", BOTTLENECK, BROKEN):
        return Output(written, count, sense)
    others = [PER_CHIP, "mfu", "mbu", BOTTLENECK, BROKEN, ESTIMATE, *(f"{ESTIMATE}.{one}" for one in FOLLOWING)]
    raise unknown("output", name, [*TermName, *BOUNDS, *others, *declared()])


@dataclass(frozen=True)
class Way:
    """A step written once: values and definitions, what they are of. ``stages`` as in `step.bounds.stages_of`."""

    values: Mapping[Symbol, object]
    definitions: Mapping[Symbol, Expr]
    phase: Phase
    operations: tuple[Operation, ...]
    stages: Expr = one

    @property
    def in_force(self) -> dict[Symbol, Expr]:
        """Definitions that no value stands in the place of."""
        return {symbol: expr for symbol, expr in self.definitions.items() if symbol not in self.values}

    def with_values(self, values: Mapping[Symbol, object]) -> "Way":
        return replace(self, values=values)

    def expression(self, output: Output) -> Expr:
        """What an output is in quantities; the bottleneck and broken limits have none."""
        name = output.name
        if output.symbol is not None:
            return output.symbol
        if name in BOUNDS:
            return step_bound(self.phase, self.operations, BOUNDS[name], self.stages)
        if name == PER_CHIP:
            return q.tokens_per_second / q.chips
        if name == "mfu":
            over: Mapping[Symbol, Expr] = {} if q.own_prefill in self.values else {q.step_time: q.mean_step_time}
            return model_flops_utilisation(self.phase.flops_per_sequence).xreplace(over)
        if name == "mbu":
            return memory_bandwidth_utilisation(self.phase.blackboard.memory.work)
        return self.phase.resources[name]

    def of_all(self, outputs: Sequence[Output]) -> dict[str, Expr]:
        return {one.name: self.expression(one) for one in outputs}
