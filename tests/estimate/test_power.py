"""Watts at rest, joules a byte and a FLOP from measured watts: found where rows tell them apart, named where not."""

from dataclasses import replace

import numpy as np
import pytest

from steptime.model.catalog.measurement import catalogue
from steptime.model.estimate import symbols as e
from steptime.model.solver.calibration.power import BYTES, FLOPS, Power, powers_of
from steptime.model.solver.calibration.rows import Row, rows_of
from steptime.model.solver.measured.places import Places


@pytest.fixture(scope="module")
def some() -> list[Row]:
    rows, _ = rows_of([row for row in catalogue() if row.family == "INF-GPTFAST"], Places())
    assert len(rows) > 8
    return rows


def drawing(rows: list[Row], idle: float, per_byte: float, per_flop: float, noise: float = 0.0) -> list[Row]:
    """The rows with the watts that such parts give; bytes and FLOP of a second are drawn apart."""
    rng, found = np.random.default_rng(7), []
    for row in rows:
        asked = dict.fromkeys(row.asked, 0.0) | {BYTES[0]: rng.uniform(0.5, 3) * 1e12 * row.measured,
                                                 FLOPS[0]: rng.uniform(20, 500) * 1e12 * row.measured}  # fmt: skip
        watts = idle + (per_byte * asked[BYTES[0]] + per_flop * asked[FLOPS[0]]) / row.measured
        numbers = {**row.source.numbers, "power_w": watts + rng.normal(0, noise)}
        found.append(replace(row, asked=asked, along={}, source=replace(row.source, numbers=numbers, hardware="one")))
    return found


def of(rows: list[Row]) -> Power:
    (found,) = powers_of(rows)
    return found


def test_parts_that_made_the_watts_are_found(some: list[Row]) -> None:
    found = of(drawing(some, 200, 60e-12, 0.9e-12))
    values = [part.value for part in found.parts.values()]
    assert values == pytest.approx([200, 60e-12, 0.9e-12], rel=1e-6)
    assert all(part.is_told for part in found.parts.values()) and found.error == pytest.approx(0, abs=1e-6)


def test_a_part_that_makes_no_difference_is_not_told(some: list[Row]) -> None:
    found = of(drawing(some, 200, 0.0, 0.9e-12, noise=15))
    assert [part.is_told for part in found.parts.values()] == [True, False, True]
    idle, byte, flop = found.parts.values()
    assert byte.low < 0 < byte.high and idle.low < 200 < idle.high and flop.low < 0.9e-12 < flop.high


def test_few_rows_tell_nothing(some: list[Row]) -> None:
    assert powers_of(drawing(some[:5], 200, 60e-12, 0.9e-12)) == []


def test_prefills_that_ride_along_cost_their_flop(some: list[Row]) -> None:
    """Half a prefill of as many FLOP in each step: they count by half."""
    rows = drawing(some, 200, 0.0, 1e-12)
    with_prefills = [replace(row, along={FLOPS[0]: 2 * row.asked[FLOPS[0]], e.riding: 0.5}) for row in rows]
    assert of(with_prefills).parts["joules_per_flop"].value == pytest.approx(0.5e-12, rel=1e-6)


def test_the_catalogue_s_machine_rests_far_above_nothing() -> None:
    """Ten rows of one machine, of 1,400 W: 510 to 740 W while it decodes (InferenceX rows with power_w)."""
    rows, _ = rows_of([row for row in catalogue() if row.number("power_w") is not None], Places())
    found = of(rows)
    assert (found.hardware, found.rows) == ("mi355x", 10)
    assert 450 < found.parts["idle_watts"].value < 620
    assert found.parts["joules_per_flop"].is_told and not found.parts["joules_per_byte"].is_told
