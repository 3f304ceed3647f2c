"""Limits on the step of a designed machine: kept, priced, and the best under them where layout and batch are free."""

import math

import pytest

import steptime as st
from steptime.model.errors import UserError
from steptime.model.solver.layouts.points import BATCHES

MARKET = "examples/prices-market.toml"
MIX = ("weight=0.9 context=2k batch=64 layout=tp=8", "weight=0.1 context=64k batch=64 layout=tp=8")


def designed(**words):
    return st.machine("llama-3.1-70b", MARKET, **{"budget": 3e6, "chips": 8, "minimise": "cost", **words})


def test_the_cheapest_token_within_a_step_time_is_that_of_the_best_batch_that_keeps_it() -> None:
    """Every batch designed for alone, and those whose machine is fast enough compared: no other may be cheaper."""
    alone = [designed(batch=batch) for batch in BATCHES[:24]]
    within = min(one.cost for one in alone if one.step_time <= 5e-4)
    assert within > min(one.cost for one in alone) * 1.001  # the limit costs something
    found = designed(limits=["step_time<=500us"])
    assert found.cost == pytest.approx(within, rel=1e-6) and found.step_time <= 5e-4


@pytest.mark.parametrize("rate", ["tokens_per_second_per_sequence>=200", "tokens_per_second>=12800"])
def test_a_rate_is_the_step_time_that_it_asks_for(rate: str) -> None:
    """64 sequences that gain a token each in 5 ms: 200 a second each, 12,800 together."""
    by_time, by_rate = (designed(batch=64, limits=[limit]) for limit in ("step_time<=5ms", rate))
    assert by_rate.cost == pytest.approx(by_time.cost, rel=1e-9)


@pytest.mark.parametrize("words", [{}, {"layout": "tp=8"}, {"layout": "tp=8", "overlap": "none"}], ids=str)
def test_a_limit_that_no_machine_keeps_is_named_with_how_far_it_is_missed(words) -> None:
    fastest = designed(batch=64, minimise="step-time", **words).step_time
    with pytest.raises(
        UserError, match=r"`limit` step_time <= .* s: the fastest machine takes (2|2\.\d+) times"
    ) as said:
        designed(batch=64, minimise="step-time", limits=[f"step_time<={fastest / 2:.12g}"], **words)
    assert "infeasible" in str(said.value)
    kept = designed(batch=64, minimise="step-time", limits=[f"step_time<={fastest * 1.001:.12g}"], **words)
    assert kept.step_time == pytest.approx(fastest, rel=1e-6)


def test_a_limit_that_binds_in_a_mix_is_kept_and_priced() -> None:
    """The longer of two steps is held below what the mean alone would choose; its price is the cost's own slope."""
    free = designed(workloads=MIX, minimise="step-time", overlap="none", budget=1e6)
    longest = max(one["step_time"] for one in free.to_dict()["workloads"])
    fastest = designed(workloads=MIX[1:], minimise="step-time", overlap="none", budget=1e6).step_time
    bound = math.sqrt(longest * fastest)  # between what it takes here and what it takes alone
    found = designed(
        workloads=MIX, minimise="step-time", overlap="none", budget=1e6, limits=[f"step_time<={bound:.15g}"]
    )
    data = found.to_dict()
    assert max(one["step_time"] for one in data["workloads"]) == pytest.approx(bound, rel=1e-7)
    assert found.cost > free.cost and abs(data["slack"]["step_time"]) < 1e-7
    nearby = [designed(workloads=MIX, minimise="step-time", overlap="none", budget=1e6,
                       limits=[f"step_time<={bound * (1 + shift):.15g}"]).cost for shift in (-3e-5, 3e-5)]  # fmt: skip
    slope = math.log(nearby[1] / nearby[0]) / math.log((1 + 3e-5) / (1 - 3e-5))
    assert data["shadow_prices"]["step_time"] == pytest.approx(slope, rel=1e-2) and slope < -1e-3


def test_a_limit_with_room_changes_nothing() -> None:
    usual, limited = designed(batch=64), designed(batch=64, limits=["step_time<=1s"])
    assert limited.cost == pytest.approx(usual.cost, rel=1e-9)
    assert limited.to_dict()["shadow_prices"]["step_time"] == pytest.approx(0, abs=1e-9)
    assert limited.to_dict()["limits"] == ["step_time <= 1 s"] and "step_time <= 1 s" in " ".join(str(limited).split())


@pytest.mark.parametrize(("limits", "message"), [
    (["batch<=3"], "limits of a machine are step_time<="),
    (["step_time>=3ms"], "limits of a machine are step_time<="),
    (["step_time<=3ms", "step_time<=4ms"], "given twice"),
    (["step_time=3ms"], "write NAME<=VALUE"),
])  # fmt: skip
def test_other_limits_are_refused(limits, message) -> None:
    with pytest.raises(UserError, match=message):
        designed(limits=limits)


def test_the_command_line_takes_them(run, run_json) -> None:
    asked = (
        "solve",
        "machine",
        "llama-3.1-70b",
        "--prices",
        MARKET,
        "--budget",
        "3e6",
        "--chips",
        "8",
        "--batch",
        "64",
    )
    assert run_json(*asked, "--limit", "step_time<=5ms")["step_time"] <= 5e-3
    code, _, err = run("solve", "machine", "llama-3.1-70b", "--from", "h100-sxm", "--limit", "step_time<=5ms")
    assert code == 2 and "no --budget, --power, --limit or --workload" in err
