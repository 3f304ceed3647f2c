"""The coefficients: made by the command from the catalogue's rows, priors, bands, errors of rows left out."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import case_of

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import COEFFICIENTS, TRAINING_COEFFICIENTS, read_coefficients, shipped
from steptime.model.catalog.files import packaged
from steptime.model.catalog.measurement import catalogue
from steptime.model.errors import UserError
from steptime.model.estimate import symbols as e
from steptime.model.solver.calibration.calibrate import Calibration, calibrate, coefficients_text
from steptime.model.solver.calibration.cross import Errors, Part
from steptime.model.solver.calibration.fit import DecodeTable, TrainingTable, fit
from steptime.model.solver.calibration.priors import PRIORS, TRAINING_PRIORS, fitted
from steptime.model.step.estimate import estimated


@pytest.fixture(scope="module")
def made() -> Calibration:
    return calibrate(catalogue())


def test_the_shipped_set_is_what_the_command_makes_of_the_shipped_rows(made: Calibration, tmp_path: Path) -> None:
    """No coefficient is typed in: the file is made anew from the rows, in an empty place."""
    path = tmp_path / "made.toml"
    path.write_text(coefficients_text(made))
    again, ours = read_coefficients(path), shipped()
    for symbol in COEFFICIENTS:
        assert again.values[symbol] == pytest.approx(ours.values[symbol], rel=1e-3), symbol
    assert again.kernels == {family: pytest.approx(factor, rel=1e-3) for family, factor in ours.kernels.items()}
    assert set(again.bands) == set(ours.bands)
    for name, band in again.bands.items():
        assert (band.low, band.high) == pytest.approx((ours.bands[name].low, ours.bands[name].high), rel=1e-2)
    assert (again.rows, again.fitted, again.seen) == (ours.rows, ours.fitted, ours.seen)


def test_the_shipped_set_of_training_is_made_of_the_rows_too(made: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "made.toml"
    path.write_text(coefficients_text(made))
    again, ours = read_coefficients(path).training, shipped().training
    assert again is not None and ours is not None
    for symbol in TRAINING_COEFFICIENTS:
        assert again.values[symbol] == pytest.approx(ours.values[symbol], rel=1e-3), symbol
    assert set(again.bands) == set(ours.bands)
    for name, band in again.bands.items():
        assert (band.low, band.high) == pytest.approx((ours.bands[name].low, ours.bands[name].high), rel=1e-2)
    shown = [(one.rows, one.fitted, one.seen, one.families) for one in (again, ours)]
    assert shown[0] == shown[1]


@pytest.fixture(scope="module")
def trained(made: Calibration) -> Part:
    assert made.training is not None
    return made.training


def test_errors_of_training_rows_that_no_fit_saw(made: Calibration, trained: Part) -> None:
    """Whoever measured is left out with all that they measured; fewer than one in ten rows have no estimate."""
    assert trained.errors["source"].median <= 0.10
    assert trained.errors["source"].p90 <= 0.40
    for by in ("group", "model", "machine"):
        assert trained.errors[by].median <= 0.10, by
    assert max(one.median for one in trained.sources.values()) <= 0.15
    assert sum(one.rows for one in trained.sources.values()) == len(trained.table.rows)
    assert 0.70 <= trained.covered <= 0.90
    assert len(made.untrained) < 0.10 * (len(trained.table.rows) + len(made.untrained))
    assert not set(made.untrained) & set(made.unusable)


def test_no_estimate_of_a_training_row_is_below_its_bound(trained: Part) -> None:
    assert np.all(trained.fit.predict(trained.table) >= [row.ideal for row in trained.table.rows])


def test_at_most_eight_coefficients_of_training_are_fitted(trained: Part) -> None:
    assert len(fitted(TRAINING_PRIORS)) <= 8
    assert set(TRAINING_PRIORS) == set(TRAINING_COEFFICIENTS)
    for symbol, prior in TRAINING_PRIORS.items():
        value = trained.fit.coefficients[symbol]
        assert prior.low <= value <= prior.high
        assert prior.fitted or value == prior.value
        if prior.fitted:
            assert 1.01 * prior.low < value < prior.high / 1.01, symbol


@pytest.mark.parametrize(
    ("symbol", "value", "left"),
    [(e.wide_share, 0.55, 0.5), (e.narrow_share, 0.45, 0.5), (e.paired_share, 0.8, 0.9), (e.tensor_exposed, 0.9, 0.7)],
)
def test_a_fit_of_training_finds_what_made_the_rows(trained: Part, symbol, value: float, left: float) -> None:
    """Rows made by the formula with one coefficient off its prior: the fit moves it towards this, most of the way where
    it is of products, which take most of a step."""
    table = trained.table
    assert isinstance(table, TrainingTable)
    usual = {name: prior.value for name, prior in TRAINING_PRIORS.items()}
    again = TrainingTable(table.rows, table.kernels)
    again.measured = table.predict({**usual, symbol: value}, np.ones(len(table.rows)))
    found = fit(again)
    assert Errors.of(np.log(found.predict(again) / again.measured)).median < 0.03
    assert abs(found.coefficients[symbol] - value) < left * abs(usual[symbol] - value)


def test_kernels_of_training_take_as_long_as_those_of_decoding(made: Calibration, trained: Part) -> None:
    for row, seconds in zip(trained.table.rows, trained.table.step[q.kernel_time], strict=True):
        assert seconds == made.fit.coefficients[q.kernel_time] * made.fit.families[row.family]


def test_errors_of_rows_that_no_fit_saw(made: Calibration) -> None:
    """What is promised of the shipped rows; machines, models and stacks that were never seen are no worse than 12 %."""
    assert made.errors["group"].median <= 0.12
    assert made.errors["group"].p90 <= 0.30
    for by in ("model", "machine", "stack"):
        assert made.errors[by].median <= 0.13, by
    assert 0.70 <= made.covered <= 0.90
    assert len(made.implausible) <= 0.10 * (len(made.table.rows) + len(made.implausible))


def test_no_estimate_of_a_row_is_below_its_bound(made: Calibration) -> None:
    for table in (made.table, made.unfitted):
        if table.rows:
            assert np.all(made.fit.predict(table) >= [row.ideal * (1 - 1e-9) for row in table.rows])


def test_at_most_ten_coefficients_are_fitted_with_families(made: Calibration) -> None:
    assert len(fitted()) <= 10
    for symbol in COEFFICIENTS:
        prior, value = PRIORS[symbol], made.fit.coefficients[symbol]
        assert prior.low <= value <= prior.high
        assert prior.fitted or value == prior.value
        if prior.fitted:  # at an edge of its range a term would be missing
            assert 1.01 * prior.low < value < prior.high / 1.01, symbol


def test_a_fit_finds_the_coefficients_that_made_the_rows(made: Calibration) -> None:
    """Rows made by the formula itself, with other coefficients, give these back where the rows tell them apart."""
    true = {**made.fit.coefficients, q.kernel_time: 9e-6, q.prefill_product_share: 0.55, q.expert_streaming: 0.7}
    rows = made.table.rows
    factor = np.array([made.fit.families.get(family, 1.0) for family in made.table.families])
    times = DecodeTable(rows).predict(true, factor)
    again = DecodeTable(rows)
    again.measured = times
    found = fit(again)
    assert found.coefficients[q.kernel_time] == pytest.approx(9e-6, rel=0.05)
    for symbol in (q.prefill_product_share, q.expert_streaming):  # few rows decide them: they move from their priors
        assert abs(found.coefficients[symbol] - true[symbol]) < abs(PRIORS[symbol].value - true[symbol]), symbol
    assert Errors.of(np.log(found.predict(again) / times)).median < 0.02


def test_rows_that_say_too_much_are_named(made: Calibration) -> None:
    assert made.implausible
    assert all("65% of the peak" in why or "50% or more" in why for why in made.implausible.values())
    whole_runs = {why for why in made.implausible.values() if "of its run" in why}
    assert whole_runs  # Llama-3.1-8B on H200 under one version of one engine
    assert not set(made.implausible) & {row.source.id for row in made.table.rows}


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(UserError, match="at least 30"):
        calibrate(catalogue()[:20])


@pytest.mark.parametrize(
    ("change", "named"),
    [("kernel_time = ", "kernel_time"), ("[bands.\"all\"]", "bands"), ("link_streaming = ", "link_streaming")],
    ids=["no kernel time", "no band for all", "no share of links"],
)  # fmt: skip
def test_a_file_that_lacks_something_is_one_line(tmp_path: Path, change: str, named: str) -> None:
    text = packaged("coefficients.toml")
    assert change in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(change, change.replace(named, "other_thing").replace('"all"', '"most"')))
    with pytest.raises(UserError, match=named):
        read_coefficients(path)


def test_coefficients_of_a_user_count(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = packaged("coefficients.toml")
    old = shipped().values[q.sequence_overhead]
    line = next(line for line in text.splitlines() if line.startswith("sequence_overhead"))
    path.write_text(text.replace(line, "sequence_overhead = 0.001"))
    options = {"layout": "tp=8", "batch": "64"}
    ours = estimated(case_of("llama-3.1-70b", "h100-sxm", **options))
    theirs = estimated(case_of("llama-3.1-70b", "h100-sxm", efficiency=str(path), **options))
    assert ours is not None and theirs is not None
    assert theirs.step_time - ours.step_time == pytest.approx(64 * (0.001 - old), rel=1e-6)


def test_estimate_in_json_and_in_the_table(run_json, run) -> None:
    data = run_json("step", "llama-3.1-70b", "h100-sxm", "--layout", "tp=8", "--batch", "64")
    found, ratio = data["estimate"], data["estimate"]["step_time"] / data["step_time"]
    assert {"step_time", "low", "high", "family", "inside"} <= set(found)
    assert found["tokens_per_second"] == pytest.approx(data["tokens_per_second"] / ratio)
    assert found["dollars_per_million_tokens"] == pytest.approx(data["dollars_per_million_tokens"] * ratio)
    assert found["joules_per_token"] == pytest.approx(data["joules_per_token"] * ratio)
    assert data["terms"]["memory"] == data["step_time"] == data["bounds"]["full"]  # these stay the bound's
    ideal = run_json("step", "llama-3.1-70b", "h100-sxm", "--layout", "tp=8", "--batch", "64", "--efficiency", "ideal")
    assert ideal["estimate"] is None
    assert {key: ideal[key] for key in ("terms", "bounds", "step_time")} == {
        key: data[key] for key in ("terms", "bounds", "step_time")
    }


def test_calibrate_writes_what_it_found(tmp_path: Path, run_json) -> None:
    path = tmp_path / "made.toml"
    data = run_json("calibrate", "-o", str(path))
    assert read_coefficients(path).rows == data["rows"] == shipped().rows
    assert data["errors"]["group"]["rows"] == data["rows"]
    assert set(data["training"]["coefficients"]) == {symbol.name for symbol in TRAINING_COEFFICIENTS}
    assert data["training"]["errors"]["source"]["rows"] == data["training"]["rows"]
    assert "TRN-DGXC" in data["training"]["sources"]
    assert json.dumps(data)
    assert {symbol.name for symbol in COEFFICIENTS} == set(data["coefficients"])


def test_what_a_row_asks_of_a_chip_scales(made: Calibration) -> None:
    """Of serving rows more prefills ride along the shorter the answers are."""
    served = [row for row in made.table.rows if row.along]
    assert served
    for row in served:
        assert 0 <= row.along[e.riding] <= (row.source.number("batch") or 0)
