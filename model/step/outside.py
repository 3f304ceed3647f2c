"""In what a step lies outside of the rows to which an estimate's coefficients were fitted."""

import math
from collections.abc import Container, Mapping, Sequence

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import Coefficients, Seen, SeenInTraining, TrainingSet
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import PhaseName, Scope
from steptime.model.phases.by_hand import OF_PASS
from steptime.model.quantity import as_count
from steptime.model.step.capped import lacking
from steptime.model.step.inputs import Inputs

SHARES = (q.compute_efficiency, q.memory_efficiency, q.interconnect_efficiency)
STARTS = (q.scale_up_latency, q.scale_out_latency)
"""Quantities of the bound in whose place an estimate has coefficients."""


def outside(
    hardware: Hardware, kind: str, inputs: Inputs, chosen: Coefficients, lengths: Mapping[str, float | None]
) -> list[str]:
    """What of a machine, of a ``kind`` of model, of what is asked and of its lengths no row of the fit was like, in
    words."""
    found = _replaced(inputs) + _uncapped(inputs, hardware)
    if inputs.phase == PhaseName.TRAIN and chosen.training is not None:
        families, seen = chosen.training.families, chosen.training.seen
        unlike = _family(hardware, families, "training on") + _unlike(kind, seen.kinds, f"training {_models(kind)}")
        found += unlike or _on_family(hardware, kind, chosen.training, "training ")
        return found + _beyond(seen, lengths)
    unlike = _family(hardware, chosen.kernels, "machines of") + _unlike(kind, chosen.seen.kinds, _models(kind))
    found += unlike or _on_family(hardware, kind, chosen)
    if inputs.phase == PhaseName.DECODE and inputs.scope == Scope.SERVING:
        found += _of_pass(inputs)
        found += _unlike(Scope.SERVING, chosen.seen.scopes, "a step in which prefills ride along")
    if inputs.phase == PhaseName.PREFILL:
        found.append("no row of a prefill alone")
    if q.drafts in inputs.given:
        found.append("no row that states how many drafts were accepted; what drafting itself takes is not counted")
    told = {name: value for name, value in lengths.items() if name != "context" or inputs.phase == PhaseName.DECODE}
    return found + _beyond(chosen.seen, told)


def _replaced(inputs: Inputs) -> list[str]:
    """What was set by hand and moves the bound alone: the estimate has its own in its place, of training no starts."""
    shares, starts = ([symbol.name for symbol in kind if symbol in inputs.given] for kind in (SHARES, STARTS))
    trains = inputs.phase == PhaseName.TRAIN
    own = ["shares of its own"] * bool(shares) + ["no starts" if trains else "starts of its own"] * bool(starts)
    return [f"{' and '.join(shares + starts)} as set: the estimate has {' and '.join(own)}"] if own else []


def _of_pass(inputs: Inputs) -> list[str]:
    """What was set of a step that decodes and prefills at once: each pass of its estimate has its own."""
    names = sorted(symbol.name for symbol in OF_PASS & inputs.given.keys())
    return [f"{' and '.join(names)} as set: each pass of the estimate has its own"] if names else []


def _uncapped(inputs: Inputs, hardware: Hardware) -> list[str]:
    """A cap from which no clock follows, so that it changes nothing."""
    needed = [
        f"a power of the chip alone: {hardware.name} states its system's"
        if symbol.name in hardware.figures
        else hardware.missing(symbol.name)
        for symbol in (lacking(inputs, hardware) if q.power_cap in inputs.given else ())
    ]
    return [f"power_cap as set: no clock follows without {' and '.join(needed)}"] if needed else []


def _family(hardware: Hardware, known: Container[str], what: str) -> list[str]:
    family = hardware.family
    return [] if family in known else [f"no row of {what} the family {family or hardware.name}"]


def _on_family(hardware: Hardware, kind: str, chosen: Coefficients | TrainingSet, what: str = "") -> list[str]:
    """That no row is of this kind of model on the family, where a file says of what its rows are."""
    rows = chosen.band(kind, hardware.family, hardware.name).of_family
    return [f"no row of {what}{_models(kind)} on the family {hardware.family}"] if rows == 0 else []


def _unlike(asked: str, known: Sequence[str], what: str) -> list[str]:
    """That no row is like what is asked, where a file says what its rows are like."""
    return [f"no row of {what}"] if known and asked not in known else []


def _models(kind: str) -> str:
    return "models with experts" if kind == "experts" else "models without experts"


def _beyond(seen: Seen | SeenInTraining, lengths: Mapping[str, float | None]) -> list[str]:
    """Lengths below the least or above the largest that was seen, where a file says what was."""
    found = []
    for name, value in lengths.items():
        low, high = getattr(seen, name) or (0.0, math.inf)
        if value is not None and not low <= value <= high:
            found.append(f"{name} {as_count(value)} outside {as_count(low)} to {as_count(high)}")
    return found
