"""What rows decide of the coefficients and what they cannot tell apart; what is to be beaten; rows not explained."""

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

import steptime as st
from steptime.model import symbols as q
from steptime.model.catalog.coefficients import shipped
from steptime.model.catalog.measurement import catalogue, distinct
from steptime.model.errors import UserError
from steptime.model.estimate import symbols as e
from steptime.model.solver.calibration import baseline
from steptime.model.solver.calibration import worth as judging
from steptime.model.solver.calibration.calibrate import calibrate
from steptime.model.solver.calibration.cross import Errors
from steptime.model.solver.calibration.fit import DecodeTable, fit
from steptime.model.solver.calibration.identified import ALIKE, apart, identified, sensitivities
from steptime.model.solver.calibration.priors import PRIORS, fitted
from steptime.model.solver.calibration.rows import Row, rows_of
from steptime.model.solver.calibration.worth import worth
from steptime.model.solver.measured.places import Places
from steptime.model.text import fitted as fitted_text

TIMES = (q.reduce_start, q.exchange_start, q.kernel_time, q.sequence_overhead)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return rows_of(distinct(catalogue()), Places())[0]


def without_links(row: Row) -> Row:
    nothing = {e.sent_up: 0.0, e.sent_out: 0.0}
    return replace(row, asked={**row.asked, **nothing}, along={**row.along, **nothing} if row.along else row.along)


def test_of_what_the_rows_say_nothing_the_prior_is_all_that_is_known(rows: list[Row]) -> None:
    """Rows that send nothing over links leave the share of the links as wide as before; kernels they do decide."""
    table = DecodeTable([without_links(row) for row in rows])
    known = identified(table, fit(table), resamples=150)
    assert known.intervals["link_streaming"].of_prior == pytest.approx(1, abs=0.25)
    assert "link_streaming" in known.undecided
    assert known.intervals["kernel_time"].of_prior < 0.3 and "kernel_time" not in known.undecided


def test_intervals_hold_the_fit_and_come_out_the_same_again(rows: list[Row]) -> None:
    table = DecodeTable(rows)
    found = fit(table)
    known = identified(table, found, resamples=100)
    assert known == identified(table, found, resamples=100)
    for symbol in fitted():
        one = known.intervals[symbol.name]
        assert one.low < found.coefficients[symbol] < one.high
    assert {f"kernel_time on {family}" for family in found.families if family != "hopper"} < set(known.intervals)


def test_times_are_homogeneous_in_what_is_fitted_and_held(rows: list[Row]) -> None:
    """Every time doubled, and every share halved, doubles each row's time: so do the sensitivities add up to one."""
    table = DecodeTable(rows)
    moved = sensitivities(table, fit(table), tuple(PRIORS), [])
    signs = np.array([1.0 if symbol in TIMES else -1.0 for symbol in PRIORS])
    assert (moved @ signs) / table.weights == pytest.approx(np.ones(len(rows)), abs=1e-3)


def test_coefficients_of_the_same_count_are_not_told_apart(rows: list[Row]) -> None:
    """Where every layer starts one sum for ten kernels, the time of a sum and that of a kernel are one number."""
    alike = [replace(row, asked={**row.asked, e.reduces: row.asked[e.kernels] / 10}, along={}) for row in rows
             if row.family == "hopper"]  # fmt: skip
    table = DecodeTable(alike)
    found = apart(table, fit(table), (q.kernel_time, q.reduce_start, q.sequence_overhead))
    assert found.correlated[("kernel_time", "reduce_start")] == pytest.approx(-1, abs=0.01)
    assert found.condition_number > 1000
    fine = apart(table, fit(table), (q.kernel_time, q.sequence_overhead))
    assert fine.condition_number < 30 and not any(abs(value) < ALIKE for value in fine.correlated.values())


def test_drawing_every_group_once_is_the_fit_itself(rows: list[Row]) -> None:
    table = DecodeTable(rows)
    once = fit(table, np.ones(len(rows)))
    assert once == fit(table)
    none = fit(table, np.zeros(len(rows)), np.full(len(fitted()) + len(once.families) - 1, 0.1))
    for symbol in fitted():  # no row counts: the prior, moved as told
        assert none.coefficients[symbol] == pytest.approx(PRIORS[symbol].value * np.exp(0.1), rel=1e-6)


