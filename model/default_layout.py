"""The layout taken where none is stated: the fewest chips that fit (powers of two), then the least step time."""

from collections.abc import Mapping

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.case import overlap_bounds
from steptime.model.catalog.models import AbstractModel
from steptime.model.errors import UserError
from steptime.model.layout import SYMBOLS, Layout, candidates
from steptime.model.ledger import Ledger, Plan
from steptime.model.memory import abstract_footprint, footprints, fullest
from steptime.model.scenario import Scenario
from steptime.model.transformer import Transformer

MOST_CHIPS = 2**14


def default_layout(
    model: Transformer | AbstractModel,
    values: Mapping[Symbol, float],
    plan: Plan,
    overlap: str,
    chips: int | None,
    machine: str,
) -> Layout:
    """The default layout of one replica on ``chips``, or on the fewest that fit.

    Raises UserError where not even 16384 chips have room, or the number of chips that was asked for has no layout.
    """
    capacity = values.get(q.memory_capacity)
    if isinstance(model, AbstractModel):
        return _abstract(values, chips, capacity, machine)
    numbers = [chips] if chips else [2**exponent for exponent in range(MOST_CHIPS.bit_length())]
    least_bytes = model.parameters * values[q.bytes_per_weight] * 0.98  # a shared embedding may sit on either end
    for number in numbers:
        if chips is None and capacity is not None and least_bytes > capacity * number:
            continue
        found = list(candidates(number, model))
        if chips is None and capacity is not None:
            found = [layout for layout in found if _needs(model, layout, values) <= capacity]
        if found:
            return fastest(model, found, values, plan, overlap) if len(found) > 1 else found[0]
    if chips:
        raise UserError(f"--set chips={chips}: no layout of {model.name} on so many chips; state one with --layout")
    raise UserError(f"{model.name} does not fit on {MOST_CHIPS} chips of {machine}: lower --batch or --context")


def _needs(model: Transformer, layout: Layout, values: Mapping[Symbol, float]) -> float:
    return float(Scenario(values).evaluate(fullest(footprints(model, layout, whole_sequences=True))))


def _abstract(values: Mapping[Symbol, float], chips: int | None, capacity: float | None, machine: str) -> Layout:
    if chips:
        return Layout(tp=chips)
    for exponent in range(MOST_CHIPS.bit_length()):
        layout = Layout(tp=2**exponent)
        footprint = fullest(abstract_footprint(q.parameters, q.kv_bytes, layout))
        if capacity is None or Scenario(values).evaluate(footprint) <= capacity:
            return layout
    raise UserError(f"the model does not fit on {MOST_CHIPS} chips of {machine}: lower --batch or --context")


def fastest(
    model: Transformer, layouts: list[Layout], values: Mapping[Symbol, float], plan: Plan, overlap: str
) -> Layout:
    """The layout of least step time, all evaluated at once; the first among equals."""
    ledger = Ledger(model, plan)
    operations = ledger.operations() if overlap == "per-operation" else ()
    # A link without a figure cannot carry anything: a layout that needs it is never the fastest.
    links = {q.scale_up_bandwidth: 1e-300, q.scale_out_bandwidth: 1e-300, q.scale_up_domain: 1.0}
    degrees = {symbol: np.array([float(getattr(layout, key)) for layout in layouts]) for key, symbol in SYMBOLS.items()}
    scenario = Scenario({**links, **values, **degrees}, ledger.slots())
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        times = scenario.evaluate(overlap_bounds(operations)[overlap])
    return layouts[int(np.argmin(np.broadcast_to(times, len(layouts))))]
