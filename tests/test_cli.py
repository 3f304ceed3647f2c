"""The command line through its real entry point: keys, tables, start-up, and every way to get it wrong."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

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
    done = steptime("step", "deepseek-v3", "gb200-nvl72")
    assert done.returncode == 0 and done.stderr == ""
    for piece in (
        "deepseek-v3 on gb200-nvl72",
        "compute",
        "memory",
        "interconnect",
        "binds",
        "band",
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
    assert set(data["memory_per_chip"]) == {"weights", "kv", "activations", "total", "capacity"}
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
    assert mixed["quantities"]["peak_flops"] == 989e12 and mixed["quantities"]["bytes_per_weight"] == 1
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


BAD = {
    "unknown model": (["step", "deepsek-v3", "h100-sxm"], "deepseek-v3"),
    "unknown hardware": (["step", "deepseek-v3", "h10-sxm"], "h100-sxm"),
    "no such file": (["step", "nowhere/config.json", "h100-sxm"], "cannot be read"),
    "truncated config": (["step", "{truncated}", "h100-sxm"], "not valid JSON"),
    "huge config": (["step", "{huge}", "h100-sxm"], "over the limit"),
    "a list for a config": (["step", "{list}", "h100-sxm"], "expected a JSON object"),
    "binary config": (["step", "{binary}", "h100-sxm"], "not UTF-8"),
    "deep config": (["step", "{deep}", "h100-sxm"], "not valid JSON"),
    "not TOML": (["step", "{toml}", "h100-sxm"], "not valid TOML"),
    "negative batch": (["step", "gpt2", "h100-sxm", "--batch", "-3"], "positive"),
    "zero batch": (["step", "gpt2", "h100-sxm", "--batch", "0"], "positive"),
    "NaN batch": (["step", "gpt2", "h100-sxm", "--batch", "nan"], "finite"),
    "infinite context": (["step", "gpt2", "h100-sxm", "--context", "inf"], "finite"),
    "half a sequence": (["step", "gpt2", "h100-sxm", "--batch", "2.5"], "whole"),
    "absurd batch": (["step", "gpt2", "h100-sxm", "--batch", "1e300"], "at most"),
    "absurd context": (["step", "gpt2", "h100-sxm", "--context", "1e20"], "sane range"),
    "absurd bandwidth": (["step", "gpt2", "h100-sxm", "--set", "memory_bandwidth=3"], "sane range"),
    "wrong unit": (["step", "gpt2", "h100-sxm", "--set", "memory_bandwidth=3GB"], "expected B/s"),
    "unknown unit": (["step", "gpt2", "h100-sxm", "--set", "memory_bandwidth=3GX/s"], "no known unit"),
    "unknown quantity": (["step", "gpt2", "h100-sxm", "--set", "memory_bandwith=3GB/s"], "memory_bandwidth"),
    "no value": (["step", "gpt2", "h100-sxm", "--set", "memory_bandwidth"], "NAME=VALUE"),
    "set twice": (["step", "gpt2", "h100-sxm", "--set", "batch=1", "--set", "batch=2"], "twice"),
    "set a result": (["step", "gpt2", "h100-sxm", "--set", "step_time=1ms"], "result"),
    "efficiency above one": (["step", "gpt2", "h100-sxm", "--set", "compute_efficiency=1.5"], "sane range"),
    "an expression": (["step", "gpt2", "h100-sxm", "--set", "batch=__import__('os')"], "not a number"),
    "an expression for an option": (
        ["step", "gpt2", "h100-sxm", "--batch", "__import__('os').system('id')"],
        "not a number",
    ),
    "layout typo": (["step", "gpt2", "h100-sxm", "--layout", "tensor=8"], "not one of"),
    "layout zero": (["step", "gpt2", "h100-sxm", "--layout", "tp=0"], "whole number"),
    "layout twice": (["step", "gpt2", "h100-sxm", "--layout", "tp=1,tp=2"], "twice"),
    "heads do not divide": (["step", "llama-3.1-70b", "h100-sxm", "--layout", "tp=7"], "64 attention heads"),
    "too many stages": (["step", "gpt2", "h100-sxm", "--layout", "pp=13"], "12 layers"),
    "too many experts": (["step", "mixtral-8x7b", "h100-sxm", "--layout", "dp=16,ep=16"], "8 experts"),
    "experts on too few chips": (["step", "mixtral-8x7b", "h100-sxm", "--layout", "tp=4,ep=8"], "does not divide"),
    "layout against set": (["step", "gpt2", "h100-sxm", "--layout", "tp=2", "--set", "tensor_parallel=4"], "conflicts"),
    "chips against layout": (["step", "gpt2", "h100-sxm", "--layout", "tp=2", "--set", "chips=4"], "conflicts"),
    "no peak": (["step", "llama-3.1-8b", "a100-sxm-80gb", "--activations", "fp8"], "fp8"),
    "calibration": (["step", "gpt2", "h100-sxm", "--efficiency", "calibrated"], "no calibration"),
    "training an abstract model": (["step", "{abstract}", "h100-sxm", "--phase", "train"], "architecture"),
    "training half a micro-batch": (
        ["step", "gpt2", "h100-sxm", "--phase", "train", "--batch", "3", "--layout", "dp=2"], "no multiple of dp"),
    "training with a context": (["step", "gpt2", "h100-sxm", "--phase", "train", "--context", "9"], "says nothing in"),
    "a sequence without training": (["step", "gpt2", "h100-sxm", "--sequence", "9"], "--phase train"),
    "chunks that do not divide": (
        ["step", "gpt2", "h100-sxm", "--phase", "train", "--layout", "pp=2", "--interleave", "5"], "not divide 12"),
    "training many batches": (
        ["solve", "layout", "gpt2", "h100-sxm", "--phase", "train", "--chips", "8", "--batch", "8,16"], "one --batch"),
    "training a batch that no layout divides": (
        ["solve", "layout", "gpt2", "h100-sxm", "--phase", "train", "--chips", "8", "--batch", "1", "--layout", "dp=8"],
        "whole micro-batches"),
    "context of a prefill": (["step", "gpt2", "h100-sxm", "--phase", "prefill", "--context", "9"], "says nothing in"),
    "prompt of a decode step": (["step", "gpt2", "h100-sxm", "--prompt", "9"], "--scope serving"),
    "prefix as long as the prompt": (
        ["step", "gpt2", "h100-sxm", "--phase", "prefill", "--prompt", "100", "--cached", "100"], "less than --prompt"),
    "chunk longer than the prompt": (
        ["step", "gpt2", "h100-sxm", "--phase", "prefill", "--prompt", "100", "--chunk", "101"], "longer than"),
    "a prompt of one token": (["step", "gpt2", "h100-sxm", "--phase", "prefill", "--prompt", "1"], "at least 2"),
    "serving without output": (["step", "gpt2", "h100-sxm", "--scope", "serving"], "needs --output"),
    "serving one token": (["step", "gpt2", "h100-sxm", "--scope", "serving", "--output", "1"], "at least 2"),
    "serving a prefill": (
        ["step", "gpt2", "h100-sxm", "--phase", "prefill", "--scope", "serving", "--output", "9"], "--phase decode"),
    "drafts of a whole request": (
        ["step", "gpt2", "h100-sxm", "--phase", "prefill", "--prompt", "100", "--output", "9", "--set", "drafts=3",
         "--set", "acceptance=0.8"], "together with --output"),
    "a batch of whole requests": (
        ["solve", "batch", "gpt2", "h100-sxm", "--phase", "prefill", "--prompt", "100", "--output", "9"],
        "no whole requests"),
    "a search over whole requests": (
        ["solve", "layout", "gpt2", "h100-sxm", "--phase", "prefill", "--chips", "1", "--output", "9"],
        "no whole requests"),
    "a crossover over chunks": (
        ["solve", "crossover", "gpt2", "h100-sxm", "--phase", "prefill", "--chunk", "8", "--over", "chunk"],
        "whole and steps"),
    "recomputation in decode": (["step", "gpt2", "h100-sxm", "--recompute", "full"], "see --phase train"),
    "shared state in a prefill": (["step", "gpt2", "h100-sxm", "--phase", "prefill", "--zero", "1"], "--phase train"),
    "micro-batches of no layout": (["step", "gpt2", "h100-sxm", "--phase", "train", "--microbatch", "3"], "whole"),
    "two forms of one answer": (["solve", "layout", "gpt2", "h100-sxm", "--chips", "1", "--csv", "--json"], "give one"),
    "a folder that is not there": (["validate", "--models", "/no/such/folder"], "does not exist"),
    "drafts without acceptance": (["step", "gpt2", "h100-sxm", "--set", "drafts=2"], "acceptance"),
    "drafts all accepted": (
        ["step", "gpt2", "h100-sxm", "--set", "drafts=2", "--set", "acceptance=1"], "below 1"),
    "no chips": (["solve", "layout", "gpt2", "h100-sxm"], "--chips"),
    "chips that are no numbers": (["solve", "layout", "gpt2", "h100-sxm", "--chips", "8,many"], "not a number"),
    "half a chip": (["solve", "layout", "gpt2", "h100-sxm", "--chips", "2.5"], "whole number"),
    "too many chips": (["solve", "layout", "gpt2", "h100-sxm", "--chips", "1000000"], "more than 100000"),
    "layout of an abstract model": (["solve", "layout", "{abstract}", "h100-sxm", "--chips", "8"], "architecture"),
    "layout that cannot be held": (
        ["solve", "layout", "gpt2", "h100-sxm", "--chips", "8", "--layout", "tp=7"], "no layout"),
    "time to first token of a decode step": (
        ["solve", "layout", "gpt2", "h100-sxm", "--chips", "8", "--max-ttft", "1s"], "--phase prefill"),
    "layouts too slow": (
        ["solve", "layout", "llama-3.1-70b", "h100-sxm", "--chips", "8", "--max-step-time", "1us"], "max_step_time by"),
    "layouts without a price": (
        ["solve", "layout", "llama-3.1-8b", "tpu7x", "--chips", "8", "--minimise", "cost"], "chip_hour_price"),
    "unknown option": (["step", "gpt2", "h100-sxm", "--bach", "3"], "--bach"),
    "unknown choice": (["step", "gpt2", "h100-sxm", "--weights", "fp6"], "fp6"),
    "missing argument": (["step", "gpt2"], "HARDWARE"),
    "one term": (["solve", "crossover", "gpt2", "h100-sxm", "--between", "memory"], "two terms"),
    "unknown term": (["solve", "crossover", "gpt2", "h100-sxm", "--between", "memory,cache"], "not a term"),
    "unknown over": (["solve", "crossover", "gpt2", "h100-sxm", "--over", "bach"], "batch"),
    "infeasible": (["solve", "batch", "llama-3.1-70b", "h100-sxm", "--max-step-time", "1us"], "exceeded"),
    "no price": (["solve", "batch", "llama-3.1-8b", "tpu7x", "--minimise", "cost"], "chip_hour_price"),
    "bad limit": (["solve", "batch", "gpt2", "h100-sxm", "--limit", "batch=3"], "NAME<=VALUE"),
    "limit on a rate of the machine": (
        ["solve", "batch", "gpt2", "h100-sxm", "--limit", "peak_flops<=1e15"],
        "limits are",
    ),
    "bad catalogue name": (["catalog", "hardware", "h10"], "did you mean"),
}


@pytest.fixture
def bad_files(tmp_path: Path) -> dict[str, str]:
    contents = {
        "truncated.json": b'{"model_type": "llama", "hidden_size": 40',
        "huge.json": b" " * 4_000_001,
        "list.json": b"[1, 2]",
        "binary.json": bytes(range(128, 256)),
        "deep.json": b"[" * 200_000,
        "toml.toml": b"name = = 3",
        "abstract.toml": b"parameters = 1e9\nkv_bytes = 1000\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name.partition(".")[0]: str(tmp_path / name) for name in contents}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("as_json", [False, True], ids=["table", "json"])
def test_bad_input_is_one_line_on_stderr(run, bad_files, name: str, as_json: bool) -> None:
    arguments, named = BAD[name]
    filled = [argument.format(**bad_files) if argument.startswith("{") else argument for argument in arguments]
    code, out, err = run(*filled, *(["--json"] if as_json else []))
    assert code == 2 and out == ""
    assert err.count("\n") == 1 and len(err) < 600, err
    assert named in err and "Traceback" not in err, err


def test_bad_input_through_the_real_process() -> None:
    done = steptime("step", "deepseek-v3", "h100-sxm", "--set", "batch=__import__('os')")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


def test_a_terminal_without_greek_still_gets_its_numbers() -> None:
    command = [sys.executable, "-m", "steptime.cli", "step", "gpt2", "h100-sxm"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "") and "step time" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "steptime.cli", "step", "gpt2", "h100-sxm", "--json"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "cannot be written" in done.stderr


def test_no_layout_with_an_answer_is_no_warning(run) -> None:
    code, out, err = run("step", "llama-3.1-70b", "rtx4090")
    assert (code, err) == (0, "") and "--set scale_out_bandwidth" in out


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
