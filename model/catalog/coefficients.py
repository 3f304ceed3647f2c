"""Coefficients of the estimate as a file: what a fit found, how far rows it never saw lay off, and what it has seen."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.bands import ALL, Band, Evidence, evidence
from steptime.model.catalog.files import packaged, read_toml
from steptime.model.catalog.links import Collectives, collectives
from steptime.model.catalog.table import Place, Table, read
from steptime.model.choices import Scope
from steptime.model.estimate import symbols as e
from steptime.model.quantity import lookup

FILE = "model/catalog/coefficients.toml"
COEFFICIENTS = (
    q.dense_streaming, q.expert_streaming, q.cache_streaming, q.product_share, q.score_share, q.prefill_product_share,
    q.prefill_score_share, q.link_streaming, q.reduce_start, q.exchange_start, q.kernel_time, q.sequence_overhead,
)  # fmt: skip

TRAINING_COEFFICIENTS = (
    e.wide_share, e.narrow_share, e.grouped_share, e.paired_share, e.passing_share, e.bulk_streaming, e.tensor_exposed,
    e.exchange_exposed, e.launch_time,
)  # fmt: skip

COUNTED = ("models", "machines", "families")
"""Of what a band says how many of its rows are."""
_band_table = Table({"low": float, "high": float, "rows": int, "groups": int, **{name: {str: int} for name in COUNTED}},
                    ("low", "high", "rows", "groups"), Band)  # fmt: skip
MOST_FAMILY = 3.0
"""The factor of a hardware family on the time of a kernel lies between a third and three."""
WORDS = {"kinds": ("dense", "experts"), "scopes": (str(Scope.STEPS), str(Scope.SERVING))}
"""Of models and of steps that rows are of."""


@dataclass(frozen=True)
class Seen:
    """What the rows of a fit cover: least and largest of each; which kinds of models, and whether steps alone or of a
    server in which prefills ride along; pipeline stages. Where nothing is said of these they are not known."""

    context: tuple[float, ...]
    sequences: tuple[float, ...]
    chips: tuple[float, ...]
    kinds: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    stages: tuple[float, ...] = ()


@dataclass(frozen=True)
class SeenInTraining:
    """What the rows of a fit of training cover: least and largest of each, and which kinds of models."""

    sequence: tuple[float, ...]
    microbatch: tuple[float, ...]
    chips: tuple[float, ...]
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrainingSet:
    """The coefficients of training alone, with their bands and what their rows cover, the families of machines too."""

    values: Mapping[Symbol, float]
    bands: Mapping[str, Band]
    seen: SeenInTraining
    families: tuple[str, ...]
    fitted: tuple[str, ...] = ()
    rows: int = 0
    unseen: Mapping[str, Band] = field(default_factory=dict)

    def band(self, kind: str, family: str | None, machine: str) -> Evidence:
        """The band of a kind of model on a machine, as those of decoding."""
        return evidence(self.bands, self.unseen, kind, family, machine)


@dataclass(frozen=True)
class Coefficients:
    """A set of coefficients. ``kernels`` are factors of hardware families on the time of a kernel; ``bands`` by kind of
    model and family of machine, and by kind alone; ``unseen`` of rows whose machine the fit had not seen, by kind;
    ``training`` is None where no step of training was fitted."""

    origin: str
    values: Mapping[Symbol, float]
    kernels: Mapping[str, float]
    bands: Mapping[str, Band]
    seen: Seen
    fitted: tuple[str, ...] = ()
    rows: int = 0
    training: TrainingSet | None = None
    collectives: Collectives | None = None
    unseen: Mapping[str, Band] = field(default_factory=dict)

    def of_family(self, family: str | None) -> Mapping[Symbol, float]:
        """The coefficients on machines of a family; on one that no row is of, those of the reference."""
        factor = self.kernels.get(family or "", 1.0)
        return {**self.values, q.kernel_time: self.values[q.kernel_time] * factor}

    def band(self, kind: str, family: str | None, machine: str) -> Evidence:
        """The band of decode steps of a kind of model on a machine, and what it rests on."""
        return evidence(self.bands, self.unseen, kind, family, machine)


def _factor(value: Any, place: Place) -> float:
    """A family's factor, in the range that a fit has."""
    found: float = read(float, value, place)
    if not 0.999 / MOST_FAMILY <= found <= 1.001 * MOST_FAMILY:  # a file rounds to six digits
        raise place.error(f"{found:g} is outside the physical range 1/{MOST_FAMILY:g} to {MOST_FAMILY:g}")
    return found


