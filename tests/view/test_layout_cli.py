"""`solve layout` through the command line: keys, CSV, tables, limits, progress; prefill, requests, training in JSON."""

import csv
import io
import subprocess
import sys

import pytest

POINT_KEYS = {"hardware", "layout", "chips", "batch", "precision", "step_time", "cost",
              "tokens_per_second_per_sequence", "tokens_per_second_per_chip"}  # fmt: skip
SMALL = ("solve", "layout", "mixtral-8x7b", "h100-sxm", "mi300x", "--chips", "2,4", "--batch", "1,16,256")


def test_layout_json(run_json) -> None:
    data = run_json(*SMALL, "--max-step-time", "20ms")
    assert {"points", "seconds", "infeasible", "best", "pareto", "runner_up", "relaxation", "layouts"} <= set(data)
    assert data["points"] > data["feasible"] > 0 and set(data["infeasible"]) >= {"memory_capacity", "max_step_time"}
    best = data["best"]
    assert set(best) >= POINT_KEYS and best["step_time"] <= 0.02 and best["step"]["fits"]
    assert best["step"]["step_time"] == pytest.approx(best["step_time"], rel=1e-12)
    assert best["step"]["dollars_per_million_tokens"] == pytest.approx(1e6 * best["cost"], rel=1e-12)
    speeds = [point["tokens_per_second_per_sequence"] for point in data["pareto"]]
    shares = [point["tokens_per_second_per_chip"] for point in data["pareto"]]
    assert speeds == sorted(speeds) and shares == sorted(shares, reverse=True) and set(data["pareto"][0]) >= POINT_KEYS
    # The continuous problem at the best layout is at least as cheap as the best batch that was tried.
    assert data["relaxation"]["cost"] <= best["estimate"]["cost"] * (1 + 1e-9) and data["relaxation"]["term_prices"]
    second = data["runner_up"]
    assert second["estimate"]["cost"] >= best["estimate"]["cost"] * (1 - 0.01) and "in practice" in second["why"]
    assert data["limits"] == ["max_step_time <= 0.02 s"] and data["limits_hold_for"] == "estimate"


def test_every_limit_is_named(run, run_json) -> None:
    asked = (*SMALL, "--max-step-time", "50ms", "--max-ttft", "2s", "--limit", "batch<=200")
    assert run_json(*asked)["limits"] == ["max_step_time <= 0.05 s", "max_ttft <= 2 s", "batch <= 200"]
    said = "limits step time at most 50 ms, time to first token at most 2 s, batch <= 200"
    assert said in " ".join(run(*asked)[1].split())


