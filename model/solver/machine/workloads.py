"""What a machine is designed for: one or several workloads, and for each a layout and a batch."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from steptime.model import symbols as q
from steptime.model.catalog.prices import PriceList
from steptime.model.choices import MachineGoal, PhaseName
from steptime.model.errors import UserError
from steptime.model.layout.layout import Layout
from steptime.model.phases.accounts import Model
from steptime.model.solver.machine.best import Machine, best_machine
from steptime.model.solver.machine.bounds import checked
from steptime.model.solver.machine.design import RATE, Design, Workload
from steptime.model.solver.machine.layout_choice import Market, promising, starts_at_once
from steptime.model.step.build import cases_at, prepare
from steptime.model.step.inputs import Default, Inputs, Question, UserLimit
from steptime.model.step.prepared import Prepared

MOST_WORKLOADS = 16
CHOSEN = (*RATE.values(), q.memory_capacity, q.scale_up_domain, q.chip_hour_price, q.power)
"""What the design or the price list decides: not to be given."""


def solve_machine(
    model: Model,
    prices: PriceList,
    asked: Sequence[tuple[float, Inputs]],
    budget: float | None = None,
    power: float | None = None,
    minimise: MachineGoal = MachineGoal.STEP_TIME,
    batches: Sequence[int] = (),
    bounds: Sequence[UserLimit] = (),
) -> Machine:
    """The best machine for weighted workloads within dollars or watts; raises UserError for what cannot be used.

    With ``batches`` one workload takes the best of them too; in a mix each keeps its own. ``bounds`` are limits on how
    long the step of each may take.
    """
    if len(asked) > MOST_WORKLOADS:
        raise UserError(f"`workload`: at most {MOST_WORKLOADS} workloads, not {len(asked)}")
    limits = {name: value for name, value in (("budget", budget), ("power", power)) if value is not None}
    if not limits:
        raise UserError("a machine needs `budget` DOLLARS or `power` WATTS: without a limit more is always better")
    if minimise == MachineGoal.COST and prices.life is None:
        raise UserError(f"`minimise` cost: {prices.origin}: life is missing: the time over which it is written off")
    read = [_read(Question(model, prices.machine(), inputs), minimise) for _, inputs in asked]
    if any(q.answer in inputs.given and inputs.phase == PhaseName.PREFILL for _, inputs in asked):
        raise UserError("`output`: a machine is designed for no whole requests; see `scope` serving")
    for one in read:
        if by_hand := [f"`{symbol.name}`" for symbol in CHOSEN if symbol in one.inputs.given]:
            raise UserError(f"{', '.join(by_hand)}: the design or {prices.origin} decides it")
    chips = _chips(read, prices)
    market = Market(prices, limits, minimise, chips, checked(bounds))
    chosen = bool(batches) and len(asked) == 1
    alternatives = []
    for one in read:
        if chosen:
            one, layout = _with_batch(one, market, batches)
        else:
            one, layout, _ = _layout(one, market, (int(one.values[q.batch]),))
        alternatives.append(cases_at(one, layout))
    total = sum(weight for weight, _ in asked)
    found = None
    for cases in product(*alternatives):
        workloads = tuple(
            Workload.of(_name(case.inputs), weight / total, case)
            for (weight, _), case in zip(asked, cases, strict=True)
        )
        tried = best_machine(Design(prices, workloads, limits, minimise, chips, market.bounds))
        found = tried if found is None or tried.cost < found.cost else found
    assert found is not None
    return replace(found, batch_chosen=chosen, layouts_proved=_proved(read))


def _read(question: Question, minimise: MachineGoal) -> Prepared:
    """A workload as far as its layout; where what a token takes is minimised, its step is the mean of all."""
    found = prepare(question)
    if minimise == MachineGoal.STEP_TIME or q.own_prefill not in found.values:
        return found
    return replace(found, values={**found.values, q.own_prefill: 0.0})


def _proved(read: Sequence[Prepared]) -> bool:
    """Whether no other layout does better: all are stated, or the closed form of one workload has tried them all."""
    free = [one for one in read if one.accounts.is_architecture and one.inputs.layout is None]
    return not free or (len(read) == 1 and starts_at_once(free[0]))


def _with_batch(asked: Prepared, market: Market, batches: Sequence[int]) -> tuple[Prepared, Layout]:
    """The workload with the best of some batches, and its layout."""
    chosen, layout, batch = _layout(asked, market, batches)
    again = _at_batch(asked, batch, market)
    notes = [Default("batch", float(batch), f"the best of {len(batches)} tried"),
             *(one for one in chosen.defaults if one.quantity == "layout")]  # fmt: skip
    return replace(again, defaults=(*again.defaults, *notes)), layout


def _at_batch(asked: Prepared, batch: int, market: Market) -> Prepared:
    """The workload with another batch."""
    inputs = asked.inputs.with_given({q.batch: float(batch)})
    return _read(Question(asked.accounts.model, asked.hardware, inputs), market.minimise)


def _layout(asked: Prepared, market: Market, batches: Sequence[int]) -> tuple[Prepared, Layout, int]:
    """The best layout and batch of a workload that has the machine to itself; a stated layout stays.

    Where the closed form is only a guide, what it finds promising is solved for.
    """
    free = asked.accounts.is_architecture and asked.inputs.layout is None
    if free:
        found = promising(asked, market, batches)
    else:
        found = [(asked.inputs.layout or Layout(tp=market.chips), batch) for batch in batches]
    exact = free and starts_at_once(asked)
    if len(found) > 1 and not exact:
        found = [_best_solved(asked, market, found)]
    layout, batch = found[0]
    if free:
        how = "the best" if exact else "the best of those solved for"
        chosen = Default("layout", str(layout), f"{how} on what {' and '.join(market.limits)} buys")
        asked = replace(asked, defaults=(*asked.defaults, chosen))
    return asked, layout, batch


def _best_solved(asked: Prepared, market: Market, candidates: Sequence[tuple[Layout, int]]) -> tuple[Layout, int]:
    """The candidate whose machine costs least; raises UserError where none is possible."""
    costs: list[tuple[float, int]] = []
    failure: UserError | None = None
    for place, (layout, batch) in enumerate(candidates):
        try:
            one = _at_batch(asked, batch, market)
            alone = [Workload.of("", 1.0, case) for case in cases_at(one, layout)]
            machines = [
                best_machine(
                    Design(market.prices, (workload,), market.limits, market.minimise, market.chips, market.bounds)
                )
                for workload in alone
            ]
            costs.append((min(machine.cost for machine in machines), place))
        except UserError as error:
            failure = failure or error
    if not costs:
        raise failure or UserError("nothing to choose from")
    return candidates[min(costs)[1]]


def _name(inputs: Inputs) -> str:
    said = {symbol.name: inputs.given.get(symbol) for symbol in (q.batch, q.context, q.prompt, q.sequence)}
    return " ".join([inputs.phase, *(f"{name}={value:g}" for name, value in said.items() if value)])


def _chips(read: Sequence[Prepared], prices: PriceList) -> int:
    """The chips of the machine: as stated, and by all workloads alike; else one scale-up domain."""
    each = [one.inputs.layout.chips if one.inputs.layout else one.inputs.chips for one in read]
    stated = {number for number in each if number is not None}
    if len(stated) > 1:
        raise UserError(f"the workloads run on one machine, not on {' and '.join(map(str, sorted(stated)))} chips")
    return stated.pop() or prices.domain if stated else prices.domain
