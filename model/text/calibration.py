"""A fit of the estimate's coefficients as JSON and as tables."""

from dataclasses import asdict
from math import exp
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from steptime.model.catalog.coefficients import COEFFICIENTS
from steptime.model.quantity import count, lookup
from steptime.model.solver.calibration.calibrate import Calibration
from steptime.model.solver.calibration.cross import Errors
from steptime.model.solver.calibration.identified import KERNELS, Apart, Identified
from steptime.model.solver.calibration.judged import UNEXPLAINED, Judged, judged
from steptime.model.solver.calibration.power import Power
from steptime.model.solver.calibration.priors import PRIORS, REFERENCE
from steptime.model.text.exchanges import exchanges_json, exchanges_tables
from steptime.model.text.format import in_unit, table

SHOWN = 6
PICO = 1e12
WHAT = {"idle_watts": "W whatever it does", "joules_per_byte": "pJ a byte", "joules_per_flop": "pJ a FLOP"}
WORDS = {"group": "a model on a machine under a stack", "model": "a model", "machine": "a machine",
         "stack": "a serving stack", "source": "whoever measured"}  # fmt: skip


def calibration_json(found: Calibration, known: Identified) -> dict[str, Any]:
    made, errors = found.coefficients, judged(found)
    return {
        "rows": len(found.table.rows),
        "groups": len(set(found.table.groups)),
        "coefficients": {
            symbol.name: {
                "value": made.values[symbol],
                "fitted": PRIORS[symbol].fitted,
                "prior": PRIORS[symbol].value,
                "spread": PRIORS[symbol].spread,
                "why": PRIORS[symbol].reason,
            }
            for symbol in COEFFICIENTS
        },
        "kernels": dict(made.kernels),
        "intervals": {name: asdict(one) for name, one in known.intervals.items()},
        "undecided": list(known.undecided),
        **_apart(known.fitted),
        "with_held": _apart(known.with_held),
        "resamples": known.resamples,
        "errors": {
            "in_sample": asdict(found.in_sample),
            "with_implausible": asdict(errors.with_doubted),
            **{by: asdict(one) for by, one in found.errors.items()},
        },
        "baselines": {"ideal": asdict(errors.ideal), "one_multiplier": asdict(errors.one_multiplier)},
        "families": {name: asdict(pair) for name, pair in errors.by_family.items()},
        "traits": {name: asdict(pair) for name, pair in errors.by_trait.items()},
        "by_group": {name: asdict(pair) for name, pair in errors.by_group.items()},
        "unexplained": {name: asdict(one) for name, one in errors.unexplained.items()},
        "bands": {name: asdict(band) for name, band in made.bands.items()},
        "covered": found.covered,
        "covered_by_family": dict(errors.covered),
        "collectives": exchanges_json(found.collectives),
        "implausible": dict(found.implausible),
        "not_used": dict(found.unusable),
        "power": [asdict(one) for one in found.power],
    }


def _apart(one: Apart) -> dict[str, Any]:
    pairs = [{"first": first, "second": second, "correlation": value} for (first, second), value in
             one.correlated.items()]  # fmt: skip
    return {"condition_number": one.condition_number, "correlated": pairs}


def calibration_table(found: Calibration, known: Identified) -> Group:
    group, pairs = found.errors["group"], judged(found)
    rows, groups = len(found.table.rows), len(set(found.table.groups))
    head = Text(f"{rows} measured decode steps in {groups} groups; of groups left out the estimate is off by "
                f"{group.median:.1%} in the median, {group.p90:.0%} in nine of ten", style="bold")  # fmt: skip
    far = ", ".join(f"{name} ({one.error:.0%})" for name, one in pairs.unexplained.items())
    return Group(
        head, Text(), _errors(found, pairs), Text(), _families(pairs),
        Text("errors |predicted/measured - 1|; bias: median of predicted/measured; fitted: median of the fit itself; "
             "band: share of rows inside the bands of other groups"),
        Text(), _bands(found),
        Text(f"bands of other groups hold {found.covered:.0%} of a group's rows; eight in ten are meant"),
        *([Text(f"not explained, off by more than {UNEXPLAINED:.0%} where left out: {far}")] if far else []),
        Text(), _coefficients(found, known), *_told_apart(known), Text(), _meanings(), Text(),
        *([] if found.collectives is None else [*exchanges_tables(found.collectives), Text()]),
        *_named("implausible, and in no fit", found.implausible), *_named("not used", found.unusable),
        *(Text(_power(one)) for one in found.power),
    )  # fmt: skip


