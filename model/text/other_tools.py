"""Other tools' answers beside ours: as JSON, as tables, as CSV."""

from dataclasses import asdict
from typing import Any

from rich.console import Group
from rich.text import Text

from steptime.model.solver.compared.causes import Cause
from steptime.model.solver.compared.compare import Beside, Compared, Ratios, ToolCompared
from steptime.model.solver.compared.fit import Fitted
from steptime.model.solver.compared.search import CASES_EACH
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import counted, si
from steptime.model.text.measured_rows import as_csv, ratio

RATIOS = ("bound", "estimate", "measured")
SHOWN = 4
"""Causes in place of one that are named."""


def compared_json(found: Compared) -> dict[str, Any]:
    return {"tools": [_tool_json(tool) for tool in found.tools], "rows": [_row_json(row) for row in found.rows]}


def _tool_json(tool: ToolCompared) -> dict[str, Any]:
    best, one, start = tool.best, tool.one_factor, tool.unchanged
    return {
        "name": tool.name, "cases": tool.cases,
        **{f"ratio_to_{name}": _ratios_json(tool.ratios(name)) for name in RATIOS},
        "unchanged": start and {"left": start.left, "left_out": start.left_out, "information": start.information},
        "one_factor": one and {"factor": float(one.factors[0]), "left": one.left, "left_out": one.left_out,
                               "information": one.information},
        "causes": [_cause_json(cause) for cause in tool.causes],
        "left": best and best.left, "left_out": best and best.left_out, "information": best and best.information,
        "otherwise": [
            {"terms": [change.term for change in other.changes], "left": other.left, "left_out": other.left_out}
            for other in tool.others
        ],
        "alone": [_cause_json(cause) for cause in tool.alone],
        "not_explained": None if best else _too_few(tool),
    }  # fmt: skip


def _ratios_json(found: Ratios | None) -> dict[str, float] | None:
    return None if found is None else asdict(found)


def _cause_json(cause: Cause) -> dict[str, Any]:
    others = [{"term": term, "factor": factor, "unit": unit or None} for term, factor, unit in cause.instead]
    return {"term": cause.term, "factor": cause.factor, "low": cause.low, "high": cause.high,
            "unit": cause.unit or None, "explains": cause.explains or None, "left_out": cause.left_out,
            "without": cause.without, "rate": cause.rate, "instead": others}  # fmt: skip


def _row_json(row: Beside) -> dict[str, Any]:
    return {"case": row.source.case, "tool": row.source.tool, "answer": row.answer, "bound": row.bound,
            "estimate": row.estimate, "measured": row.measured, "explained": row.explained, "status": status(row),
            "line": row.source.row.line, "source": row.source.row.source or None,
            "licence": row.source.row.licence or None}  # fmt: skip


def status(row: Beside) -> str:
    """``ok``, or why we have no answer beside it."""
    return f"not compared: {row.why}, line {row.source.row.line}" if row.why else "ok"


def compared_table(found: Compared, rows: bool = False) -> Group:
    usable = [row for row in found.rows if row.answer is not None]
    cases = len({row.source.case for row in usable})
    head = Text(f"{counted(len(found.tools), 'tool')}, {counted(len(usable), 'answer')} to {counted(cases, 'case')}",
                style="bold")  # fmt: skip
    how = Text("ratios of a tool's answers to ours are medians; off: root mean square of ln(ours/answer), as our bound "
               "is, times one factor, and with the causes below, on cases left out")  # fmt: skip
    lines: list[Any] = [head, how, Text(), _overview(found)]
    for tool in found.tools:
        lines += [Text(), *_explained(tool)]
    if any(tool.causes for tool in found.tools):
        lines += [Text(), Text("without: what it would be off without this cause. Where a case is left out factors are "
                               "fitted without it; which causes there are was chosen with all.")]  # fmt: skip
    lines += [Text(f"{row.source.tool}, {row.source.case}: {status(row)}") for row in found.rows if row.why]
    if rows:
        lines += [Text(), _rows(found)]
    return Group(*lines)


def _overview(found: Compared) -> Any:
    has_measured = any(row.measured for row in found.rows)
    made = Fitting(("tool", ">cases", ">/bound", ">/estimate", *([">/measured"] if has_measured else []), ">off",
                    ">one factor", ">causes"), (), (">one factor", ">/estimate"), ("tool",))  # fmt: skip
    for tool in found.tools:
        fits = (tool.unchanged, tool.one_factor, tool.best if tool.causes else None)
        ratios = [(one := tool.ratios(name)) and one.median for name in RATIOS[: 3 if has_measured else 2]]
        made.add_row(tool.name, str(tool.cases), *map(ratio, ratios),
                     *("—" if fit is None else f"{fit.left_out:.2%}" for fit in fits))  # fmt: skip
    return made


