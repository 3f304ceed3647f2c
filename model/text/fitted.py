"""A fit of one kind of step as JSON and as tables: coefficients, errors, bands, what the rows do not decide."""

from collections.abc import Sequence
from dataclasses import asdict
from math import exp
from typing import Any

from rich.text import Text
from sympy import Symbol

from steptime.model.quantity import count, lookup
from steptime.model.solver.calibration.cross import Errors, Part
from steptime.model.solver.calibration.identified import KERNELS, Apart, Identified
from steptime.model.solver.calibration.priors import REFERENCE
from steptime.model.solver.calibration.worth import UNEXPLAINED, Worth
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import in_unit

WORDS = {"group": "a model on a machine under a stack", "model": "a model", "machine": "a machine",
         "stack": "a serving stack", "source": "whoever measured"}  # fmt: skip
ERRORS = (">rows", ">median", ">nine in ten", ">bias")
"""How far off: in the median, in nine of ten, and the median of the ratio."""


def part_json(part: Part, known: Identified, worth: Worth) -> dict[str, Any]:
    """Coefficients with priors and intervals, errors fitted and left out, what is to be beaten, bands."""
    priors = part.table.priors
    return {
        "rows": len(part.table.rows),
        "groups": len(set(part.table.groups)),
        "coefficients": {
            symbol.name: {"value": part.fit.coefficients[symbol], "fitted": prior.fitted, "prior": prior.value,
                          "spread": prior.spread, "why": prior.reason}
            for symbol, prior in priors.items()
        },
        "intervals": {name: asdict(one) for name, one in known.intervals.items()},
        "undecided": list(known.undecided),
        **_apart(known.fitted),
        "with_held": _apart(known.with_held),
        "resamples": known.resamples,
        "errors": {
            "in_sample": asdict(part.in_sample),
            "with_implausible": asdict(worth.with_doubted),
            **{by: asdict(one) for by, one in part.errors.items()},
        },
        "sources": {name: asdict(one) for name, one in part.sources.items()},
        "baselines": {"ideal": asdict(worth.ideal), "one_multiplier": asdict(worth.one_multiplier)},
        "families": {name: asdict(pair) for name, pair in worth.by_family.items()},
        "traits": {name: asdict(pair) for name, pair in worth.by_trait.items()},
        "by_group": {name: asdict(pair) for name, pair in worth.by_group.items()},
        "unexplained": {name: asdict(one) for name, one in worth.unexplained.items()},
        "bands": {name: asdict(band) for name, band in part.bands.items()},
        "unseen": {name: asdict(band) for name, band in part.unseen.items()},
        "covered": part.covered,
        "covered_by_family": dict(worth.covered),
    }  # fmt: skip


def _apart(one: Apart) -> dict[str, Any]:
    pairs = [{"first": first, "second": second, "correlation": value} for (first, second), value in
             one.correlated.items()]  # fmt: skip
    return {"condition_number": one.condition_number, "correlated": pairs}


def part_tables(part: Part, known: Identified, worth: Worth, steps: str) -> list[Any]:
    """Tables under a line that says of what."""
    group, rows, groups = part.errors["group"], len(part.table.rows), len(set(part.table.groups))
    head = Text(f"{rows} measured {steps} in {groups} groups; of groups left out the estimate is off by "
                f"{group.median:.1%} in the median, {group.p90:.0%} in nine of ten", style="bold")  # fmt: skip
    far = ", ".join(f"{name} ({one.error:.0%})" for name, one in worth.unexplained.items())
    return [
        head, Text(), _errors(part, worth), Text(), _sources(part), Text(), _families(worth),
        Text("errors |predicted/measured - 1|; bias: median of predicted/measured; fitted: median of the fit itself; "
             "band: share of rows inside the bands of other groups"),
        Text(), _bands(part),
        Text(f"bands of other groups hold {part.covered:.0%} of a group's rows; eight in ten are meant"),
        *([Text(f"not explained, off by more than {UNEXPLAINED:.0%} where left out: {far}")] if far else []),
        Text(), _coefficients(part, known), *_told_apart(known), Text(), _meanings(tuple(part.table.priors)), Text(),
    ]  # fmt: skip