def _coefficients(found: Calibration, known: Identified) -> Table:
    made = table("coefficient", ">value", ">nine in ten", ">before")
    for symbol in COEFFICIENTS:
        prior, unit = PRIORS[symbol], lookup(symbol.name).unit
        before = in_unit(prior.value, unit) if prior.fitted else "held"
        value = in_unit(found.coefficients.values[symbol], unit)
        made.add_row(symbol.name, value, _between(symbol.name, known), before)
    for family, factor in sorted(found.coefficients.kernels.items()):
        name = f"{KERNELS} on {family}"
        made.add_row(f"{name}, times", f"{factor:.2f}", _between(name, known), "held" if family == REFERENCE else "1")
    return made


def _meanings() -> Table:
    made = table("coefficient", "what it is")
    for symbol in COEFFICIENTS:
        made.add_row(symbol.name, lookup(symbol.name).meaning)
    return made


def _errors(found: Calibration, pairs: Judged) -> Table:
    made = table("left out together", ">rows", ">median", ">nine in ten", ">bias")
    made.add_row("nothing fitted: the bound", *_cells(pairs.ideal))
    made.add_row("a group: the bound times one number", *_cells(pairs.one_multiplier))
    for by, one in found.errors.items():
        made.add_row(WORDS[by], *_cells(one))
    made.add_row("a group, implausible rows too", *_cells(pairs.with_doubted))
    made.add_row("nothing: rows of the fit itself", *_cells(found.in_sample))
    return made


def _families(pairs: Judged) -> Table:
    made = table("groups left out, by rows", ">rows", ">median", ">nine in ten", ">bias", ">fitted", ">band")
    for name, pair in {**pairs.by_family, **pairs.by_trait}.items():
        inside = f"{pairs.covered[name]:.0%}" if name in pairs.covered else ""
        made.add_row(name, *_cells(pair.left_out), f"{pair.fitted.median:.1%}", inside)
    return made


def _bands(found: Calibration) -> Table:
    made = table("band of measured over estimated", ">low", ">high", ">rows", ">groups")
    for name, band in found.bands.items():
        made.add_row(name, f"{band.low:.2f}", f"{band.high:.2f}", str(band.rows), str(band.groups))
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


def _cells(one: Errors) -> tuple[str, ...]:
    return str(one.rows), f"{one.median:.1%}", f"{one.p90:.1%}", f"{exp(one.bias):.2f}"


def _power(found: Power) -> str:
    """What measured watts tell of a chip's power, and what they do not."""
    told = []
    for name, part in found.parts.items():
        value, low, high = (end * (1 if name == "idle_watts" else PICO) for end in (part.value, part.low, part.high))
        if part.is_told:
            told.append(f"{value:.3g} {WHAT[name]} ({low:.3g} to {high:.3g})")
    open_ = [WHAT[name] for name, part in found.parts.items() if not part.is_told]
    text = f"power of {found.hardware} while it decodes, {found.rows} rows: {', '.join(told) or 'nothing told apart'}"
    return text + (f"; not told from zero: {', '.join(open_)}" if open_ else "")


def _named(title: str, rows: Any) -> list[Text]:
    """Rows by the reason that they share, the first few of each."""
    reasons: dict[str, list[str]] = {}
    for name, why in rows.items():
        reasons.setdefault(why, []).append(name)
    found = []
    for why, names in reasons.items():
        shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
        found.append(Text(f"{title}: {why}: {shown}"))
    return found
