"""A family at work: its outputs and limits as one program over its axes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.choices import Scope as Serving
from steptime.model.errors import Unbound, UserError
from steptime.model.solver.layouts.evaluated import NEVER
from steptime.model.solver.sweep.axes import Axis
from steptime.model.solver.sweep.boxes import Box
from steptime.model.solver.sweep.families import Family
from steptime.model.solver.sweep.lowered import Lowering, Scope, chosen
from steptime.model.solver.sweep.outputs import BINDING, BOTTLENECK, BROKEN, ESTIMATE, FOLLOWING, Output, output_of
from steptime.model.solver.sweep.practice import lowered
from steptime.model.solver.sweep.program import Program
from steptime.model.solver.sweep.serving import lowered_in_flight
from steptime.model.solver.sweep.spec import Bound
from steptime.model.solver.sweep.ways import Written, limits_of, written

Array = np.ndarray
FINE, LIMIT = "fine", "limit "


@dataclass(frozen=True)
class Points:
    """Some points that follow one another: ``first``, the number of the first in the sweep; results that broadcast to
    ``shape``; ``fine`` says which break no limit, ``broken`` which break each."""

    family: Family
    start: tuple[int, ...]
    shape: tuple[int, ...]
    values: Mapping[str, Any]
    fine: Any
    broken: Mapping[str, Any]

    @cached_property
    def first(self) -> int:
        place = np.ravel_multi_index(self.start, self.family.shape) if self.family.shape else 0
        return self.family.start + int(place)

    @cached_property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    def flat(self, name: str) -> Array:
        """A result for every point."""
        return np.broadcast_to(self.values[name], self.shape).reshape(-1)

    @cached_property
    def all_fine(self) -> bool:
        return bool(np.all(self.fine))

    @cached_property
    def fine_flat(self) -> Array:
        return np.broadcast_to(self.fine, self.shape).reshape(-1)

    def count(self, where: Any) -> int:
        """Points at which something that broadcasts is so."""
        return int(np.count_nonzero(where)) * (self.size // max(1, np.size(where)))


@dataclass(frozen=True)
class Work:
    """A program, and where in it outputs and limits stand; ``lacking``: outputs without a number, and what is missing.
    ``why``: what refuses all points."""

    family: Family
    written: Written | None
    program: Program
    places: Mapping[str, int]
    limits: tuple[str, ...]
    lacking: Mapping[str, str] = field(default_factory=dict)
    why: str = ""

    @property
    def axes(self) -> tuple[Axis, ...]:
        return self.family.axes

    def leaves(self, box: Box) -> dict[Symbol, Any]:
        """Numbers, and the values of what varies along a piece."""
        assert self.written is not None
        found: dict[Symbol, Any] = dict(self.written.ways[0].values)
        extra = len(self.written.axes) - len(self.family.axes)  # the one layout of a scene is no axis of the sweep
        for place, axis in enumerate(self.written.axes):
            cut = slice(0, 1) if place < extra else box[place - extra]
            for symbol, values in axis.values(cut.start, cut.stop).items():
                shape = [1] * len(box)
                if place >= extra:
                    shape[place - extra] = len(values)
                found[symbol] = values.reshape(shape) if axis.length > 1 else np.float64(values[0])
        return found

    def points(self, box: Box) -> Iterator[Points]:
        """All points of a piece, some at a time; arrays are overwritten by the next ones."""
        for chunk in self.program.run(self.leaves(box), box):
            values = dict(zip(self.places, chunk.results, strict=False))
            broken = {name: values.pop(LIMIT + name) for name in self.limits}
            fine = values.pop(FINE) if self.limits else np.True_
            yield Points(self.family, chunk.start, chunk.shape, values, fine,
                         {name: np.logical_not(kept) for name, kept in broken.items()})  # fmt: skip


def work_of(family: Family, outputs: Sequence[Output], bounds: Sequence[Bound]) -> Work:
    """The program of a family; where nothing of it can be run, one that says why."""
    try:
        if family.why:
            raise UserError(f"`layout`: {family.why}")
        made = written(family)
    except UserError as error:
        return Work(family, None, Program((), ()), {}, (), why=str(error))
    return _Writer(family, made).work(outputs, bounds)


class _Writer:
    """Lowers the ways of a family together: at each point the faster one holds, the first among equals."""

    def __init__(self, family: Family, made: Written) -> None:
        self.family, self.made = family, made
        extra = len(made.axes) - len(family.axes)
        on = {symbol: place - extra for place, axis in enumerate(made.axes) for symbol in axis.symbols
              if axis.length > 1}  # fmt: skip
        alone = {symbol: 0.0 for axis in made.axes for symbol in axis.symbols if axis.length == 1}
        self.to = Lowering(on, family.shape)
        self.scopes = [self.to.scope({**way.values, **alone}, way.definitions) for way in made.ways]
        self.slower: int | None = None
        self._choose()

    def _choose(self) -> None:
        """The step time is the least of the ways; what they do not share is compared alone."""
        steps = [scope.definitions[q.step_time] for scope in self.scopes]
        try:
            times = [scope(step) for scope, step in zip(self.scopes, steps, strict=True)]
        except Unbound:
            return  # asked for, it is missing
        if len(set(times)) == 1:
            step = times[0]
        else:
            self.slower = self.to.line(np.less, times[1], times[0])
            step = self._least(steps, times)
        for scope in self.scopes:
            scope.known[q.step_time] = step

    def _least(self, steps: Sequence[Expr], times: Sequence[int]) -> int:
        if not all(isinstance(step, sympy.Max) for step in steps):
            return self.to.line(np.minimum, *times)
        parts = [[scope(part) for part in step.args] for scope, step in zip(self.scopes, steps, strict=True)]
        both = [place for place in parts[0] if place in parts[1]]
        own = [[place for place in each if place not in both] for each in parts]
        if not all(own):
            return self.to.line(np.minimum, *times)
        least = self.to.folded(np.minimum, [self.to.folded(np.maximum, each) for each in own])
        return self.to.folded(np.maximum, [*both, least])

    def of_ways(self, exprs: Sequence[Expr]) -> int:
        """An expression in the way that holds."""
        return self._of([scope(expr) for scope, expr in zip(self.scopes, exprs, strict=True)])

    def _of(self, places: Sequence[int]) -> int:
        if len(set(places)) == 1:
            return places[0]
        assert self.slower is not None
        return self.to.line(chosen, self.slower, *places)

    def output(self, output: Output) -> int:
        if output.name == BOTTLENECK:
            return self._bottleneck()
        if output.name.split(".")[0] == ESTIMATE:
            return self._in_practice(output.name.removeprefix(f"{ESTIMATE}."))
        return self.of_ways([way.expression(output) for way in self.made.ways])

    def _in_practice(self, name: str) -> int:
        """The estimate, or what follows from it as it does from the bound: the speed of a sequence from its own step,
        the rest from the mean step, which in practice is as long as that of the fullest rank, every prefill counted."""
        asked, split = self.made.prepared, self.made.layout.ffn
        if asked.inputs.scope == Serving.SERVING:
            estimate, mean = lowered_in_flight(self.scopes, self.made)
        else:
            places = [lowered(scope, way, asked, split) for scope, way in zip(self.scopes, self.made.ways, strict=True)]
            estimate = mean = self._of(places)
        if name == ESTIMATE:
            return estimate
        of_one = name == q.tokens_per_second_per_sequence.name
        bound = self.of_ways([q.step_time if of_one else q.mean_step_time] * len(self.scopes))
        longer = self.to.line(np.divide, estimate if of_one else mean, bound)
        function = np.multiply if FOLLOWING[name] > 0 else np.divide
        return self.to.line(function, self.output(output_of(name)), longer)

    def _bottleneck(self) -> int:
        """The place of the largest term, the first among equals."""
        compute, memory, interconnect = (
            self.of_ways([way.phase.resources[name] for way in self.made.ways]) for name in BINDING)  # fmt: skip
        return self.to.line(_largest, compute, memory, interconnect)

    def work(self, outputs: Sequence[Output], bounds: Sequence[Bound]) -> Work:
        places, lacking, limits = dict[str, int](), dict[str, str](), dict[str, int]()
        for output in outputs:
            if output.name != BROKEN:
                places[output.name] = self._found(output, lacking)
        limits |= {name: self.to.line(np.less_equal, *(self.of_ways([side] * len(self.scopes)) for side in sides))
                   for name, sides in limits_of(self.made, self.family.spec.fits).items()}  # fmt: skip
        if self.made.links and q.step_time in self.scopes[0].known:
            limits["missing_link"] = self.to.line(np.less, self.scopes[0](q.step_time), self.to.leaf(NEVER))
        for bound in bounds:
            place, value = self._found(bound.output, lacking), self.to.leaf(bound.value)
            fine = self.to.line(np.less_equal if bound.upper else np.greater_equal, place, value)
            limits[bound.name] = self._both(limits.get(bound.name), fine)
        asked = places | {LIMIT + name: place for name, place in limits.items()}
        if limits:
            asked[FINE] = self.to.folded(np.logical_and, list(limits.values()))
        gate = None if self.family.spec.infeasible else asked.get(FINE)
        program = Program(tuple(self.to.lines), tuple(asked.values()), gate)
        return Work(self.family, self.made, program, asked, tuple(limits), lacking)

    def _both(self, first: int | None, second: int) -> int:
        return second if first is None else self.to.line(np.logical_and, first, second)

    def _found(self, output: Output, lacking: dict[str, str]) -> int:
        """The place of an output; not a number where something is missing."""
        try:
            return self.output(output)
        except Unbound as error:
            hardware = self.made.prepared.hardware
            figures = sorted(error.names)
            why = [f"no {name}" if name == ESTIMATE else hardware.missing(name) for name in figures]
            lacking[output.name] = ", ".join(why)
            return self.to.leaf(float("nan"))


def _largest(compute: Array, memory: Array, interconnect: Array) -> Array:
    found = np.greater(memory, compute).astype(np.int8)
    found = np.broadcast_to(found, np.broadcast_shapes(np.shape(found), np.shape(interconnect))).copy()
    found[np.broadcast_to(np.greater(interconnect, np.maximum(compute, memory)), found.shape)] = 2
    return found


__all__ = ["Points", "Scope", "Work", "work_of"]
