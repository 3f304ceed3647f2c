"""A fit of the estimate's coefficients as JSON and as tables."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group
from rich.text import Text
from sympy import Symbol

from steptime.model.catalog.coefficients import COEFFICIENTS, TRAINING_COEFFICIENTS
from steptime.model.quantity import lookup
from steptime.model.solver.calibration.calibrate import Calibration
from steptime.model.solver.calibration.cross import Part
from steptime.model.solver.calibration.power import Power
from steptime.model.text.exchanges import exchanges_json, exchanges_tables
from steptime.model.text.format import in_unit, table

SHOWN = 6
PICO = 1e12
WHAT = {"idle_watts": "W whatever it does", "joules_per_byte": "pJ a byte", "joules_per_flop": "pJ a FLOP"}
WORDS = {"group": "a model on a machine under a stack", "model": "a model", "machine": "a machine",
         "stack": "a serving stack", "source": "whoever measured"}  # fmt: skip

ERRORS = (">rows", ">off by", ">9 in 10", ">predicted/measured")
"""How far off: in the median, in nine of ten, and the median of the ratio."""


def calibration_json(found: Calibration) -> dict[str, Any]:
    trained = found.training
    return {
        **_part_json(found, COEFFICIENTS),
        "kernels": dict(found.coefficients.kernels),
        "training": None if trained is None else _part_json(trained, TRAINING_COEFFICIENTS),
        "collectives": exchanges_json(found.collectives),
        "implausible": dict(found.implausible),
        "not_used": {**found.unusable, **found.untrained},
        "power": [asdict(one) for one in found.power],
    }


def _part_json(part: Part, symbols: Sequence[Symbol]) -> dict[str, Any]:
    priors = part.table.priors
    return {
        "rows": len(part.table.rows),
        "groups": len(set(part.table.groups)),
        "coefficients": {
            symbol.name: {"value": part.fit.coefficients[symbol], "fitted": priors[symbol].fitted,
                          "prior": priors[symbol].value}
            for symbol in symbols
        },
        "errors": {"in_sample": asdict(part.in_sample), **{by: asdict(one) for by, one in part.errors.items()}},
        "sources": {name: asdict(one) for name, one in part.sources.items()},
        "bands": {name: asdict(band) for name, band in part.bands.items()},
        "covered": part.covered,
    }  # fmt: skip


def calibration_table(found: Calibration) -> Group:
    kernels = ", ".join(f"{family} {factor:.2f}" for family, factor in sorted(found.coefficients.kernels.items()))
    lines = _part_table(found, COEFFICIENTS, "decode steps", f"kernel_time by family of machines, times: {kernels}")
    if found.training is not None:
        lines += [Text(), *_part_table(found.training, TRAINING_COEFFICIENTS, "steps of training",
                                       "kernel_time is that of decode steps, by family")]  # fmt: skip
    if found.collectives is not None:
        lines += [Text(), *exchanges_tables(found.collectives), Text()]
    lines += _named("implausible, and in no fit", found.implausible)
    lines += _named("not used", found.unusable)
    lines += _named("training not used", found.untrained)
    lines += [Text(_power(one)) for one in found.power]
    return Group(*lines)


def _part_table(part: Part, symbols: Sequence[Symbol], steps: str, kernels: str) -> list[Any]:
    """One kind of step: its coefficients, errors of what was left out, bands."""
    group, priors = part.errors.get("group", part.in_sample), part.table.priors
    rows, groups = len(part.table.rows), len(set(part.table.groups))
    head = Text(f"{rows} measured {steps} in {groups} groups; of groups left out the estimate is off by "
                f"{group.median:.1%} in the median, {group.p90:.0%} in nine of ten", style="bold")  # fmt: skip
    values = table("coefficient", ">value", "", "what it is")
    for symbol in symbols:
        prior, record = priors[symbol], lookup(symbol.name)
        how = f"fitted, about {in_unit(prior.value, record.unit)}" if prior.fitted else "held"
        values.add_row(symbol.name, in_unit(part.fit.coefficients[symbol], record.unit), how, record.meaning)
    errors = table("left out together", *ERRORS)
    errors.add_row("nothing: rows of the fit itself", *_cells(part.in_sample))
    for by, one in part.errors.items():
        errors.add_row(WORDS[by], *_cells(one))
    sources = table("of whom, by fits of the others", *ERRORS)
    for name, one in part.sources.items():
        sources.add_row(name, *_cells(one))
    bands = table("band of measured over estimated", ">low", ">high", ">rows", ">groups")
    for name, band in part.bands.items():
        bands.add_row(name, f"{band.low:.2f}", f"{band.high:.2f}", str(band.rows), str(band.groups))
    said = Text(f"bands of other groups hold {part.covered:.0%} of a group's rows; eight in ten are meant")
    return [head, Text(), values, Text(kernels), Text(), errors, Text(), sources, Text(), bands, said]


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
