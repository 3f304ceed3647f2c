"""Every point of a sweep is the step that `step` works out: all phases, kinds of models, layouts and ways."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from steptime.model.api.step import step
from steptime.model.api.sweep_spec import spec_of
from steptime.model.errors import UserError
from steptime.model.solver.sweep.block import Worker
from steptime.model.solver.sweep.outputs import Way, output_of
from steptime.model.text.practice import estimate_json

OUTPUTS = ["step_time", "mean_step_time", "compute", "memory", "interconnect", "scale_up", "scale_out",
           "tokens_per_second", "tokens_per_second_per_sequence", "dollars_per_million_tokens", "joules_per_token",
           "estimate", "estimate.tokens_per_second", "estimate.dollars_per_million_tokens",
           "estimate.tokens_per_second_per_sequence", "memory_per_chip",
           "bounds.per_operation", "bounds.none", "mfu", "mbu", "bottleneck"]  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "decode, dense, one layout": {
        "base": {"model": "llama-3.1-70b", "hardware": "h100-sxm", "layout": "tp=8"},
        "over": {"batch": {"log": [1, 3000, 9]}, "context": {"values": [100, 4096, 131072]}},
    },
    "decode, experts, all layouts on 16 and 32 chips, two machines": {
        "base": {"model": "deepseek-v3", "hardware": ["h100-sxm", "gb200-nvl72"]},
        "over": {"batch": {"values": [1, 3, 16, 129, 4096]}, "context": {"values": [1000, 200000]}},
        "layouts": {"chips": [16, 32]},
    },
    "decode, listed layouts with replicas and stages": {
        "base": {"model": "qwen3-30b-a3b", "hardware": "h200-sxm", "kv": ["bf16", "fp8"]},
        "over": {"batch": {"values": [1, 7, 64, 501]}, "memory_bandwidth": {"grid": ["1TB/s", "20TB/s", 3]}},
        "layouts": {"list": ["tp=2,replicas=3", "tp=1,dp=4,ep=4", "pp=4,tp=2", "dp=2,pp=3,replicas=2,ffn=all"]},
    },
    "drafts are checked": {
        "base": {"model": "deepseek-v3", "hardware": "h200-sxm", "drafts": 3, "acceptance": 0.7},
        "over": {"batch": {"values": [1, 7, 64, 501]}, "context": {"values": [1000, 40000]}},
        "layouts": {"list": ["tp=2,dp=4,ep=8", "tp=8,ep=8", "dp=8,ep=8,pp=2", "tp=4,dp=2,ep=8,ffn=all"]},
    },
    "prefill behind a cache, in chunks": {
        "base": {"model": "llama-3.1-8b", "hardware": "h100-sxm", "phase": "prefill"},
        "over": {"prompt": {"values": [4000, 8192, 30000]}, "cached": {"values": [1000, 3000]},
                 "chunk": {"values": [256, 1000]}, "batch": {"values": [1, 2, 5]}},
        "layouts": {"list": ["tp=1", "tp=2,dp=2", "tp=2,pp=2"]},
    },
    "in-flight batching": {
        "base": {"model": "llama-3.1-8b", "hardware": "h100-sxm", "scope": "serving", "output": 200, "prompt": 1000,
                 "context": 1100},
        "over": {"batch": {"values": [1, 5, 64, 300]}, "scale_out_bandwidth": {"values": ["10GB/s", "50GB/s"]}},
        "layouts": {"list": ["tp=1", "tp=2,dp=2", "tp=1,replicas=3", "pp=2"]},
    },
    "in-flight batching, experts, lengths vary": {
        "base": {"model": "deepseek-v3", "hardware": ["h100-sxm", "gb200-nvl72"], "scope": "serving"},
        "over": {"batch": {"values": [16, 64, 3000]}, "prompt": {"values": [500, 8000]}, "answer": {"values": [30, 9]},
                 "context": {"values": [1000, 60000]}, "peak_flops": {"values": ["400TFLOP/s", "4PFLOP/s"]}},
        "layouts": {"list": ["tp=2,dp=16,ep=32", "tp=8,pp=2,ep=8", "dp=16,ep=16", "tp=4,dp=2,replicas=3,ep=8"]},
    },
    "in-flight batching, the context follows": {
        "base": {"model": "deepseek-v3", "hardware": "h100-sxm", "scope": "serving"},
        "over": {"batch": {"values": [16, 64]}, "prompt": {"values": [500, 8000]}, "answer": {"values": [30, 900]}},
        "layouts": {"list": ["tp=2,dp=16,ep=32", "tp=8,pp=2,ep=8"]},
    },
    "training": {
        "base": {"model": "gpt3-175b", "hardware": "a100-sxm-80gb", "phase": "train", "recompute": ["none", "full"],
                 "sequence": 2048},
        "over": {"batch": {"values": [96, 1536]}, "microbatch": {"values": [1, 2]}, "interleave": {"values": [1, 3]}},
        "layouts": {"list": ["tp=8,pp=8", "tp=8,pp=12", "tp=8,pp=8,dp=4", "tp=8,pp=4,replicas=2", "tp=4,pp=16,dp=2"]},
    },
    "training in two formats, experts exchanged": {
        "base": {"model": "deepseek-v3", "hardware": "h100-sxm", "phase": "train", "activations": ["bf16", "fp8"],
                 "zero": 2},
        "over": {"batch": {"values": [1024, 3072]}, "sequence": {"values": [2048, 8192]},
                 "peak_flops": {"values": ["400TFLOP/s", "4PFLOP/s"]}},
        "layouts": {"list": ["dp=64,ep=64,pp=4", "tp=8,dp=8,ep=64,pp=8", "tp=2,dp=64,ep=32,pp=4,replicas=2"]},
    },
    "slots set by hand": {
        "base": {"model": "deepseek-v3", "hardware": "h200-sxm", "kv_bytes": 5e4, "scale_up_starts": 100},
        "over": {"batch": {"values": [16, 129, 3000]}, "active_parameters": {"values": [1e10, 4e10]}},
        "layouts": {"list": ["tp=2,dp=16,ep=32", "dp=16,ep=16", "tp=8,pp=2,ep=8"]},
    },
    "a list of quantities": {
        "base": {"model": "tests/sweep/toy.toml", "hardware": "h100-sxm"},
        "over": {"batch": {"log": [1, 500, 5]}, "context": {"values": [1000, 50000]}},
        "layouts": {"chips": [1, 8]},
    },
    "operation by operation, on a torus": {
        "base": {"model": "mixtral-8x7b", "hardware": "tpuv5p", "overlap": "per-operation"},
        "over": {"batch": {"values": [4, 64, 1000]}, "peak_flops": {"values": ["100TFLOP/s", "1PFLOP/s"]}},
        "layouts": {"chips": [8]},
    },
    "capacity varies, and with it the workspace": {
        "base": {"model": "llama-3.1-8b", "hardware": "h100-sxm", "layout": "tp=1"},
        "over": {"memory_capacity": {"values": ["24GB", "40GB", "80GB", "192GB"]}, "batch": {"values": [1, 32]}},
    },
    "a design": {
        "base": {"model": "deepseek-v3", "hardware": "b200-sxm"},
        "over": {"batch": {"log_between": [1, 5000]}, "context": {"log_between": [1000, 200000]},
                 "scale_up_domain": {"values": [8, 72]}, "memory_bandwidth": {"between": ["4TB/s", "20TB/s"]}},
        "design": {"sobol": 64, "seed": 3},
        "layouts": {"list": ["tp=8,dp=2,ep=16", "tp=4,dp=4,ep=8"]},
    },
}  # fmt: skip


@pytest.fixture(autouse=True)
def toy(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tests" / "sweep"
    folder.mkdir(parents=True)
    text = 'parameters = 30e9\nactive_parameters = 3e9\nkv_bytes = "100 kB"\nname = "toy"\n'
    (folder / "toy.toml").write_text(text)
    monkeypatch.chdir(tmp_path)


def all_rows(data: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Every row of a sweep, infeasible ones too."""
    worker = Worker(spec_of({**data, "outputs": [*OUTPUTS, "broken"], "rows": "all"}))
    found = [worker.block(number).rows for number in range(worker.blocks.number)]
    return {name: np.concatenate([rows[name] for rows in found]) for name in found[0]}