def _explained(tool: ToolCompared) -> list[Any]:
    if tool.best is None or tool.one_factor is None:
        return [Text(f"{tool.name}: {_too_few(tool)}")]
    bound = tool.ratios("bound")
    between = "" if bound is None else f", {bound.least:.3g} to {bound.largest:.3g} of our bound"
    if not tool.causes:
        return [Text(f"{tool.name}{between}: no term of ours explains more than one factor on all, "
                     f"{tool.one_factor.factors[0]:.3g}", style="bold")]  # fmt: skip
    head = Text(f"{tool.name}{between}; one factor on all would be {tool.one_factor.factors[0]:.3g}; with the causes "
                f"{tool.best.left:.2%} is left in the median", style="bold")  # fmt: skip
    made = Fitting(("cause", ">factor", ">95 %", ">without", ""), (), ("",), ("cause", ""))
    for cause in tool.causes:
        made.add_row(cause.term, amount(cause.factor, cause.unit), _interval(cause), f"{cause.without:.2%}",
                     said(cause))  # fmt: skip
    return [head, made, *_instead(tool), *(_otherwise(other) for other in tool.others)]


def _interval(cause: Cause) -> str:
    if cause.low is None or cause.high is None or cause.low == cause.high:
        return ""
    return f"{amount(cause.low, cause.unit)}–{amount(cause.high, cause.unit)}"


def _otherwise(other: Fitted) -> Text:
    """Another explanation that is as good."""
    factors = {change.term: (float(value), change.unit) for change, value in
               zip(other.free, other.factors, strict=True)}  # fmt: skip
    shown = [f"{change.term} {amount(*factors[change.term])}" if change.term in factors else change.term
             for change in other.changes]  # fmt: skip
    return Text(f"as well, off by {other.left_out:.2%}: {', '.join(shown)}")


def said(cause: Cause) -> str:
    """What a cause says, with the rate of a chip that its factor comes to."""
    rate = "" if cause.rate is None else f"as at {si(cause.rate, 'B/s')} a chip"
    return "; ".join(filter(None, (cause.explains, rate)))


def _instead(tool: ToolCompared) -> list[Text]:
    """What explains as much in the place of a cause: the cases do not tell them apart."""
    found = []
    for cause in tool.causes:
        if cause.instead:
            others = [f"{term} {amount(factor, unit)}" if factor is not None else term
                      for term, factor, unit in cause.instead[:SHOWN]]  # fmt: skip
            more = f" or {len(cause.instead) - SHOWN} more" if len(cause.instead) > SHOWN else ""
            found.append(Text(f"in the place of {cause.term} as well: {', '.join(others)}{more}"))
    return found


def amount(value: float | None, unit: str) -> str:
    """A factor, or a time; a dash for a convention."""
    return "—" if value is None else si(value, unit, 3) if unit else f"{value:.4g}"


def _too_few(tool: ToolCompared) -> str:
    return f"{counted(tool.cases, 'case')}, of at least {CASES_EACH} that an explanation needs"


def _rows(found: Compared) -> Any:
    made = Fitting(("case", "tool", ">answer", ">bound", ">estimate", ">measured", ">explained"), (),
                   (">measured", ">explained", ">estimate"), ("case", "tool"))  # fmt: skip
    for row in found.rows:
        times = (row.answer, row.bound, row.estimate, row.measured, row.explained)
        made.add_row(row.source.case, row.source.tool, *(si(time, "s") for time in times))
    return made


def tools_csv(found: Compared) -> str:
    """A line for each cause of each tool, and one with empty cells for a tool without any."""
    names = ("tool", "cases", "ratio_to_bound", "ratio_to_estimate", "ratio_to_measured", "left", "left_out", "term",
             "factor", "low", "high", "unit", "explains", "without")  # fmt: skip
    lines = []
    for tool in found.tools:
        ratios = [(one := tool.ratios(name)) and one.median for name in RATIOS]
        left = (tool.best and tool.best.left, tool.best and tool.best.left_out)
        for cause in tool.causes or (None,):
            of = (None,) * 7 if cause is None else (cause.term, cause.factor, cause.low, cause.high, cause.unit,
                                                    cause.explains, cause.without)  # fmt: skip
            lines.append((tool.name, tool.cases, *ratios, *left, *of))
    return as_csv(names, lines)


def answers_csv(found: Compared) -> str:
    """Every row, in seconds."""
    lines = [tuple(_row_json(row).values()) for row in found.rows]
    names = ("case", "tool", "answer", "bound", "estimate", "measured", "explained", "status", "line", "source",
             "licence")  # fmt: skip
    return as_csv(names, lines)
