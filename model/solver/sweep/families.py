"""Points that share their formulas: one scene, and layouts of one kind. All families one after another are the sweep.

Degrees of parallelism are symbols in the formulas, so that layouts are an axis like any other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from steptime.model import symbols as q
from steptime.model.choices import Split
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import DEGREES, Columns, layouts
from steptime.model.layout.layout import Layout
from steptime.model.phases.accounts import Accounts, accounts_of
from steptime.model.solver.sweep.axes import Axis, Layouts
from steptime.model.solver.sweep.spec import MOST_POINTS, ChipLayouts, Scene, Spec

MANY = 2**20
"""Points of a scene from which on layouts whose formulas are shorter are worked out apart."""


@dataclass(frozen=True)
class Family:
    """Points of one scene: on all layouts of ``columns``, or on the one ``layout``, or where both are None on the
    scene's own. ``start``: the number of its first point in the sweep. ``why``: what refuses all of its points."""

    spec: Spec
    number: int
    start: int
    columns: Columns | None = None
    layout: Layout | None = None
    why: str = ""

    @property
    def scene(self) -> Scene:
        return self.spec.scenes[self.number]

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """Layouts, the design, and quantities in the order of the spec."""
        first: list[Axis] = [] if self.columns is None else [Layouts(self.columns)]
        return (*first, *([self.spec.design] if self.spec.design else []), *self.spec.over)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        return tuple(axis.length for axis in self.axes)

    @cached_property
    def points(self) -> int:
        return prod(self.shape)


def families(spec: Spec) -> tuple[Family, ...]:
    """All families of a sweep, in order; raises UserError where there are too many points."""
    found, start = list[Family](), 0
    design: list[Axis] = [spec.design] if spec.design else []
    others = prod(axis.length for axis in (*design, *spec.over))
    written: dict[int, list[tuple[Columns | None, Layout | None, str]]] = {}
    for number, scene in enumerate(spec.scenes):
        accounts = accounts_of(scene.question.model)
        if id(accounts) not in written:
            written[id(accounts)] = list(_layouts(spec, accounts))
        for columns, layout, why in written[id(accounts)]:
            for part in _parts(spec, scene, accounts, columns, others):
                found.append(Family(spec, number, start, part, layout, why))
                start += found[-1].points
    if start > MOST_POINTS:
        raise UserError(f"{start:.3g} points, more than {MOST_POINTS:.0e}: give fewer values")
    return tuple(found)


def _layouts(spec: Spec, accounts: Accounts) -> Iterator[tuple[Columns | None, Layout | None, str]]:
    """What a model is laid out as: columns, or one layout, or neither for that of the scene; and why not."""
    stated = spec.layouts
    if stated is None:
        yield None, None, ""
    elif not accounts.is_architecture:
        chips = stated.chips if isinstance(stated, ChipLayouts) else [layout.chips for layout in stated]
        for number in chips:
            yield None, Layout(tp=number), ""
    elif isinstance(stated, ChipLayouts):
        held = {key: value for key, value in stated.held.items() if key != "copies"}
        some = list[Columns]()
        for number in stated.chips:
            try:
                some.append(layouts(accounts.model, [number], held))
            except UserError:
                continue
        if some:
            yield {name: np.concatenate([one[name] for one in some]) for name in some[0]}, None, ""
    else:
        refused = {layout: accounts.refusal(layout) for layout in stated}
        if possible := [layout for layout, why in refused.items() if why is None]:
            yield columns_of(possible), None, ""
        for layout, why in refused.items():
            if why is not None:
                yield None, layout, why


def columns_of(some: list[Layout]) -> Columns:
    """Layouts as columns of numbers."""
    rows = [[*(getattr(layout, name) for name in DEGREES), layout.ffn == Split.STAGE, layout.chips] for layout in some]
    table = np.array(rows, dtype=float)
    return {name: table[:, place] for place, name in enumerate((*DEGREES, "ffn_all", "chips"))}


def _parts(
    spec: Spec, scene: Scene, accounts: Accounts, columns: Columns | None, others: int
) -> Iterator[Columns | None]:
    """The layouts of each kind: blocks split one way or the other; and where there are many points, those inside one
    domain, and those whose ranks all meet, apart."""
    if columns is None:
        yield None
        return
    kind = columns["ffn_all"].copy()
    if len(kind) * others >= MANY:
        kind = kind * 4 + 2 * is_one_way(spec, scene, columns) + is_one_unit(accounts, columns)
    for value in np.unique(kind):
        yield {name: column[kind == value] for name, column in columns.items()}


def is_one_way(spec: Spec, scene: Scene, columns: Columns) -> np.ndarray:
    """Layouts on which there is one way to copy tokens to experts: none, or all inside one domain."""
    values: Mapping[object, float] = scene.question.inputs.given
    figure = scene.question.hardware.figures.get(q.scale_up_domain.name)
    domain = values.get(q.scale_up_domain, figure.value if figure else 1.0)
    if q.scale_up_domain.name in spec.varies:
        domain = 1.0
    stage = columns["tp"] * columns["cp"] * columns["dp"]
    return np.asarray((columns["ep"] == 1) | (stage <= domain))


def is_one_unit(accounts: Accounts, columns: Columns) -> np.ndarray:
    """Layouts on which all sequences wait for each other."""
    meet = [accounts.meets(Layout(ffn=split)) for split in (Split.TENSOR, Split.STAGE)]
    alone = np.where(np.where(columns["ffn_all"] > 0, meet[1], meet[0]), 1.0, columns["dp"])
    return np.asarray(columns["replicas"] * alone == 1)
