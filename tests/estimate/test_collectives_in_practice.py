"""The estimate of collectives: closed forms by hand and by search, the fit, its errors, what nobody measured."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steptime.model.catalog.coefficients import read_coefficients, shipped
from steptime.model.catalog.files import packaged
from steptime.model.catalog.hardware import hardware_names, load_hardware
from steptime.model.catalog.links import POOLED, Link
from steptime.model.catalog.measurement import COLLECTIVES, Measurement, catalogue
from steptime.model.errors import UserError
from steptime.model.estimate import symbols as e
from steptime.model.estimate.collectives import FORMS
from steptime.model.scenario import Scenario
from steptime.model.solver.calibration.exchanges import Exchanges, calibrate_collectives, collectives_text
from steptime.model.solver.calibration.links import STARTS, CollectiveRow, fit_links, predicted
from steptime.model.solver.measured.collective import collective_time
from steptime.model.solver.measured.estimated import Estimated, asked_of, estimated_collective, times_of
from steptime.model.solver.measured.places import Places
from steptime.model.symbols import further_stages

TIMES = st.floats(1e-9, 1e2)
MIB = 2.0**20


def row(phase: str, chips: int, **numbers: float) -> Measurement:
    detail = {name: str(value) for name, value in numbers.items()}
    return Measurement("X-1", phase, "", "", chips, {}, {}, "", "step_time", 1.0, numbers, "", detail)


def estimate(one: Measurement, machine: str) -> Estimated:
    found = estimated_collective(one, load_hardware(machine), shipped())
    assert found is not None
    return found


@pytest.fixture(scope="module")
def made() -> Exchanges:
    found, unused = calibrate_collectives(catalogue(), Places())
    assert found is not None and not unused
    return found


# --- closed forms -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@given(up=TIMES, out=st.one_of(st.just(0.0), TIMES), stages=st.integers(1, 30), starts=st.tuples(TIMES, TIMES))
def test_never_below_the_bytes_and_equal_to_them_without_starts(form, up, out, stages, starts) -> None:
    values = {e.up_moving: up, e.out_moving: out, further_stages: stages}
    none = Scenario({**values, e.up_start: 0.0, e.out_start: 0.0}).evaluate(FORMS[form])
    some = Scenario({**values, e.up_start: starts[0], e.out_start: starts[1]}).evaluate(FORMS[form])
    assert none == pytest.approx(max(up, out)) and some >= max(up, out)


def test_a_collective_of_nothing_takes_its_start() -> None:
    for form in ("all_reduce", "all_gather"):
        values = {e.up_start: 2e-6, e.out_start: 5e-6, e.up_moving: 0.0, e.out_moving: 0.0, further_stages: 5}
        assert Scenario(values).evaluate(FORMS[form]) == pytest.approx(7e-6)


def test_sums_of_eight_chips_by_hand() -> None:
    """64 MiB on eight H100: the switch adds, so 67.1 MB over 450 GB/s, 149 us at the peak. Of six stages up and down a
    tree each starts a piece in a sixth of the start."""
    link = shipped().collectives.link("hopper", "scale_up")  # type: ignore[union-attr]
    moving, piece = 64 * MIB / 450e9 / link.share, link.start / 6
    assert estimate(row("all_reduce", 8, bytes=64 * MIB), "h100-sxm").seconds == pytest.approx(
        ((5 * piece) ** 0.5 + moving**0.5) ** 2
    )
    small = 8 / 450e9 / link.share
    assert estimate(row("all_reduce", 8, bytes=8), "h100-sxm").seconds == pytest.approx(6 * (piece + small))


def test_tokens_to_experts_by_hand() -> None:
    """128 tokens of 7168 bytes, eight copies of each: 7.34 MB, of which 48/64 leave a domain of eight among 32 chips.
    4096 tokens cross once to each domain that holds one of their experts: 3 (1 - (3/4)^8) copies, and are handed on."""
    chosen = shipped().collectives
    assert chosen is not None
    up, out = (chosen.link("hopper", tier) for tier in ("scale_up", "scale_out"))
    few = row("all_to_all", 32, tokens=128.0, hidden=7168.0, topk=8.0)
    few = replace(few, detail={**few.detail, "dtype": "fp8"})
    sent = 128 * 7168 * 8 * 24 / 32
    assert estimate(few, "h800-sxm").seconds == pytest.approx(out.start + sent / (50e9 * out.share))
    many = replace(few, numbers={**few.numbers, "tokens": 4096.0})
    crossing = 4096 * 7168 * 3 * (1 - 0.75**8)
    assert estimate(many, "h800-sxm").seconds == pytest.approx(up.start + out.start + crossing / (50e9 * out.share))


# --- the estimate beside the ideal ----------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(
    machine=st.sampled_from(hardware_names()),
    phase=st.sampled_from(COLLECTIVES),
    chips=st.integers(2, 4096),
    volume=st.floats(1, 1e12),
    tokens=st.sampled_from([1.0, 128.0, 256.0, 257.0, 8192.0]),
    chosen=st.sampled_from([None, 1.0, 2.0, 8.0]),
)
def test_never_below_the_ideal(machine, phase, chips, volume, tokens, chosen) -> None:
    hardware = load_hardware(machine)
    one = row(phase, chips, bytes=volume)
    if phase == "all_to_all" and chosen is not None:
        one = row(phase, chips, tokens=tokens, hidden=7168.0, topk=chosen)
    try:
        ideal, _ = collective_time(one, hardware)
        found = estimated_collective(one, hardware, shipped())
    except UserError:
        return  # a figure that the catalogue lacks
    assert found is not None
    assert ideal <= found.low <= found.seconds <= found.high
    assert 0 <= found.starting <= 1


def test_families_without_rows_have_a_wider_band_and_say_so() -> None:
    known, other = (estimate(row("all_reduce", 8, bytes=1e6), name) for name in ("h100-sxm", "a100-sxm-80gb"))
    assert known.family == "collectives on hopper" and "no row of scale_up of ampere" in other.family
    assert other.high / other.seconds > 1.3 * known.high / known.seconds
    assert other.low / other.seconds < known.low / known.seconds


def test_many_at_once_are_as_one_by_one() -> None:
    rows = [one for one in catalogue() if one.phase in COLLECTIVES]
    asked = [asked_of(one, load_hardware(one.hardware)) for one in rows]
    up, out = Link(1e-5, 0.6), Link(4e-5, 0.9)
    single = [float(times_of([one], [up], [out])[0]) for one in asked]
    assert times_of(asked, [up] * len(asked), [out] * len(asked)) == pytest.approx(single, rel=1e-12)


def test_without_coefficients_there_is_no_estimate(tmp_path: Path) -> None:
    path = tmp_path / "old.toml"
    path.write_text(packaged("coefficients.toml").split("\n[collectives]")[0])
    assert estimated_collective(row("all_reduce", 8, bytes=1e6), load_hardware("h100"), read_coefficients(path)) is None


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [("[collectives.links.all.scale_out]", "[collectives.links.other.scale_out]", "scale_out"),
     ("scale_up]", "scale_sideways]", "scale_sideways"), ("share = ", "part = ", "part"),
     ("start_spread = ", "start_spread = -", "start_spread"), ("\nhopper = [", "\nhopper = [2, ", "hopper"),
     ("\nall = [", "\nmost = [", "all")],
    ids=["no scale-out of all", "an unknown tier", "an unknown key", "a spread below zero", "three ends",
         "no band of all"],
)  # fmt: skip
def test_a_part_that_does_not_fit_is_one_line(tmp_path: Path, old: str, new: str, named: str) -> None:
    text = packaged("coefficients.toml")
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new))
    with pytest.raises(UserError, match=named) as error:
        read_coefficients(path)
    assert "\n" not in str(error.value)


# --- the fit --------------------------------------------------------------------------------------------------------


def test_the_shipped_part_is_what_the_rows_make(made: Exchanges, tmp_path: Path) -> None:
    path = tmp_path / "made.toml"
    path.write_text("\n".join([packaged("coefficients.toml").split("\n[collectives]")[0],
                               *collectives_text(made.coefficients)]))  # fmt: skip
    again, ours = read_coefficients(path).collectives, shipped().collectives
    assert again is not None and ours is not None
    assert (again.rows, again.groups) == (ours.rows, ours.groups)
    assert dict(again.bands) == {family: pytest.approx(ends, rel=1e-2) for family, ends in ours.bands.items()}
    assert {family: set(tiers) for family, tiers in again.links.items()} == {
        family: set(tiers) for family, tiers in ours.links.items()
    }
    for family, tiers in again.links.items():
        for tier, link in tiers.items():
            theirs = ours.links[family][tier]
            assert (link.start, link.share) == pytest.approx((theirs.start, theirs.share), rel=1e-3), (family, tier)


def test_errors_of_kinds_and_machines_that_no_fit_saw(made: Exchanges) -> None:
    """What is promised of the catalogue's rows, each group judged by what is known and the other groups."""
    assert made.judged_by == "group" and made.errors["group"].p90 <= 0.50
    assert made.by_bound["bytes"].median <= 0.15
    assert made.by_bound["starts"].median <= 0.25
    assert sum(one.rows for one in made.by_bound.values()) == len(made.rows)


