"""Price lists are read as data: what a table says becomes unit prices, and what cannot be used is named."""

from pathlib import Path

import pytest

from steptime.model.catalog.prices import read_prices
from steptime.model.errors import UserError

EXAMPLES = Path(__file__).parents[2] / "examples"
GOOD = """
life = "43800 h"
[compute]
buys = "5 PFLOP/s"
format = "fp8"
peaks = { bf16 = 0.5 }
dollars = 10000
watts = "0.7 kW"
[stack]
capacity = "24 GB"
bandwidth = "1 TB/s"
dollars = 800
[scale_up]
given = "900 GB/s"
domain = 8
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "prices.toml"
    file.write_text(text)
    return file


def test_unit_prices_follow_from_what_an_amount_costs(tmp_path) -> None:
    prices = read_prices(written(tmp_path, GOOD))
    assert prices.goods["compute"].unit("dollars") == pytest.approx(2e-12)
    assert prices.goods["compute"].unit("watts") == pytest.approx(700 / 5e15)
    assert prices.goods["stack"].unit("dollars") == 800
    assert prices.goods["stack"].unit("watts") is None
    assert not prices.goods["scale_up"].for_sale and prices.domain == 8
    assert prices.peaks == {"fp8": 1.0, "bf16": 0.5}
    assert prices.life == 43800 * 3600


def test_electricity_is_dollars_for_joules(tmp_path) -> None:
    text = GOOD + '[electricity]\ndollars = 0.09\nbuys = "3.6 MJ"\n'
    assert read_prices(written(tmp_path, text)).electricity == pytest.approx(0.09 / 3.6e6)


@pytest.mark.parametrize("old, new, message", [
    ("[compute]", "[compte]", "did you mean compute"),
    ("dollars = 800", "dolars = 800", r"\[stack\].*did you mean dollars"),
    ('buys = "5 PFLOP/s"', 'buys = "5 TB/s"', r"\[compute\] buys: '5 TB/s' is in B/s, expected FLOP/s"),
    ('buys = "5 PFLOP/s"', "", r"\[compute\] buys is missing"),
    ('capacity = "24 GB"', "", r"\[stack\] capacity is missing"),
    ("dollars = 800", "dollars = -1", "must be positive"),
    ('format = "fp8"', 'format = "fp9"', r"\[compute\] format: unknown value 'fp9'"),
    ("bf16 = 0.5", "bf17 = 0.5", "did you mean bf16"),
    ("bf16 = 0.5", "fp8 = 0.5", "must be 1"),
    ("domain = 8", "domain = 8.5", "whole number of chips"),
    ("domain = 8", "dollars = 3", "comes with the base"),
    ("dollars = 800", "dollars = 800\nleast = 8\nmost = 4", "least 8 is over most 4"),
    ("domain = 8", "in_switch_reduction = 3", "expected true or false"),
    ("domain = 8", 'topology = "swich"', "did you mean switch"),
    ('life = "43800 h"', "life = 3\nname = 3", "name: expected text"),
    ("[stack]", "[stak]", "did you mean stack"),
])  # fmt: skip
def test_what_cannot_be_used_is_named(old, new, message, tmp_path) -> None:
    assert old in GOOD
    with pytest.raises(UserError, match=message) as caught:
        read_prices(written(tmp_path, GOOD.replace(old, new, 1)))
    assert "prices.toml" in str(caught.value) and "\n" not in str(caught.value)


def test_without_memory_there_is_no_machine(tmp_path) -> None:
    with pytest.raises(UserError, match=r"\[stack\] is missing"):
        read_prices(written(tmp_path, GOOD[: GOOD.index("[stack]")]))


@pytest.mark.parametrize("name, whole, chip", [("manufacturing", 6400, "b200-sxm"),
                                               ("market", 3.1e6 / 72, "gb200-nvl72")])  # fmt: skip
def test_the_examples_add_up_to_the_chip_that_they_take_apart(name, whole, chip) -> None:
    """siliconanalysts.com 2026: about 6400 dollars to make a B200; fetchlogic.net 2026: 3.1e6 dollars a rack of 72."""
    from steptime.model.catalog.hardware import load_hardware

    prices, figures = read_prices(EXAMPLES / f"prices-{name}.toml"), load_hardware(chip).figures
    stacks = figures["memory_bandwidth"].value / prices.stack_bandwidth
    assert stacks == pytest.approx(8, rel=1e-9)
    assert stacks * prices.stack_capacity == pytest.approx(figures["memory_capacity"].value, rel=1e-3)
    assert prices.goods["compute"].amount == load_hardware(chip).peak("fp8")
    inside = sum(prices.goods[good].dollars or 0 for good in ("compute", "scale_up"))
    total = inside + 8 * prices.goods["stack"].dollars + prices.base.dollars
    assert total == pytest.approx(whole, rel=0.01)
