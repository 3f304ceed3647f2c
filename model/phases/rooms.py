"""Memory of the fullest chip for many layouts at once: `model.phases.memory` with symbols where layouts differ."""

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import sympy
from sympy import Expr, Symbol

from steptime.model.architecture.transformer import Layer, Transformer
from steptime.model.extremes import put_in
from steptime.model.layout.choices import Plan
from steptime.model.layout.enumeration import Columns
from steptime.model.layout.layout import SYMBOLIC
from steptime.model.numeric import Spread
from steptime.model.phases.memory import Room, Stage, fullest_share, stages
from steptime.model.phases.phase import Phase
from steptime.model.scenario import evaluate, symbols_in

Array = np.ndarray


@lru_cache(maxsize=256)
def _stands_for(name: str) -> Symbol:
    """A symbol for what differs from layout to layout or from stage to stage."""
    return sympy.Dummy(name, nonnegative=True)


def _share(parts: int, _: Expr) -> Expr:
    """The symbol for the largest share of so many equal parts that a chip holds."""
    return _stands_for(f"share_{parts}")


class Rooms:
    """Bytes that the fullest chip of each layout needs, whole sequences on every rank."""

    def __init__(
        self, model: Transformer, plan: Plan, phase: Phase, kind: type[Room], own_cache: Expr | None = None
    ) -> None:
        self.model = model
        self.kinds = list(model.kinds)
        counts = [_stands_for(f"layers_{number}") for number in range(len(self.kinds))]
        ends = [_stands_for(name) for name in ("first", "last", "place")]
        self.symbols = (*counts, *ends)
        stage = Stage(tuple(zip(self.kinds, counts, strict=True)), *ends)
        footprint = kind(model, SYMBOLIC, plan, phase, _share, own_cache).footprint(stage, whole_sequences=True)
        self.parts: tuple[Expr, ...] = tuple(part for part in footprint.parts.values() if part != 0)
        matrices = [matrix.split for kind in self.kinds for matrix in kind.held(model.width)]
        caches = [mixer.cache_split for mixer, _ in model.mixers]
        self.split = {parts for parts in (*matrices, *caches) if parts is not None}
        self.stages: dict[int, list[tuple[int, ...]]] = {}

    @property
    def reads(self) -> frozenset[Symbol]:
        """Quantities that enter, degrees among them."""
        return frozenset[Symbol]().union(*map(symbols_in, self.parts)) - {
            *self.symbols, *(_stands_for(f"share_{parts}") for parts in self.split)}  # fmt: skip

    def of(
        self,
        columns: Columns,
        rows: slice | Array,
        values: Mapping[Symbol, float | Array],
        spread: Spread | None = None,
    ) -> Array:
        """Bytes, a row for each layout and a column for each batch, with ``values`` for everything else.

        With ``spread`` the rows are its short ones, and the result has its long ones.
        """
        tp, pp = columns["tp"][rows], columns["pp"][rows]
        numbers = dict(values)
        degrees, which_degree = np.unique(tp, return_inverse=True)
        depths, which_depth = np.unique(pp, return_inverse=True)
        for parts in self.split:
            shares = [float(fullest_share(parts, int(degree))) for degree in degrees]
            numbers[_stands_for(f"share_{parts}")] = np.array(shares)[which_degree][:, None]
        kinds = np.array([len(self._stages(int(depth))) for depth in depths])[which_depth]
        needed = np.zeros((1, 1))
        for place in range(kinds.max()):
            table = np.array([self._stage(int(depth), place) for depth in depths], float)[which_depth]
            numbers |= {symbol: table[:, column, None] for column, symbol in enumerate(self.symbols)}
            some = np.flatnonzero(kinds > place)
            if spread or len(some) == len(tp):
                needed = np.maximum(needed, self._sum(numbers, spread))
            else:  # the others have no such stage
                own = {s: v[some] if np.ndim(v) == 2 and len(v) == len(tp) > 1 else v for s, v in numbers.items()}
                needed[some] = np.maximum(needed[some], self._sum(own, None))
        return needed

    def _sum(self, numbers: Mapping[Symbol, float | Array], spread: Spread | None) -> Array:
        """Bytes of all parts."""
        memo: dict[Expr, Array] = {}
        pieces = [np.asarray(evaluate(part, numbers, memo, spread)) for part in self.parts]
        return np.asarray(sum(spread.level(pieces) if spread else pieces))

    def written(self, columns: Columns) -> tuple[Expr, dict[Symbol, Array]]:
        """The same as one expression: of the degrees, of everything else, and of symbols that differ from layout to
        layout, whose values are given, a row for each layout."""
        shares = {_stands_for(f"share_{parts}"): parts for parts in self.split}
        degrees, own = np.unique(columns["tp"], return_inverse=True)
        tables = {symbol: np.array([float(fullest_share(parts, int(degree))) for degree in degrees])[own]
                  for symbol, parts in shares.items()}  # fmt: skip
        depths, deep = np.unique(columns["pp"], return_inverse=True)
        needed: list[Expr] = []
        for place in range(max(len(self._stages(int(depth))) for depth in depths)):
            table = np.array([self._stage(int(depth), place) for depth in depths], float)[deep]
            here = {symbol: _stands_for(f"{symbol.name}_of_stage_{place}") for symbol in self.symbols}
            tables |= {here[symbol]: table[:, column] for column, symbol in enumerate(self.symbols)}
            needed.append(sympy.Add(*[put_in(part, here) for part in self.parts], evaluate=False))
        return needed[0] if len(needed) == 1 else sympy.Max(*needed, evaluate=False), tables

    def _stages(self, depth: int) -> list[tuple[int, ...]]:
        """Layers of each kind, whether it is first and last, and its place, of every distinct stage of a pipeline."""
        if depth not in self.stages:
            found: dict[tuple[int, ...], int] = {}
            for number, chosen in enumerate(stages(len(self.model.layers), depth)):
                kinds: Mapping[Layer, int] = Counter(self.model.layers[chosen.start : chosen.stop])
                shape = (*(kinds.get(kind, 0) for kind in self.kinds), int(number == 0), int(number == depth - 1))
                found.setdefault(shape, number)  # of equal stages the first holds most micro-batches in training
            self.stages[depth] = [(*shape, number) for shape, number in found.items()]
        return self.stages[depth]

    def _stage(self, depth: int, place: int) -> tuple[int, ...]:
        """A distinct stage of a pipeline; the first again where there are fewer."""
        found = self._stages(depth)
        return found[place] if place < len(found) else found[0]
