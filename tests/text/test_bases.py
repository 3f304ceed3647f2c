"""Dollars and joules of one kind: every price and energy names its basis, and several machines are compared on one."""

import json
from pathlib import Path
from typing import Any

import pytest

import steptime as st
from steptime.cli import main
from steptime.model.catalog.bases import common_basis, priced, prices_of
from steptime.model.catalog.hardware import Hardware, hardware_names, load_hardware
from steptime.model.choices import Basis
from steptime.model.errors import UserError

MARKET = "examples/prices-market.toml"


def machine(folder: Path, name: str, **more: str | float) -> str:
    """A file of a machine like an H100, with more keys."""
    keys: dict[str, str | float] = {
        "peak_flops": 989e12, "memory_bandwidth": "3.35TB/s", "memory_capacity": "80 GB",
        "scale_up_bandwidth": "450 GB/s", "scale_up_domain": 8, "scale_out_bandwidth": "50 GB/s", **more,
    }  # fmt: skip
    path = folder / f"{name}.toml"
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items()), "utf-8")
    return str(path)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    shown = capsys.readouterr()
    assert left.value.code == 0, shown.err
    return " ".join(shown.out.split())


# --- the catalogue -------------------------------------------------------------------------------------------------
kinds = {
    "an estimate of cost (greaterwrong)": ("gb200-nvl72", "estimate", 3.20),
    "a cloud's list price (Lambda)": ("b200-sxm", "list", 6.69),
    "a median of the market (cliffcenter)": ("h100-sxm", "rent", 3.49),
    "Google's list price": ("tpuv3", "list", 2.2),
    "cost of ownership, a neocloud's (SemiAnalysis InferenceX, 2026-08)": ("gb200-nvl72", "ownership", 2.26),
    "retail rent (SemiAnalysis InferenceX, 2026-08)": ("b200-sxm", "rent", 2.60),
    "cost of ownership of an H100 (SemiAnalysis InferenceX, 2026-08)": ("h100-sxm", "ownership", 1.55),
}


@pytest.mark.parametrize(("name", "basis", "value"), kinds.values(), ids=list(kinds))
def test_price_has_the_basis_of_its_source(name: str, basis: str, value: float) -> None:
    assert prices_of(load_hardware(name))[basis].value == value


@pytest.mark.parametrize("name", hardware_names())
def test_every_price_and_power_of_the_catalogue_states_its_basis(name: str) -> None:
    found = load_hardware(name)
    assert set(prices_of(found)) <= set(Basis)
    assert all(basis == figure.basis and figure.doubtful for basis, figure in prices_of(found).items())
    assert "power" not in found.figures or found.figures["power"].basis in ("chip", "system")
    assert found.figures.get("chip_hour_price") or not found.prices  # the first of several is taken where none is asked


def test_a_machine_at_another_basis_is_the_same_machine_at_that_price() -> None:
    own = load_hardware("gb200-nvl72")
    rented = priced(own, Basis.RENT)
    assert rented.figures["chip_hour_price"].value == 2.6 and rented.peaks == own.peaks
    assert priced(priced(rented, Basis.OWNERSHIP), Basis.ESTIMATE).figures == own.figures
    with pytest.raises(UserError, match=r"`basis` list: .*\[gb200-nvl72\] has no such price; it has rent"):
        priced(rented, Basis.LIST)


common = {
    "one kind already": (["h100-sxm", "mi300x"], None),
    "a list price and an estimate have a rent of one source": (["gb200-nvl72", "b200-sxm"], "rent"),
    "rents of two sources: ownership has one": (["gb200-nvl72", "h100-sxm"], "ownership"),
    "none in common": (["gb200-nvl72", "tpuv5p"], None),
    "no dollars are compared where one has no price": (["gb200-nvl72", "b200-sxm", "l40s"], None),
}


@pytest.mark.parametrize(("names", "basis"), common.values(), ids=list(common))
def test_machines_are_compared_on_a_basis_that_all_have(names: list[str], basis: str | None) -> None:
    assert common_basis([load_hardware(name) for name in names]) == basis


# --- one machine -----------------------------------------------------------------------------------------------------
def test_step_says_what_kind_of_dollars_and_joules_it_counts(capsys: pytest.CaptureFixture[str]) -> None:
    found = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8")
    data = found.to_dict()
    assert (data["price_basis"], data["energy_basis"], data["system_power"]) == ("rent", "chip", 1370)
    assert (found.price_basis, found.energy_basis) == ("rent", "chip")
    owned = found.replace(basis="ownership")
    assert owned.price_basis == "ownership"
    assert owned.dollars_per_million_tokens == pytest.approx(found.dollars_per_million_tokens * 1.55 / 3.49)
    said = printed(capsys, "step", "llama-3.1-70b", "h100-sxm", "--layout", "tp=8")
    assert "per million tokens (rent), 734.4 mJ each" in said
    said = printed(capsys, "step", "llama-3.1-70b", "h100-sxm", "--layout", "tp=8", "-v")
    assert "energy at the bound 734.4 mJ per token, " in said
    assert "watts that are counted: chip, 700 W; system 1.37 kW" in said


