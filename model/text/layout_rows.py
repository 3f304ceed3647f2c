"""Rows of a search over layouts: the best on each machine, and the Pareto front."""

from typing import Any

from rich.console import Group
from rich.text import Text

from steptime.model.solver.layouts.points import Answer, Point
from steptime.model.text.format import plain, si, table
from steptime.model.text.layout_points import formats

SHOWN = 16
"""Rows of the front that a table shows; JSON and CSV have all."""

RATES, PLACE = (">tok/s/seq.", ">/chip", ">$/M"), ("machine", ">chips", "layout", ">batch")


def _columns(answer: Answer) -> list[str]:
    """Rates, and the step by the other of bound and estimate; with the formats where there is a choice of them."""
    several = len(answer.questions) > len(answer.search.hardware)
    other = ">bound" if answer.in_practice else ">practice"
    return [*RATES, other, *PLACE, *(["weights/kv"] if several else [])]


def _whose(answer: Answer) -> str:
    """What the rates are of."""
    return " in practice" if answer.in_practice else ""


def _row(point: Point, columns: list[str], in_practice: bool) -> list[str]:
    """A point under these columns: tokens per second of a sequence, and of a chip, and dollars per million tokens, in
    practice or at the bound; the seconds of a step at the other; and the degrees of its layout that are not one."""
    chosen, dollars, (speed, share) = formats(point.question), point.dollars(in_practice), point.rates(in_practice)
    practice = None if point.estimate is None else point.estimate.step_time
    other = point.step_time if in_practice else practice
    layout = ",".join(part for part in str(point.layout).split(",") if not part.endswith("=1")) or "tp=1"
    cells = [plain(speed), plain(share), "—" if dollars is None else f"{dollars:.4g}",
             si(other, "s", 3), point.question.hardware.name, str(point.layout.chips), layout, plain(point.batch),
             f"{chosen['weights']}/{chosen['kv']}"]  # fmt: skip
    return cells[: len(columns)]


def machines_table(answer: Answer) -> Any:
    """The best on each machine, the cheapest first."""
    columns = _columns(answer)
    made = table(*columns)
    for point in sorted(answer.best_of.values(), key=lambda point: point.ranked(answer.in_practice, answer.minimise)):
        made.add_row(*_row(point, columns, answer.in_practice))
    return Group(Text(f"the best on each machine{_whose(answer)}", style="bold"), made)


def front_table(answer: Answer) -> Any:
    """The Pareto front with the best point, thinned evenly where it is long."""
    columns = _columns(answer)
    made = table(*columns, "")
    front = answer.pareto
    places = set(range(len(front)))
    if len(front) > SHOWN:
        evenly = (round(number * (len(front) - 1) / (SHOWN - 1)) for number in range(SHOWN))
        places = {*evenly, front.index(answer.best)}
    for place in sorted(places):
        made.add_row(*_row(front[place], columns, answer.in_practice), "best" if front[place] == answer.best else "")
    title = f"Pareto front{_whose(answer)}: {len(front)} points"
    title += f", {len(places)} shown" if len(places) < len(front) else ""
    return Group(Text(title, style="bold"), made)