def _errors(part: Part, worth: Worth) -> Fitting:
    made = Fitting(("left out together", *ERRORS))
    made.add_row("nothing fitted: the bound", *cells(worth.ideal))
    made.add_row("a group: the bound times one number", *cells(worth.one_multiplier))
    for by, one in part.errors.items():
        made.add_row(WORDS[by], *cells(one))
    if worth.with_doubted.rows > len(part.table.rows):
        made.add_row("a group, implausible rows too", *cells(worth.with_doubted))
    made.add_row("nothing: rows of the fit itself", *cells(part.in_sample))
    return made


def _sources(part: Part) -> Fitting:
    made = Fitting(("whoever measured left out, by them", *ERRORS))
    for name, one in part.sources.items():
        made.add_row(name, *cells(one))
    return made


def _families(worth: Worth) -> Fitting:
    made = Fitting(("groups left out, by rows", *ERRORS, ">fitted", ">band"), (), (">fitted",))
    for name, pair in {**worth.by_family, **worth.by_trait}.items():
        inside = f"{worth.covered[name]:.0%}" if name in worth.covered else ""
        made.add_row(name, *cells(pair.left_out), f"{pair.fitted.median:.1%}", inside)
    return made


def _bands(part: Part) -> Fitting:
    made = Fitting(("band of measured over estimated", ">low", ">high", ">rows", ">groups"))
    several = {**part.bands, **{f"{name}, a machine left out": band for name, band in part.unseen.items()}}
    for name, band in several.items():
        made.add_row(name, f"{band.low:.2f}", f"{band.high:.2f}", str(band.rows), str(band.groups))
    return made


def _coefficients(part: Part, known: Identified) -> Fitting:
    made = Fitting(("coefficient", ">value", ">nine in ten", ">before"), (), (">before",), ("coefficient",))
    for symbol, prior in part.table.priors.items():
        unit = lookup(symbol.name).unit
        before = in_unit(prior.value, unit) if prior.fitted else "held"
        made.add_row(symbol.name, in_unit(part.fit.coefficients[symbol], unit), _between(symbol.name, known), before)
    for family, factor in sorted(part.fit.families.items()):
        name = f"{KERNELS} on {family}"
        made.add_row(f"{name}, times", f"{factor:.2f}", _between(name, known), "held" if family == REFERENCE else "1")
    return made


def _meanings(symbols: Sequence[Symbol]) -> Fitting:
    made = Fitting(("coefficient", "what it is"), (), (), ("what it is",))
    for symbol in symbols:
        made.add_row(symbol.name, lookup(symbol.name).meaning)
    return made


def _between(name: str, known: Identified) -> str:
    """Between which values nine in ten resamples put a coefficient."""
    one = known.intervals.get(name)
    if one is None:
        return ""
    unit = count if " " in name else lookup(name).unit
    return f"{in_unit(one.low, unit, 2)} to {in_unit(one.high, unit, 2)}"


def _told_apart(known: Identified) -> list[Text]:
    """What the rows cannot decide."""
    lines = [Text(f"nine in ten of {known.resamples} times that groups and priors were drawn anew; condition number "
                  f"{known.fitted.condition_number:.2g}, were those that are held fitted as well "
                  f"{known.with_held.condition_number:.2g} (above 30 not told apart)")]  # fmt: skip
    if known.undecided:
        lines.append(Text(f"hardly decided by the rows, nearly as wide as before: {', '.join(known.undecided)}"))
    for title, one in (("told apart badly", known.fitted), ("would be told apart badly", known.with_held)):
        pairs = ", ".join(f"{first} and {second} ({value:.2f})" for (first, second), value in one.correlated.items())
        lines += [Text(f"{title}: {pairs}")] * bool(pairs)
    return lines


def cells(one: Errors) -> tuple[str, ...]:
    """Errors under the heads of `ERRORS`."""
    return str(one.rows), f"{one.median:.1%}", f"{one.p90:.1%}", f"{exp(one.bias):.2f}"