def test_whole_system_counts_as_such() -> None:
    """The catalogue's 23 kW of a WSE-3 are the whole system's (awesomeagents.ai)."""
    assert st.step("llama-3.1-8b", "wse-3", weights="int8", activations="fp16").energy_basis == "system"


def test_price_set_by_hand_is_what_is_said_of_it() -> None:
    found = st.step("llama-3.1-8b", "h100-sxm", chip_hour_price=2.0, power="1 kW")
    assert (found.price_basis, found.energy_basis) == ("set by hand", "set by hand")
    assert found.replace(basis="list").price_basis == "list"  # an H100 has no list price: the one that is set is one
    assert found.replace(basis="list").dollars_per_million_tokens == found.dollars_per_million_tokens


def test_a_basis_is_not_kept_for_another_price() -> None:
    owned = st.step("llama-3.1-8b", "h100-sxm", basis="ownership")
    assert owned.replace(batch=8).price_basis == "ownership"
    assert owned.replace(chip_hour_price=2.0).price_basis == "set by hand"


def test_no_price_has_no_basis() -> None:
    data = st.step("llama-3.1-8b", "l40s").to_dict()
    assert data["price_basis"] is None and data["dollars_per_million_tokens"] is None
    with pytest.raises(UserError, match=r"`basis` rent: .*\[l40s\] has no such price; it has none at all"):
        st.step("llama-3.1-8b", "l40s", basis="rent")


def test_file_may_say_the_basis(tmp_path: Path) -> None:
    silent = st.step("llama-3.1-8b", machine(tmp_path, "silent", chip_hour_price=2, power="700 W"))
    said = st.step("llama-3.1-8b", machine(
        tmp_path, "said", chip_hour_price=2, basis="ownership", power="1370 W", power_basis="system"))  # fmt: skip
    assert (silent.price_basis, silent.energy_basis) == ("not stated", "not stated")
    assert (said.price_basis, said.energy_basis) == ("ownership", "system")


