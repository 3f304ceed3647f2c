"""The command line through its real entry point: keys, tables, start-up, and every way to get it wrong."""

import json
import math
import subprocess
import sys

import pytest

STEP_KEYS = {
    "model",
    "hardware",
    "phase",
    "batch",
    "context",
    "prompt",
    "layout",
    "precision",
    "overlap",
    "efficiency",
    "missing",
    "not_modelled",
    "terms",
    "network",
    "bottleneck",
    "step_time",
    "bounds",
    "operations",
    "tokens_per_second",
    "tokens_per_second_per_sequence",
    "dollars_per_million_tokens",
    "joules_per_token",
    "mfu",
    "mbu",
    "memory_per_chip",
    "fits",
    "crossovers",
    "quantities",
}
SOLVE_KEYS = {"values", "integer", "cost", "times", "term_prices", "shadow_prices", "slack", "sensitivities", "global",
              "attained", "residuals"}  # fmt: skip


def steptime(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The installed command in a process of its own."""
    command = [sys.executable, "-m", "steptime.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_main_job() -> None:
    done = steptime("step", "deepseek-v3", "gb200-nvl72", "-v")
    assert done.returncode == 0 and done.stderr == ""
    for piece in (
        "deepseek-v3 on gb200-nvl72",
        "compute",
        "memory",
        "interconnect",
        "binds",
        "overlap",
        "next:",
        "per million tokens",
        "memory/chip",
        "crossovers",
        "defaults taken",
        "not modelled",
    ):
        assert piece in done.stdout, piece


@pytest.mark.parametrize("module", ["sympy", "scipy", "numpy", "rich"])
@pytest.mark.parametrize(
    "arguments", [["--help"], ["step", "--help"], ["solve", "batch", "--help"], ["--version"]], ids=" ".join
)
def test_help_imports_nothing_heavy(module: str, arguments: list[str]) -> None:
    code = (
        f"import sys; from steptime.cli import main\ntry: main({arguments!r})\n"
        f"except SystemExit: pass\nsys.exit({module!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False).returncode == 0


def test_a_step_with_closed_forms_leaves_scipy_alone() -> None:
    code = (
        "import sys; from steptime.cli import main\ntry: main(['step', 'llama-3.1-70b', 'h100-sxm', '--json'])\n"
        "except SystemExit: pass\nsys.exit('scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False).returncode == 0


def test_step_has_every_key(run_json) -> None:
    data = run_json("step", "deepseek-v3", "h100-sxm")
    assert set(data) >= STEP_KEYS
    assert set(data["bounds"]) == {"full", "per_operation", "none"}
    assert set(data["memory_per_chip"]) == {"weights", "kv", "activations", "total", "workspace", "usable", "capacity"}
    assert data["missing"] == {} and data["fits"] is True
    assert data["tokens_per_second"] == pytest.approx(data["batch"] / data["step_time"])
    price = data["quantities"]["chip_hour_price"] * data["quantities"]["chips"] / 3600
    assert data["dollars_per_million_tokens"] == pytest.approx(1e6 * price / data["tokens_per_second"])
    assert data["joules_per_token"] == pytest.approx(700 * data["quantities"]["chips"] / data["tokens_per_second"])
    assert 0 < data["mfu"] < 1 and 0 < data["mbu"] <= 1


def test_a_stated_layout_that_does_not_fit_still_answers(run_json) -> None:
    data = run_json("step", "llama-3.1-405b", "h100-sxm", "--layout", "tp=8")
    assert data["fits"] is False
    assert data["memory_per_chip"]["total"] > data["memory_per_chip"]["capacity"]


def test_missing_figures_are_null_and_named(run_json) -> None:
    data = run_json("step", "llama-3.1-8b", "tpu7x")
    assert data["dollars_per_million_tokens"] is None and data["joules_per_token"] is None
    assert data["missing"]["dollars_per_million_tokens"].endswith("[tpu7x] chip_hour_price")
    assert data["missing"]["joules_per_token"].endswith("[tpu7x] power")


def test_a_link_without_a_figure_matters_only_where_it_is_used(run_json) -> None:
    inside = run_json("step", "llama-3.1-8b", "apple-m3-ultra")
    assert inside["step_time"] > 0 and "scale_up_bandwidth" not in inside["quantities"]
    across = run_json("step", "llama-3.1-8b", "apple-m3-ultra", "--layout", "tp=2")
    assert across["step_time"] is None and across["terms"]["interconnect"] is None and across["bottleneck"] is None
    assert "scale_out_bandwidth" in across["missing"]["step_time"]


def test_set_wins_and_stops_the_expansion(run_json) -> None:
    data = run_json(
        "step",
        "llama-3.1-70b",
        "h100-sxm",
        "--layout",
        "tp=8",
        "--set",
        "kv_bytes=1kB",
        "--batch",
        "7",
        "--set",
        "batch=8",
    )
    n = data["quantities"]
    assert n["batch"] == 8 and n["kv_bytes"] == 1000
    expected = (
        n["bytes_per_weight"] * n["parameters_read"] / n["weight_shards"] + (1000 * 4096 + n["kv_written"]) * 8 / 8
    ) / 3.35e12
    assert data["terms"]["memory"] == pytest.approx(expected)
    assert sum(line["memory_bytes"] for line in data["operations"]) / 3.35e12 == pytest.approx(expected)
    assert any("set by hand" in text for text in data["not_modelled"])


def test_precision_defaults_follow_the_model_and_the_chip(run_json) -> None:
    assert run_json("step", "deepseek-v3", "h100-sxm")["precision"] == {
        "weights": "fp8",
        "activations": "fp8",
        "kv": "bf16",
    }
    assert run_json("step", "deepseek-v3", "a100-sxm-80gb")["precision"]["activations"] == "bf16"
    mixed = run_json("step", "llama-3.1-8b", "h100-sxm", "--weights", "int8", "--activations", "bf16")
    assert mixed["quantities"]["peak_flops"] == 989e12 and mixed["quantities"]["dense_weight_bytes"] == 1
    assert 1 < mixed["quantities"]["bytes_per_weight"] < 1.1  # the unembedding stays in bf16
    assert any("states no format" in text for text in run_json("step", "gpt2", "h100-sxm")["defaults"])


def test_default_layout_is_the_fewest_chips_that_fit(run_json) -> None:
    data = run_json("step", "llama-3.1-70b", "h100-sxm")
    assert data["quantities"]["chips"] == 4 and data["fits"]
    assert not run_json("step", "llama-3.1-70b", "h100-sxm", "--layout", "tp=2")["fits"]
    asked = run_json("step", "llama-3.1-70b", "h100-sxm", "--set", "chips=16")
    assert asked["quantities"]["chips"] == 16


def test_crossover_json(run_json) -> None:
    data = run_json("solve", "crossover", "llama-3.1-70b", "h100-sxm", "--layout", "tp=8", "--context", "1000",
                    "--between", "memory,compute", "--over", "batch")  # fmt: skip
    assert {"over", "closed_form", "latex", "exists_when", "exists", "value"} <= set(data)
    assert data["exists"] is True and data["value"] == pytest.approx(916.37, rel=1e-4)
    assert data["closed_form"].startswith("batch = ") and data["latex"].startswith("B = ")


def test_solve_batch_json(run_json) -> None:
    data = run_json("solve", "batch", "llama-3.1-70b", "h100-sxm", "--layout", "tp=8", "--max-step-time", "12ms")
    assert set(data) >= SOLVE_KEYS and data["global"] and data["attained"]
    assert set(data["shadow_prices"]) == {"minimum_batch", "memory_capacity", "max_step_time"}
    assert sum(data["term_prices"].values()) + data["shadow_prices"]["max_step_time"] == pytest.approx(1, abs=1e-6)
    assert isinstance(data["integer"]["batch"], int) and math.isfinite(data["cost"])


@pytest.mark.parametrize("kind", ["hardware", "models"])
def test_catalogue_lists_and_shows(run, run_json, kind) -> None:
    listed = run_json("catalog", kind)[kind]
    assert len(listed) >= 35 if kind == "hardware" else len(listed) >= 30
    for entry in (listed[0], listed[-1]):
        shown = run_json("catalog", kind, entry["name"])
        assert shown["name"] == entry["name"] and shown["quantities"] and shown["sources"]
        code, out, _ = run("catalog", kind, entry["name"])
        assert code == 0 and entry["name"] in out
    assert run("catalog", kind)[0] == 0


def test_no_layout_with_an_answer_is_no_warning(run) -> None:
    code, out, err = run("step", "llama-3.1-70b", "rtx4090")
    assert (code, err) == (0, "") and "--set scale_out_bandwidth" in " ".join(out.split())


def test_a_crossing_that_does_not_fit_says_so(run_json) -> None:
    data = run_json("solve", "crossover", "llama-3.1-70b", "h100-sxm", "--layout", "tp=2", "--context", "1000")
    assert data["exists"] and data["fits"] is False


def test_idle_replicas_do_not_speed_up_one_sequence(run_json) -> None:
    """A sequence is not divided: one sequence on eight replicas or stages takes what it takes on one."""
    one = run_json("step", "llama-3.1-70b", "h100-sxm", "--batch", "1", "--context", "128k", "--layout", "tp=8")
    for layout in ("tp=8,replicas=8", "tp=8,pp=8"):
        more = run_json("step", "llama-3.1-70b", "h100-sxm", "--batch", "1", "--context", "128k", "--layout", layout)
        assert more["terms"]["memory"] == pytest.approx(one["terms"]["memory"], rel=1e-9)


def test_what_is_doubtful_or_set_by_hand_is_said(run_json) -> None:
    data = run_json("step", "gpt2", "h100-sxm", "--set", "memory_bandwidth=3TB/s")
    assert data["set"] == ["memory_bandwidth=3TB/s"] and any("chip_hour_price" in text for text in data["doubtful"])


def test_json_is_the_same_from_the_real_process(run_json) -> None:
    arguments = ("step", "mixtral-8x7b", "mi300x", "--json")
    assert json.loads(steptime(*arguments).stdout) == run_json(*arguments[:-1])
