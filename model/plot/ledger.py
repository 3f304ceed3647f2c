"""Where the time of a step goes, operation by operation, and what fills the memory of a chip."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from steptime.model import symbols as q
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import layout_of, layouts
from steptime.model.layout.layout import Layout
from steptime.model.phases.memory import usable
from steptime.model.phases.rates import rates
from steptime.model.plot.scenes import about, must_be_known
from steptime.model.plot.shapes import Axis, Bars
from steptime.model.step.case import Case
from steptime.model.step.measured import Measured
from steptime.model.terms import Operation, OperationName
from steptime.model.text.format import layout_said

if TYPE_CHECKING:
    from steptime.model.api.step import Step

RESOURCES = ("compute", "memory", "scale_up", "scale_out")
IN_PRACTICE, MEASURED = "in practice", "measured"
SAME = {"experts": OperationName.ROUTED, "cache": OperationName.SCORES, "attention": OperationName.SCORES}
"""Terms of the estimate that are of one operation of the ledger."""
MOST_LAYOUTS = 12


def breakdown(step: "Step") -> Bars:
    """Seconds of each operation of the ledger by resource: what memory takes for weights, experts and KV cache, compute
    for the multiply-adds, links for each collective; the terms of the estimate, which add up to it; and what was
    measured, where something was: how much of it the bound accounts for, what the estimate adds, and what neither
    explains."""
    case = step.case
    must_be_known(case)
    lines = {str(line.name): _seconds(case, line) for line in case.operations}
    used = [place for place in range(len(RESOURCES)) if any(times[place] for times in lines.values())]
    bars = [f"{RESOURCES[place].replace('_', '-')} term" for place in used]
    parts = {name: [times[place] for place in used] for name, times in lines.items()}
    if (estimate := step.estimate) is not None:
        bars.append(IN_PRACTICE)
        parts = {name: [*times, 0.0] for name, times in parts.items()}
        for name, time in estimate.terms.items():
            parts[f"{IN_PRACTICE}: {name}"] = [*([0.0] * len(used)), time]
    if (measured := getattr(step, "measured", None)) is not None:
        accounts = _accounted(measured)
        of_step = math.isclose(measured.share_of_bound * measured.step_time, step.time or 0.0)
        bars.append(MEASURED if of_step else f"{MEASURED}, mean step")
        parts = {name: [*times, 0.0] for name, times in parts.items()}
        for name, time in accounts.items():
            parts[f"{MEASURED}: {name}"] = [*([0.0] * (len(bars) - 1)), time]
    limits = {} if step.time is None else {"bound": step.time}
    kept = {name: tuple(times) for name, times in parts.items() if any(times)}
    same = {f"{IN_PRACTICE}: {name}": str(one) for name, one in SAME.items()}
    return Bars("breakdown", "Where the time of a step goes", about(case), Axis("time of a step", "s", log=False),
                tuple(bars), kept, limits, same=same)  # fmt: skip


def _accounted(measured: Measured) -> dict[str, float]:
    """Seconds of a measurement that the bound accounts for, that the estimate adds to it, and that neither explains."""
    whole, bound = measured.step_time, measured.share_of_bound * measured.step_time
    expected = bound if measured.share_of_estimate is None else measured.share_of_estimate * whole
    if whole < bound:
        return {"less than the bound": whole}
    added = min(whole, expected) - bound
    return {
        "as long as the bound": bound,
        "what the estimate adds": added,
        "explained by neither": whole - bound - added,
    }


def _seconds(case: Case, line: Operation) -> list[float]:
    """What an operation takes of each resource, one after another."""
    step = rates.step([line])
    return [case.number(term.time) or 0.0 for term in step.terms]


def memory(step: "Step", against: Sequence[Layout | str] | Layout | str = ()) -> Bars:
    """Bytes on the fullest chip by what takes them, beside what may be filled and what the chip has; at the layout of
    the step and at others, ``against``: by default other ways to share the model among as many chips."""
    steps = {str(step.layout): step}
    stated = [against] if isinstance(against, str | Layout) else list(against)
    for one in stated or _others(step):
        other = step.replace(layout=one)
        steps.setdefault(str(other.layout), other)
    parts: dict[str, list[float]] = {}
    for place, case in enumerate(each.case for each in steps.values()):
        room = case.fullest_stage
        held = {**room.parts, "workspace": q.workspace}
        for name, expr in held.items():
            parts.setdefault(name, [0.0] * len(steps))[place] = case.number(expr) or 0.0
    capacities = {"may be filled": step.case.number(usable), "capacity": step.case.number(q.memory_capacity)}
    limits = {name: value for name, value in capacities.items() if value is not None}
    named = {name.replace("kv", "KV cache"): tuple(values) for name, values in parts.items() if any(values)}
    bars = tuple(layout_said(text, otherwise="one chip") for text in steps)
    return Bars("memory", "What fills the fullest chip", about(step.case), Axis("memory of a chip", "B", log=False),
                bars, named, limits)  # fmt: skip


def _others(step: "Step") -> list[Layout]:
    """Other ways to share the model among as many chips: as many replicas, no context parallelism, experts on as many
    chips as can be; at most a dozen, evenly through all."""
    model, here = step.case.accounts.transformer, step.layout
    if model is None:
        return []
    columns = layouts(model, [here.chips], {"cp": 1, "replicas": here.replicas})
    rows = range(len(columns["tp"]))
    every = [layout_of(columns, row) for row in rows if not columns["ffn_all"][row]]
    widest = {(one.tp, one.pp): one for one in sorted(every, key=lambda one: one.ep)}
    found = [one for one in widest.values() if (one.tp, one.pp) != (here.tp, here.pp)]
    found = sorted((one for one in found if _runs(step, one)), key=lambda one: (one.pp, -one.tp))
    return found[:: max(1, -(-len(found) // MOST_LAYOUTS))]


def _runs(step: "Step", layout: Layout) -> bool:
    try:
        step.replace(layout=layout)
    except UserError:  # a step of training that has too few micro-batches for it
        return False
    return True
