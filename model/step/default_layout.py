"""The layout taken where none is stated: the fewest chips that fit (powers of two), then the least step time."""

from collections.abc import Mapping

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.models import AbstractModel
from steptime.model.errors import UserError
from steptime.model.layout.choices import KIND_BYTES, Plan
from steptime.model.layout.enumeration import Columns, layout_of, layouts
from steptime.model.layout.layout import SYMBOLS, Layout
from steptime.model.phases.accounts import ledger_of
from steptime.model.phases.memory import abstract_footprint, fullest
from steptime.model.phases.phase import Phase
from steptime.model.phases.rooms import Rooms
from steptime.model.scenario import Scenario
from steptime.model.step.case import overlap_bounds
from steptime.model.step.workload import no_such_step

MOST_CHIPS = 2**14


def default_layout(
    model: Transformer | AbstractModel,
    values: Mapping[Symbol, float],
    plan: Plan,
    phase: Phase,
    overlap: str,
    chips: int | None,
    machine: str,
) -> Layout:
    """The default layout of one replica on ``chips``, or on the fewest that fit.

    Raises UserError where not even 16384 chips have room, or the number of chips that was asked for has no layout.
    """
    capacity = values.get(q.memory_capacity)
    if isinstance(model, AbstractModel):
        return _abstract(values, phase, chips, capacity, machine)
    numbers = [chips] if chips else [2**exponent for exponent in range(MOST_CHIPS.bit_length())]
    per_weight = min(values[symbol] for symbol in (q.bytes_per_weight, *KIND_BYTES.values()) if symbol in values)
    least_bytes = model.parameters * per_weight * 0.98  # a shared embedding may sit on either end
    rooms, trains = Rooms(model, plan, phase), False
    for number in numbers:
        if chips is None and capacity is not None and least_bytes > capacity * number:
            continue
        columns = _one_replica(model, number)
        if columns is None:
            continue
        columns = trainable(model, columns, values, phase)
        trains |= len(columns["tp"]) > 0
        if chips is None and capacity is not None and len(columns["tp"]):
            numbers_of = Scenario({**values, **degree_columns(columns)}, phase.definitions)
            known = {**numbers_of.values, **{symbol: numbers_of.value(symbol) for symbol in phase.definitions}}
            fits = rooms.of(columns, slice(None), known)[:, 0] <= capacity
            columns = {name: column[fits] for name, column in columns.items()}
        if len(columns["tp"]):
            return fastest(model, columns, values, plan, phase, overlap)
    if chips:
        raise UserError(f"--set chips={chips}: no layout of {model.name} on so many chips; state one with --layout")
    if phase.name != "train":
        raise UserError(f"{model.name} does not fit on {MOST_CHIPS} chips of {machine}: lower --batch or --context")
    if not trains:
        reason = no_such_step(Layout(), model, values) or "every layout lacks whole micro-batches or whole chunks"
        raise UserError(f"no layout of {model.name} trains so: {reason}")
    remedy = "see --recompute, --zero, --microbatch and --sequence"
    raise UserError(f"{model.name} does not fit on {MOST_CHIPS} chips of {machine}: {remedy}")


def _one_replica(model: Transformer, chips: int) -> Columns | None:
    """Every layout of one replica, each context whole and dense blocks split by tp; None where there is none."""
    try:
        return layouts(model, [chips], {"cp": 1, "replicas": 1, "ffn": "tp"})
    except UserError:
        return None


def trainable(model: Transformer, columns: Columns, values: Mapping[Symbol, float], phase: Phase) -> Columns:
    """The rows that can train with the batch and micro-batch; all of them in other phases."""
    if phase.name != "train":
        return columns
    rows = range(len(columns["tp"]))
    kept = np.array([no_such_step(layout_of(columns, row), model, values) is None for row in rows], bool)
    return {name: column[kept] for name, column in columns.items()}


def degree_columns(columns: Columns) -> dict[Symbol, np.ndarray]:
    return {symbol: columns[key][:, None] for key, symbol in SYMBOLS.items()}


def _abstract(
    values: Mapping[Symbol, float], phase: Phase, chips: int | None, capacity: float | None, machine: str
) -> Layout:
    if chips:
        return Layout(tp=chips)
    for exponent in range(MOST_CHIPS.bit_length()):
        layout = Layout(tp=2**exponent)
        footprint = fullest(abstract_footprint(q.parameters, q.kv_bytes, layout, phase.held))
        if capacity is None or Scenario(values).evaluate(footprint) <= capacity:
            return layout
    raise UserError(f"the model does not fit on {MOST_CHIPS} chips of {machine}: lower --batch or --context")


def fastest(
    model: Transformer, columns: Columns, values: Mapping[Symbol, float], plan: Plan, phase: Phase, overlap: str
) -> Layout:
    """The layout of least step time, all evaluated at once; the first among equals."""
    ledger = ledger_of(model, plan, phase)
    operations = ledger.operations() if overlap == "per-operation" else ()
    # A link without a figure cannot carry anything: a layout that needs it is never the fastest.
    links = {q.scale_up_bandwidth: 1e-300, q.scale_out_bandwidth: 1e-300, q.scale_up_domain: 1.0}
    scenario = Scenario({**links, **values, **degree_columns(columns)}, ledger.slots())
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        times = scenario.evaluate(overlap_bounds(phase, operations)[overlap])
    return layout_of(columns, int(np.argmin(np.broadcast_to(times, (len(columns["tp"]), 1)))))
