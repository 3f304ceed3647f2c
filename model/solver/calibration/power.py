"""What a chip draws while it decodes: watts at rest, joules a byte and a FLOP, as far as measured watts tell.

P = P_0 + e_b B + e_f A with B bytes of memory a second and A FLOP a second of one chip, by least squares. A part whose
interval reaches zero is not told apart: it is named, and left out of a second fit that gives the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from steptime.model.estimate import symbols as e
from steptime.model.solver.calibration.fit import Array
from steptime.model.solver.calibration.rows import Row

PARTS = ("idle_watts", "joules_per_byte", "joules_per_flop")
BYTES = (e.dense_bytes, e.expert_bytes, e.cache_bytes)
FLOPS = (e.dense_flops, e.expert_flops, e.score_flops)
SURE = 0.9
"""Confidence of the intervals."""
LEAST_ROWS = 6
"""Two rows for each part."""


@dataclass(frozen=True)
class Part:
    """A coefficient of power with its interval, and whether rows tell it from zero."""

    value: float
    low: float
    high: float
    is_told: bool


@dataclass(frozen=True)
class Power:
    """Parts of a chip's power on one machine: those that rows tell apart from a fit without the others. ``error``: the
    standard deviation of watts beside it; ``condition``: of the columns at one length each."""

    hardware: str
    rows: int
    parts: Mapping[str, Part]
    error: float
    condition: float


def powers_of(rows: Sequence[Row]) -> list[Power]:
    """The power of each machine of which enough rows state watts."""
    stated = [row for row in rows if row.source.number("power_w") is not None]
    machines = dict.fromkeys(row.source.hardware for row in stated)
    groups = {name: [row for row in stated if row.source.hardware == name] for name in machines}
    return [_power(name, group) for name, group in groups.items() if len(group) >= LEAST_ROWS]


def _power(hardware: str, rows: Sequence[Row]) -> Power:
    watts: Array = np.array([row.source.number("power_w") for row in rows])
    columns: Array = np.array([[1.0, _bytes_a_second(row), _flops_a_second(row)] for row in rows])
    condition = float(np.linalg.cond(columns / np.linalg.norm(columns, axis=0)))
    every = _intervals(columns, watts)
    told = [low > 0 for _, low, _ in every]
    again = _intervals(columns[:, told], watts)
    kept = iter(again)
    parts = {name: Part(*(next(kept) if is_told else part), is_told)
             for name, part, is_told in zip(PARTS, every, told, strict=True)}  # fmt: skip
    return Power(hardware, len(rows), parts, _deviation(columns[:, told], watts), condition)


def _bytes_a_second(row: Row) -> float:
    """Of one chip in its decode steps: prefills that ride along use weights that are read anyway."""
    return sum(row.asked[symbol] for symbol in BYTES) / row.measured


def _flops_a_second(row: Row) -> float:
    """Of one chip, with those of the prefills that ride along."""
    along = row.along.get(e.riding, 0.0) * sum(row.along.get(symbol, 0.0) for symbol in FLOPS)
    return (sum(row.asked[symbol] for symbol in FLOPS) + along) / row.measured


def _intervals(columns: Array, watts: Array) -> list[tuple[float, float, float]]:
    """Least squares: each coefficient with the ends of its interval."""
    from scipy.stats import t

    length = np.linalg.norm(columns, axis=0)
    scaled = columns / length  # watts beside 1e12 bytes a second
    found = np.linalg.lstsq(scaled, watts, rcond=None)[0] / length
    spread = _deviation(scaled, watts) * np.sqrt(np.diag(np.linalg.pinv(scaled.T @ scaled))) / length
    reach = float(t.ppf((1 + SURE) / 2, len(watts) - columns.shape[1])) * spread
    return [(float(value), float(value - far), float(value + far)) for value, far in zip(found, reach, strict=True)]


def _deviation(columns: Array, watts: Array) -> float:
    """The standard deviation of what a fit leaves."""
    scaled = columns / np.linalg.norm(columns, axis=0)
    left = watts - scaled @ np.linalg.lstsq(scaled, watts, rcond=None)[0]
    return float(np.sqrt(left @ left / max(1, len(watts) - columns.shape[1])))
