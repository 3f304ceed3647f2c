"""Several machines in one search: whether their dollars and joules are of one kind, and what decides between them."""

from typing import Any

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Figure, Hardware
from steptime.model.choices import Minimise
from steptime.model.solver.layouts.points import Answer
from steptime.model.text.bases import stated

DECIDES = {Minimise.COST: q.chip_hour_price, Minimise.ENERGY: q.power}
"""The figure of a machine that decides what is minimised, beside its speed."""


def compared_json(answer: Answer) -> dict[str, Any]:
    """The kind of price that all machines have (None where they differ), the price of each, and what follows."""
    symbol = DECIDES.get(answer.minimise, q.chip_hour_price)
    listed = [] if q.chip_hour_price in answer.search.inputs.given else [
        {
            "hardware": machine.name,
            "basis": stated(figure),
            "dollars_per_chip_hour": figure.value,
            "source": list(figure.source),
            "date": figure.date,
            "doubtful": figure.doubtful,
            "wins_below": _wins_below(answer, machine, figure) if symbol == q.chip_hour_price else None,
        }
        for machine in answer.search.hardware if (figure := machine.figures.get(q.chip_hour_price.name)) is not None
    ]  # fmt: skip
    kinds = {one["basis"] for one in listed}
    return {
        "price_basis": kinds.pop() if len(kinds) == 1 else None,
        "prices": listed,
        "notices": compared(answer),
    }


def compared(answer: Answer) -> list[str]:
    """What to know before dollars or joules of several machines are compared: figures of different kinds, and doubtful
    ones of machines that lost by them."""
    decisive = DECIDES.get(answer.minimise, q.chip_hour_price)
    if len(answer.search.hardware) < 2 or decisive in answer.search.inputs.given:
        return []
    word, unit, remedy = ("dollars", "$ a chip-hour", "needs no price")
    if decisive == q.power:
        word, unit, remedy = ("joules", "W", "needs no power")
    known = [(machine, machine.figures[decisive.name]) for machine in answer.search.hardware
             if decisive.name in machine.figures]  # fmt: skip
    listed = ", ".join(f"{machine.name} {stated(figure)} {figure.value:g} {_from(figure)}" for machine, figure in known)
    found = []
    if len({figure.basis for _, figure in known}) > 1:
        decides = "the ranking follows them, and " if answer.minimise in DECIDES else ""
        found.append(f"{word} of different kinds ({unit}): {listed}: {decides}they do not compare; "
                     f"`minimise` chip-seconds {remedy}")  # fmt: skip
    elif len(known) > 1:
        found.append(f"{word} of one kind ({unit}): {listed}")
    if answer.minimise not in DECIDES:
        return found
    for machine, figure in known:
        least = _wins_below(answer, machine, figure)
        if figure.doubtful and least is not None:
            found.append(f"{machine.name} lost by a doubtful figure: below {least:.4g} {unit} instead of "
                         f"{figure.value:g} it would win")  # fmt: skip
    return found


def _wins_below(answer: Answer, machine: Hardware, figure: Figure) -> float | None:
    """The value of the decisive figure at which a machine that lost costs as much as the best; None for the winner,
    and for a machine that no point fits."""
    best = answer.best_of.get(machine.name)
    if best is None or machine.name == answer.best.question.hardware.name or not best.cost:
        return None
    least, cost = (point.ranked(answer.in_practice, answer.minimise) for point in (answer.best, best))
    return figure.value * least / cost


def _from(figure: Figure) -> str:
    return f"({' '.join([', '.join(figure.source), figure.date]).strip()})"
