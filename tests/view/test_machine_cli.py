"""`solve machine` through its entry point: what it prints, and what it cannot answer is one line."""

import re

import pytest
from questions import MADE, MARKET, workload

from steptime.model.errors import UserError


@pytest.mark.parametrize("text, message", [
    ("context", "write NAME=VALUE"), ("contxt=3", "did you mean context"), ("context=1 context=2", "twice"),
    ("phase=decod", "did you mean decode"), ("weight=0", "positive"), ("weight=-1", "positive"),
    ("zero=5", "0, 1, 2 or 3"), ("overlap=partly", "`workload` 'overlap=partly': unknown overlap"),
])  # fmt: skip
def test_a_workload_that_cannot_be_read_says_why(text, message) -> None:
    with pytest.raises(UserError, match=message):
        workload(text)


@pytest.mark.parametrize("arguments, message", [
    (("deepseek-v3", "--budget", "3e6"), "needs --prices FILE"),
    (("deepseek-v3", "--prices", str(MARKET)), "needs --budget DOLLARS or --power WATTS"),
    (("deepseek-v3", "--prices", str(MARKET), "--power", "100kW"), r"\[compute\] watts is missing"),
    (("deepseek-v3", "--prices", str(MARKET), "--budget", "1e6"), r"takes 1\.12 times the budget"),
    (("deepseek-v3", "--prices", str(MARKET), "--budget", "1e6", "--layout", "dp=72,ep=72"), "times the budget"),
    (("deepseek-v3", "--prices", str(MARKET), "--budget", "3e6", "--set", "power=3"), "--set power: the design"),
    (("deepseek-v3", "--prices", str(MARKET), "--budget", "3e6", "--set", "budget=3"), "--set budget: the design"),
    (("deepseek-v3", "--prices", str(MARKET), "--budget", "3e6", "--set", "batch=8", "--workload", "batch=9"),
     "--set batch: a --workload states it too"),
    (("deepseek-v3", "--prices", "nowhere.toml", "--budget", "3e6"), "nowhere.toml: cannot be read"),
    (("deepseek-v3", "--from", "h100-sxm", "--budget", "3e6"), "no --budget"),
    (("deepseek-v3", "--prices", str(MARKET), "--budget", "3e6", "--workload", "layout=tp=8",
      "--workload", "layout=tp=16"), "not on 8 and 16 chips"),
    (("llama-3.1-8b", "--prices", str(MARKET), "--budget", "3e6", "--efficiency", "calibrated"),
     "--efficiency: only ideal here: a machine that is designed is of no family"),
    (("llama-3.1-8b", "--prices", str(MARKET), "--budget", "3e6", "--workload", "context=2k efficiency=calibrated"),
     "--efficiency: only ideal here"),
    (("llama-3.1-8b", "--from", "h100-sxm", "--efficiency", "calibrated"), "--efficiency: only ideal here"),
    (("llama-3.1-8b", "--prices", str(MARKET), "--budget", "3 B"), "--budget: '3 B' is in B, expected"),
])  # fmt: skip
def test_what_cannot_be_answered_is_one_line(run, arguments, message) -> None:
    code, out, err = run("solve", "machine", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert re.search(message, err), err


def test_the_command_prints_its_object(run_json) -> None:
    data = run_json("solve", "machine", "deepseek-v3", "--prices", str(MARKET), "--budget", "3.1e6", "--batch", "4096",
                    "--layout", "dp=72,ep=72", "--json")  # fmt: skip
    assert data["step_time"] == pytest.approx(data["closed_form"]["step_time"], rel=1e-6)
    assert sum(data["spend_share"].values()) == pytest.approx(1)
    assert sum(data["spend"].values()) == pytest.approx(3.1e6)
    assert data["global"] is True and max(data["residuals"].values()) < 1e-6
    assert data["resources"]["stacks"] * 1e12 == pytest.approx(data["resources"]["memory_bandwidth"])
    h100 = next(one for one in data["distance"] if one["hardware"] == "h100-sxm")
    wanted = data["resources"]["peak_flops"] / data["resources"]["memory_bandwidth"]
    assert h100["peak_flops"] == pytest.approx(1.979e15 / 3.35e12 / wanted, rel=1e-4)


@pytest.mark.parametrize("held", [("--batch", "512"), ("--set", "batch=512")])
def test_a_batch_that_is_stated_in_either_way_is_held(run_json, held) -> None:
    common = ("solve", "machine", "llama-3.1-8b", "--json")
    data = run_json(*common, "--prices", str(MARKET), "--budget", "5e6", "--minimise", "cost", "--layout", "tp=8",
                    *held)  # fmt: skip
    (workload,) = data["workloads"]
    assert workload["batch"] == 512 and not any("tried" in text for text in workload["defaults"])
    assert data["global"] is True
    worth = run_json(*common, "--from", "h100-sxm", *held)
    assert worth["batch"] == 512 and worth["batch_adjusts"] is False


def test_what_is_not_proved_over_layouts_is_not_called_global(run_json) -> None:
    data = run_json("solve", "machine", "llama-3.1-8b", "--prices", str(MARKET), "--budget", "5e6", "--set", "chips=4",
                    "--overlap", "per-operation", "--json")  # fmt: skip
    assert data["global"] is False


@pytest.mark.parametrize("path", [MARKET, MADE])
def test_the_examples_tables_are_printed(run, path) -> None:
    code, out, _ = run("solve", "machine", "llama-3.1-70b", "--prices", str(path), "--budget", "3e6", "--workload",
                       "weight=3 context=8k batch=512", "--workload", "phase=prefill prompt=8k batch=64",
                       "--minimise", "cost", "-v")  # fmt: skip
    assert code == 0
    assert "per million tokens" in out and "of the spend" in out and "h100-sxm" in out


def test_the_ideal_may_be_asked_for(run_json) -> None:
    """It is what a design takes."""
    asked = ("solve", "machine", "llama-3.1-8b", "--prices", str(MARKET), "--budget", "3e6", "--layout", "tp=8")
    assert run_json(*asked, "--efficiency", "ideal")["step_time"] == run_json(*asked)["step_time"]
    earns = ("solve", "machine", "llama-3.1-8b", "--from", "h100-sxm", "--layout", "tp=1")
    one, other = run_json(*earns, "--efficiency", "ideal"), run_json(*earns)
    assert {key for key in other if one[key] != other[key]} <= {"efficiency", "not_modelled"}
