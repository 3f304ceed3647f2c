"""The text of a sweep becomes scenes, axes, layouts, limits and what is kept: a closed vocabulary, read as data.

Nothing is evaluated that a spec holds. Every mistake is one line: file, table and key.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.api.named import prices_of
from steptime.model.api.sweep_kept import keep_of
from steptime.model.api.sweep_scenes import beside, scenes_of
from steptime.model.catalog.table import Place, Table, read, whole
from steptime.model.choices import Efficiency
from steptime.model.layout.layout import SYMBOLS, Layout
from steptime.model.parse import parse, parse_quantity
from steptime.model.quantity import Quantity, count
from steptime.model.solver.sweep.axes import Design, Drawn, Values, spaced
from steptime.model.solver.sweep.designs import MOST_POINTS, Latin, Sobol
from steptime.model.solver.sweep.outputs import BOTTLENECK, BROKEN, ESTIMATE, Output, output_of
from steptime.model.solver.sweep.practice import has_estimate
from steptime.model.solver.sweep.spec import Bound, ChipLayouts, Scene, Spec
from steptime.model.step.inputs import RESULTS
from steptime.model.step.solver_words import whole_numbers
from steptime.model.step.words import degrees_of, layout_of, record

MOST_CHIPS, MOST_LISTED, MOST_VALUES = 100_000, 100_000, 10_000_000
USUAL = ("step_time", "estimate", "bottleneck")
"""Outputs where none are named; the estimate where there is one."""
NO_AXES = frozenset({
    *RESULTS, *SYMBOLS.values(), q.chips, q.layers, q.width, q.bytes_per_kv, q.bytes_per_index, q.drafts,
})  # fmt: skip
"""Quantities that are no axes: results, degrees, and those by which a step's formulas are chosen."""

_limit = re.compile(r"\s*([\w.]{1,60})\s*(<=|>=)\s*(\S.{0,60}?)\s*", re.ASCII)


def _anything(value: Any, place: Place) -> Any:
    return value


_over = Table({"values": [_anything], "grid": [_anything], "log": [_anything], "between": [_anything],
               "log_between": [_anything]})  # fmt: skip
_kept = Table({"best": str, "front": [str], "quantiles": str, "histogram": str, "counts": str, "slopes": str,
               "by": [str], "count": int, "at": [float], "error": float, "edges": [_anything], "log": [_anything],
               "name": str, "sense": ("least", "most")})  # fmt: skip
_schema = Table({
    "name": str, "outputs": [str], "keep": [_kept], "limits": [str], "memory": ("limit", "ignored"),
    "rows": ("feasible", "all"), "base": {str: _anything}, "over": {str: _over},
    "layouts": Table({"chips": _anything, "list": [_anything], "hold": str}),
    "design": Table({"sobol": int, "latin": int, "seed": int}), "prices": str, "block": whole(1000, 2**26),
}, needed=("base",))  # fmt: skip


def spec_of(data: Mapping[str, Any], origin: str = "spec", folder: Path | None = None) -> Spec:
    """The sweep that a TOML file or a dictionary states; files that it names lie beside it. Raises UserError."""
    place = Place(origin)
    found = read(_schema, data, place)
    prices = None if "prices" not in found else prices_of(beside(found["prices"], folder))
    scenes = scenes_of(found["base"], prices, folder, place)
    over, drawn = _axes(found.get("over", {}), scenes, place)
    _must_have_estimates(found, scenes, place)
    usual = [name for name in USUAL if name != ESTIMATE or (prices is None and has_estimate(scenes[0].question))]
    outputs = tuple(output_of(name) for name in dict.fromkeys(found.get("outputs", usual)))
    spec = Spec(
        found.get("name", Path(origin).stem), scenes, over, outputs, (), _design(found.get("design"), drawn, place),
        _layouts(found.get("layouts"), place), tuple(_bound(text, place) for text in found.get("limits", ())), prices,
        found.get("memory", "limit") == "limit", "rows" in found or "keep" not in found,
        found.get("rows") == "all", found.get("block"),
    )  # fmt: skip
    words = {name for scene in scenes for name in scene.labels}
    over_names = [one.symbol.name for one in over]
    kept = tuple(keep_of(one, number, words, over_names, place) for number, one in enumerate(found.get("keep", ())))
    if BROKEN in (output.name for output in outputs) and not spec.infeasible:
        raise place.of("outputs").error('limits that points break are listed with rows = "all"')
    return replace(spec, kept=kept)


def _must_have_estimates(found: Mapping[str, Any], scenes: Sequence[Scene], place: Place) -> None:
    """Raise UserError where an estimate is asked for of a scene that asks for the ideal alone."""
    if all(scene.question.inputs.efficiency != Efficiency.IDEAL for scene in scenes):
        return
    limits = (text.split("<=")[0].split(">=")[0].strip() for text in found.get("limits", ()))
    kept = (name for one in found.get("keep", ()) for key in ("best", "front", "quantiles", "histogram", "slopes")
            for name in ([one[key]] if isinstance(one.get(key), str) else one.get(key, ())))  # fmt: skip
    for key, names in (("outputs", found.get("outputs", ())), ("limits", limits), ("keep", kept)):
        for name in names:
            if name.split(".")[0] == ESTIMATE:
                bound = "step_time" if name == ESTIMATE else name.split(".")[1]
                raise place.of(key).error(f"{name}: efficiency ideal in [base] asks for no estimate; leave it out, or "
                                          f"ask for {bound}, the bound")  # fmt: skip


