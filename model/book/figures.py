"""The figures of the book, each drawn from the program's own functions."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sympy import Add, Expr, Symbol

from steptime.derivations.library import find
from steptime.derivations.steps import Derivation
from steptime.model.api.cache import cache as kept
from steptime.model.api.step import step
from steptime.model.book.areas import areas
from steptime.model.book.measured import truth
from steptime.model.book.pgf import pgf
from steptime.model.book.prose import prose
from steptime.model.book.told import Figure
from steptime.model.book.triangle import triangle
from steptime.model.plot.shapes import Axis, Bars, Curve, Curves, Points
from steptime.model.quantity import latex, lookup
from steptime.model.scenario import evaluate

SAMPLES = 60
STATE = (0, 1, 2, 3)
"""The stages of ZeRO."""


def figure(one: Figure, number: int, place: int) -> str:
    """A figure of chapter ``number`` with its caption and label."""
    drawn = DRAWN.get(one.kind, _of_step)(one)
    return "\n".join([r"\begin{figure}[htbp]\centering", drawn, rf"\caption{{{prose(one.caption)}}}",
                      rf"\label{{fig:{number}-{place}}}", r"\end{figure}"])  # fmt: skip


def _curves(one: Figure) -> str:
    """Results of theorems over one quantity; the others as the first theorem's example has them, or as stated."""
    over, at = _over(one)
    proofs = [find(name) for name in one.theorems]
    numbers = {s: float(v) for proof in reversed(proofs) for s, v in proof.numbers.items()} | _stated(one)
    drawn = [Curve(_label(one, place, proof), at, _values(proof.result.rhs, numbers, over, at))
             for place, proof in enumerate(proofs)]  # fmt: skip
    marks = [_mark(find(name), proofs[0], numbers, over) for name in one.marks]
    x, y = _axis(one, over, "x"), _axis(one, proofs[0].result.lhs, "y")
    return pgf(Curves("theorem", "", "", x, y, tuple(drawn), tuple(marks)))


def _mark(said: Derivation, curve: Derivation, numbers: dict[Symbol, float], over: Symbol) -> Points:
    """The point of a curve at which a theorem's number lies, at the numbers of the curve."""
    at = np.array([float(evaluate(said.result.rhs, dict(said.numbers) | numbers))])
    return Points(f"{said.title}: {at[0]:.3g}", at, _values(curve.result.rhs, numbers, over, at))


def _parts(one: Figure) -> str:
    """A line of a theorem that is a sum, its last or first one, over one quantity; and each of its summands."""
    over, at = _over(one)
    proof = find(one.theorems[0])
    numbers = {s: float(v) for s, v in proof.numbers.items()} | _stated(one)
    line = next(line for line in (proof.lines[-1], *proof.lines) if isinstance(line.rhs, Add))
    whole = line.rhs
    parts = sorted(Add.make_args(whole), key=lambda part: float(_values(part, numbers, over, at)[-1]), reverse=True)
    drawn = [Curve(_part(one, place, part), at, _values(part, numbers, over, at))
             for place, part in enumerate((whole, *parts))]  # fmt: skip
    return pgf(Curves("theorem", "", "", _axis(one, over, "x"), _axis(one, line.lhs, "y"), tuple(drawn)))


def _over(one: Figure) -> tuple[Symbol, np.ndarray]:
    least, most = one.span
    return lookup(one.over).symbol, np.geomspace(least, most, SAMPLES) if "x" in one.log else np.linspace(
        least, most, SAMPLES
    )


def _stated(one: Figure) -> dict[Symbol, float]:
    return {lookup(name).symbol: float(value) for name, value in one.words.items()}


def _values(expr: Expr, numbers: dict[Symbol, float], over: Symbol, at: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.broadcast_to(np.asarray(evaluate(expr, numbers | {over: at}), dtype=float), at.shape)
    return found


def _part(one: Figure, place: int, part: Expr) -> str:
    """A sum or one of its summands in words and as a formula: the sum first, then what is largest at the right end."""
    said = f"{one.labels[place]}: " if place < len(one.labels) else ""
    return f"{said}${latex(part)}$"


def _label(one: Figure, place: int, proof: Derivation) -> str:
    return one.labels[place] if place < len(one.labels) else f"${latex(proof.result)}$"


def _axis(one: Figure, quantity: Any, side: str) -> Axis:
    """The axis of a quantity, by its name in words and its unit."""
    record = lookup(str(quantity))
    unit = "" if record.unit == 1 else str(record.unit)
    return Axis(record.name.replace("_", " "), unit, side in one.log)


def _of_step(one: Figure) -> str:
    """A picture that the program draws of a scenario."""
    return pgf(step(**one.words).chart(one.kind))


def _tiers(one: Figure) -> str:
    return pgf(kept(**one.words).chart("tiers"))


def _zero(one: Figure) -> str:
    """Who fills a chip of a step of training, at each stage of ZeRO."""
    charts = [step(**one.words, zero=stage).chart("memory") for stage in STATE]
    found = [chart for chart in charts if isinstance(chart, Bars)]
    names = dict.fromkeys(name for chart in found for name in chart.parts)
    parts = {name: tuple(chart.parts.get(name, (0.0,))[0] for chart in found) for name in names}
    bars = tuple(f"ZeRO {stage}" for stage in STATE)
    return pgf(Bars("memory", "", "", found[0].axis, bars, parts, found[0].limits))


def _truth(one: Figure) -> str:
    return pgf(truth().chart("truth"))


def _areas(one: Figure) -> str:
    return areas(**one.words)


def _triangle(one: Figure) -> str:
    return triangle([find(name) for name in one.theorems], one.labels)


DRAWN: dict[str, Callable[[Figure], str]] = {
    "curves": _curves, "parts": _parts, "tiers": _tiers, "zero": _zero, "areas": _areas, "triangle": _triangle,
    "truth": _truth,
}  # fmt: skip
