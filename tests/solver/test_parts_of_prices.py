"""What links and the rest of a chip are bought as: parts of price lists, their shares and what they hold up."""

import re
from pathlib import Path

import pytest
from conftest import case_of
from hypothesis import given
from hypothesis import strategies as st

import steptime
from steptime.model import symbols as q
from steptime.model.catalog.parts import middle, tiers_of
from steptime.model.catalog.prices import read_prices
from steptime.model.economics.power import clock_slope
from steptime.model.errors import UserError
from steptime.model.scenario import Scenario
from steptime.model.solver.machine.earns import who_earns
from steptime.model.solver.machine.parts import share_of

EXAMPLES = Path(__file__).parents[2] / "examples"
PARTS = read_prices(EXAMPLES / "prices-market-parts.toml")
LIST = """
[compute]
buys = "1 PFLOP/s"
format = "fp8"
dollars = 1000
[stack]
capacity = "20 GB"
bandwidth = "1 TB/s"
dollars = 100
[scale_out]
buys = "100 GB/s"
"""


def listed(tmp_path, text: str):
    file = tmp_path / "own.toml"
    file.write_text(LIST + text, "utf-8")
    return read_prices(file)


def test_a_network_is_counted_and_priced_by_hand(tmp_path) -> None:
    """Two ports of 50 GB/s; two tiers of 64 ports for 2,048: three ports of 500, one link of 100 + 2 · 300."""
    prices = listed(tmp_path, """
[scale_out.fabric]
radix = 64
hosts = 2048
port = "50 GB/s"
switch = [32000, 64000]
nic = 1000
cable = 50
fibre = 100
transceiver = 300
""")  # fmt: skip
    parts = {name: part.dollars for name, part in prices.goods["scale_out"].parts.items()}
    assert parts == {"network interfaces": (2000, 2000), "switches": (3000, 6000), "cables and optics": (1500, 1500)}
    assert prices.goods["scale_out"].dollars == pytest.approx(2000 + 4500 + 1500)


def test_one_more_host_is_one_more_tier() -> None:
    assert (tiers_of(64, 2048), tiers_of(64, 2049), tiers_of(64, 65536), tiers_of(64, 65537)) == (2, 3, 3, 4)
    with pytest.raises(UserError, match="more than 6 tiers"):
        tiers_of(4, 10_000)


WRONG = {
    "a price beside its parts": ('dollars = 5\n[scale_out.parts.cable]\ndollars = 3\n', "say the same twice"),
    "parts of what is given": ("", "it comes with the base"),
    "the most before the least": ("[scale_out.parts.cable]\ndollars = [3, 2]\n", "is over the most"),
    "three figures": ("[scale_out.parts.cable]\ndollars = [1, 2, 3]\n", "the least and the most"),
    "no dollars": ("[scale_out.parts.cable]\nfeeds = 'power'\n", "dollars"),
    "a network without ports": ("[scale_out.fabric]\nradix = 64\nhosts = 8\nport = '1 GB/s'\n", "switch"),
    "more ports up than down": ("[scale_out.fabric]\nradix = 64\nhosts = 8\nport = '1 GB/s'\nswitch = 1\n"
                                "oversubscription = 0.5\n", "must be at least 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_a_price_is_one_line(tmp_path, name: str) -> None:
    text, said = WRONG[name]
    if not text:
        text = LIST.replace('buys = "100 GB/s"', 'given = "100 GB/s"') + "[scale_out.parts.cable]\ndollars = 3\n"
        (tmp_path / "own.toml").write_text(text, "utf-8")
        with pytest.raises(UserError, match=said):
            read_prices(tmp_path / "own.toml")
        return
    with pytest.raises(UserError, match=said) as found:
        listed(tmp_path, text)
    assert "\n" not in str(found.value)


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 1e4)), min_size=2, max_size=5), st.floats(1, 1e5),
       st.data())  # fmt: skip
def test_a_share_lies_between_its_ends_whatever_is_true(spans, rest: float, data) -> None:
    spans = [(min(one), max(one)) for one in spans]
    true = [data.draw(st.floats(low, high)) for low, high in spans]
    low, high = share_of(spans[0], rest, spans[1:])
    assert low - 1e-12 <= true[0] / (sum(true) + rest) <= high + 1e-12


def test_parts_add_up_to_their_resource() -> None:
    found = who_earns(case_of("deepseek-v3", "gb200-nvl72", layout="dp=72,ep=72"), PARTS, batch_adjusts=True)
    for of, key in (("scale_out_bandwidth", "scale_out_bandwidth"), ("base", "base")):
        middles = sum(sum(part.dollars) / 2 for part in found.parts if part.of == of)
        assert middles == pytest.approx(found.spend_share[key] * found.chip)
    assert middle(PARTS.base.parts) == PARTS.base.dollars


@pytest.mark.parametrize("context", ["1000", "4096", "200000"])
def test_a_part_alone_brings_nothing_and_holds_up_what_its_link_is_worth(context: str) -> None:
    case = case_of("deepseek-v3", "h100-sxm", layout="dp=32,ep=32", context=context)
    found = who_earns(case, PARTS, batch_adjusts=True)
    worth = {one.name: one for one in found.worths}
    parts = [part for part in found.parts if part.of == "scale_out_bandwidth"]
    assert {part.name for part in parts} == {"network interfaces", "switches", "cables and optics"}
    assert all(part.earns == (0.0, worth["scale_out_bandwidth"].earns[1]) for part in parts)
    if context == "1000":
        assert parts[0].earns[1] > 0.5  # scale-out binds: each of its sellers can hold up most of the cost


