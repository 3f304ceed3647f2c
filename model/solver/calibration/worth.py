"""A fit's errors by family and by group, beside what is to be beaten, and the rows that it leaves unexplained."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from steptime.model.choices import Scope
from steptime.model.solver.calibration import baseline
from steptime.model.solver.calibration.cross import Errors, Part, grouped, held, kind_and_family
from steptime.model.solver.calibration.fit import Array, Table, fit
from steptime.model.solver.calibration.rows import Row

UNEXPLAINED = 0.5
"""Error of a row that no fit saw, above which nothing in the model explains it."""


@dataclass(frozen=True)
class Pair:
    """Errors of the same rows, by the fit that they are part of, and by fits that saw no row of their group."""

    fitted: Errors
    left_out: Errors


@dataclass(frozen=True)
class Far:
    """The error of a row that is not explained, and its group."""

    error: float
    group: str


TRAITS: Mapping[str, Callable[[Row], bool]] = {
    "prefills on the same chips": lambda row: row.source.scope == Scope.SERVING,
    "prefills elsewhere": lambda row: row.source.kind.startswith("disaggregated"),
    "experts over several chips": lambda row: row.kind == "experts" and (row.source.degrees.get("ep") or 1) > 1,
    "Llama-3.1-70B, fp8, H100 and H200": lambda row: (
        row.source.model == "llama-3.1-70b" and row.source.formats.get("weights") == "fp8"
        and row.source.hardware in ("h100-sxm", "h200-sxm")
    ),
}  # fmt: skip
"""Sets of rows that are judged beside the families: a row may be in several."""


@dataclass(frozen=True)
class Worth:
    """Errors by family of machines and kind of model, by trait, and by group of model, machine and serving stack; the
    share of a family's rows inside the bands of other groups; errors of groups left out with the implausible rows among
    them; those of the bound, and of the bound times one number; each row that is not explained."""

    by_family: Mapping[str, Pair]
    by_trait: Mapping[str, Pair]
    by_group: Mapping[str, Pair]
    covered: Mapping[str, float]
    with_doubted: Errors
    ideal: Errors
    one_multiplier: Errors
    unexplained: Mapping[str, Far]


def worth(found: Part, doubted: Table | None = None) -> Worth:
    """What a fit is worth; ``doubted`` are implausible rows of the same kind."""
    table, out = found.table, found.logs["group"]
    sample = np.log(found.fit.predict(table) / table.measured)

    def pairs(key: Callable[[Row], str]) -> dict[str, Pair]:
        fitted, left = grouped(table, sample, key), grouped(table, out, key)
        return {name: Pair(fitted[name], left[name]) for name in sorted(fitted)}

    traits = {}
    for name, has in TRAITS.items():
        chosen = np.array([has(row) for row in table.rows])
        if chosen.any():
            traits[name] = Pair(Errors.of(sample[chosen]), Errors.of(out[chosen]))
    off = zip(table.rows, np.abs(np.expm1(out)).tolist(), strict=True)
    far = {row.source.id: Far(error, row.group) for row, error in off if error > UNEXPLAINED}
    families, inside = np.array([kind_and_family(row) for row in table.rows]), held(table, out)
    by_family = pairs(kind_and_family)
    covered = {name: float(inside[families == name].mean()) for name in by_family}
    return Worth(
        by_family, traits, pairs(lambda row: row.group), covered,
        Errors.of(np.concatenate([out, _of_doubted(found, doubted)])),
        Errors.of(baseline.ideal(table)), Errors.of(baseline.one_multiplier(table)), far,
    )  # fmt: skip


def _of_doubted(found: Part, table: Table | None) -> Array:
    """The logarithm of predicted over measured of the implausible rows, by fits that saw no row of their group."""
    if table is None:
        return np.zeros(0)
    groups, logs = np.array(found.table.groups), np.zeros(len(table.rows))
    for group in dict.fromkeys(table.groups):
        out = np.array(table.groups) == group
        fitted = fit(found.table.only(groups != group)) if group in groups else found.fit
        part = table.only(out)
        logs[out] = np.log(fitted.predict(part) / part.measured)
    return logs