# --- axes -------------------------------------------------------------------------------------------------------------


def _axes(
    stated: Mapping[str, Mapping[str, Any]], scenes: Sequence[Scene], place: Place
) -> tuple[tuple[Values, ...], list[Drawn]]:
    over, drawn, known = list[Values](), list[Drawn](), set[Symbol]()
    for name, how in stated.items():
        inside = Place(place.file, f"over.{name}")
        quantity = record(name)
        if quantity.symbol in NO_AXES:
            raise inside.error(f"{quantity.name} is no axis: a result, a degree, or what chooses the formulas")
        if quantity.symbol in known or quantity.symbol in scenes[0].question.inputs.given:
            raise inside.error(f"{quantity.name} is stated twice")
        known.add(quantity.symbol)
        if len(how) != 1:
            raise inside.error("give one of values, grid, log, between, log_between")
        way, given = next(iter(how.items()))
        if way in ("between", "log_between"):
            low, high = _ends(quantity, given, 2, inside)
            drawn.append(Drawn(quantity.symbol, low, high, way == "log_between"))
        elif way == "values":
            if not 1 <= len(given) <= MOST_VALUES:
                raise inside.error("give at least one value")
            values = tuple(parse_quantity(replace(quantity, name=str(inside)), one) for one in given)
            over.append(Values(quantity.symbol, values))
        else:
            low, high = _ends(quantity, given, 3, inside)
            number = _number(given[2], inside, 2, MOST_VALUES)
            over.append(Values(quantity.symbol, spaced(quantity.symbol, low, high, number, way == "log")))
    return tuple(over), drawn


def _ends(quantity: Quantity, given: Sequence[Any], number: int, place: Place) -> tuple[float, float]:
    if len(given) != number:
        raise place.error("give [lowest, highest]" if number == 2 else "give [first, last, how many]")
    loose = replace(quantity, integer=False, name=str(place))
    low, high = (parse_quantity(loose, one) for one in given[:2])
    if not 0 < low < high:
        raise place.error("the first end must be positive and below the last")
    return low, high


def _number(value: Any, place: Place, least: int, most: int) -> int:
    found = parse(value, count, str(place))
    if found % 1 or not least <= found <= most:
        raise place.error(f"{value} must be a whole number from {least} to {most:,}")
    return int(found)


def _design(stated: Mapping[str, Any] | None, drawn: Sequence[Drawn], place: Place) -> Design | None:
    inside = Place(place.file, "design")
    if stated is None:
        if drawn:
            raise inside.error(f"is missing: {drawn[0].symbol.name} is drawn between two ends")
        return None
    kinds = [name for name in ("sobol", "latin") if name in stated]
    if len(kinds) != 1 or not drawn:
        raise inside.error("give sobol or latin, and quantities between two ends in [over]")
    size, seed = stated[kinds[0]], _number(stated.get("seed", 1), inside, 1, 2**31)
    if not 2 <= size <= MOST_POINTS:
        raise inside.error(f"{size} points: from 2 to {MOST_POINTS:,}")
    if kinds[0] == "sobol" and size & (size - 1):
        raise inside.error(f"{size} points: a Sobol sequence is even over powers of two")
    return Design((Sobol if kinds[0] == "sobol" else Latin)(len(drawn), size, seed), tuple(drawn))


def _layouts(stated: Mapping[str, Any] | None, place: Place) -> tuple[Layout, ...] | ChipLayouts | None:
    if stated is None:
        return None
    inside = Place(place.file, "layouts")
    if ("chips" in stated) == ("list" in stated):
        raise inside.error("give chips, or a list")
    if "list" in stated:
        if not 1 <= len(stated["list"]) <= MOST_LISTED or "hold" in stated:
            raise inside.error("a list of layouts, and nothing held")
        found = tuple(dict.fromkeys(layout_of(one) for one in stated["list"]))
        if len({layout.copies for layout in found}) > 1:
            raise inside.error("copies is the same in all layouts of a list")
        return found
    held = degrees_of(stated["hold"]) if "hold" in stated else {}
    return ChipLayouts(whole_numbers(stated["chips"], "chips", MOST_CHIPS), held)


def _bound(text: str, place: Place) -> Bound:
    """``NAME<=VALUE`` or ``NAME>=VALUE`` of any output."""
    inside = place.of("limits")
    matched = _limit.fullmatch(text)
    if matched is None:
        raise inside.error(f"{text[:60]!r}: write NAME<=VALUE or NAME>=VALUE, as in step_time<=30ms")
    output = output_of(matched[1])
    if output.name in (BOTTLENECK, BROKEN):
        raise inside.error(f"{output.name} is no number")
    return Bound(output, matched[2] == "<=", _value(output, matched[3], inside))


def _value(output: Output, text: Any, place: Place) -> float:
    return parse(text, output.unit, f"{place}: {output.name}")
