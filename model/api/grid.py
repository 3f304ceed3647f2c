"""A step on a grid of values: arrays with an axis for each quantity, and one for layouts."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.api.drawn import Drawn
from steptime.model.catalog.coefficients import Coefficients
from steptime.model.choices import Load, Scope, TermName
from steptime.model.errors import Unbound, UserError
from steptime.model.layout.layout import SYMBOLS, Layout
from steptime.model.parse import parse_quantity, several
from steptime.model.quantity import Quantity
from steptime.model.solver.grid import on_grid
from steptime.model.step.build import cases_at, prepare
from steptime.model.step.case import MACHINE, TERMS, Case
from steptime.model.step.estimate import coefficients_of, estimated_time
from steptime.model.step.inputs import RESULTS
from steptime.model.step.words import layout_of, record, word

Array = np.ndarray
LARGEST = 4_000_000_000
"""Points of a grid in one process."""
OUTPUTS = (q.step_time, q.tokens_per_second, q.tokens_per_second_per_sequence, q.dollars_per_million_tokens,
           q.joules_per_token)  # fmt: skip
NO_LAYOUTS = frozenset({*SYMBOLS.values(), q.chips, q.stage_chips})


@dataclass(frozen=True)
class Grid(Drawn):
    """Results over axes, in the order in which these were given; layouts are the first axis where they vary.

    Everything is worked out when it is asked for; nothing is kept. Arrays are in base units; NaN where a figure is
    missing. Where a batch is no whole number, all are taken for means over time: a rank that works has one sequence or
    more, and none is fuller than the others. Memory is not checked: ``fits`` of a step says whether it has room.
    """

    kinds = ("grid",)

    ways: tuple[tuple[Case, ...], ...]
    axes: Mapping[str, Array]
    layouts: tuple[Layout, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return (*([len(self.layouts)] if self.layouts else []), *(len(values) for values in self.axes.values()))

    @property
    def step_time(self) -> Array:
        """Seconds."""
        return self.of(q.step_time)

    @property
    def tokens_per_second(self) -> Array:
        """Over all chips."""
        return self.of(q.tokens_per_second)

    @property
    def dollars_per_million_tokens(self) -> Array:
        return self.of(q.dollars_per_million_tokens)

    def term(self, name: str) -> Array:
        """Seconds of one term."""
        return self.of(self.ways[0][0].resources[word("term", name, tuple(TermName))])

    @property
    def estimate(self) -> Array | None:
        """Seconds in practice; None where there is no estimate, NaN where a figure is missing."""
        return self._in_practice(every=False)

    @property
    def mean_estimate(self) -> Array | None:
        """The same of the mean step, from which throughput and cost follow."""
        return self._in_practice(every=True)

    @property
    def bound_by(self) -> Array:
        """The place of the largest term among compute, memory and interconnect."""
        places: Array = np.argmax(np.stack([self.term(name) for name in TERMS]), axis=0)
        return places

    def of(self, expr: Expr) -> Array:
        """Any expression of quantities over the grid; at each point in the faster way to copy tokens to experts."""
        if not isinstance(expr, Expr):
            raise UserError(f"a grid is of a SymPy expression of quantities, not of {str(expr)[:40]!r}")
        axes = {record(name).symbol: values for name, values in self.axes.items()}
        pieces = []
        for ways in self.ways:
            free = [case.scenario for case in ways]
            if (lacking := free[0].missing(expr)) and lacking <= MACHINE:
                pieces.append(np.full([len(values) for values in axes.values()], np.nan))
                continue
            found = [on_grid(scenario, expr, axes) for scenario in free]
            if len(free) > 1:
                times = found if expr == q.step_time else [on_grid(scenario, q.step_time, axes) for scenario in free]
                found = [np.where(times[1] < times[0], found[1], found[0])]
            pieces.append(found[0])
        return np.stack(pieces) if self.layouts else pieces[0]

    def _in_practice(self, every: bool) -> Array | None:
        """The estimate over the grid; at each point in the way to copy tokens to experts that the bound takes."""
        chosen = coefficients_of(self.ways[0][0])
        if chosen is None:
            return None
        axes = {record(name).symbol: values for name, values in self.axes.items()}
        pieces = []
        for ways in self.ways:
            found = [_estimated(case, axes, chosen, every) for case in ways]
            if len(ways) > 1:
                times = [on_grid(case.scenario, q.step_time, axes) for case in ways]
                found = [np.where(times[1] < times[0], found[1], found[0])]
            pieces.append(found[0])
        return np.stack(pieces) if self.layouts else pieces[0]

    def to_pandas(self) -> Any:
        """One row a point, one column an axis or an output; needs the extra ``steptime[notebook]``."""
        try:
            import pandas
        except ImportError:
            raise UserError("to_pandas needs pandas: install steptime[notebook]") from None
        names = [*(["layout"] if self.layouts else []), *self.axes]
        index = [*([[str(layout) for layout in self.layouts]] if self.layouts else []), *self.axes.values()]
        case = self.ways[0][0]
        found = {symbol.name: self.of(symbol).ravel() for symbol in OUTPUTS if case.number(symbol) is not None}
        return pandas.DataFrame(found, index=pandas.MultiIndex.from_product(index, names=names)).reset_index()

    def __repr__(self) -> str:
        said = ", ".join(f"{name} {len(values)}" for name, values in self.axes.items())
        layouts = f"{len(self.layouts)} layouts, " if self.layouts else ""
        case = self.ways[0][0]
        return f"Grid({case.model} on {case.hardware.name}: {layouts}{said})"


def grid_of(case: Case, layouts: Sequence[Layout | str] | None, axes: Mapping[str, Any]) -> Grid:
    """The grid of a step; raises UserError for an axis that is no input of it."""
    columns: dict[str, Array] = {}
    for name, values in axes.items():
        known = record(name)
        if known.name in columns:
            raise UserError(f"`{name}`: {known.name} is an axis already")
        if known.symbol in RESULTS or known.symbol in NO_LAYOUTS or not case.takes(known.symbol):
            raise UserError(f"`{name}`: not an input of this scenario, so that no grid has it as an axis")
        column = _column(known, values)
        if not np.isfinite(column).all() or (column < known.sane[0]).any() or (column > known.sane[1]).any():
            raise UserError(f"`{name}`: values must lie between {known.sane[0]:g} and {known.sane[1]:g}")
        columns[known.name] = column
    if isinstance(layouts, str | Layout | Mapping) or (layouts is not None and not several(layouts)):
        raise UserError("`layout`: give a list of layouts, as ['tp=8', 'tp=4,dp=2']")
    chosen = () if layouts is None else tuple(layout_of(layout) for layout in several(layouts))
    if not columns and not chosen:
        raise UserError("a grid needs at least one axis, as batch=[1, 2, 4]")
    stated = replace(case.layout, copies=None if case.inputs.layout is None else case.inputs.layout.copies)
    fractional = q.batch.name in columns and bool((columns[q.batch.name] % 1).any())
    asked = prepare(case.question.but(load=Load.AT_LEAST_ONE if fractional else case.inputs.load))
    grid = Grid(tuple(tuple(cases_at(asked, layout)) for layout in chosen or (stated,)), columns, chosen)
    if (points := int(np.prod(grid.shape, dtype=float))) > LARGEST:
        raise UserError(f"a grid of {points:.3g} points; at most {LARGEST:.3g} are worked out in one process")
    return grid


def _estimated(case: Case, axes: Mapping[Symbol, Array], chosen: Coefficients, every: bool) -> Array:
    """Seconds of the estimate over the grid of some axes; of prefills that ride along point by point."""
    shape = tuple(len(values) for values in axes.values())
    points = dict(zip(axes, (one.ravel() for one in np.meshgrid(*axes.values(), indexing="ij")), strict=True))
    try:
        if case.inputs.scope != Scope.SERVING:
            found = estimated_time(case.changed(points), chosen, every)
        else:
            found = [estimated_time(case.changed({symbol: float(values[place]) for symbol, values in points.items()}),
                                    chosen, every) for place in range(int(np.prod(shape)))]  # fmt: skip
    except Unbound:
        return np.full(shape, np.nan)
    return np.broadcast_to(np.asarray(found, float), (int(np.prod(shape)),)).reshape(shape)


def _column(known: Quantity, values: Any) -> Array:
    """The values of an axis, numbers or texts with a unit; raises UserError for what is no list of them."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf" and values.ndim == 1 and len(values):
        return values.astype(float)
    listed = [] if isinstance(values, str | bytes | Set | Mapping) else several(values, LARGEST)
    if not listed or listed[0] is values:
        raise UserError(f"`{known.name}`: give a list of values, one dimension")
    return np.array([parse_quantity(replace(known, integer=False), value) for value in listed])
