"""Whole answers: by the API and through the command line, at the bound and in practice."""

import copy
import csv
import io
from pathlib import Path

import demands
import pytest

import steptime as st

EXAMPLES = sorted((Path(st.__file__).parent / "examples" / "fleets").glob("*.toml"))
FILE = """
[[class]]
name = "chat"
model = "llama-3.1-8b"
rate = "60 /s"
prompt = 1000
output = 250
max_ttft = "500 ms"
max_tpot = "25 ms"

[[hardware]]
name = "h100-sxm"
price = "2.2 $/h"
sizes = [1, 2]
"""


@pytest.fixture(scope="module")
def found():
    return st.fleet(demands.stated())


def changed(**words):
    data = copy.deepcopy(demands.stated())
    data.update(words)
    return data


def test_the_answer_adds_up(found):
    answer = found.to_dict()
    for level in (answer, answer["bound"]):
        groups, classes = level["replicas"], level["classes"]
        assert level["dollars_per_hour"] == pytest.approx(sum(one["dollars_per_hour"] for one in groups))
        assert level["dollars_per_hour"] == pytest.approx(sum(one["dollars_per_hour"] for one in classes))
        assert level["chips"] == sum(one["count"] * one["chips"] for one in groups)
        assert all(0 < max(one["utilisation"].values()) <= 1 for one in groups)
        for one, stated in zip(classes, (demands.CHAT, demands.LONG), strict=True):
            assert one["rate"] == pytest.approx(float(stated["rate"].split()[0]))
            tokens = 1000 * one["dollars_per_million_tokens"]["in"] + 250 * one["dollars_per_million_tokens"]["out"]
            if one["name"] == "chat":
                assert tokens * 60 * 3600 / 1e6 == pytest.approx(one["dollars_per_hour"])
        assert level["relaxation"] <= level["cost"] and level["gap"] <= 0.01


def test_one_group_takes_its_full_rate_and_no_more():
    words = {"efficiency": "ideal", "hardware": [dict(demands.HARDWARE[0], sizes=[1], roles=["together"])]}
    (group,) = st.fleet(changed(**words, **{"class": [demands.CHAT]})).to_dict()["replicas"]
    for factor, count in ((0.99, 1), (1.01, 2)):
        busier = dict(demands.CHAT, rate=factor * group["full_rate"])
        (found,) = st.fleet(changed(**words, **{"class": [busier]})).to_dict()["replicas"]
        assert found["count"] == count


def test_percentiles_of_the_fleet_are_within_the_limits(found):
    for level in (found.bound, found.practice):
        for one in level.served:
            limits = one.requests
            assert one.first_token[0] <= one.first_token[1] <= limits.max_ttft * 1.001
            assert one.token[0] <= one.token[1] <= limits.max_tpot * 1.001


def test_practice_costs_no_less_than_the_bound(found):
    assert found.practice.fleet.cost >= found.bound.fleet.bound * (1 - 1e-9)
    assert found.practice.relaxed.cost > found.bound.relaxed.cost


def test_ideal_asks_for_the_bound_alone():
    answer = st.fleet(changed(efficiency="ideal"))
    assert answer.practice is None and answer.to_dict()["limits_hold_for"] == "bound"


def test_more_requests_cost_more_and_a_spare_group_too():
    words = {"efficiency": "ideal", "gap": 0.0, "seconds": 20.0}
    base = st.fleet(changed(**words)).bound.fleet.cost
    busier = [dict(demands.CHAT, rate="500 /s"), demands.LONG]
    assert st.fleet(changed(**words, **{"class": busier})).bound.fleet.cost > base
    spare = st.fleet(changed(**words, limits={"spare": 1})).bound
    assert spare.fleet.cost > base
    assert all(group.owned >= 2 for group in spare.groups)


def test_tokens_under_a_cap_grow_with_it_and_keep_the_proportions_of_classes():
    words = {"efficiency": "ideal", "maximise": "tokens", "seconds": 8.0}
    small, large = (st.fleet(changed(**words, limits={"megawatts": watts})) for watts in (0.02, 0.04))
    assert 1.9 * small.bound.tokens_per_second < large.bound.tokens_per_second
    rates = [one.rate for one in large.bound.served]
    assert rates[0] / rates[1] == pytest.approx(15.0)
    assert large.bound.watts <= 40_000
    assert large.to_dict()["maximise"] == "tokens" and large.to_dict()["minimise"] is None


