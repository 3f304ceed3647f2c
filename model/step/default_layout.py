"""The layout taken where none is stated: the fewest chips that fit (powers of two), then the least step time.

Many layouts have bounds that are all but equal, and estimates that are far apart: where there is an estimate the least
time is the least in practice.
"""

from collections.abc import Mapping

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.choices import Overlap, PhaseName
from steptime.model.errors import UserError
from steptime.model.layout.choices import KIND_BYTES
from steptime.model.layout.enumeration import Columns, layout_of
from steptime.model.layout.layout import Layout
from steptime.model.phases.accounts import Accounts
from steptime.model.phases.memory import available
from steptime.model.phases.phase import Phase
from steptime.model.scenario import Scenario
from steptime.model.step.many_layouts import ManySteps, degree_columns
from steptime.model.step.ties import near, preferred
from steptime.model.step.workload import no_such_step

MOST_CHIPS = 2**14
SHARED_ENDS = 0.98
"""A shared embedding may sit on either end of a pipeline: a chip may hold that much less than its share."""


def default_layout(many: ManySteps) -> tuple[Layout, int]:
    """The default layout of one replica on the chips that are asked for, or on the fewest that fit; and how many are
    ties.

    On stated chips it is one that fits, where any does; where the estimate decides, one with no more stages than it was
    fitted to, where any is.
    Raises UserError where not even 16384 chips have room, or the number of chips that was asked for has no layout.
    """
    asked = many.step.asked
    accounts, values, phase, chips = asked.accounts, asked.values, asked.phase, asked.inputs.chips
    room = None if q.memory_capacity not in values else Scenario(values).evaluate(available)
    rooms, trains = accounts.rooms(asked.plan, phase, values), False
    least = _least_bytes(accounts, values)
    for number in [chips] if chips else [2**exponent for exponent in range(MOST_CHIPS.bit_length())]:
        if room is not None and not chips and least > room * number:
            continue
        columns = accounts.layouts(number)
        if columns is None:
            continue
        columns = trainable(accounts, columns, values, phase)
        trains |= len(columns["tp"]) > 0
        if room is not None and len(columns["tp"]):
            degrees = Scenario({**values, **degree_columns(columns)}, phase.definitions)
            known = {**degrees.values, **{symbol: degrees.value(symbol) for symbol in phase.definitions}}
            fits = np.broadcast_to(rooms.of(columns, slice(None), known)[:, 0] <= room, columns["tp"].shape)
            if not chips or fits.any():
                columns = {name: column[fits] for name, column in columns.items()}
        if len(columns["tp"]):
            seen = columns["pp"] <= many.most_stages
            return fastest(many, {name: column[seen] for name, column in columns.items()} if seen.any() else columns)
    if chips:
        raise UserError(f"`chips`={chips}: no layout of {accounts.name} on so many chips; state one with `layout`")
    nowhere = f"{accounts.name} does not fit on {MOST_CHIPS} chips of {asked.hardware.name}"
    if phase.name != PhaseName.TRAIN:
        raise UserError(f"{nowhere}: lower `batch` or `context`")
    if not trains:
        reason = no_such_step(Layout(), accounts.layers, values) or "every layout lacks whole micro-batches or chunks"
        raise UserError(f"no layout of {accounts.name} trains so: {reason}")
    raise UserError(f"{nowhere}: see `recompute`, `zero`, `microbatch` and `sequence`")


def _least_bytes(accounts: Accounts, values: Mapping[Symbol, float]) -> float:
    """Bytes of the weights that no layout holds less of, over all chips."""
    per_weight = min(values[symbol] for symbol in (q.bytes_per_weight, *KIND_BYTES.values()) if symbol in values)
    return accounts.parameters(values) * per_weight * SHARED_ENDS


def trainable(accounts: Accounts, columns: Columns, values: Mapping[Symbol, float], phase: Phase) -> Columns:
    """The rows that can train with the batch and micro-batch; all of them in other phases."""
    if phase.name != PhaseName.TRAIN:
        return columns
    rows = range(len(columns["tp"]))
    kept = np.array([no_such_step(layout_of(columns, row), accounts.layers, values) is None for row in rows], bool)
    return {name: column[kept] for name, column in columns.items()}


def fastest(many: ManySteps, columns: Columns) -> tuple[Layout, int]:
    """The layout of least step time, all evaluated at once; among those within one per cent of it, the one that takes
    the least time where operations, and then nothing, overlap, and then the simplest; and how many these were."""
    if len(columns["tp"]) == 1:
        return layout_of(columns, 0), 1
    overlap = many.step.asked.inputs.overlap
    places = near(many.in_practice(columns) if many.is_estimated else many.step.bound(columns, overlap))
    if len(places) <= 1:  # none where no time is a number
        return layout_of(columns, int(places[0]) if len(places) else 0), 1
    ties = {name: column[places] for name, column in columns.items()}
    bounds = [many.step.bound(ties, kind) for kind in (Overlap.PER_OPERATION, Overlap.NONE)]
    return layout_of(ties, int(preferred(bounds, ties, np.arange(len(places)))[0])), len(places)
