"""A fit of the estimate's coefficients as JSON and as tables."""

from dataclasses import asdict
from typing import Any

from rich.console import Group
from rich.text import Text

from steptime.model.solver.calibration.calibrate import Calibration
from steptime.model.solver.calibration.identified import Identified
from steptime.model.solver.calibration.power import Power
from steptime.model.solver.calibration.worth import worth
from steptime.model.text.exchanges import exchanges_json, exchanges_tables
from steptime.model.text.fitted import part_json, part_tables
from steptime.model.text.format import counted

SHOWN = 6
PICO = 1e12
WHAT = {"idle_watts": "W whatever it does", "joules_per_byte": "pJ a byte", "joules_per_flop": "pJ a FLOP"}


def calibration_json(found: Calibration, known: Identified, of_training: Identified | None) -> dict[str, Any]:
    trained = found.training
    return {
        **part_json(found, known, worth(found, found.doubted)),
        "kernels": dict(found.coefficients.kernels),
        "training": None if trained is None or of_training is None else part_json(trained, of_training, worth(trained)),
        "collectives": exchanges_json(found.collectives),
        "implausible": dict(found.implausible),
        "not_used": {**found.unusable, **found.untrained},
        "power": [asdict(one) for one in found.power],
    }


def calibration_table(found: Calibration, known: Identified, of_training: Identified | None) -> Group:
    lines = part_tables(found, known, worth(found, found.doubted), "decode steps")
    if found.training is not None and of_training is not None:
        lines += part_tables(found.training, of_training, worth(found.training), "steps of training")
    if found.collectives is not None:
        lines += [*exchanges_tables(found.collectives), Text()]
    lines += _named("implausible, and in no fit", found.implausible)
    lines += _named("not used", found.unusable)
    lines += _named("training not used", found.untrained)
    lines += [Text(_power(one)) for one in found.power]
    return Group(*lines)


def _power(found: Power) -> str:
    """What measured watts tell of a chip's power, and what they do not."""
    told = []
    for name, part in found.parts.items():
        value, low, high = (end * (1 if name == "idle_watts" else PICO) for end in (part.value, part.low, part.high))
        if part.is_told:
            told.append(f"{value:.3g} {WHAT[name]} ({low:.3g} to {high:.3g})")
    open_ = [WHAT[name] for name, part in found.parts.items() if not part.is_told]
    text = f"power of {found.hardware} while it decodes, {counted(found.rows, 'row')}: "
    text += ", ".join(told) or "nothing told apart"
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