def test_requests_that_can_wait_need_no_more_than_the_mean():
    """A peak of one period in four: whoever can wait three periods is served at the mean rate."""
    chat = {key: value for key, value in demands.CHAT.items() if key not in ("rate", "max_ttft", "max_tpot")}
    words = {"efficiency": "ideal", "gap": 0.0, "hardware": demands.HARDWARE[:1]}
    peak = [dict(chat, rates=[4000, 0, 0, 0])]
    patient, hasty = (st.fleet(changed(**words, **{"class": [dict(peak[0], wait=wait)]})).bound for wait in (3, 0))
    level = st.fleet(changed(**words, **{"class": [dict(chat, rate=1000)]})).bound
    assert patient.relaxed.cost == pytest.approx(level.relaxed.cost, rel=1e-4)
    assert hasty.relaxed.cost == pytest.approx(4 * level.relaxed.cost, rel=1e-4)


def test_renting_serves_a_peak_where_it_is_cheaper():
    rates = [200] * 5 + [2000]
    chat = {key: value for key, value in demands.CHAT.items() if key != "rate"} | {"rates": rates}
    words = {"efficiency": "ideal", "class": [chat]}
    owned = st.fleet(changed(**words, hardware=[demands.HARDWARE[0]])).bound
    rented = st.fleet(changed(**words, hardware=[dict(demands.HARDWARE[0], rent="4 $/h")])).bound
    assert rented.fleet.cost < 0.8 * owned.fleet.cost
    assert any(group.most > group.owned for group in rented.groups)
    dear = st.fleet(changed(**words, hardware=[dict(demands.HARDWARE[0], rent="40 $/h")])).bound
    assert dear.fleet.cost == pytest.approx(owned.fleet.cost, rel=0.02)


def test_machines_that_may_not_talk_do_not_share_a_class():
    """Prompts on one machine alone and answers on the other: only where a link joins them."""
    first, second = demands.HARDWARE
    split = [dict(first, roles=["prefill"]), dict(second, roles=["decode"])]
    words = {"efficiency": "ideal", "class": [demands.CHAT]}
    joined = st.fleet(changed(**words, hardware=split)).bound
    assert {str(group.column.role) for group in joined.groups} == {"prefill", "decode"}
    stated = [{"between": ["h100-sxm", "a100-sxm-80gb"]}]
    assert st.fleet(changed(**words, hardware=split, link=stated)).bound.fleet.cost == joined.fleet.cost
    with pytest.raises(st.UserError, match="no fleet serves the demand"):
        third = {"name": "h200-sxm", "price": "3 $/h", "roles": ["prefill"], "sizes": [1]}
        st.fleet(changed(**words, hardware=[*split, third], link=[{"between": ["h200-sxm", "h100-sxm"]}]))
    slow = [dict(stated[0], bandwidth="40 MB/s")]
    assert st.fleet(changed(**words, hardware=split, link=slow)).bound.fleet.cost > joined.fleet.cost


def test_what_each_refusal_says():
    with pytest.raises(st.UserError, match=r"chat cannot be served; h100-sxm: max_tpot 0.1 ms: a step .* at least"):
        st.fleet(changed(**{"class": [dict(demands.CHAT, max_tpot="0.1 ms")]}))
    with pytest.raises(st.UserError, match=r"max_ttft 0.0001 s: its longest prompt alone takes"):
        st.fleet(changed(**{"class": [dict(demands.CHAT, max_ttft="0.1 ms")]}))
    with pytest.raises(st.UserError, match=r"memory: one sequence asks for [\d.]+ of what a group of 4 chips has"):
        st.fleet(changed(**{"class": [dict(demands.CHAT, model="deepseek-v3")]}))
    with pytest.raises(st.UserError, match=r"at most [\d.]+ % of the demand fits; megawatts 0.001: [\d.]+ are needed"):
        st.fleet(changed(limits={"megawatts": 0.001}))
    with pytest.raises(st.UserError, match=r"with no limit of stocks [\d.]+ chips would do"):
        st.fleet(changed(hardware=[dict(one, stock=0) for one in demands.HARDWARE]))


