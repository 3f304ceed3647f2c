"""The words of a sweep's base become scenes: one question for each combination of those of which several are listed."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from steptime.model import symbols as q
from steptime.model.api.named import hardware_of, model_of
from steptime.model.catalog.bases import common_basis, priced
from steptime.model.catalog.hardware import Hardware
from steptime.model.catalog.prices import PriceList
from steptime.model.catalog.table import Place
from steptime.model.choices import Basis
from steptime.model.solver.sweep.spec import MOST_SCENES, Scene
from steptime.model.step.inputs import Inputs, Question
from steptime.model.step.words import ARGUMENTS, inputs_of


def beside(name: str, folder: Path | None) -> str:
    """A file beside the spec, where there is one of that name."""
    if folder is not None and name.endswith((".toml", ".json")) and (folder / name).is_file():
        return str(folder / name)
    return name


def scenes_of(
    base: Mapping[str, Any], prices: PriceList | None, folder: Path | None, place: Place
) -> tuple[Scene, ...]:  # fmt: skip
    """Every combination of the words of which several are listed."""
    inside = Place(place.file, "base")
    if "model" not in base:
        raise inside.of("model").error("is missing: a model, or a list of them")
    if ("hardware" in base) == (prices is not None):
        raise inside.of("hardware").error("is missing: a machine, a list of them, or `prices` of one that is bought")
    several = [name for name, value in base.items() if isinstance(value, list)]
    if stray := next((name for name in several if name not in ("model", "hardware", *ARGUMENTS)), None):
        raise inside.of(stray).error(f"several values of a quantity stand in [over.{stray}]")
    if "layout" in several:
        raise inside.of("layout").error("several layouts stand in [layouts] list")
    listed = {name: _several(base[name], inside.of(name)) for name in several}
    number = 1
    for values in listed.values():
        number *= len(values)
    if number > MOST_SCENES:
        raise place.error(f"{number:,} combinations of words, more than {MOST_SCENES:,}")
    one = {name: value for name, value in base.items() if name not in listed}
    machines = listed.get("hardware", [base["hardware"]]) if prices is None else []
    known = {name: hardware_of(beside(_text(name, inside.of("hardware")), folder)) for name in machines}
    models = {name: model_of(beside(_text(name, inside.of("model")), folder))
              for name in listed.get("model", [base["model"]])}  # fmt: skip
    compared = known and "basis" not in base and q.chip_hour_price.name not in base
    basis = common_basis(list(known.values())) if compared else None
    bought = None if prices is None else prices.machine()
    found = []
    for chosen in product(*listed.values()):
        words = {**one, **dict(zip(listed, chosen, strict=True))}
        model, machine = models[words.pop("model")], bought or _at(known[words.pop("hardware")], basis)
        labels = {"model": model.name, "hardware": machine.name}
        labels |= {name: str(words[name]) for name in listed if name not in labels}
        found.append(Scene(labels, Question(model, machine, _inputs(words, basis))))
    return tuple(found)


def _at(machine: Hardware, basis: Basis | None) -> Hardware:
    return priced(machine, basis) if basis is not None else machine


def _inputs(words: Mapping[str, Any], basis: Basis | None) -> Inputs:
    """The inputs of a scene; where machines are compared, at prices of one basis."""
    found = inputs_of(words)
    return found if basis is None else replace(found, basis=basis)


def _several(value: list[Any], place: Place) -> list[Any]:
    if not value:
        raise place.error("an empty list")
    return list(dict.fromkeys(_text(one, place) for one in value))


def _text(value: Any, place: Place) -> str:
    if not isinstance(value, str):
        raise place.error(f"expected text, got {type(value).__name__}")
    return value