@pytest.mark.parametrize(("keys", "message"), [
    ({"basis": "rental", "chip_hour_price": 2}, "did you mean rent"),
    ({"basis": "rent"}, "basis: says what kind of figure chip_hour_price is, which is missing"),
    ({"power_basis": "chip"}, "power_basis: says what kind of figure power is, which is missing"),
])  # fmt: skip
def test_basis_of_a_file_must_say_something(tmp_path: Path, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        st.step("llama-3.1-8b", machine(tmp_path, "odd", **keys))


def test_best_batch_names_the_basis(capsys: pytest.CaptureFixture[str]) -> None:
    best = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8").best_batch()
    assert best.to_dict()["price_basis"] == "rent"
    asked = ("solve", "batch", "llama-3.1-70b", "h100-sxm", "--layout", "tp=8")
    assert "per million tokens (rent)" in printed(capsys, *asked)
    assert "J per token (chip, 700 W; system 1.37 kW)" in printed(capsys, *asked, "--minimise", "energy")


def test_machine_names_the_basis_of_its_price_list(capsys: pytest.CaptureFixture[str]) -> None:
    found = st.machine("llama-3.1-8b", MARKET, budget=1e7).to_dict()
    assert found["price_basis"] == "list" and found["prices"]["life"] == 5 * 365 * 86400
    asked = ("solve", "machine", "llama-3.1-8b", "--prices", MARKET, "--budget", "1e7")
    assert "market price (list, written off over 5 years)" in printed(capsys, *asked)


def test_machine_names_whose_watts_its_price_list_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """The watts of the list of a B200 taken apart are its rated 1,000: boards, hosts and cooling are outside."""
    asked = ("solve", "machine", "llama-3.1-8b", "--power", "100kW", "--minimise", "energy", "--prices")
    assert "J per token (chip)" in printed(capsys, *asked, "examples/prices-manufacturing.toml")
    found = st.machine("llama-3.1-8b", "examples/prices-manufacturing.toml", power=1e5, minimise="energy").to_dict()
    assert (found["price_basis"], found["energy_basis"]) == ("estimate", "chip")
    assert st.machine("llama-3.1-8b", MARKET, budget=1e7).to_dict()["energy_basis"] == "not stated"


def test_cache_says_that_a_rented_chip_and_bought_tiers_differ() -> None:
    """Tiers are bought and written off over their life: what owning a chip costs is the nearest kind to it."""
    rented, owned = (st.cache("llama-3.1-8b", "h100-sxm", basis=basis).to_dict() for basis in (None, "ownership"))
    assert rented["price_basis"] == "rent" and "`basis` ownership is of their kind" in rented["notices"][0]
    assert owned["price_basis"] == "ownership" and owned["notices"] == []
    held = [{one["name"]: one["rate"] for one in found["choices"]}["hbm"] for found in (rented, owned)]
    assert held[1] / held[0] == pytest.approx(1.55 / 3.49)


# --- several machines ------------------------------------------------------------------------------------------------
def searched(*hardware: Hardware | str, **words: Any) -> Any:
    return st.search("deepseek-v3", list(hardware), chips=8, batch=[64, 256], context="8k", weights="fp8", kv="fp8",
                     **words)  # fmt: skip


def test_search_compares_on_one_basis_and_names_it() -> None:
    """An estimate of 3.20 beside a list price of 6.69 would make a GB200 2.09 times as cheap as a B200 as fast."""
    found = searched("gb200-nvl72", "b200-sxm")
    data = found.to_dict()
    assert data["price_basis"] == "rent"
    assert {one["hardware"]: one["dollars_per_chip_hour"] for one in data["prices"]} == {
        "gb200-nvl72": 2.6, "b200-sxm": 2.6,
    }  # fmt: skip
    step = found.step()
    assert step.price_basis == "rent"
    assert step.dollars_per_million_tokens == pytest.approx(found.best.cost * 1e6)
    again = st.step("deepseek-v3", "gb200-nvl72", batch=256, context="8k", weights="fp8", kv="fp8", basis="rent",
                    layout=found.best.layout)  # fmt: skip
    assert again.dollars_per_million_tokens == pytest.approx(step.dollars_per_million_tokens)


def test_doubtful_price_of_a_loser_is_named_with_where_it_would_win() -> None:
    found = searched("gb200-nvl72", "b200-sxm")
    (loser,) = (one for one in found.to_dict()["prices"] if one["wins_below"] is not None)
    assert loser["hardware"] == "b200-sxm" and loser["doubtful"]
    assert any("b200-sxm lost by a doubtful figure" in notice for notice in found.to_dict()["notices"])
    for share, winner in ((0.99, "b200-sxm"), (1.01, "gb200-nvl72")):
        own = load_hardware("b200-sxm")
        price = {"chip_hour_price": own.prices["rent"].__class__(loser["wins_below"] * share, basis="rent")}
        cheaper = own.__class__(**{**vars(own), "figures": {**own.figures, **price}, "prices": {}})
        assert searched("gb200-nvl72", cheaper, basis="rent").best.question.hardware.name == winner


def test_prices_of_different_kinds_are_warned_of_and_chip_seconds_offered(capsys: pytest.CaptureFixture[str]) -> None:
    found = st.search("llama-3.1-70b", ["gb200-nvl72", "tpuv5p"], chips=4, batch=64).to_dict()
    assert found["price_basis"] is None
    (notice,) = (one for one in found["notices"] if "different kinds" in one)
    assert "gb200-nvl72 estimate 3.2" in notice and "tpuv5p list 4.2" in notice
    assert "`minimise` chip-seconds needs no price" in notice
    asked = ("solve", "layout", "llama-3.1-70b", "gb200-nvl72", "tpuv5p", "--chips", "4", "--batch", "64")
    assert "--minimise chip-seconds needs no price" in printed(capsys, *asked)


def test_machine_without_a_price_is_searched_too() -> None:
    """Chip-seconds are minimised then; its points can be asked for as steps."""
    found = st.search("llama-3.1-8b", ["gb200-nvl72", "b200-sxm", "l40s"], chips=[1, 2], batch=64)
    assert found.to_dict()["minimise"] == "chip-seconds" and "different kinds" in found.to_dict()["notices"][0]
    assert found.step(found.best_of["l40s"]).price_basis is None
    with pytest.raises(UserError, match=r"`basis` rent: .*\[l40s\] has no such price"):
        st.search("llama-3.1-8b", ["gb200-nvl72", "l40s"], chips=1, batch=64, basis="rent")


def test_file_without_a_basis_does_not_compare_with_a_rent(tmp_path: Path) -> None:
    silent = machine(tmp_path, "silent", chip_hour_price=2)
    notices = st.search("llama-3.1-8b", ["h100-sxm", silent], chips=1, batch=64).to_dict()["notices"]
    assert "silent not stated 2" in notices[0] and "different kinds" in notices[0]
    said = machine(tmp_path, "said", chip_hour_price=2, basis="rent")
    notices = st.search("llama-3.1-8b", ["h100-sxm", said], chips=1, batch=64).to_dict()["notices"]
    assert notices[0].startswith("dollars of one kind")


def test_watts_of_different_kinds_are_warned_of(tmp_path: Path) -> None:
    whole = machine(tmp_path, "whole", power="1370 W", power_basis="system")
    notices = st.search("llama-3.1-8b", ["h100-sxm", whole], chips=1, batch=64, minimise="energy").to_dict()["notices"]
    assert "joules of different kinds (W): h100-sxm chip 700" in notices[0] and "whole system 1370" in notices[0]


def test_one_price_for_all_needs_no_notice() -> None:
    assert searched("gb200-nvl72", "b200-sxm", chip_hour_price=2.0).to_dict()["notices"] == []
