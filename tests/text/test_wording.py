"""What answers call things: what decides, energy that is no cost, limits that are broken, numbers, blanks, hints."""

import re

import pytest

import steptime as st
from steptime.model.errors import UserError

LAYOUTS = ("solve", "layout", "llama-3.1-70b", "h200-sxm", "--chips", "8")
BATCH = ("solve", "batch", "llama-3.1-8b", "h100-sxm")


def words(run, *asked: str) -> str:
    code, out, err = run(*asked)
    assert code == 0, err
    return " ".join(out.split())


def test_limits_are_spoken_of_where_there_are_any(run) -> None:
    assert "; the estimate decides" in words(run, *LAYOUTS) and "limits hold" not in words(run, *LAYOUTS)
    assert "; the estimate decides, and limits hold for it" in words(run, *LAYOUTS, "--max-step-time", "30ms")
    assert "; the estimate decides" in words(run, *BATCH) and "limits hold" not in words(run, *BATCH)
    assert "decides, and limits hold for it" in words(run, *BATCH, "--limit", "batch<=50")
    assert "; the ideal bound decides" in words(run, *BATCH, "--efficiency", "ideal")


@pytest.mark.parametrize(("goal", "row", "unit"), [
    ("cost", "cost", r"\$[\d.,]+ per million tokens"), ("energy", "energy", r"[\d.]+ m?J per token"),
    ("chip-seconds", "chip time", r"[\d.e-]+ chip-seconds per token"), ("latency", "latency", r"[\d.]+ ms"),
])  # fmt: skip
def test_what_is_minimised_is_called_what_it_is(run, goal: str, row: str, unit: str) -> None:
    said = words(run, *LAYOUTS, "--batch", "8,64", "--minimise", goal)
    assert re.search(rf" {row} at the bound {unit}", said)
    assert goal == "cost" or not re.search(r" costs? (at|[\d.]+%|the same)", said)


def test_the_bounds_choice_that_breaks_a_limit_in_practice_is_not_called_better(run, run_json) -> None:
    asked = (*LAYOUTS, "--max-step-time", "25ms")
    found, said = run_json(*asked), words(run, *asked)
    assert found["bound_answer"]["estimate"]["step_time"] > 0.025 >= found["best"]["estimate"]["step_time"]
    assert "in practice, which breaks the limit of 25 ms; " in said
    assert "which breaks the limit of 15 ms" in words(run, *BATCH, "--max-step-time", "15ms")
    assert "which breaks" not in words(run, *LAYOUTS)


def test_a_time_without_a_unit_is_noticed_before_the_answer(run) -> None:
    lines = run(*BATCH, "--max-step-time", "25")[1].splitlines()
    assert lines[2].startswith("--max-step-time 25 has no unit: read in base units, as 25 s; 25ms would be")


def test_terms_of_an_estimate_are_explained_where_they_are_listed(run) -> None:
    said = words(run, *BATCH)
    assert "sampling, tables and host, once for each sequence of a rank" in re.sub(r"\s+", " ", said)
    assert "kernels: starts of kernels, one after another" in words(run, *LAYOUTS, "-v")


def test_what_is_missing_is_said_in_words(run) -> None:
    said = words(run, "step", "llama-3.1-8b", "mi300x")
    assert "so there is no estimate of waves, which are taken as full" in said and "estimate.waves" not in said


def test_numbers_have_no_powers_of_ten_that_need_not_be_read(run) -> None:
    for asked in (BATCH, ("step", "llama-3.1-8b", "mi300x", "-v"), (*BATCH, "--range", "context=4k..4100")):
        assert not re.search(r"\d(?:\.\d+)?e[+-]\d", run(*asked)[1])
    assert "scale_out_bandwidth 50 GB/s" in words(run, "step", "llama-3.1-8b", "mi300x", "-v")


@pytest.mark.parametrize("asked", [("step", "llama-3.1-8b", "h100-sxm", "-v"), BATCH, LAYOUTS, ("catalog", "models")])
def test_no_line_ends_in_blanks(run, asked: tuple[str, ...]) -> None:
    code, out, _ = run(*asked)
    assert code == 0 and not re.search(r" $", out, re.MULTILINE)


def test_ranges_keep_their_words_whole(run) -> None:
    asked = ("step", "llama-3.1-8b", "h100-sxm", "--range", "memory_bandwidth=2TB/s..4TB/s", "--range",
             "bytes_per_weight=1..2")  # fmt: skip
    out = run(*asked)[1]
    assert "memory_bandwidth (2 times)" in " ".join(out.split()) and "memory_bandwidt\n" not in out


@pytest.mark.parametrize("name", ["8xh100", "8 x H100", "h100-sxm x8", "8*h100"])
def test_several_chips_in_a_name_are_told_apart(name: str, run) -> None:
    with pytest.raises(UserError, match=r"name one chip, h100-sxm, and give `chips` 8$"):
        st.step("llama-3.1-8b", name)
    assert "and give --chips 8" in run("step", "llama-3.1-8b", name)[2]


@pytest.mark.parametrize(("option", "layout"), [("--tp", "tp=8"), ("--replicas", "replicas=8"), ("--ffn", "ffn=all"),
                                                ("--copies", "copies=per-expert")])  # fmt: skip
def test_a_degree_is_part_of_the_layout(run, option: str, layout: str) -> None:
    code, _, err = run("step", "llama-3.1-8b", "h100-sxm", option, "8")
    assert code == 2 and f"No such option '{option}' of step; --layout {layout} gives that" in err
