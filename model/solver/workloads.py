"""What a machine is designed for: workloads in a user's words, and for each the layout that asks for the least.

A layout's work is fixed, so of one workload's layouts the best is the one whose closed form is the fastest; all are
tried at once. In a mix each workload takes the layout that is best for it alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from itertools import product
from typing import Any

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.build import Prepared, cases_at, prepare
from steptime.model.catalog.prices import PriceList
from steptime.model.default_layout import degree_columns, trainable
from steptime.model.enumeration import Columns, layout_of, layouts
from steptime.model.errors import UserError, unknown
from steptime.model.layout import Layout
from steptime.model.ledgers import ledger_of
from steptime.model.quantity import count
from steptime.model.question import Question
from steptime.model.reading import parse
from steptime.model.rooms import Rooms
from steptime.model.scenario import Scenario
from steptime.model.solver import balanced
from steptime.model.solver.design import GOOD, RATE, Design, Workload
from steptime.model.solver.machine import Machine, best_machine
from steptime.model.transformer import Transformer

Array = np.ndarray
MOST_WORKLOADS = 16
CHOSEN = (*RATE.values(), q.memory_capacity, q.scale_up_domain, q.chip_hour_price, q.power)
"""What the design or the price list decides: not for --set."""
_flags = ("sequence_parallel", "dropout")


def read_workload(text: str, usual: Question) -> tuple[float, Question]:
    """One workload of a mix, ``weight=0.7 phase=decode context=32k batch=2048``: what it does not say is as usual.

    Raises UserError for anything else.

    >>> weight, asked = read_workload("weight=3 context=32k", Question("m", "h", batch="8"))
    >>> weight, asked.context, asked.batch
    (3.0, '32k', '8')
    """
    allowed = [f.name for f in fields(Question) if f.name not in ("model", "hardware", "sets", "ranges", *_flags)]
    entries: dict[str, str] = {}
    for entry in text.split():
        name, separator, value = entry.partition("=")
        name = name.replace("-", "_")
        if not separator or not value:
            raise UserError(f"--workload {text[:60]!r}: write NAME=VALUE, separated by spaces, as in context=32k")
        if name not in ("weight", *allowed):
            raise unknown("option in --workload:", name, ["weight", *allowed])
        if name in entries:
            raise UserError(f"--workload {text[:60]!r}: {name} is given twice")
        entries[name] = value
    weight = parse(entries.pop("weight", "1"), count, "--workload weight")
    choices = {"phase": ("decode", "prefill", "train"), "overlap": ("full", "per-operation", "none"),
               "experts": ("expected", "all"), "scope": ("steps", "serving")}  # fmt: skip
    for name, known in choices.items():
        if name in entries and entries[name] not in known:
            raise unknown(f"--workload {name}", entries[name], list(known))
    if entries.get("zero", "0") not in tuple("0123"):
        raise UserError("--workload zero: 0, 1, 2 or 3")
    read: dict[str, Any] = {**entries, "zero": int(entries.get("zero", usual.zero))}
    return weight, replace(usual, **read)


def solve_machine(
    prices: PriceList,
    asked: Sequence[tuple[float, Question]],
    budget: float | None = None,
    power: float | None = None,
    minimise: str = "step-time",
) -> Machine:
    """The best machine for weighted workloads within dollars or watts; raises UserError for what cannot be used."""
    if len(asked) > MOST_WORKLOADS:
        raise UserError(f"--workload: at most {MOST_WORKLOADS} workloads, not {len(asked)}")
    limits = {name: value for name, value in (("budget", budget), ("power", power)) if value is not None}
    if not limits:
        raise UserError("solve machine needs --budget DOLLARS or --power WATTS: without a limit more is always better")
    if minimise == "cost" and prices.life is None:
        raise UserError(f"--minimise cost: {prices.origin}: life is missing: the time over which it is written off")
    read = [prepare(question, prices.machine()) for _, question in asked]
    for one in read:
        if by_hand := [symbol.name for symbol in CHOSEN if _set_by_hand(one, symbol)]:
            raise UserError(f"--set {', '.join(by_hand)}: the design or {prices.origin} decides it")
    chips = _chips(read, prices)
    alternatives = []
    for one in read:
        layout = one.stated or _layout(one, chips, prices, limits)
        alternatives.append(cases_at(one, layout))
    total = sum(weight for weight, _ in asked)
    found = None
    for cases in product(*alternatives):
        workloads = tuple(
            Workload.of(_name(case.question, len(asked)), weight / total, case)
            for (weight, _), case in zip(asked, cases, strict=True)
        )
        tried = best_machine(Design(prices, workloads, limits, minimise, chips))
        found = tried if found is None or tried.cost < found.cost else found
    assert found is not None
    return found


def _set_by_hand(asked: Prepared, symbol: Symbol) -> bool:
    return any(entry.partition("=")[0].strip() == symbol.name for entry in asked.question.sets)


def _name(question: Question, among: int) -> str:
    said = {name: getattr(question, name) for name in ("batch", "context", "prompt", "sequence")}
    return " ".join([question.phase, *(f"{name}={value}" for name, value in said.items() if value)])


def _chips(read: Sequence[Prepared], prices: PriceList) -> int:
    """The chips of the machine: as stated, and by all workloads alike; else one scale-up domain."""
    each = [one.stated.chips if one.stated else one.chips for one in read]
    stated = {number for number in each if number is not None}
    if len(stated) > 1:
        raise UserError(f"the workloads run on one machine, not on {' and '.join(map(str, sorted(stated)))} chips")
    return stated.pop() or prices.domain if stated else prices.domain


def _layout(asked: Prepared, chips: int, prices: PriceList, limits: Mapping[str, float]) -> Layout:
    """The layout that is the fastest on what the limits buy."""
    if not isinstance(asked.model, Transformer):
        return Layout(tp=chips)
    columns = trainable(asked.model, layouts(asked.model, [chips]), asked.values, asked.phase)
    if asked.phase.name != "train":
        ranks = columns["replicas"] * columns["dp"] * columns["pp"]
        whole = asked.values[q.batch] >= ranks
        columns = {name: column[whole] for name, column in columns.items()} if whole.any() else columns
    if not len(columns["tp"]):
        raise UserError(f"no layout of {asked.model.name} on {chips} chips trains with this batch; state a --layout")
    best: tuple[float, Layout | None] = (np.inf, None)
    lacking = np.inf
    for ffn_all in (0, 1):
        rows = columns["ffn_all"] == ffn_all
        some = {name: column[rows] for name, column in columns.items()}
        if rows.any():
            times, least = _times(asked, some, chips, prices, limits)
            row, lacking = int(np.argmin(times)), min(lacking, float(np.min(least)))
            if times[row] < best[0]:
                best = (float(times[row]), layout_of(some, row))
    if best[1] is None:
        takes = f"the base and the stacks that hold it take {lacking:.4g} times the {' or '.join(limits)}"
        why = takes if lacking > 1 else "it needs links that are not sold, or more stacks than a chip may have"
        raise UserError(f"infeasible: {asked.model.name} on {chips} chips, in any layout: {why}")
    overlapped = "" if asked.question.overlap == "full" else ", were all terms to overlap,"
    asked.defaults.append(
        f"layout {best[1]}: the fastest of {len(columns['tp'])}{overlapped} on what {' and '.join(limits)} buys"
    )
    return best[1]


def _times(
    asked: Prepared, columns: Columns, chips: int, prices: PriceList, limits: Mapping[str, float]
) -> tuple[Array, Array]:
    """The closed form's step time of every layout, infinite where it does not fit or needs links that are not sold; and
    what base and floors take over the limits."""
    plan = replace(asked.plan, ffn="all" if columns["ffn_all"][0] else "tp")
    numbers: dict[Symbol, Any] = {**asked.values, **degree_columns(columns), q.chips: float(chips)}
    numbers[q.stage_chips] = numbers[q.tensor_parallel] * numbers[q.context_parallel] * numbers[q.data_parallel]
    numbers |= {q.scale_up_domain: float(prices.domain), q.stage_chips: numbers[q.stage_chips]}
    unit = {"compute": asked.values[q.peak_flops] / prices.goods["compute"].amount, "stack": prices.stack_bandwidth}
    for name, rate in RATE.items():
        # A link that is not sold carries nothing.
        numbers[rate] = unit.get(name, 1.0) / chips if name in prices.goods else 1e-300
    held = Rooms(asked.model, plan, asked.phase)  # type: ignore[arg-type]
    definitions = Scenario(numbers, asked.phase.definitions)
    sizes = {symbol: definitions.value(symbol) for symbol in asked.phase.definitions}
    bytes_held = held.of(columns, slice(None), {**numbers, **sizes})[:, 0]
    least = {name: chips * (good.least or 0.0) for name, good in prices.goods.items() if good.for_sale}
    stacks = chips * bytes_held / prices.stack_capacity
    floor: dict[str, Any] = {**least, "stack": np.maximum(stacks, least.get("stack", 0.0))}
    bound = {name: good.given or good.most for name, good in prices.goods.items()}
    most = {name: chips * amount for name, amount in bound.items() if amount is not None}
    priced = [_limit(name, value, chips, prices) for name, value in limits.items()]
    best = np.full(len(columns["tp"]), np.inf)
    for copies in ("per-domain", "per-expert"):
        scenario = Scenario(numbers, ledger_of(asked.model, replace(plan, copies=copies), asked.phase).slots())  # type: ignore[arg-type]
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            work = {
                GOOD[term.name]: np.broadcast_to(scenario.evaluate(term.time), (len(best), 1))[:, 0]
                for term in asked.phase.blackboard.terms
            }
            time = balanced.fastest(work, floor, most, priced).time
        fits = "stack" not in most or stacks <= most["stack"]
        best = np.minimum(best, np.where(fits & (time < 1e100), time, np.inf))
    taken = [
        1 + (sum(np.asarray(floor.get(name, 0.0)) * unit for name, unit in one.price.items()) - one.available) / value
        for one, value in zip(priced, limits.values(), strict=True)
    ]
    return best, np.max(np.broadcast_arrays(*taken), axis=0)


def _limit(name: str, value: float, chips: int, prices: PriceList) -> balanced.Limit:
    key = {"budget": "dollars", "power": "watts"}[name]
    price = {good: entry.unit(key) for good, entry in prices.goods.items() if entry.for_sale}
    for good, unit in price.items():
        if unit is None:
            raise UserError(f"{prices.missing(good, key)} is missing")
    return balanced.Limit(name, value - chips * (getattr(prices.base, key) or 0.0), price)  # type: ignore[arg-type]