@pytest.mark.parametrize("efficiency", ["ideal", "calibrated"])
def test_the_runner_up_lost_by_what_decided(run_json, efficiency: str) -> None:
    """In practice by the term that adds most to a token's cost; at the bound by what binds. Elasticities too."""
    data = run_json("solve", "layout", "llama-3.1-70b", "h200-sxm", "--chips", "8", "--efficiency", efficiency)
    best, second = data["best"], data["runner_up"]
    if efficiency == "ideal":
        assert "binds at batch" in second["why"] and "link_streaming" not in data["sensitivities"]
        return
    per_token = [{name: time / one["batch"] for name, time in one["estimate"]["terms"].items()}
                 for one in (second, best)]  # fmt: skip
    most = max(per_token[0], key=lambda name: per_token[0][name] - per_token[1][name])
    assert f"costs {second['estimate']['cost'] / best['estimate']['cost'] - 1:.2%} more in practice" in second["why"]
    assert f"most by its {most}, " in second["why"] and "binds" not in second["why"]
    terms = best["estimate"]["terms"]
    share = terms["links"] / sum(terms.values())
    assert data["sensitivities"]["link_streaming"] == pytest.approx(-share, abs=1e-6)


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_tables_fit_the_terminal(run, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Only degrees that are not one; columns are left out, the least needed first, and said; no row is folded."""
    asked = ("solve", "layout", "mixtral-8x7b", "h100-sxm", "gb200-nvl72", "--chips", "4,8", "--kv", "any")
    code, *_ = run(*asked)
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = run(*asked)[1].splitlines()
    assert code == 0 and max(map(len, lines)) <= columns
    start = next(place for place, line in enumerate(lines) if line.startswith("Pareto front"))
    head, *rows = lines[start + 1 : lines.index("", start)]
    said = [place for place, row in enumerate(rows) if row.startswith("left out")]
    rows, left_out = (rows[: said[0]], " ".join(rows[said[0] :])) if said else (rows, "")
    assert all(row.split()[0][0].isdigit() for row in rows), rows
    assert any(row.rstrip().endswith("best") for row in rows) and "layout" in head
    assert not any("=1 " in row for row in rows) and any("tp=" in row or "dp=" in row for row in rows)
    assert ("weights/kv" in head) == ("weights/kv" not in left_out) and ("weights/kv" in head) == (columns == 120)
    assert "$/M" in head or columns == 60


def test_layout_csv_holds_the_best_and_the_whole_front(run, run_json) -> None:
    code, out, err = run(*SMALL, "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    data = run_json(*SMALL)
    assert (code, err) == (0, "") and [row["what"] for row in rows].count("best") == 1
    assert [row["what"] for row in rows[1:]] == ["machine"] * 2 + ["pareto"] * len(data["pareto"])
    assert float(rows[0]["step_time"]) == data["best"]["step_time"] and rows[0]["tp"] == str(
        data["best"]["layout"]["tp"]
    )


def test_layout_table(run) -> None:
    code, out, _ = run(*SMALL, "-v")
    for piece in ("points", "feasible", "best ", "runner-up", "Pareto front", "memory", "price", "not modelled"):
        assert piece in out, piece
    assert code == 0


def test_time_to_first_token_is_a_limit_of_prefill(run_json) -> None:
    arguments = (
        "solve",
        "layout",
        "llama-3.1-8b",
        "h100-sxm",
        "--chips",
        "1,8",
        "--phase",
        "prefill",
        "--prompt",
        "8000",
    )
    quick = run_json(*arguments, "--max-ttft", "100ms", "--minimise", "cost")
    assert quick["best"]["step_time"] <= 0.1
    assert run_json(*arguments, "--minimise", "cost")["best"]["cost"] <= quick["best"]["cost"]


def test_stated_formats_are_held(run_json) -> None:
    data = run_json(*SMALL, "--weights", "bf16", "--kv", "bf16")
    assert {(point["precision"]["weights"], point["precision"]["kv"]) for point in data["pareto"]} == {("bf16", "bf16")}


def test_a_layout_that_is_stated_keeps_its_copies(run_json) -> None:
    data = run_json("solve", "layout", "deepseek-v3", "h100-sxm", "--chips", "32", "--batch", "2048",
                    "--layout", "tp=1,ep=32,copies=per-expert", "--weights", "fp8")  # fmt: skip
    assert data["best"]["layout"]["copies"] == "per-expert" and data["best"]["layout"]["ep"] == 32
    assert data["best"]["step"]["step_time"] == pytest.approx(data["best"]["step_time"], rel=1e-12)


def test_training_layouts(run_json) -> None:
    data = run_json("solve", "layout", "llama-3.1-8b", "h100-sxm", "--chips", "8", "--phase", "train", "--batch", "16",
                    "--recompute", "full", "--minimise", "latency")  # fmt: skip
    assert data["best"]["step"]["training"]["recompute"] == "full" and data["best"]["step"]["fits"]
    assert data["relaxation"] is None and data["points"] > 1000


def test_progress_is_one_line_on_stderr_and_stdout_stays_pure() -> None:
    command = [sys.executable, "-m", "steptime.cli", "validate", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.startswith("{") and done.stdout.rstrip().endswith("}")
    lines = done.stderr.splitlines()
    assert lines and all(line.startswith("rows: ") for line in lines) and lines[-1].startswith("rows: 100%")


def test_prefill_and_request_json(run_json) -> None:
    data = run_json("step", "qwen3-30b-a3b", "h100-sxm", "--phase", "prefill", "--prompt", "4000", "--cached", "1000",
                    "--chunk", "500", "--output", "100", "--layout", "tp=2")  # fmt: skip
    n = data["quantities"]
    assert (n["pass_tokens"], n["chunks"], data["prompt"], data["cached"]) == (3000, 6, 4000, 1000)
    assert data["time_to_first_token"] == data["step_time"] and data["context"] is None
    request = data["request"]
    assert request["time"] == pytest.approx(data["step_time"] + request["decode_time"])
    assert request["tokens_per_second"] == pytest.approx(n["batch"] * 100 / request["time"])
    assert data["tokens_per_second"] == pytest.approx(n["batch"] * 3000 / data["step_time"])


@pytest.mark.parametrize("model", ["qwen3-next-80b-a3b", "nemotron-h-56b", "deepseek-v3.2", "glm-5", "minimax-m1",
                                   "llama-3.3-nemotron-super-49b", "qwen3.5-397b-a17b", "gpt-oss-120b"])  # fmt: skip
@pytest.mark.parametrize("phase", ["decode", "prefill", "train"])
def test_every_architecture_runs_every_phase(run, model: str, phase: str) -> None:
    code, out, err = run("step", model, "h200-sxm", "--phase", phase, "--layout", "tp=8,dp=2,pp=2")
    assert (code, err) == (0, "") and "binds" in out and "Transformer(" not in out
