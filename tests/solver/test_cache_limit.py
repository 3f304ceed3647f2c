"""A limit on how long a kept cache takes to be in the chip again: what is slower is no choice."""

import pytest

import steptime as st
from steptime.model.errors import UserError

REUSE = "exponential mean=10min"


def kept(**words):
    return st.cache("llama-3.1-8b", "h100-sxm", context=32_000, **words).to_dict()


def test_time_to_restore_is_the_bytes_over_the_link_and_the_prefill_again() -> None:
    """32,000 tokens of 131,072 B: over PCIe 5 x16 at 55.4 GB/s, from a drive at 14 GB/s, and computed by one H100."""
    took = {one["name"]: one["restore_time"] for one in kept()["choices"]}
    whole = 32_000 * 2 * 32 * 8 * 128 * 2
    assert took["hbm"] == 0 and took["ddr"] == pytest.approx(whole / 55.4e9)
    assert took["nvme"] == pytest.approx(whole / 14e9)
    alone = st.step("llama-3.1-8b", "h100-sxm", layout="tp=1", phase="prefill", batch=1, prompt=32_000)
    assert took["rematerialise"] == pytest.approx(alone.terms.compute.seconds)


def test_what_is_too_slow_is_no_choice() -> None:
    usual, found = kept(reuse=REUSE), kept(reuse=REUSE, limits=["restore_time<=400ms"])
    assert set(found["too_slow"]) == {"disk", "rematerialise"} and found["limits"] == ["restore_time <= 0.4 s"]
    assert {one["name"] for one in found["choices"]} == {"hbm", "ddr", "nvme"}
    assert found["envelope"][-1]["choice"] == "nvme" and found["envelope"][-1]["to"] is None
    assert usual["envelope"][-1]["choice"] == "rematerialise"
    assert found["reuse"]["expected_cost"] >= usual["reuse"]["expected_cost"]
    assert all(one["restore_time"] <= 0.4 for one in found["choices"])
    assert found["ours"].keys() == usual["ours"].keys()  # still over the price of computing


def test_where_nothing_can_be_computed_in_time_nothing_is_dropped() -> None:
    """All caches return: the cheapest place for ever is the policy where it is the cheapest beyond any break-even."""
    found = kept(reuse=REUSE, limits=["restore_time<=100ms"])["reuse"]
    drop = found["hold_then_drop"]
    assert drop["choice"] == "ddr" and drop["until"] is None
    assert drop["expected_cost"] == pytest.approx(found["each_alone"]["ddr"])


def test_the_chip_itself_is_always_in_time() -> None:
    found = kept(limits=["restore_time<=1us"])
    assert [one["name"] for one in found["choices"]] == ["hbm"] and found["break_even"] == []


def test_a_limit_that_all_keep_changes_nothing() -> None:
    usual, found = kept(reuse=REUSE), kept(reuse=REUSE, limits=["restore_time<=1h"])
    assert {**found, "limits": []} == usual


@pytest.mark.parametrize("limit", ["batch<=3", "restore_time>=1s", "hold_time<=1s"])
def test_other_limits_are_refused(limit) -> None:
    with pytest.raises(UserError, match="the limit of a cache is restore_time<="):
        kept(limits=[limit])


def test_the_table_and_the_command_line_say_it(run) -> None:
    asked = ("solve", "cache", "llama-3.1-8b", "h100-sxm", "--context", "32k", "--limit", "restore_time<=100ms")
    code, out, err = run(*asked)
    assert code == 0 and "too slow:" in out and "over 100 ms" in out, err
    code, out, err = run(*asked, "--range", "memory_capacity=70GB..80GB")
    assert code == 0 and "held 1 h" in out, err
