"""What a user gets wrong is one line on stderr and exit code 2, in this process and through the real one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_cli import steptime

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
    "set an option": (["step", "gpt2", "h100-sxm", "--set", "layout=tp=2"], "unknown quantity 'layout'"),
    "set an argument": (["step", "gpt2", "h100-sxm", "--set", "model=x"], "unknown quantity 'model'"),
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
    "two forms of a graph": (["derive", "--graph", "--json"], "give one"),
    "two questions at once": (["derive", "ridge", "--claims"], "different questions"),
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
    "time to first token in training": (
        ["solve", "layout", "gpt2", "h100-sxm", "--chips", "8", "--phase", "train", "--max-ttft", "1s"], "--max-ttft"),
    "a limit that a search has not": (
        ["solve", "layout", "gpt2", "h100-sxm", "--chips", "8", "--limit", "context<=8"], "--limit context <= 8"),
    "a limit given twice": (["solve", "layout", "gpt2", "h100-sxm", "--chips", "8", "--limit", "batch<=8",
                             "--limit", "batch<=9"], "--limit batch: given twice"),
    "a limit that needs a price": (["solve", "layout", "gpt2", "tpu7x", "--chips", "8", "--minimise", "latency",
                                    "--limit", "dollars_per_million_tokens<=9"], "chip_hour_price"),
    "a degree set by hand in a search": (
        ["solve", "layout", "gpt2", "h100-sxm", "--chips", "8", "--set", "tensor_parallel=2"], "--layout"),
    "what no formula of a search contains": (
        ["solve", "layout", "gpt2", "h100-sxm", "--chips", "8", "--set", "optimizer_bytes=8"], "optimizer_bytes"),
    "more chips than a system has": (
        ["step", "gpt2", "h100-sxm", "--layout", "dp=1000000,replicas=1000000"], "more than 1,000,000"),
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
