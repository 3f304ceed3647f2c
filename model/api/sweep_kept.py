"""What a sweep keeps of its points, read from the tables of ``keep``."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from steptime.model.catalog.table import Place
from steptime.model.names import matches
from steptime.model.parse import parse
from steptime.model.solver.sweep.outputs import BOTTLENECK, BROKEN, Output, Sense, output_of

from steptime.model.solver.sweep.spec import (  # isort: skip
    Kept, KeptBest, KeptCounts, KeptFront, KeptHistogram, KeptQuantiles, KeptSlopes,
)  # fmt: skip

KINDS = ("best", "front", "quantiles", "histogram", "counts", "slopes")
OWN: Mapping[str, tuple[str, ...]] = {
    "best": ("count", "sense"), "front": (), "quantiles": ("at", "error"), "histogram": ("edges", "log"), "counts": (),
    "slopes": (),
}  # fmt: skip
MOST_COUNT, MOST_EDGES = 10_000, 10_000
SENSES = {"least": Sense.LESS, "most": Sense.MORE}


def keep_of(
    stated: Mapping[str, Any], number: int, words: set[str], over: Sequence[str], place: Place
) -> Kept:  # fmt: skip
    """One table of ``keep``."""
    inside = Place(place.file, "", f"keep.{number + 1}")
    kinds = [kind for kind in KINDS if kind in stated]
    if len(kinds) != 1:
        raise inside.error(f"give one of {', '.join(KINDS)}")
    kind = kinds[0]
    for key in stated:
        if key not in (kind, "by", "name", *OWN[kind]):
            raise inside.of(key).error(f"says nothing of {kind}")
    by = tuple(dict.fromkeys(stated.get("by", ())))
    allowed = [*sorted(words), *(over if kind == "best" else ())]
    for name in by:
        if name not in allowed:
            close = matches(name, allowed)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(allowed)}"
            raise inside.of("by").error(f"{name!r} is no word of the base that varies{_or_axis(kind)}; {hint}")
    name = stated.get("name", f"{kind} {_of(stated[kind])}" + (f" by {', '.join(by)}" if by else ""))
    makers = {"best": _best, "front": _front, "quantiles": _quantiles, "histogram": _histogram, "counts": _counts,
              "slopes": _slopes}  # fmt: skip
    return makers[kind](stated, name, by, inside)


def _or_axis(kind: str) -> str:
    return ", nor an axis" if kind == "best" else ""


def _of(value: Any) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def _output(name: str, place: Place) -> Output:
    found = output_of(name)
    if found.name in (BOTTLENECK, BROKEN):
        raise place.error(f"{found.name} is no number")
    return found


def _sense(output: Output, word: str | None, place: Place) -> Sense:
    if word is not None:
        return SENSES[word]
    if output.sense == Sense.OPEN:
        raise place.error(f"{output.name}: say whether less or more is better, with least or most")
    return output.sense


def _best(stated: Mapping[str, Any], name: str, by: tuple[str, ...], place: Place) -> Kept:
    output = _output(stated["best"], place.of("best"))
    most = stated.get("count", 1)
    if not 1 <= most <= MOST_COUNT:
        raise place.of("count").error(f"{most} must be from 1 to {MOST_COUNT:,}")
    return KeptBest(name, by, output, _sense(output, stated.get("sense"), place.of("sense")), most)


def _front(stated: Mapping[str, Any], name: str, by: tuple[str, ...], place: Place) -> Kept:
    """Outputs as they are, or after ``least`` or ``most``."""
    inside = place.of("front")
    parts = [text.split() for text in stated["front"]]
    if len(parts) not in (2, 3) or any(len(part) not in (1, 2) for part in parts):
        raise inside.error("two or three outputs, each perhaps after least or most")
    outputs, senses = [], []
    for part in parts:
        if len(part) == 2 and part[0] not in SENSES:
            raise inside.error(f"{' '.join(part)!r}: write least or most before an output")
        outputs.append(_output(part[-1], inside))
        senses.append(_sense(outputs[-1], part[0] if len(part) == 2 else None, inside))
    if len({output.name for output in outputs}) < len(outputs):
        raise inside.error("an output is named twice")
    return KeptFront(name, by, tuple(outputs), tuple(senses))


def _quantiles(stated: Mapping[str, Any], name: str, by: tuple[str, ...], place: Place) -> Kept:
    at = stated.get("at", (0.05, 0.25, 0.5, 0.75, 0.95))
    error = stated.get("error", 0.01)
    if not at or not all(0 < share <= 1 for share in at):
        raise place.of("at").error("shares above 0, up to 1")
    if not 1e-6 <= error <= 0.5:
        raise place.of("error").error("from 1e-6 to 0.5")
    return KeptQuantiles(name, by, _output(stated["quantiles"], place), tuple(at), error)


def _histogram(stated: Mapping[str, Any], name: str, by: tuple[str, ...], place: Place) -> Kept:
    output = _output(stated["histogram"], place)
    if ("edges" in stated) == ("log" in stated):
        raise place.error("give edges, or log = [first, last, how many]")
    if "edges" in stated:
        edges = [parse(one, output.unit, f"{place}: edges") for one in stated["edges"]]
    else:
        if len(stated["log"]) != 3 or not isinstance(stated["log"][2], int):
            raise place.of("log").error("give [first, last, how many]")
        low, high = (parse(one, output.unit, f"{place}: log") for one in stated["log"][:2])
        edges = np.geomspace(low, high, min(MOST_EDGES + 1, max(2, stated["log"][2]))).tolist()
    if not 1 <= len(edges) <= MOST_EDGES or any(a >= b for a, b in pairwise(edges)):
        raise place.of("edges").error(f"rising numbers, at most {MOST_EDGES:,}")
    return KeptHistogram(name, by, output, tuple(edges))


def _counts(stated: Mapping[str, Any], name: str, by: tuple[str, ...], place: Place) -> Kept:
    if stated["counts"] != BOTTLENECK:
        raise place.of("counts").error(f"points are counted by {BOTTLENECK}")
    return KeptCounts(name, by)


def _slopes(stated: Mapping[str, Any], name: str, by: tuple[str, ...], place: Place) -> Kept:
    return KeptSlopes(name, by, _output(stated["slopes"], place))
