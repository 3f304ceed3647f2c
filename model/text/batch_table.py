"""The best batch as tables: by the bound, or by the estimate with the bound's answer beside it."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from steptime.model import symbols as q
from steptime.model.choices import Minimise
from steptime.model.quantity import lookup
from steptime.model.solver.batch_answer import BatchAnswer
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.text.bases import of_power, of_price
from steptime.model.text.best_batch import bound_answer_json, solve_batch_json
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import counted, si
from steptime.model.text.goals import amount
from steptime.model.text.header import headline
from steptime.model.text.practice import practice_lines, run_line
from steptime.model.text.practice_terms import MEANING
from steptime.model.text.ranges import spread_lines
from steptime.model.text.screen import Fold, Screen
from steptime.model.text.solve import held

HANDFUL = 5
"""Effects that are seen first."""


def batch_table(
    answer: BatchAnswer, spread: Spread | None = None, notices: Sequence[str] = (), most: float | None = None
) -> Screen:
    """The best batch for people; ``notices``: what was made of the question, ``most``: seconds that a step may take."""
    case, data, said = answer.case, solve_batch_json(answer, spread), [Text(text) for text in notices]
    ranges = spread_lines(data, {"cost": answer.unit, "cost in practice": answer.unit, "step_time in practice": "s"})
    head = [Text(headline(case, q.batch), style="bold"), Text(f"batch of least {answer.minimise}; {_whose(answer)}")]
    if answer.solution is None:
        least = _cost(answer, answer.infimum or 0.0)
        tends = f"no batch attains it: it falls towards {least} as batch grows, and nothing limits the batch"
        return Screen(*head, *said, Text(), Text(tends, style="bold"), *_beside(answer, most), Text(), *ranges,
                      *held(case, over=q.batch))  # fmt: skip
    proof = "global optimum" if data["global"] else "local optimum: no proof that it is global"
    if answer.relaxations:
        proof += f"; relaxed: {', '.join(answer.relaxations)}"
    found = answer.solution
    lines: list[Any] = [*_found(answer, proof), *_beside(answer, most), *map(Text, run_line(case, answer.chosen))]
    note = Text(
        "A price is d ln cost / d ln(term time), or d ln cost / d ln(limit); prices belong to the continuous problem "
        "at this layout"
        + ("" if found.prices.unique else "; more terms and limits meet here than one variable can tell apart: prices "
           "are not unique, an interval is between a little more and a little less"),
        style="dim",
    )  # fmt: skip
    lines.append(Fold(tuple(practice_lines(answer.at_chosen))))
    return Screen(*head, *said, Text(), *lines, Text(), _terms(answer, data), Text(), _limits(answer), Text(),
                  *_worth(answer), Fold((note,)), Text(), *ranges, *held(case, over=q.batch))  # fmt: skip


def _found(answer: BatchAnswer, proof: str) -> list[Text]:
    """The continuous batch and the whole one; the whole one first where the other is of a relaxed problem."""
    found, integer = answer.solution, answer.integer
    assert found is not None, "some batch attains the least cost"
    about = "step time" if answer.practice is None else "step time about"

    def said(seconds: float, cost: float) -> tuple[str, str]:
        return f"{about} {si(seconds, 's')}", _cost(answer, cost)

    continuous = said(found.step_time, found.cost)
    first = Text("   ".join((f"batch {found.value:,.6g}", *continuous)), style="bold")
    if not integer.get("feasible"):
        return [first, Text(f"({proof})"), Text("no whole batch next to it satisfies the limits")]
    whole = said(integer["step_time"], integer["cost"])
    if answer.relaxations:
        return [Text("   ".join((f"batch {integer['batch']:,}", *whole)), style="bold"),
                Text(f"continuous {found.value:,.6g}: {', '.join(continuous)} ({proof})")]  # fmt: skip
    return [first, Text(f"({proof})"), Text(f"whole batch {integer['batch']:,}: {', '.join(whole)}", style="bold")]


def _terms(answer: BatchAnswer, data: dict[str, Any]) -> Fitting:
    """The terms at the optimum, and the price of each."""
    prices, what = data["term_prices"], "what it is"
    rows = [(name, si(time, "s"), f"{prices[name]:.4f}") for name, time in data["times"].items()]
    if answer.practice is None:
        return Fitting(("term", ">time", ">price"), rows)
    glossed = [(*row, MEANING.get(row[0], "")) for row in rows]
    return Fitting(("estimate's term", ">time", ">price", what), glossed, (what,), (what,))


def _limits(answer: BatchAnswer) -> Fitting:
    """The limits, how far each is from being reached, and the price of each."""
    found = answer.solution
    slack, prices = ({}, {}) if found is None else (found.slack, found.shadow_prices)
    rows = [(limit, f"{abs(slack[limit]):.1%}", _signed(prices[limit]), text) for limit, text in answer.limits.items()]
    return Fitting(("limit", ">slack", ">price", ""), rows, ("",))


def _worth(answer: BatchAnswer) -> list[Any]:
    """What one per cent more of each quantity changes."""
    rows = []
    for quantity, one in sorted(answer.sensitivities.items(), key=lambda item: -max(map(abs, item[1].ends))):
        if max(map(abs, one.ends)) > 5e-5:
            by = f"{one.least:+.4f} to {one.most:+.4f} %" if one.open else f"{one.found:+.4f} %"
            rows.append((quantity, by, lookup(quantity).meaning))
    return effects(rows, answer.minimise)


def effects(rows: Sequence[tuple[str, str, str]], goal: str) -> list[Any]:
    """What one per cent more of each quantity changes the goal by, the most first; all but a handful are folded."""
    columns, meant = ("1 % more", f">of the {goal}", "what it is"), ("what it is",)
    seen, more = (Fitting(columns, part, meant, meant) for part in (rows[:HANDFUL], rows[HANDFUL:]))
    return [seen, Fold((more,), counted(len(rows) - HANDFUL, "smaller effect"))] if len(rows) > HANDFUL else [seen]


GIVEN = ("minimum_batch", "memory_capacity")
"""Limits that hold whatever is asked."""


def _whose(answer: BatchAnswer) -> str:
    """What decided: the estimate or the bound; and which of both limits hold for, where any were given."""
    what = "the estimate decides" if answer.practice is not None else "the ideal bound decides"
    return f"{what}, and limits hold for it" if set(answer.limits) - set(GIVEN) else what


def _beside(answer: BatchAnswer, most: float | None = None) -> list[Text]:
    """What the bound alone would choose, where the estimate decides; ``most`` seconds that a step may take."""
    alone = answer.of_bound
    if alone is None:
        return []
    if alone.solution is None:
        return [Text(f"the bound alone would fall towards {_cost(alone, alone.infimum or 0.0)} at best")]
    if not alone.integer.get("feasible"):
        return [Text("the bound alone has no whole batch of least cost within the limits")]
    found = bound_answer_json(alone)
    practice = found["estimate"]
    said = "" if practice is None else f", in practice about {si(practice['step_time'], 's')}"
    if practice is not None and most is not None and practice["step_time"] > most:
        said += f", which breaks the limit of {si(most, 's')}"
    return [
        Text(
            f"the bound alone would choose batch {alone.integer['batch']:,}: step time at least "
            f"{si(alone.integer['step_time'], 's')}{said}; {_cost(alone, alone.integer['cost'])} at best"
        )
    ]


def _cost(answer: BatchAnswer, cost: float) -> str:
    """What was minimised, in the unit that people use: dollars per million tokens, seconds, joules."""
    kind = {Minimise.COST: of_price, Minimise.ENERGY: of_power}.get(answer.minimise)
    before = "latency " if answer.minimise == Minimise.LATENCY else ""
    return f"{before}{amount(cost, answer.minimise)}{kind(answer.case) if kind else ''}"


def _signed(price: float) -> str:
    """A price with its sign; one that rounds to nothing has none."""
    return f"{price:+.4f}" if abs(price) >= 5e-5 else "0"