def test_bands_hold_what_they_promise(made: Exchanges) -> None:
    """Of rows that no fit saw: each group left out, and each range of sizes with the rest of its sweep known."""
    for by in ("group", "size"):
        ends = np.array([made.coefficients.band(one.family, 0.5, True) for one in made.rows])
        share = np.exp(-made.logs[by])
        assert 0.70 <= np.mean((share >= ends[:, 0]) & (share <= ends[:, 1])) <= 0.90, by


def test_no_estimate_of_a_row_is_below_its_ideal(made: Exchanges) -> None:
    assert np.all(predicted(made.rows, made.coefficients.links) >= [one.asked.ideal for one in made.rows])


def test_a_fit_finds_the_links_that_made_the_rows(made: Exchanges) -> None:
    """Rows made by the formula with other links, each a group of its own, give these back, but
    for what their spreads about what is known draw them."""
    true = {**made.coefficients.links, "hopper": {"scale_up": Link(9e-6, 0.5), "scale_out": Link(60e-6, 0.8)}}
    times = predicted(made.rows, true)
    rows = [
        CollectiveRow(replace(one.source, id=f"X{number}-1"), one.family, one.asked, float(time))
        for number, (one, time) in enumerate(zip(made.rows, times, strict=True))
    ]
    found = fit_links(rows)
    for tier, link in true["hopper"].items():
        assert found["hopper"][tier].start == pytest.approx(link.start, rel=0.12), tier
        assert found["hopper"][tier].share == pytest.approx(link.share, rel=0.12), tier
        pooled = found[POOLED][tier].start  # what all families have moves a part of the way from what is known
        assert min(link.start, STARTS[tier].value) < pooled < max(link.start, STARTS[tier].value), tier


def test_too_few_collectives_are_named() -> None:
    rows = [one for one in catalogue() if one.phase in COLLECTIVES][:5]
    found, unused = calibrate_collectives(rows, Places())
    assert found is None and set(unused) == {one.id for one in rows}
    assert all("fewer than 10" in why for why in unused.values())


def test_calibrate_shows_collectives(run_json) -> None:
    data = run_json("calibrate")
    found = data["collectives"]
    assert found["links"]["hopper"]["scale_up"]["start"] == pytest.approx(
        shipped().collectives.link("hopper", "scale_up").start, rel=1e-3  # type: ignore[union-attr]
    )
    assert found["left_out"] == "group" and set(found["by_bound"]) == {"starts", "bytes"}
    assert sum(one["rows"] for one in found["by_group"].values()) == found["rows"]
    assert not any("all_reduce" in why for why in data["not_used"].values())