@pytest.mark.parametrize("kind", KINDS)
def test_a_point_is_the_step(kind: str) -> None:
    data = KINDS[kind]
    rows = all_rows(data)
    number = len(rows["model"])
    compared = 0
    for row in np.random.default_rng(7).choice(number, min(number, 40), replace=False):
        words = {**data["base"], "layout": str(rows["layout"][row])}
        words |= {name: str(rows[name][row]) for name in words if name in rows and name not in ("model",)}
        words |= {name: float(rows[name][row]) for name in data["over"]}
        broken = str(rows["broken"][row]).split(";")
        if (basis := spec_of(data).scenes[0].question.inputs.basis) is not None:
            words["basis"] = str(basis)  # machines are compared at prices of one basis
        model, hardware = words.pop("model"), words.pop("hardware")
        if {"whole_micro_batches", "whole_chunks", "cached", "chunk"} & set(broken):
            with pytest.raises(UserError):
                step(model, hardware, **words)
            continue
        case = step(model, hardware, **words).case
        for name in OUTPUTS:
            if name == "bottleneck":
                assert rows[name][row] == case.bottleneck
                continue
            expected = _expected(case, name)
            mine = float(rows[name][row])
            compared += 1
            if expected is None:
                assert np.isnan(mine)
            else:
                assert mine == pytest.approx(expected, rel=1e-12), (name, words)
        assert ("memory_capacity" in broken) == (case.fits is False), words
    assert compared > 50


def _expected(case: Any, name: str) -> float | None:
    if name.startswith("estimate"):
        shown = estimate_json(case)
        return None if shown is None else shown[name.removeprefix("estimate.").replace("estimate", "step_time")]
    way = Way(case.scenario.values, case.scenario.definitions, case.phase, case.operations, case.stages)
    number: float | None = case.number(way.expression(output_of(name)))
    return number
