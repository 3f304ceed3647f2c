"""The answer that a tool would give that differs from us in some changes, and its slope in each factor."""

from collections.abc import Sequence

import numpy as np

from steptime.model.choices import Overlap
from steptime.model.solver.compared.changes import Change, Kind
from steptime.model.solver.compared.pieces import FIXED, Array, Pieces


def predicted(pieces: Pieces, changes: Sequence[Change], factors: Sequence[float] | Array) -> tuple[Array, Array]:
    """Seconds of every case, and their relative slopes d ln t / d ln c in the factors of the free changes.

    Times are added before factors act on them, and a least time holds after both. ``factors`` are those of the free
    changes in their order.
    """
    chosen = iter(factors)
    values = [next(chosen) if change.is_free else change.factor for change in changes]
    each = list(zip(changes, values, strict=True))
    scale = _scale(each)
    times = pieces.seconds * scale if scale is not None else pieces.seconds.copy()
    parts: dict[int, Array] = {}
    for place, (change, value) in enumerate(each):
        if change.kind == Kind.ADDED and change.column is not None:
            operation, resource = change.at
            part = (value or 0.0) * change.column * (1.0 if scale is None else scale[..., operation, resource])
            times[:, operation, resource] += part
            parts[place] = part
    raised: dict[int, Array] = {}
    for place, (change, value) in enumerate(each):
        if change.kind == Kind.LEAST:
            least = (value or 0.0) * pieces.starts
            raised[place] = least > times
            times = np.maximum(times, least)
    taken = times * _paced(times, overlap_of(changes))
    size = len(pieces)
    total = taken.reshape(size, -1).sum(axis=1)
    moved = taken if not raised else taken * ~np.any(list(raised.values()), axis=0)
    flat = moved.reshape(size, -1)
    slopes = []
    for place, change in enumerate(changes):
        if not change.is_free:
            continue
        if change.kind == Kind.FACTOR:
            slopes.append(flat @ change.flat)
        elif change.kind == Kind.LEAST:
            slopes.append((taken * raised[place]).sum(axis=(1, 2)))
        else:
            operation, resource = change.at
            slopes.append(parts[place] * (moved[:, operation, resource] > 0))
    slope = np.array(slopes).T.reshape(size, len(slopes))
    return total, slope / total[:, None]


def overlap_of(changes: Sequence[Change]) -> Overlap:
    """What overlaps: as in our bound where nothing is said."""
    return next((change.overlap for change in changes if change.overlap is not None), Overlap.FULL)


def _scale(each: Sequence[tuple[Change, float | None]]) -> Array | None:
    """All factors and ratios together, by operation and resource, and by case where a ratio differs by it."""
    found: Array | None = None
    for change, value in each:
        if change.kind == Kind.FACTOR and change.where is not None:
            one = np.where(change.where, 1.0 if value is None else value, 1.0)[None]
        elif change.kind == Kind.RATIO and change.where is not None:
            one = change.where
        else:
            continue
        found = one if found is None else found * one
    return found


def _paced(times: Array, overlap: Overlap) -> Array:
    """One where a piece takes its time, zero where something slower hides it; start-ups are never hidden."""
    if overlap == Overlap.NONE:
        return np.ones_like(times)
    shared = times[:, :, :FIXED]
    found = np.ones_like(times)
    if overlap == Overlap.FULL:
        slowest = np.argmax(shared.sum(axis=1), axis=1)
        found[:, :, :FIXED] = np.arange(FIXED)[None, None, :] == slowest[:, None, None]
    else:
        slowest = np.argmax(shared, axis=2)
        found[:, :, :FIXED] = np.arange(FIXED)[None, None, :] == slowest[:, :, None]
    return found
