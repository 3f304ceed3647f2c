"""Every layout, batch, format and machine at once: the best under named limits, the runner-up, and the Pareto front.

The ledger's slots are evaluated with arrays in the place of degrees and batch, in blocks, so that memory stays bounded
however many points there are.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.build import base_values
from steptime.model.case import overlap_bounds
from steptime.model.catalog.hardware import Hardware, load_hardware
from steptime.model.catalog.models import AbstractModel, load_model
from steptime.model.enumeration import Columns, layouts
from steptime.model.errors import UserError
from steptime.model.layout import SYMBOLS, parse_layout
from steptime.model.ledger import Ledger
from steptime.model.phase import Phase
from steptime.model.plan import Plan
from steptime.model.question import Question, read_sets
from steptime.model.rooms import Rooms
from steptime.model.scenario import Scenario
from steptime.model.solver.batch import SCALES
from steptime.model.solver.points import Answer, Kept, Search
from steptime.model.transformer import Transformer
from steptime.model.workload import workload

Array = np.ndarray
BLOCK = 2**20
"""Points evaluated in one piece."""
FORMATS = ("bf16", "fp8", "fp4", "int8", "int4")
"""Formats of weights that are tried, where the chip has a peak for them; beside the model's own."""
NO_LINK = 1e-300
"""Bandwidth of a link whose figure is missing: a layout that needs it never ends."""
NEVER = 1e100


@dataclass(frozen=True)
class _Machine:
    """A machine with one choice of formats, as a question without layout and batch, and the numbers that go with it."""

    hardware: Hardware
    question: Question
    values: Mapping[Symbol, float]
    plan: Plan


