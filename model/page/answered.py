"""The answer of a scenario as tables and sentences have it, worked out here as a page works it out in a browser."""

from collections.abc import Mapping

from steptime.model.choices import Overlap
from steptime.model.errors import Unbound
from steptime.model.page.code import way_of_case
from steptime.model.page.outputs import practice_of, with_practice
from steptime.model.scenario import Scenario
from steptime.model.step.build import prepare
from steptime.model.step.case import Case
from steptime.model.step.estimate import estimated
from steptime.model.text.first_rows import request_rows
from steptime.model.text.format import plain, si
from steptime.model.text.practice import run_line
from steptime.model.text.step_json import request_json

Answer = Mapping[str, float | None]


def answered(case: Case) -> dict[str, float | None]:
    """Every output by name; None where an input has no figure."""
    way = way_of_case(case)
    way, outputs = with_practice(way, practice_of(prepare(case.question), way, case.plan))
    there = Scenario(way.values, way.definitions)
    found: dict[str, float | None] = {}
    for name, expr in outputs.items():
        try:
            found[name] = float(there.evaluate(expr))
        except Unbound:
            found[name] = None
    practice = estimated(case)
    if practice is not None:
        found |= {"estimate": practice.step_time, "low": practice.low, "high": practice.high}
    return found


def shown(value: float | None, unit: str) -> str:
    """A number of a row.

    >>> shown(0.0123, "s"), shown(0.5, "%"), shown(1.2345, "$"), shown(4089.2, "/s"), shown(None, "B")
    ('12.3 ms', '50.0 %', '$1.234', '4,089 /s', '—')
    """
    if value is None:
        return "—"
    if unit == "%":
        return f"{100 * value:.1f} %"
    if unit == "$":
        return f"${plain(value)}"
    return f"{plain(value)} {unit}".strip() if unit in ("", "/s") else si(value, unit)


def whole(case: Case) -> list[str]:
    """What the step is a part of, where its tokens were said: a run of training, or the request of a prefill."""
    rows = request_rows({**request_json(case), "overlap": case.inputs.overlap})
    request = "; ".join(line for _, line in rows if line)
    return [*(f"whole run {line}" for line in run_line(case)), *([f"whole request {request}"] if request else [])]


def said(case: Case, here: Answer) -> str:
    """The answer in one sentence."""
    practice = here.get("estimate")
    about = "" if practice is None else f", about {si(practice, 's')} in practice"
    fits = "; does not fit in memory" if case.fits is False else ""
    time, overlap = si(here["step_time"], "s"), case.inputs.overlap
    at = f"at least {time}" if overlap == Overlap.FULL else f"{time} {overlap.said}"
    return f"step time {at}{about}; {case.bottleneck} binds{fits}"
