"""Joules under a power cap: no chip draws more than its cap, at whatever clock, on every way to ask."""

import csv
import io
from pathlib import Path

import pytest

import steptime as st

PROMPTS = {"layout": "tp=1", "phase": "prefill", "batch": 8}
WAYS = [PROMPTS, {"layout": "tp=2", "batch": 64}, {"layout": "tp=2,dp=2", "phase": "train", "batch": 16},
        {"layout": "tp=2", "scope": "serving", "prompt": 1000, "output": 100, "batch": 16}]  # fmt: skip


def asked(hardware: str = "h200-sxm", **words: object) -> dict:
    return st.step("llama-3.1-8b", hardware, **words).to_dict()


def test_joules_by_hand() -> None:
    """One chip at 350 W for the step, over 8 prompts of 4,096 tokens: at the bound, and at the clock of the cap."""
    found = asked(**PROMPTS, power_cap="350W")
    tokens, bound, practice = 8 * 4096, found["bounds"]["full"], found["estimate"]["step_time"]
    assert found["joules_per_token"] == pytest.approx(350 * bound / tokens)
    assert found["estimate"]["joules_per_token"] == pytest.approx(350 * practice / tokens)
    assert found["joules_per_token"] == pytest.approx(5.32e-3, rel=1e-3)
    assert found["estimate"]["tokens_per_second_per_megawatt"] == pytest.approx(1e6 * tokens / (350 * practice))


@pytest.mark.parametrize("words", WAYS, ids=["prefill", "decode", "train", "serving"])
def test_a_cap_never_raises_joules(words: dict[str, object]) -> None:
    """Multiply-adds take a clock's square: half the watts cost less than twice the time. From the rated power on a cap
    changes nothing."""
    usual, beyond, half, low = (asked(**words, power_cap=cap)["estimate"] for cap in (700, 900, 350, 200))
    assert usual["joules_per_token"] == beyond["joules_per_token"] == asked(**words)["estimate"]["joules_per_token"]
    assert low["joules_per_token"] < half["joules_per_token"] < usual["joules_per_token"]


def test_a_cap_from_which_no_clock_follows_changes_nothing(tmp_path: Path) -> None:
    """Without what the chip draws at rest, and of a machine that states its system's watts."""
    usual, capped = (asked("h100-sxm", **PROMPTS, **more) for more in ({}, {"power_cap": "350W"}))
    assert capped["joules_per_token"] == usual["joules_per_token"]
    path = tmp_path / "mine.toml"
    for basis, share in (("chip", 0.5), ("system", None)):
        path.write_text(f'peak_flops = 1e15\nmemory_bandwidth = 3e12\npower = 600\npower_basis = "{basis}"\n'
                        "resting_power = 100\n")  # fmt: skip
        step = st.step("llama-3.1-8b", str(path), **PROMPTS, power_cap=225)
        assert step.estimate is not None and (step.estimate.clock is None) == (share is None)
        joules = step.to_dict()["joules_per_token"] * 8 * 4096 / step.time
        assert joules == pytest.approx(225 if share else 600)
    said = "power_cap as set: no clock follows without a power of the chip alone: mine states its system's"
    assert said in step.estimate.outside


def test_the_watts_that_count_are_said(run) -> None:
    words = ("step", "llama-3.1-8b", "h200-sxm", "--layout", "tp=1", "--phase", "prefill")
    _, out, _ = run(*words, "--set", "power_cap=350W", "-v")
    assert "watts that are counted: chip, 350 W by the cap; system 1.37 kW uncapped" in " ".join(out.split())
    for cap in ((), ("--set", "power_cap=900W")):
        _, out, _ = run(*words, *cap, "-v")
        assert "watts that are counted: chip, 700 W; system 1.37 kW" in " ".join(out.split())


def test_solvers_count_them(run_json) -> None:
    """The least energy of a search is that of its step alone, in practice and at the bound; a batch's too, and what one
    per cent more of the cap costs: itself, less half of its share of what is above rest, 350/(350 - 80.3)."""
    words = ("llama-3.1-8b", "h200-sxm", "--phase", "prefill", "--prompt", "8192", "--set", "power_cap=350W",
             "--minimise", "energy")  # fmt: skip
    best = run_json("solve", "layout", *words, "--chips", "1")["best"]
    alone = asked(layout="tp=1", phase="prefill", prompt=8192, batch=best["batch"], power_cap=350)
    assert best["joules_per_token"] == pytest.approx(alone["joules_per_token"], rel=1e-9)
    found = run_json("solve", "batch", *words, "--layout", "tp=1")
    alone = asked(layout="tp=1", phase="prefill", prompt=8192, batch=found["integer"]["batch"], power_cap=350)
    assert found["integer"]["cost"] == pytest.approx(alone["estimate"]["joules_per_token"], rel=1e-9)
    slope = 1 - 350 / (2 * (350 - 80.3))
    assert found["sensitivities"]["power_cap"] == pytest.approx(slope, abs=1e-3)


def test_limits_on_joules_hold_for_them(run_json) -> None:
    """Half of the way from the joules at 350 W to those at 700 W is within reach of the cap alone."""
    ends = [asked(**PROMPTS, power_cap=cap)["estimate"]["joules_per_token"] for cap in (350, 700)]
    words = ("solve", "batch", "llama-3.1-8b", "h200-sxm", "--layout", "tp=1", "--phase", "prefill", "--limit",
             f"joules_per_token<={sum(ends) / 2}")  # fmt: skip
    assert run_json(*words, "--set", "power_cap=350W")["integer"]["batch"] >= 1
    with pytest.raises(st.UserError):
        st.step("llama-3.1-8b", "h200-sxm", layout="tp=1", phase="prefill").best_batch(limits=[words[-1]])


def test_steps_side_by_side_have_the_watts_of_the_cap(run) -> None:
    """Two chips each, of which only the first machine's have a clock that follows."""
    _, out, _ = run("step", "llama-3.1-8b", "h200-sxm", "h100-sxm", "--layout", "tp=2", "--set", "power_cap=350W",
                    "--csv")  # fmt: skip
    assert [float(row["watts"]) for row in csv.DictReader(io.StringIO(out))] == [700.0, 1400.0]
