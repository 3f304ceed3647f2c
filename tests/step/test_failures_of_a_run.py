"""Days and dollars of a training run where failures are counted, through the command line."""

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]
RunJson = Callable[..., dict[str, Any]]
TRAIN = ("step", "llama-3.1-8b", "h100-sxm", "--phase", "train", "--layout", "dp=8,replicas=2", "--batch", "64")
TOKENS = ("--tokens", "15T")
FIGURES = ("--set", "failure_interval=3h", "--set", "checkpoint_stall=30s", "--set", "restart_time=10min")


def test_a_run_takes_longer_by_what_is_not_kept(run_json: RunJson) -> None:
    plain, failing = (run_json(*TRAIN, *TOKENS, *figures) for figures in ((), FIGURES))
    amounts = failing["quantities"]
    interval = amounts["checkpoint_interval"]
    kept = (3 * 3600 - interval) / (3 * 3600 + 600)
    assert interval == pytest.approx(785.2, rel=1e-3)  # a little less than the square root of 2 · 30 s · 3 h, 805 s
    assert amounts["slowdown"] == pytest.approx(1 / kept, rel=1e-9)
    for key in ("days", "dollars"):
        for at in ("training", "estimate"):
            assert failing[at][key] == pytest.approx(plain[at][key] / kept, rel=1e-9)
    assert failing["step_time"] == plain["step_time"] and "slowdown" not in plain["quantities"]


def test_a_chip_s_own_figure_is_that_of_all_chips(run_json: RunJson) -> None:
    chips = ("--set", "chip_failure_interval=48h", *FIGURES[2:])
    assert run_json(*TRAIN, *TOKENS, *chips)["training"] == run_json(*TRAIN, *TOKENS, *FIGURES)["training"]


def test_an_interval_of_one_s_own_is_no_better(run_json: RunJson) -> None:
    best = run_json(*TRAIN, *TOKENS, *FIGURES)["training"]["days"]
    for own in ("400s", "2000s"):
        assert run_json(*TRAIN, *TOKENS, *FIGURES, "--set", f"checkpoint_interval={own}")["training"]["days"] > best


def test_what_is_counted_is_said(run: Run) -> None:
    assert "failures not counted" in run(*TRAIN, *TOKENS)[1]
    said = " ".join(run(*TRAIN, *TOKENS, *FIGURES)[1].split())
    assert "87.8% of the time kept: a failure in 3 h, a checkpoint after 13.09 min of work" in said
    assert "90.9% of the time kept" in " ".join(run(*TRAIN, *TOKENS, "--set", "slowdown=1.1")[1].split())


WRONG = {
    "half of it": ((*TOKENS, *FIGURES[:2]), "checkpoint_stall, --set restart_time must be given too"),
    "no run": (FIGURES, "failures are of a whole training run"),
    "twice": ((*TOKENS, *FIGURES, "--set", "chip_failure_interval=1h"), "leave one of them out"),
    "never done": ((*TOKENS, *FIGURES[:2], "--set", "checkpoint_stall=100h", *FIGURES[4:]), "the run never ends"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_counted_is_one_line(run: Run, name: str) -> None:
    words, said = WRONG[name]
    code, out, err = run(*TRAIN, *words)
    assert (code, out) == (2, "") and err.count("\n") == 1 and said in err


def test_a_decode_step_has_no_run(run: Run) -> None:
    assert "no formula of a decode step contains it" in run("step", "llama-3.1-8b", "h100-sxm", *FIGURES[:2])[2]
