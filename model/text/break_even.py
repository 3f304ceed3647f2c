"""Where two machines cost the same, as JSON and as a table."""

from typing import Any

from rich.text import Text
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.bases import beside
from steptime.model.fleet.symbols import price_b, rate_a, rate_b
from steptime.model.quantity import latex, lookup
from steptime.model.solver.best_cost import Side
from steptime.model.solver.break_even import BreakEven, Meeting
from steptime.model.text.bases import of_price, price_basis
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import formula, in_unit, layout_said, plain, si
from steptime.model.text.header import doubtful, header_json, layout_json, missing_json, trailer
from steptime.model.text.screen import Fold, Screen


def break_even_json(answer: BreakEven) -> dict[str, Any]:
    """The keys of a crossover of terms; both machines beside it, and the same of the estimate."""
    closed, case = answer.closed_form, answer.first
    return {
        **header_json(case),
        "between": [one.hardware.name for one in (answer.first, answer.second)],
        "over": answer.over.name,
        "closed_form": None if closed is None else f"{closed.lhs} = {closed.rhs}",
        "latex": None if closed is None else latex(closed),
        "exists_when": None if closed is None else "True",
        **_meeting_json(answer.bound),
        "relaxed": not answer.held or case.relaxes or answer.second.relaxes,
        "present": answer.present,
        "batch_held": answer.held,
        "estimate": None if answer.estimate is None else _meeting_json(answer.estimate),
        "quantities": dict(answer.quantities),
        "missing": missing_json(case, {f"terms.{name}": case.resources[name] for name in case.times}),
    }


def _meeting_json(found: Meeting) -> dict[str, Any]:
    below, above = found.cheaper
    return {
        "exists": bool(found.values),
        "value": found.value,
        "values": list(found.values),
        "fits": None if found.value is None else _fit(found),
        "bracket": None if found.bracket is None else list(found.bracket),
        "remark": found.remark,
        "cheaper": {"below": below, "above": above},
        "machines": [_side_json(side) for side in found.sides],
    }


def _fit(found: Meeting) -> bool | None:
    fits = [side.case.fits for side in found.sides]
    return None if None in fits else all(fits)


def _side_json(side: Side) -> dict[str, Any]:
    return {
        "hardware": side.case.hardware.name,
        "layout": layout_json(side.case.layout),
        "batch": side.batch,
        "whole_batch": side.whole,
        "tokens_per_second_per_chip": side.rate,
        "chip_hour_price": side.price,
        "price_basis": price_basis(side.case),
        "doubtful": doubtful(side.case),
        "dollars_per_million_tokens": side.cost,
    }


def break_even_table(answer: BreakEven) -> Screen:
    first, second, over = answer.first, answer.second, answer.over
    one, other = first.hardware.name, second.hardware.name
    at = "the same batch on both" if answer.held else "each at its best batch"
    lines: list[Any] = [Text(f"{first.model}: where {one} costs as much as {other}, over {over.name}", style="bold")]
    lines += _lines(answer, answer.bound, "at the bound")
    if answer.estimate is not None:
        lines += _lines(answer, answer.estimate, "in practice")
    if (closed := answer.closed_form) is not None:
        paid, (of_one, of_other) = second.number(q.chip_hour_price), answer.bound.sides
        known = f"{formula(price_b)} = {si(None if paid is None else paid / 3600, '$/s')}"
        rates = f"{formula(rate_a)} = {plain(of_one.rate)}, {formula(rate_b)} = {plain(of_other.rate)} tokens/s a chip"
        lines.append(Text(f"closed form: {formula(over)} = {formula(closed.rhs)}"))
        lines.append(Fold((Text(f"LaTeX:       {latex(closed)}"),)))
        lines.append(Text(f"at the bound {known}; {rates}", style="dim"))
    elif answer.bound.bracket is not None:
        low, high = (in_unit(value, lookup(over.name).unit) for value in answer.bound.bracket)
        how = "root enclosed between" if answer.bound.values else "no root found between"
        lines.append(Text(f"no closed form; {how} {low} and {high}"))
    lines += [Text(), _sides(answer)]
    fixed = [(symbol.name, plain(first.number(symbol))) for symbol in _held(answer) if symbol != over]
    lines.append(Text(f"held: {at}, layouts as above" + "".join(f", {name} {value}" for name, value in fixed)))
    lines.append(Text(_prices(answer)))
    lines += [Text(line) for line in _markets(answer)]
    if not answer.held:
        lines.append(Text("relaxed: batches of any size; whole ones cost a little more", style="dim"))
    found = [*answer.bound.sides, *(() if answer.estimate is None else answer.estimate.sides)]
    if any(side.batch is None for side in found):
        lines.append(Text("no batch (—) attains the least cost: it is what the cost tends to as the batch grows"))
    return Screen(*lines, *trailer(first, but=over.name))


def _held(answer: BreakEven) -> tuple[Symbol, ...]:
    varies = answer.first.length
    return (q.batch, varies) if answer.held else (varies,)


def _lines(answer: BreakEven, found: Meeting, how: str) -> list[Text]:
    """The value and who is cheaper on either side, or that there is none."""
    if found.value is None:
        return [Text(f"{how}: {found.remark}", style="bold")]
    unit, (below, above) = lookup(answer.over.name).unit, found.cheaper
    values = ", ".join(in_unit(value, unit) for value in found.values)
    here = "" if answer.present is None else f" (here {in_unit(answer.present, unit)})"
    said = [Text(f"{how}: {answer.over.name} = {values}{here}: {below} is cheaper below, {above} above", style="bold")]
    if _fit(found) is False:
        said.append(Text("at that value a chip has no room: it DOES NOT FIT in memory at this layout"))
    return said


def _sides(answer: BreakEven) -> Any:
    """Both machines where they meet, or at the present: at the bound, then in practice."""
    shown = Fitting(("", "machine", "layout", ">batch", ">tokens/s a chip", ">$/h", ">$/Mtoken"), (), (">batch", ""))
    every = {"bound": answer.bound, "in practice": answer.estimate}
    for how, found in every.items():
        for side in () if found is None else found.sides:
            batch = side.batch if side.whole is None else side.whole
            shown.add_row(how, side.case.hardware.name, layout_said(side.case.layout, ",", "one chip"),
                          plain(batch), plain(side.rate),
                          plain(side.price), plain(side.cost))  # fmt: skip
    return shown


def _markets(answer: BreakEven) -> list[str]:
    """Of which markets catalogued prices are that were compared."""
    cases = answer.first, answer.second
    by_hand = any(q.chip_hour_price in case.inputs.given for case in cases)
    return [] if by_hand or answer.over == q.chip_hour_price else beside([case.hardware for case in cases])


def _prices(answer: BreakEven) -> str:
    """The kinds of price that were compared, and the doubtful figures of the second machine."""
    cases = (answer.second,) if answer.over == q.chip_hour_price else (answer.first, answer.second)
    kinds = ", ".join(f"{case.hardware.name}{of_price(case)}" for case in cases)
    figures = doubtful(answer.second)
    beside = f"; doubtful figures of {answer.second.hardware.name}: {', '.join(figures)}" if figures else ""
    return f"prices: {kinds}{beside}"
