"""Intervals of what comes out where inputs are known within limits, as JSON and as lines of text."""

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from steptime.model.quantity import as_count, declared, lookup
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import in_unit, money, plain, si


def spread_json(found: Spread | None) -> dict[str, Any]:
    """``ranges``, where there are any."""
    if found is None:
        return {}
    return {
        "ranges": {
            "inputs": {symbol.name: list(ends) for symbol, ends in found.ranges.items()},
            "outputs": {
                name: {"low": one.low, "high": one.high, "median": one.median,
                       "how": "exact" if one.exact else "sampled", "dominant": one.dominant,
                       "swings": dict(one.swings), "present": one.present}
                for name, one in found.intervals.items()
            },
            "binds": dict(found.binds),
            "samples": found.samples,
            "solved": found.solved,
            "distribution": "log-uniform, Sobol points",
        }
    }  # fmt: skip


def spread_lines(data: Mapping[str, Any], units: Mapping[str, str] | None = None, binds: str = "binds") -> list[Any]:
    """The ranges of an answer's JSON as lines; ``units``: how outputs that are no quantities are shown."""
    if "ranges" not in data:
        return []
    found, known = data["ranges"], declared()
    inputs = ", ".join(f"{name} {_shown(name, low)} to {_shown(name, high)}" for name, (low, high)
                       in found["inputs"].items())  # fmt: skip
    made = Fitting(
        ("", ">low", ">median", ">high", "ends", "moved most by"), (), ("ends", ">median"), ("ends", "moved most by")
    )
    for name, one in found["outputs"].items():
        unit = (units or {}).get(name, "")
        ends = [in_unit(one[key], known[name].unit) if name in known else _as(_small(one[key]), unit)
                for key in ("low", "median", "high")]  # fmt: skip
        by = one["dominant"]
        moved = f"{by} ({one['swings'][by]:.3g} times)" if one["swings"][by] > 1 + 1e-9 else "—"
        how = one["how"] if one["present"] == 1 else f"{one['how']}, in {one['present']:.1%}"
        made.add_row(name, *ends, how, moved)
    shares = sorted(found["binds"].items(), key=lambda item: -item[1])
    listed = ", ".join(f"{name} {f'{share:.0%}' if share >= 0.005 or share == 0 else '<1%'}" for name, share in shares)
    lines: list[Any] = [Text(f"for {inputs}", style="bold"), made]
    lines.append(Text(f"{binds} in {found['samples']:,} samples ({found['distribution']}): {listed}"))
    if found["solved"] < 1:
        lines.append(Text(f"only {found['solved']:.0%} of the samples have an answer"))
    return [*lines, Text()]


def _shown(name: str, value: float) -> str:
    unit = lookup(name).unit
    return plain(value) if unit == 1 else in_unit(value, unit)


def _as(value: float, unit: str) -> str:
    """What is no quantity, in the unit that people use."""
    if unit == "$ per token":
        return f"{money(value * 1e6)} per Mtoken"
    if unit in ("s", "s per step", "J per token"):
        return si(value, unit.split()[0]) + unit[len(unit.split()[0]) :]
    return f"{as_count(value)} {unit}".strip()


def _small(value: float) -> float:
    """What is zero but for rounding is zero."""
    return 0.0 if abs(value) < 1e-12 else value
