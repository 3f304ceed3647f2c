"""Rows of a search over layouts: the best on each machine, and the Pareto front."""

from typing import Any

from rich.console import Group
from rich.text import Text

from steptime.model.solver.layouts.points import Answer, Point
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import layout_said, money, plain, si
from steptime.model.text.layout_points import formats

SHOWN = 16
"""Rows of the front that a table shows; JSON and CSV have all."""

BEST = "best"
ROOM = ("weights/kv", ">chips", ">bound", ">practice", ">/chip", ">$/M")
"""Columns that a narrow terminal has no room for, the first to go first."""


def _columns(answer: Answer) -> list[str]:
    """Rates, and the step by the other of bound and estimate; with the formats where there is a choice of them."""
    several = len(answer.questions) > len(answer.search.hardware)
    other = ">bound" if answer.in_practice else ">practice"
    machine = ["machine"] if len(answer.search.hardware) > 1 else []
    return [">tok/s/seq.", ">/chip", ">$/M", other, *machine, ">chips", "layout", ">batch",
            *(["weights/kv"] if several else [])]  # fmt: skip


def _whose(answer: Answer) -> str:
    """What the rates are of."""
    return " in practice" if answer.in_practice else ""


def _row(point: Point, columns: list[str], in_practice: bool) -> list[str]:
    """A point under these columns: tokens per second of a sequence, and of a chip, and dollars per million tokens, in
    practice or at the bound; the seconds of a step at the other; and the degrees of its layout that are not one."""
    chosen, dollars, (speed, share) = formats(point.question), point.dollars(in_practice), point.rates(in_practice)
    practice = None if point.estimate is None else point.estimate.step_time
    cells = {
        ">tok/s/seq.": plain(speed), ">/chip": plain(share), ">$/M": money(dollars),
        ">bound": si(point.step_time, "s", 3), ">practice": si(practice, "s", 3),
        "machine": point.question.hardware.name, ">chips": str(point.layout.chips), "layout": layout_said(point.layout),
        ">batch": plain(point.batch), "weights/kv": f"{chosen['weights']}/{chosen['kv']}",
    }  # fmt: skip
    return [cells[column] for column in columns]


def machines_table(answer: Answer) -> Any:
    """The best on each machine, the cheapest first."""
    columns = _columns(answer)
    points = sorted(answer.best_of.values(), key=lambda point: point.ranked(answer.in_practice, answer.minimise))
    made = Fitting(columns, [_row(point, columns, answer.in_practice) for point in points], ROOM)
    return Group(Text(f"the best on each machine{_whose(answer)}", style="bold"), made)


def front_table(answer: Answer) -> Any:
    """The Pareto front with the best point, thinned evenly where it is long."""
    columns, front = _columns(answer), answer.pareto
    places = set(range(len(front)))
    if len(front) > SHOWN:
        evenly = (round(number * (len(front) - 1) / (SHOWN - 1)) for number in range(SHOWN))
        places = {*evenly, front.index(answer.best)}
    rows = [[*_row(front[place], columns, answer.in_practice), BEST if front[place] == answer.best else ""]
            for place in sorted(places)]  # fmt: skip
    title = f"Pareto front{_whose(answer)}: {len(front)} points"
    title += f", {len(places)} shown" if len(places) < len(front) else ""
    return Group(Text(title, style="bold"), Fitting([*columns, ""], rows, ROOM))