def search_layouts(search: Search, progress: Callable[[float], None] = lambda share: None) -> Answer:
    """The best point under the limits; raises UserError where a figure is missing or no point satisfies all limits."""
    started = time.perf_counter()
    model = load_model(search.question.model)
    if isinstance(model, AbstractModel):
        raise UserError(f"solve layout needs an architecture: {model.name} is a list of quantities, split perfectly")
    fixed = dict(parse_layout(search.question.layout)) if search.question.layout else {}
    copies = [str(fixed.pop("copies"))] if "copies" in fixed else ["per-domain", "per-expert"]
    columns = layouts(model, search.chips, fixed)
    sets = read_sets(search.question.sets)
    phase, asked = workload(replace(search.question, batch=None), sets, [])
    machines = [
        machine for name in search.hardware for machine in _machines(search, model, load_hardware(name), sets, asked)
    ]
    minimise = search.minimise or _affordable(machines)
    _must_have(machines, minimise)
    kept = Kept(Answer(search, minimise, phase, columns, tuple(machine.question for machine in machines)))
    formulas: dict[Plan, _Formulas] = {}
    for number, machine in enumerate(machines):
        for ffn_all in (0, 1):
            rows = np.flatnonzero(columns["ffn_all"] == ffn_all)
            plan = replace(machine.plan, ffn="all" if ffn_all else "tp")
            if plan not in formulas:
                formulas[plan] = _Formulas(model, phase, plan, copies, search, minimise)
            for block in np.array_split(rows, max(1, -(-len(rows) * len(search.batches) // BLOCK))):
                if len(block):
                    formulas[plan].evaluate(machine, number, columns, block, kept)
            progress((number + (1 + ffn_all) / 2) / len(machines))
    return kept.finished(time.perf_counter() - started)


class _Formulas:
    """Expressions with symbols for degrees and batch: the same for all machines that share a plan."""

    def __init__(
        self, model: Transformer, phase: Phase, plan: Plan, copies: list[str], search: Search, minimise: str
    ) -> None:
        self.phase, self.search = phase, search
        self.room = Rooms(model, plan, phase)
        ledgers = [Ledger(model, replace(plan, copies=way), phase=phase) for way in copies]
        self.slots = [ledger.slots() for ledger in ledgers]
        operations = [ledger.operations() if search.question.overlap == "per-operation" else () for ledger in ledgers]
        self.times = [overlap_bounds(phase, lines)[search.question.overlap] for lines in operations]
        self.batches = np.array(search.batches, dtype=float)
        factor, self.exponent, _ = SCALES[minimise]
        self.factor = factor if self.exponent == 0 else factor / phase.yields

    def evaluate(self, machine: _Machine, number: int, columns: Columns, rows: Array, kept: Kept) -> None:
        """All batches of some layouts: their step time, cost, rates, and the limits that each breaks."""
        batches, chips = self.batches[None, :], columns["chips"][rows][:, None]
        shape = (len(rows), len(self.batches))
        numbers = {**machine.values, q.batch: batches, q.chips: chips}
        numbers |= {symbol: columns[name][rows][:, None] for name, symbol in SYMBOLS.items()}
        numbers[q.stage_chips] = numbers[q.tensor_parallel] * numbers[q.context_parallel] * numbers[q.data_parallel]
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            step_time, scenario = self._step_time(numbers)
            step_time = np.broadcast_to(step_time, shape)
            cost = np.broadcast_to(scenario.evaluate(self.factor) * step_time * batches**self.exponent, shape)
            yields = scenario.evaluate(self.phase.yields)
            broken = {
                "minimum_batch": batches < numbers[q.replicas] * numbers[q.data_parallel] * numbers[q.pipeline_parallel]
            }
            if q.memory_capacity in numbers:
                needed = self.room.of(columns, rows, {**numbers, **_sizes(scenario, self.phase)})
                broken["memory_capacity"] = needed > numbers[q.memory_capacity]
            if self.search.max_step_time is not None:
                broken["max_step_time"] = step_time > self.search.max_step_time
            broken["missing_link"] = ~(step_time < NEVER)
            kept.add(number, rows, step_time, cost, yields / step_time, batches * yields / step_time / chips,
                     {name: np.broadcast_to(bad, shape) for name, bad in broken.items()})  # fmt: skip

    def _step_time(self, numbers: Mapping[Symbol, float | Array]) -> tuple[Array, Scenario]:
        """The step time in the faster way to copy tokens to experts. What both ways share is evaluated once."""
        first = Scenario(numbers, self.slots[0])
        least = np.asarray(first.evaluate(self.times[0]))
        for slots, expr in zip(self.slots[1:], self.times[1:], strict=True):
            shared = [s for s in slots if slots[s] == self.slots[0].get(s) and s in first.known]
            second = Scenario({**numbers, **{symbol: first.known[symbol] for symbol in shared}}, slots)
            least = np.minimum(least, second.evaluate(expr))
        return least, first


def _sizes(scenario: Scenario, phase: Phase) -> dict[Symbol, float | Array]:
    """What a phase defines of its own: tokens of a pass, chunks."""
    return {symbol: scenario.value(symbol) for symbol in phase.definitions}


def _machines(
    search: Search, model: Transformer, hardware: Hardware, sets: Mapping[Symbol, float], asked: Mapping[Symbol, float]
) -> list[_Machine]:
    """A machine with every choice of formats that it has peaks for; the model's own format of weights is always one."""
    question = replace(search.question, hardware=hardware.name, layout=None, batch=None)
    own = model.precision or "bf16"
    weights = (
        [question.weights] if question.weights else [None, *(f for f in FORMATS if f in hardware.peaks and f != own)]
    )
    kvs = [question.kv] if question.kv else ["bf16", *(["fp8"] if "fp8" in hardware.peaks else [])]
    found = []
    for chosen in [replace(question, weights=stored, kv=kv) for stored in weights for kv in kvs]:
        values, _ = base_values(chosen, model, hardware, dict(sets), [])
        links = {q.scale_up_bandwidth: NO_LINK, q.scale_out_bandwidth: NO_LINK, q.scale_up_domain: 1.0}
        plan = Plan(
            in_switch=hardware.in_switch_reduction,
            experts=question.experts,
            mixed=q.bytes_per_weight not in values,
            axes=hardware.torus_axes,
        )
        numbers = {**links, **values, **{s: v for s, v in asked.items() if s != q.batch}}
        found.append(_Machine(hardware, replace(chosen, hardware=hardware.name), numbers, plan))
    return found


def _affordable(machines: list[_Machine]) -> str:
    """Cost where every machine has a price, else chip-seconds."""
    return "cost" if all(q.chip_hour_price in machine.values for machine in machines) else "chip-seconds"


def _must_have(machines: list[_Machine], minimise: str) -> None:
    needed = {"cost": q.chip_hour_price, "energy": q.power}.get(minimise)
    for machine in machines:
        if needed is not None and needed not in machine.values:
            where = machine.hardware.missing(needed.name)
            raise UserError(f"solve layout needs {where}; --minimise chip-seconds needs no price")


__all__ = ["BLOCK", "Answer", "Search", "search_layouts"]
