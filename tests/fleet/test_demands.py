"""Demands as files state them: what is read, what is refused, in one line with its place."""

import copy

import demands
import pytest

import steptime as st
from steptime.model.api.fleet_demand import demand_of
from steptime.model.solver.fleet.demand import Goal, Law, Role

FULL = {
    "minimise": "power",
    "class": [{"name": "chat", "model": "llama-3.3-70b", "weights": "fp8", "rates": [1.0, "2 /s", 0], "prompt": 1200,
               "output": [[100, "50%"], [300, 0.5]], "cached": "30%", "max_ttft": "1 s", "max_tpot": "40 ms",
               "percentile": 99, "wait": 2, "price_in": "0.5 $", "price_out": 2.0}],
    "hardware": [{"name": "h200-sxm", "price": "3.6 $/h", "power": "1370 W", "stock": 512, "sizes": [8, 2, 2],
                  "roles": ["together"], "rent": "7.2 $/h"}],
    "limits": {"megawatts": 1.5, "budget": "3600 $/h", "chips": 100, "spare": 1},
    "energy_price": "0.36 $/kWh", "gap": "2%", "seconds": 10.0,
}


def test_every_key_is_read_in_base_units():
    demand = demand_of(FULL)
    one, option = demand.classes[0], demand.options[0]
    assert (demand.goal, demand.periods, demand.gap, demand.seconds) == (Goal.POWER, 3, 0.02, 10.0)
    assert (one.rates, one.rate) == ((1.0, 2.0, 0.0), 1.0)
    assert one.output == Law((100.0, 300.0), (0.5, 0.5)) and one.prompts == ((1200.0, 360.0, 1.0),)
    assert (one.max_ttft, one.max_tpot, one.percentile, one.wait) == (1.0, 0.040, 0.99, 2)
    assert (one.steps, one.context, one.new_tokens) == (199.0, 1200 + round((50_000 - 200) / 398), 840.0)
    assert (option.price, option.rent) == pytest.approx((0.001, 0.002))
    assert (option.power, option.stock, option.sizes, option.roles) == (1370.0, 512, (2, 8), (Role.TOGETHER,))
    caps = demand.caps
    assert (caps.power, caps.budget, caps.chips, caps.spare) == (1.5e6, 1.0, 100, 1)
    assert demand.energy_price == pytest.approx(1e-7)


def test_prices_of_one_basis_are_compared_and_others_said():
    words = {"hardware": [{"name": "gb200-nvl72"}, {"name": "b200-sxm"}]}
    rented = demand_of(demands.stated(**words))
    assert [3600 * one.price for one in rented.options] == pytest.approx([2.6, 2.6])
    assert not any("kinds" in notice for notice in rented.notices)
    hardware = [{"name": "h100-sxm", "basis": "ownership"}, {"name": "l4", "price": "1 $/h"}]
    mixed = demand_of(demands.stated(hardware=hardware))
    assert any("different kinds" in notice for notice in mixed.notices)


def changed(place, value):
    data = copy.deepcopy(FULL)
    at = data
    for key in place[:-1]:
        at = at[key]
    if value is None:
        del at[place[-1]]
    else:
        at[place[-1]] = value
    return data


@pytest.mark.parametrize("place, value, said", [
    (("class", 0, "modle"), "x", "demand: class: unknown key 'modle'; did you mean model?"),
    (("class", 0, "model"), "llama-3.3-07b", "did you mean"),
    (("class", 0, "rate"), 3.0, "give rate, or rates"),
    (("class", 0, "rates"), [0, 0, 0], "at least one is above zero"),
    (("class", 0, "rates"), [-1.0], "must be positive"),
    (("class", 0, "prompt"), 10.5, "whole number of tokens"),
    (("class", 0, "prompt"), [[100, 0.5], [200, 0.4]], "sum to 0.9"),
    (("class", 0, "prompt"), [], "pairs"),
    (("class", 0, "output"), 1, "at least two tokens"),
    (("class", 0, "cached"), "120%", "more than the whole"),
    (("class", 0, "percentile"), 100, "between 50 and 99.99"),
    (("class", 0, "max_ttft"), "1 B", "expected"),
    (("class", 0, "weights"), "fp7", "unknown"),
    (("hardware", 0, "name"), "h20-sxm", "did you mean"),
    (("hardware", 0, "roles"), ["both"], "together"),
    (("hardware", 0, "sizes"), [2.5], "whole number"),
    (("hardware", 0, "price"), "3 $", "expected"),
    (("limits", "megawats"), 1.0, "did you mean megawatts"),
    (("maximise",), "tokens", "not both"),
    (("class",), [], "one to 200"),
    (("hardware",), None, "is missing"),
    (("gap",), "200%", "more than the whole"),
    (("link",), [{"between": ["h200-sxm", "x"]}], "two of h200-sxm"),
    (("minimise",), "joy", "unknown value"),
])
def test_what_cannot_be_read_is_one_line_with_its_place(place, value, said):
    with pytest.raises(st.UserError) as caught:
        demand_of(changed(place, value))
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_class_and_an_option_have_names_of_their_own():
    data = copy.deepcopy(FULL)
    data["class"].append(copy.deepcopy(data["class"][0]))
    with pytest.raises(st.UserError, match="two classes are called chat"):
        demand_of(data)
    data = changed(("hardware",), [FULL["hardware"][0]] * 2)
    with pytest.raises(st.UserError, match="stated twice"):
        demand_of(data)


def test_missing_figures_are_named():
    with pytest.raises(st.UserError, match=r"\[l4\] chip_hour_price.*chips needs none"):
        demand_of(demands.stated(hardware=[{"name": "l4"}]))
    with pytest.raises(st.UserError, match="maximise tokens needs a limit"):
        demand_of(demands.stated(maximise="tokens"))


def test_a_machine_without_watts_is_read_and_missed_only_where_watts_count():
    unknown = next(name for name in ("maia-200", "tpu8t", "tpu8i", "trainium3", "ascend-950dt", "mi455x")
                   if demand_of(demands.stated(hardware=[{"name": name, "price": "9 $/h"}])).options[0].power is None)
    with pytest.raises(st.UserError, match=rf"\[{unknown}\] power"):
        demand_of(demands.stated(hardware=[{"name": unknown, "price": "9 $/h"}], minimise="power"))
