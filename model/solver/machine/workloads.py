"""What a machine is designed for: workloads in a user's words, and for each a layout and a batch."""

from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import product
from typing import Any

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.architecture.activations import MODES
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.prices import PriceList
from steptime.model.errors import UserError, unknown
from steptime.model.layout.layout import Layout
from steptime.model.phases.train import SCHEDULES
from steptime.model.precision import STORED
from steptime.model.quantity import count
from steptime.model.solver.machine.best import Machine, best_machine
from steptime.model.solver.machine.design import RATE, Design, Workload
from steptime.model.solver.machine.layout_choice import Market, promising, starts_at_once
from steptime.model.step.build import Prepared, cases_at, prepare
from steptime.model.step.inputs import Question
from steptime.model.text.parse import parse

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
               "experts": ("expected", "all"), "scope": ("steps", "serving"), "weights": STORED, "kv": STORED,
               "activations": STORED, "recompute": MODES, "schedule": SCHEDULES, "attention": ("causal", "full"),
               "efficiency": ("ideal", "calibrated")}  # fmt: skip
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
    batches: Sequence[int] = (),
) -> Machine:
    """The best machine for weighted workloads within dollars or watts; raises UserError for what cannot be used.

    With ``batches`` one workload takes the best of them too; in a mix each keeps its own.
    """
    if len(asked) > MOST_WORKLOADS:
        raise UserError(f"--workload: at most {MOST_WORKLOADS} workloads, not {len(asked)}")
    limits = {name: value for name, value in (("budget", budget), ("power", power)) if value is not None}
    if not limits:
        raise UserError("solve machine needs --budget DOLLARS or --power WATTS: without a limit more is always better")
    if minimise == "cost" and prices.life is None:
        raise UserError(f"--minimise cost: {prices.origin}: life is missing: the time over which it is written off")
    read = [prepare(question, prices.machine()) for _, question in asked]
    if any(question.output and question.phase == "prefill" for _, question in asked):
        raise UserError("--output: solve machine has no whole requests; see `step`, or --scope serving")
    if any(question.tokens for _, question in asked):
        raise UserError("--tokens says nothing to solve machine; see `step`")
    for one in read:
        if by_hand := [symbol.name for symbol in CHOSEN if _set_by_hand(one, symbol)]:
            raise UserError(f"--set {', '.join(by_hand)}: the design or {prices.origin} decides it")
    chips = _chips(read, prices)
    market = Market(prices, limits, minimise, chips)
    chosen = bool(batches) and len(asked) == 1
    alternatives = []
    for one in read:
        if chosen:
            one, layout = _with_batch(one, market, batches)
        else:
            layout = _layout(one, market, (int(one.values[q.batch]),))[0]
        alternatives.append(cases_at(one, layout))
    total = sum(weight for weight, _ in asked)
    found = None
    for cases in product(*alternatives):
        workloads = tuple(
            Workload.of(_name(case.question), weight / total, case)
            for (weight, _), case in zip(asked, cases, strict=True)
        )
        tried = best_machine(Design(prices, workloads, limits, minimise, chips))
        found = tried if found is None or tried.cost < found.cost else found
    assert found is not None
    return replace(found, batch_chosen=chosen, layouts_proved=_proved(read))


def _proved(read: Sequence[Prepared]) -> bool:
    """Whether no other layout does better: all are stated, or the closed form of one workload has tried them all."""
    free = [one for one in read if isinstance(one.model, Transformer) and one.stated is None]
    return not free or (len(read) == 1 and starts_at_once(free[0]))


def _with_batch(asked: Prepared, market: Market, batches: Sequence[int]) -> tuple[Prepared, Layout]:
    """The workload with the best of some batches, and its layout."""
    layout, batch = _layout(asked, market, batches)
    layout_text = [text for text in asked.defaults if text.startswith("layout ")]
    again = prepare(replace(asked.question, batch=str(batch)), asked.hardware)
    again.defaults.extend([f"batch {batch}: the best of {len(batches)} tried", *layout_text])
    return again, layout


def _layout(asked: Prepared, market: Market, batches: Sequence[int]) -> tuple[Layout, int]:
    """The best layout and batch of a workload that has the machine to itself; a stated layout stays.

    Where the closed form is only a guide, what it finds promising is solved for.
    """
    free = isinstance(asked.model, Transformer) and asked.stated is None
    if free:
        found = promising(asked, market, batches)
    else:
        found = [(asked.stated or Layout(tp=market.chips), batch) for batch in batches]
    if len(found) > 1 and not (free and starts_at_once(asked)):
        found = [_best_solved(asked, market, found)]
    if free:
        how = "the best" if starts_at_once(asked) else "the best of those solved for"
        asked.defaults.append(f"layout {found[0][0]}: {how} on what {' and '.join(market.limits)} buys")
    return found[0]


def _best_solved(asked: Prepared, market: Market, candidates: Sequence[tuple[Layout, int]]) -> tuple[Layout, int]:
    """The candidate whose machine costs least; raises UserError where none is possible."""
    costs: list[tuple[float, int]] = []
    failure: UserError | None = None
    for place, (layout, batch) in enumerate(candidates):
        try:
            one = prepare(replace(asked.question, batch=str(batch)), asked.hardware)
            alone = [Workload.of("", 1.0, case) for case in cases_at(one, layout)]
            machines = [
                best_machine(Design(market.prices, (workload,), market.limits, market.minimise, market.chips))
                for workload in alone
            ]
            costs.append((min(machine.cost for machine in machines), place))
        except UserError as error:
            failure = failure or error
    if not costs:
        raise failure or UserError("nothing to choose from")
    return candidates[min(costs)[1]]


def _set_by_hand(asked: Prepared, symbol: Symbol) -> bool:
    return any(entry.partition("=")[0].strip() == symbol.name for entry in asked.question.sets)


def _name(question: Question) -> str:
    said = {name: getattr(question, name) for name in ("batch", "context", "prompt", "sequence")}
    return " ".join([question.phase, *(f"{name}={value}" for name, value in said.items() if value)])


def _chips(read: Sequence[Prepared], prices: PriceList) -> int:
    """The chips of the machine: as stated, and by all workloads alike; else one scale-up domain."""
    each = [one.stated.chips if one.stated else one.chips for one in read]
    stated = {number for number in each if number is not None}
    if len(stated) > 1:
        raise UserError(f"the workloads run on one machine, not on {' and '.join(map(str, sorted(stated)))} chips")
    return stated.pop() or prices.domain if stated else prices.domain
