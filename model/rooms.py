"""Memory of the fullest chip for many layouts at once: `model.memory` with symbols where layouts differ."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import sympy
from sympy import Expr, Symbol

from steptime.model.enumeration import Columns
from steptime.model.layout import SYMBOLIC
from steptime.model.memory import Room, Stage, fullest_share, stages
from steptime.model.numeric import evaluate
from steptime.model.phase import Phase
from steptime.model.plan import Plan
from steptime.model.transformer import Layer, Transformer

Array = np.ndarray


class Rooms:
    """Bytes that the fullest chip of each layout needs, whole sequences on every rank."""

    def __init__(self, model: Transformer, plan: Plan, phase: Phase) -> None:
        self.model = model
        self.kinds = list(model.kinds)
        self.counts = [sympy.Dummy(f"layers_{number}", nonnegative=True) for number in range(len(self.kinds))]
        self.first, self.last = sympy.Dummy("first", nonnegative=True), sympy.Dummy("last", nonnegative=True)
        self.shares: dict[int, Symbol] = {}
        stage = Stage(tuple(zip(self.kinds, self.counts, strict=True)), self.first, self.last)
        footprint = Room(model, SYMBOLIC, plan, phase, self._share).footprint(stage, whole_sequences=True)
        self.parts: tuple[Expr, ...] = (footprint.weights, footprint.kv, footprint.activations)
        self.stages: dict[int, list[tuple[int, ...]]] = {}

    def _share(self, parts: int, _: Expr) -> Expr:
        return self.shares.setdefault(parts, sympy.Dummy(f"share_{parts}", positive=True))

    def of(self, columns: Columns, rows: slice | Array, values: Mapping[Symbol, float | Array]) -> Array:
        """Bytes, a row for each layout and a column for each batch, with ``values`` for everything else."""
        tp, pp = columns["tp"][rows], columns["pp"][rows]
        numbers = dict(values)
        for parts, symbol in self.shares.items():
            numbers[symbol] = _by_value(tp, {degree: float(fullest_share(parts, degree)) for degree in _distinct(tp)})
        needed = np.zeros((1, 1))
        for place in range(max(len(self._stages(depth)) for depth in _distinct(pp))):
            for column, symbol in enumerate((*self.counts, self.first, self.last)):
                numbers[symbol] = _by_value(pp, {depth: self._stage(depth, place)[column] for depth in _distinct(pp)})
            total = sum(np.asarray(evaluate(part, numbers)) for part in self.parts)
            needed = np.maximum(needed, total)
        return needed

    def _stages(self, depth: int) -> list[tuple[int, ...]]:
        """Layers of each kind, and whether it is first and last, of every distinct stage of a pipeline."""
        if depth not in self.stages:
            found: dict[tuple[int, ...], None] = {}
            for number, chosen in enumerate(stages(len(self.model.layers), depth)):
                kinds: Mapping[Layer, int] = Counter(self.model.layers[chosen.start : chosen.stop])
                found[(*(kinds.get(kind, 0) for kind in self.kinds), int(number == 0), int(number == depth - 1))] = None
            self.stages[depth] = list(found)
        return self.stages[depth]

    def _stage(self, depth: int, place: int) -> tuple[int, ...]:
        """A distinct stage of a pipeline; the first again where there are fewer."""
        found = self._stages(depth)
        return found[place] if place < len(found) else found[0]


def _distinct(column: Array) -> list[int]:
    return [int(value) for value in np.unique(column)]


def _by_value(column: Array, found: Mapping[int, float]) -> Array:
    """A column of what belongs to each whole number of a column."""
    distinct, where = np.unique(column, return_inverse=True)
    return np.array([found[int(value)] for value in distinct], dtype=float)[where][:, None]
