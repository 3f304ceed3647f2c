"""A fit of the estimate's coefficients as JSON and as tables."""

from dataclasses import asdict
from typing import Any

from rich.console import Group
from rich.text import Text

from steptime.model.catalog.coefficients import COEFFICIENTS
from steptime.model.quantity import lookup
from steptime.model.solver.calibration.calibrate import Calibration
from steptime.model.solver.calibration.power import Power
from steptime.model.solver.calibration.priors import PRIORS
from steptime.model.text.exchanges import exchanges_json, exchanges_tables
from steptime.model.text.format import in_unit, table

SHOWN = 6
PICO = 1e12
WHAT = {"idle_watts": "W whatever it does", "joules_per_byte": "pJ a byte", "joules_per_flop": "pJ a FLOP"}
WORDS = {"group": "a model on a machine under a stack", "model": "a model", "machine": "a machine",
         "stack": "a serving stack", "source": "whoever measured"}  # fmt: skip


def calibration_json(found: Calibration) -> dict[str, Any]:
    made = found.coefficients
    return {
        "rows": len(found.table.rows),
        "groups": len(set(found.table.groups)),
        "coefficients": {
            symbol.name: {"value": made.values[symbol], "fitted": PRIORS[symbol].fitted, "prior": PRIORS[symbol].value}
            for symbol in COEFFICIENTS
        },
        "kernels": dict(made.kernels),
        "errors": {"in_sample": asdict(found.in_sample), **{by: asdict(one) for by, one in found.errors.items()}},
        "bands": {name: asdict(band) for name, band in made.bands.items()},
        "covered": found.covered,
        "collectives": exchanges_json(found.collectives),
        "implausible": dict(found.implausible),
        "not_used": dict(found.unusable),
        "power": [asdict(one) for one in found.power],
    }


def calibration_table(found: Calibration) -> Group:
    made, group = found.coefficients, found.errors["group"]
    rows, groups = len(found.table.rows), len(set(found.table.groups))
    head = Text(f"{rows} measured decode steps in {groups} groups; of groups left out the estimate is off by "
                f"{group.median:.1%} in the median, {group.p90:.0%} in nine of ten", style="bold")  # fmt: skip
    values = table("coefficient", ">value", "", "what it is")
    for symbol in COEFFICIENTS:
        prior, record = PRIORS[symbol], lookup(symbol.name)
        how = f"fitted, about {in_unit(prior.value, record.unit)}" if prior.fitted else "held"
        values.add_row(symbol.name, in_unit(made.values[symbol], record.unit), how, record.meaning)
    kernels = ", ".join(f"{family} {factor:.2f}" for family, factor in sorted(made.kernels.items()))
    errors = table("left out together", ">rows", ">median error", ">nine in ten", ">median of predicted/measured")
    errors.add_row("nothing: rows of the fit itself", *_cells(found.in_sample))
    for by, one in found.errors.items():
        errors.add_row(WORDS[by], *_cells(one))
    bands = table("band of measured over estimated", ">low", ">high", ">rows", ">groups")
    for name, band in made.bands.items():
        bands.add_row(name, f"{band.low:.2f}", f"{band.high:.2f}", str(band.rows), str(band.groups))
    lines: list[Any] = [head, Text(), values, Text(f"kernel_time by family of machines, times: {kernels}"), Text(),
                        errors, Text(), bands]  # fmt: skip
    lines.append(Text(f"bands of other groups hold {found.covered:.0%} of a group's rows; eight in ten are meant"))
    if found.collectives is not None:
        lines += [Text(), *exchanges_tables(found.collectives), Text()]
    lines += _named("implausible, and in no fit", found.implausible)
    lines += _named("not used", found.unusable)
    lines += [Text(_power(one)) for one in found.power]
    return Group(*lines)


def _cells(one: Any) -> tuple[str, ...]:
    return str(one.rows), f"{one.median:.1%}", f"{one.p90:.1%}", f"{1 + one.bias:.2f}"


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
