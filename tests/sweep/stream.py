"""Points made by hand, as a reduction sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from steptime.model.api.sweep_spec import spec_of
from steptime.model.solver.sweep.blocks import Blocks
from steptime.model.solver.sweep.spec import Spec
from steptime.model.solver.sweep.work import Points


def spec_with(keep: Sequence[Mapping[str, Any]], batch: int = 5, context: int = 4, machines: int = 1) -> Spec:
    """A sweep of so many batches and contexts on so many machines."""
    hardware = ["h100-sxm", "h200-sxm", "b200-sxm"][:machines]
    return spec_of({
        "base": {"model": "llama-3.1-8b", "hardware": hardware, "layout": "tp=1"},
        "over": {"batch": {"values": list(range(1, batch + 1))}, "context": {"values": list(range(1, context + 1))}},
        "keep": list(keep),
    })  # fmt: skip


def points_of(spec: Spec, values: Mapping[str, np.ndarray], fine: np.ndarray, rows: int = 1) -> list[Points]:
    """Points of every family, in pieces of so many batches; ``values`` and ``fine`` have one number a point."""
    found = []
    for family in Blocks(spec).families:
        batch, context = family.shape
        for start in range(0, batch, rows):
            height = min(rows, batch - start)
            cut = slice(family.start + start * context, family.start + (start + height) * context)
            shape = (height, context)
            some = {name: each[cut].reshape(shape) for name, each in values.items()}
            found.append(Points(family, (start, 0), shape, some, fine[cut].reshape(shape), {}))
    return found


def without_kept(spec: Spec) -> Spec:
    return replace(spec, kept=())
