"""Points as rows of a table: words of their scene, layout, what varies, what comes out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from steptime.model.layout.layout import Layout
from steptime.model.solver.sweep.axes import Layouts
from steptime.model.solver.sweep.outputs import BINDING, BOTTLENECK, BROKEN
from steptime.model.solver.sweep.spec import Spec
from steptime.model.solver.sweep.work import Points, Work

Array = np.ndarray
Rows = dict[str, Array]
PRICE_BASIS = "price_basis"
"""The kind of price behind the dollars of a row, where there are several machines, or kinds, to compare."""
NAMES = np.array([str(name) for name in BINDING])


def names_of(spec: Spec) -> list[str]:
    """The columns of a sweep's rows, in order."""
    labels = [name for name in spec.scenes[0].labels if name != "layout"]
    outputs = [output.name for output in spec.outputs]
    first = [*labels, *([PRICE_BASIS] if spec.tells_bases else []), "layout", "chips", *spec.varies]
    return [*first, *(name for name in outputs if name not in first), *(["feasible"] if spec.infeasible else [])]


def rows_of(work: Work, points: Points, places: Array | None = None) -> Rows:
    """Rows of the points at some places, of all where None."""
    family = points.family
    spec, size = family.spec, points.size
    chosen = np.arange(size) if places is None else places
    found: Rows = {name: np.full(len(chosen), word) for name, word in family.scene.labels.items()}
    if spec.tells_bases:
        found[PRICE_BASIS] = np.full(len(chosen), spec.price_basis(family.scene) or "")
    indices = np.unravel_index(chosen, points.shape) if points.shape else ()
    for axis, start, length, index in zip(work.axes, points.start, points.shape, indices, strict=True):
        found |= {name: column[index] for name, column in axis.shown(start, start + length).items()}
    if not any(isinstance(axis, Layouts) for axis in work.axes):
        layout = work.written.layout if work.written else family.layout or Layout()
        found["layout"] = np.full(len(chosen), str(layout))
        found["chips"] = np.full(len(chosen), float(layout.chips))
    for output in spec.outputs:
        if output.name == BROKEN:
            found[BROKEN] = broken_of(points, chosen)
        elif output.name not in found:
            value = points.flat(output.name)[chosen]
            found[output.name] = NAMES[value] if output.name == BOTTLENECK else np.asarray(value, float)
    if spec.infeasible:
        found["feasible"] = points.fine_flat[chosen]
    return {name: found[name] for name in names_of(spec)}


def broken_of(points: Points, places: Array) -> Array:
    """The limits that each point breaks, with a semicolon between them."""
    found = np.full(len(places), "", dtype=object)
    for name, where in points.broken.items():
        here = np.broadcast_to(where, points.shape).reshape(-1)[places]
        found[here] = [f"{before};{name}" if before else name for before in found[here]]
    return found.astype(str)


def joined(some: Sequence[Mapping[str, Any]]) -> Rows:
    """Rows one after another."""
    return {name: np.concatenate([rows[name] for rows in some]) for name in some[0]} if some else {}