def test_one_multiplier_by_hand(rows: list[Row]) -> None:
    """Of three groups each is judged by the median of the others' measured over bound."""
    picked = {row.group: row for row in rows}
    three = zip(list(picked.values())[:3], (2, 3, 5), strict=True)
    few = [replace(row, measured=row.ideal * times) for row, times in three]
    logs = baseline.one_multiplier(DecodeTable(few))
    by_hand = [np.sqrt(3 * 5) / 2, np.sqrt(2 * 5) / 3, np.sqrt(2 * 3) / 5]
    assert np.exp(logs) == pytest.approx(by_hand)
    assert np.exp(baseline.ideal(DecodeTable(few))) == pytest.approx([1 / 2, 1 / 3, 1 / 5])


def test_rows_of_one_group_are_refused(rows: list[Row]) -> None:
    group = max(rows, key=lambda row: sum(other.group == row.group for other in rows)).group
    ids = {row.source.id for row in rows if row.group == "llama-3.1-70b|h200-sxm|vllm"} or {group}
    same = [row for row in catalogue() if row.id in ids]
    more = [replace(row, id=f"{row.id}-again", numbers={**row.numbers, "batch": (row.number("batch") or 1) + 1})
            for row in same]  # fmt: skip
    with pytest.raises(UserError, match="no others judge the fit"):
        calibrate([*same, *more])


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> float:
    """An error from which on a row counts as not explained that some rows exceed: none is half off."""
    for place in (judging, fitted_text):
        monkeypatch.setattr(place, "UNEXPLAINED", 0.3)
    return 0.3


def test_worth(run_json, strict: float) -> None:
    """Every row is in one group and one family; what no fit explains is named with its group."""
    made = calibrate(catalogue())
    found = worth(made, made.doubted)
    for pairs in (found.by_family, found.by_group):
        assert sum(pair.left_out.rows for pair in pairs.values()) == len(made.table.rows)
    inside = sum(pair.left_out.rows * found.covered[name] for name, pair in found.by_family.items())
    assert inside == pytest.approx(made.covered * len(made.table.rows))
    errors = np.abs(np.expm1(made.logs["group"]))
    assert len(found.unexplained) == np.sum(errors > strict) > 0
    assert made.errors["group"] == Errors.of(made.logs["group"])
    assert all(one.error > strict and one.group in found.by_group for one in found.unexplained.values())
    assert found.ideal.bias < -0.5  # the bound is below what was measured
    assert made.errors["group"].median < 0.5 * found.one_multiplier.median < 0.5 * found.ideal.median
    data = run_json("calibrate")
    assert set(data["intervals"]) >= {symbol.name for symbol in fitted()}
    assert data["condition_number"] < 30 and data["with_held"]["condition_number"] > data["condition_number"]
    assert data["correlated"] == [] and len(data["undecided"]) >= 1
    pair = next(iter(data["with_held"]["correlated"]))
    assert {pair["first"], pair["second"]} == {"reduce_start", "kernel_time"} and abs(pair["correlation"]) > ALIKE
    assert data["baselines"]["one_multiplier"]["rows"] == data["rows"]


def test_the_table_says_what_is_known(strict: float) -> None:
    """In a narrow window too: no cell of a number is cut."""
    console = Console(width=80, record=True, file=io.StringIO(), highlight=False, markup=False)
    console.print(st.calibrate().table())
    out = console.export_text()
    said = " ".join(out.split())
    assert "…" not in out
    for words in (
        "nine in ten of 200 times", "hardly decided by the rows", "would be told apart badly: reduce_start and",
        "a group: the bound times one number", "experts over several chips", "not explained, off by more than 30%",
    ):  # fmt: skip
        assert words in said, words
    found = next(line for line in out.splitlines() if line.startswith("kernel_time "))
    microseconds = 1e6 * shipped().values[q.kernel_time]
    assert " to " in found and float(found.split()[1]) == pytest.approx(microseconds, rel=1e-3)
