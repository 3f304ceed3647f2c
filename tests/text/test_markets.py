"""Prices that stand beside each other say of which market and date they are, and which of them is not believed."""

import pytest

import steptime as st
from steptime.model.catalog.bases import beside, priced, prices_of
from steptime.model.catalog.hardware import load_hardware
from steptime.model.choices import Basis


def rents(*names: str) -> list[str]:
    return beside([priced(load_hardware(name), Basis.RENT) for name in names])


def test_rents_of_several_markets_are_named_each_with_its_date() -> None:
    (line,) = rents("h200-sxm", "b200-sxm")
    figures = [prices_of(load_hardware(name))["rent"] for name in ("h200-sxm", "b200-sxm")]
    assert figures[0].source != figures[1].source
    for name, figure in zip(("h200-sxm", "b200-sxm"), figures, strict=True):
        assert f"{name} {figure.source[0]} {figure.date}" in line
    assert "of several markets" in line


def test_prices_of_one_source_say_so_once() -> None:
    (line,) = rents("b200-sxm", "gb200-nvl72")
    assert line.endswith("rent, which all of these have, of one source (INFX 2026-08)")
    assert rents("b200-sxm") == [] and beside([load_hardware("gb200-nvl72"), load_hardware("b200-sxm")]) == []


def test_a_rent_below_the_cost_of_ownership_is_doubtful() -> None:
    (line,) = rents("rtx-pro-6000")
    assert line == "doubtful: rtx-pro-6000 at a rent of $0.52, below the $0.75 that owning it costs (INFX 2026-08)"
    assert load_hardware("rtx-pro-6000").figures["chip_hour_price"].doubtful


@pytest.mark.parametrize("width", ["80", "120"])
def test_commands_that_compare_machines_say_it(run, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    monkeypatch.setenv("COLUMNS", width)
    _, out, _ = run("step", "llama-3.1-70b", "h200-sxm", "b200-sxm", "rtx-pro-6000", "--basis", "rent")
    said = " ".join(out.split())
    assert "of several markets: h200-sxm MERC 2026-05, b200-sxm INFX 2026-08" in said
    assert "doubtful: rtx-pro-6000 at a rent of $0.52" in said and max(map(len, out.splitlines())) <= int(width)
    _, out, _ = run("solve", "crossover", "llama-3.1-70b", "h200-sxm", "--between", "h200-sxm,b200-sxm")
    assert "ownership, which all of these have, of one source (INFX 2026-08)" in " ".join(out.split())


def test_a_price_by_hand_is_of_no_market(run) -> None:
    _, out, _ = run("step", "llama-3.1-8b", "h200-sxm", "b200-sxm", "--set", "chip_hour_price=2$/h")
    assert "market" not in out and "one source" not in out


def test_a_fleet_says_it_in_its_notes() -> None:
    one = {"model": "llama-3.1-8b", "rate": "20 /s", "prompt": 1000, "output": 200}
    hardware = [{"name": name, "basis": "rent", "sizes": [1]} for name in ("h200-sxm", "b200-sxm")]
    notices = st.fleet({"class": [one], "hardware": hardware}).to_dict()["notices"]
    assert any("of several markets: h200-sxm MERC" in notice for notice in notices)
    stated = st.fleet({"class": [one], "hardware": [{"name": "h200-sxm", "price": "4 $/h", "sizes": [1]}]})
    assert not any("market" in notice for notice in stated.to_dict()["notices"])