def _band(value: Any, place: Place) -> Band:
    """A band whose ends are in order."""
    found: Band = read(_band_table, value, place)
    if not 0 < found.low <= found.high < math.inf:
        raise place.error(f"expected 0 < low <= high, both finite, got {found.low:g} and {found.high:g}")
    for name in ("rows", "groups"):
        if getattr(found, name) < 0:
            raise place.of(name).error("expected no less than 0")
    for name in COUNTED:
        for key, rows in getattr(found, name).items():
            if rows < 0:
                raise place.of(f"{name}.{key}").error("expected no less than 0")
    return found


def _ends(value: Any, place: Place) -> tuple[float, ...]:
    """Least and largest of what was seen."""
    found: tuple[float, ...] = read([float], value, place)
    if len(found) != 2 or not 0 <= found[0] <= found[1] < math.inf:
        raise place.error("expected two finite numbers, the least and the largest: [low, high] with 0 <= low <= high")
    return found


def _section(symbols: tuple[Symbol, ...], seen: type, **more: Any) -> Table:
    """One kind of step: its coefficients, all of them, its bands, what its rows cover."""
    values = {symbol.name: lookup(symbol.name) for symbol in symbols}
    ends: dict[str, Any] = {one.name: _ends for one in fields(seen) if one.name not in WORDS}
    needed = tuple(one.name for one in fields(seen) if one.default is MISSING)
    words = {name: [options] for name, options in WORDS.items() if name in {one.name for one in fields(seen)}}
    bands = {name: {str: _band} for name in ("bands", "unseen")}
    keys = {"rows": int, "fitted": [str], "coefficients": Table(values, needed=tuple(values)), **bands,
            "seen": Table({**ends, **words}, needed, seen)}  # fmt: skip
    return Table({**keys, **more}, needed=("coefficients", "bands", "seen"))


_training = _section(TRAINING_COEFFICIENTS, SeenInTraining, families=[str])
_schema = _section(COEFFICIENTS, Seen, kernels={str: _factor}, training=_training, collectives=collectives)


@cache
def shipped() -> Coefficients:
    """The set that the package carries: what `steptime calibrate` makes of the catalogue's own measurements."""
    return _made(tomllib.loads(packaged("coefficients.toml")), FILE)


def read_coefficients(path: Path) -> Coefficients:
    """A set from a user's file; raises UserError naming file and key."""
    return _made(read_toml(path), str(path))


def _made(data: Mapping[str, Any], origin: str) -> Coefficients:
    place = Place(origin)
    found = read(_schema, dict(data), place)
    values, bands, fitted, rows = _common(found, place)
    training = found.get("training")
    trained = None if training is None else _trained(training, place.of("training"))
    return Coefficients(
        origin, values, found.get("kernels", {}), bands, found["seen"], fitted, rows, trained, found.get("collectives"),
        found.get("unseen", {}),
    )  # fmt: skip


def _trained(found: Mapping[str, Any], place: Place) -> TrainingSet:
    values, bands, fitted, rows = _common(found, place)
    families, unseen = tuple(found.get("families", ())), found.get("unseen", {})
    return TrainingSet(values, bands, found["seen"], families, fitted, rows, unseen)


_Common = tuple[dict[Symbol, float], Mapping[str, Band], tuple[str, ...], int]


def _common(found: Mapping[str, Any], place: Place) -> _Common:
    """Coefficients, bands, what was fitted, and of how many rows."""
    for name in ("bands", *["unseen"] * bool(found.get("unseen"))):
        if ALL not in found[name]:
            raise place.of(name).error(f"a band for all rows is missing: [{name}.{ALL}]")
    values = {lookup(name).symbol: float(value) for name, value in found["coefficients"].items()}
    return values, found["bands"], tuple(found.get("fitted", ())), found.get("rows", 0)