def test_why_an_option_lost_by_how_much():
    """An option that is cheaper by what it lacks is used; by a little less it is not."""
    dear = [demands.HARDWARE[0], dict(demands.HARDWARE[1], price="9 $/h")]
    words = {"efficiency": "ideal", "class": [dict(demands.CHAT, rate="3000 /s")]}
    answer = st.fleet(changed(**words, hardware=dear))
    lost = answer.bound.lost[0]
    assert (lost.option, lost.reduced_cost > 0) == (1, True)

    def spent(price):
        level = st.fleet(changed(**words, hardware=[dear[0], dict(dear[1], price=f"{price} $/h")])).bound
        return sum(level.relaxed.values[level.program.places["owned", place]]
                   for place, column in enumerate(level.program.columns) if column.option == 1)

    even = 9 - lost.reduced_cost
    assert spent(even * 1.002) < 1e-6 < spent(even * 0.998)


def test_through_the_command_line(run, run_json, tmp_path):
    path = tmp_path / "demand.toml"
    path.write_text(FILE)
    found = run_json("solve", "fleet", str(path))
    assert found["replicas"][0]["hardware"] == "h100-sxm" and found["minimise"] == "dollars"
    code, out, _ = run("solve", "fleet", str(path))
    assert code == 0 and "fleet for chat: least dollars" in out and "at the ideal bound" in out
    code, out, _ = run("solve", "fleet", str(path), "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0 and [int(row["count"]) for row in rows] == [one["count"] for one in found["replicas"]]
    code, out, err = run("solve", "fleet", str(path), "--csv", "--json")
    assert (code, out) == (2, "") and "two forms" in err
    path.write_text(FILE.replace("max_tpot", "max_tptt"))
    code, out, err = run("solve", "fleet", str(path))
    assert (code, out) == (2, "") and "did you mean max_ttft, max_tpot" in err.splitlines()[-1]


def test_ranges_of_prices_and_rates(run, run_json, tmp_path):
    """Rates alone scale a fleet without limits; a price alone scales the cost of its machine."""
    path = tmp_path / "demand.toml"
    path.write_text(FILE)
    found = run_json("solve", "fleet", str(path), "--range", "chat.rate=30..120")
    cost, middle = found["ranges"]["cost"], found["relaxation"]
    assert found["ranges"]["solved"] == 1 and found["ranges"]["used"] == {"h100-sxm": 1.0}
    assert cost["median"] == pytest.approx(middle, rel=0.02)  # 60 is in the middle of 30 to 120, in logarithms
    assert cost["high"] / cost["low"] == pytest.approx(4**0.8, rel=0.03)
    code, out, _ = run("solve", "fleet", str(path), "--range", "h100-sxm.price=2 $/h..3 $/h")
    assert code == 0 and "over the ranges" in out and "h100-sxm in 100 %" in out
    for text, said in (("chat.rte=1..2", "did you mean chat.rate"), ("chat.rate=2..1", "above"),
                       ("chat.rate=2", "lo..hi"), ("h100-sxm.price=2 s..3 s", "expected")):
        code, out, err = run("solve", "fleet", str(path), "--range", text)
        assert (code, out) == (2, "") and said in err.splitlines()[-1]


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_examples_are_answered(path):
    """Each in a short time, and so at a wider gap."""
    from steptime.model.api.fleet_demand import demand_of
    from steptime.model.catalog.files import read_toml
    from steptime.model.solver.fleet.candidates import Filling
    from steptime.model.solver.fleet.families import families
    from steptime.model.solver.fleet.limits import limited
    from steptime.model.solver.fleet.program import Program
    from steptime.model.solver.fleet.refusals import unserved
    from steptime.model.solver.fleet.solved import relaxed

    demand = demand_of(read_toml(path), str(path), path.parent)
    found = list(families(demand, lambda share: None))
    fillings = [Filling(demand, family, True) for family in found]
    columns = [column for filling in fillings for column in filling.columns()]
    assert not unserved(fillings, columns)
    handed = {number: each for family in found for number, each in family.handed.items()}
    assert relaxed(limited(Program(demand, columns, handed))).cost > 0