def test_watts_are_worth_what_the_clock_makes_of_them() -> None:
    """H200, whose idle watts are known: where FLOP/s bind, one per cent fewer watts is a lower clock."""
    case = case_of("llama-3.1-70b", "h200-sxm", layout="tp=8", phase="prefill", prompt="8192")
    found = who_earns(case, PARTS, batch_adjusts=False)
    compute = next(one.earns[1] for one in found.worths if one.name == "peak_flops")
    values = {q.power_cap: 700.0, q.resting_power: 80.3, q.voltage_exponent: 0.5}
    slope = float(Scenario(values).evaluate(clock_slope))
    cooling = next(part for part in found.parts if part.name == "cooling")
    assert compute > 0.9 and cooling.earns == (0.0, pytest.approx(compute * slope))
    idle = who_earns(case_of("llama-3.1-70b", "h200-sxm", layout="tp=8"), PARTS, batch_adjusts=False)
    assert next(part for part in idle.parts if part.name == "cooling").earns == (0.0, 0.0)
    assert next(part for part in idle.parts if part.name == "processors").earns is None


def test_a_joule_pays_for_its_cooling(tmp_path) -> None:
    bill = '[electricity]\ndollars = 0.08\nbuys = "3.6 MJ"\n'
    alone, cooled = listed(tmp_path, bill).electricity, listed(tmp_path, f"{bill}power_usage = 1.25\n").electricity
    assert cooled == pytest.approx(1.25 * alone)
    with pytest.raises(UserError, match=r"power_usage: 0\.9 must be at least 1"):
        listed(tmp_path, f"{bill}power_usage = 0.9\n")


def test_a_designed_machine_splits_its_links(run_json) -> None:
    data = run_json("solve", "machine", "deepseek-v3", "--prices", "market-parts", "--budget", "7200000", "--chips",
                    "144", "--batch", "4096", "--layout", "dp=144,ep=144")  # fmt: skip
    parts = [one for one in data["parts"] if one["of"] == "scale_out"]
    assert sum(sum(one["dollars"]) / 2 for one in parts) == pytest.approx(data["spend"]["scale_out"])
    assert sum(one["price_elasticity"] for one in parts) == pytest.approx(data["sensitivities"]["scale_out_price"])
    assert all(one["price_elasticity"] > 0 for one in parts)


def test_the_article_s_claim_by_context(run, run_json) -> None:
    """Who sells the bottleneck earns: FLOP/s at short contexts, memory beyond, the others at neither."""
    words = ("solve", "machine", "deepseek-v3", "--from", "gb200-nvl72", "--prices", "market-parts,manufacturing-parts",
             "--layout", "dp=72,ep=72", "--context", "1k,4k,32k,200k")  # fmt: skip
    data = run_json(*words)
    assert [column["context"] for column in data["columns"]] == [1000, 4000, 32_000, 200_000]
    lines = {one["line"]: one for one in data["lines"]}
    worth = {name: [0.0 if ends is None else -ends[0] for ends in one["elasticity"]] for name, one in lines.items()}
    assert worth["peak_flops"] == pytest.approx([1, 0, 0, 0], abs=1e-6)
    assert worth["memory_stacks"][0] == pytest.approx(0, abs=1e-6) and min(worth["memory_stacks"][1:]) > 1
    assert max(max(worth[name]) for name in ("switches", "cables and optics", "scale_up_bandwidth")) < 1e-6
    assert worth["cooling"][1:] == [0, 0, 0]
    assert "[gb200-nvl72] resting_power" in data["missing"]["elasticity of cooling"]
    market, made = zip(*(lines[name]["spend_share"] for name in ("memory_stacks", "peak_flops")), strict=True)
    assert market[0][0] < 0.15 and made[0][0] > 0.4  # memory is 13 % of what is paid, 42 % of what it costs to make
    code, out, _ = run(*words)
    assert code == 0 and all(len(line) <= 80 for line in out.splitlines()) and "5.16–8.18%" in out


def test_over_two_racks_switches_and_cables_hold_up_what_they_join(run, run_json) -> None:
    words = ("solve", "machine", "deepseek-v3", "--from", "gb200-nvl72", "--prices", "market-parts", "--layout",
             "dp=144,ep=144", "--context", "1k,200k")  # fmt: skip
    lines = {one["line"]: one["elasticity"] for one in run_json(*words)["lines"]}
    assert lines["scale_out_bandwidth"][0] == pytest.approx([-1, -1]) and lines["peak_flops"][0][0] > -1e-6
    for part in ("network interfaces", "switches", "cables and optics"):
        assert lines[part][0] == pytest.approx([-1, 0]) and lines[part][1] == pytest.approx([0, 0], abs=1e-6)
    assert not re.search(r"\de-\d", run(*words)[1])  # what is rounding is nought


def test_what_cannot_be_asked_by_context(run) -> None:
    words = ("solve", "machine", "llama-3.1-8b", "--from", "h100-sxm", "--context", "1k,4k")
    assert "need a price list" in run(*words)[2]
    assert "--range" in run(*words, "--prices", "market-parts", "--range", "peak_flops=1PFLOP/s..2PFLOP/s")[2]
    with pytest.raises(UserError, match="more than 32"):
        steptime.earners("llama-3.1-8b", "h100-sxm", range(1000, 1040), "market-parts")
