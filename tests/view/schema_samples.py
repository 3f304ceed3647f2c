"""Questions whose JSON shows every key that a command prints, by schema."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[2] / "examples"
PARTS = "market-parts,manufacturing-parts"
MARKET, TIERS = str(EXAMPLES / "prices-market.toml"), str(EXAMPLES / "tiers.toml")
SMALL = ("llama-3.1-8b", "h100-sxm")
MOE = ("mixtral-8x7b", "h200-sxm")
BARE = tuple(str(Path(__file__).with_name(f"bare_{what}.toml")) for what in ("model", "machine"))
"""What states little, so that much has no number."""

SAMPLES: dict[str, list[list[str]]] = {
    "step": [
        ["step", *SMALL],
        ["step", *SMALL, "--efficiency", "ideal", "--overlap", "none", "--engine", "vllm"],
        ["step", *SMALL, "--measured", "12ms"],
        ["step", *SMALL, "--range", "memory_efficiency=0.6..0.9"],
        ["step", *SMALL, "--phase", "prefill", "--output", "100", "--cached", "1000"],
        ["step", "gpt-oss-120b", "mi300x", "--phase", "prefill", "--prompt", "9000", "--chunk", "1024"],
        ["step", *MOE, "--layout", "dp=4,ep=4", "--scope", "serving", "--output", "300", "--prompt", "1000"],
        ["step", *MOE, "--phase", "train", "--layout", "dp=8,ep=8,pp=2", "--tokens", "1T"],
        ["step", *SMALL, "--phase", "train", "--layout", "tp=2,replicas=4", "--set", "served_tokens=1e12",
         "--engine", "megatron"],
        ["step", "deepseek-v3", "h20", "--kv", "fp8", "--layout", "tp=8,copies=per-expert", "--engine", "vllm"],
        ["step", "qwen3-next-80b-a3b", "tpuv5p", "--layout", "tp=2", "--set", "chip_hour_price=1"],
        ["step", "gemma-2-27b", "gaudi3"],
        ["step", *BARE],
        ["step", BARE[0], "h100-sxm", "--engine", "vllm"],
        ["step", "llama-3.1-8b", BARE[1], "--layout", "tp=1"],
        ["step", "llama-3.1-8b", BARE[1], "--layout", "tp=2,replicas=2", "--phase", "train", "--tokens", "1T"],
        ["step", "llama-3.1-8b", BARE[1], "--layout", "tp=1", "--phase", "prefill", "--output", "10"],
    ],
    "steps": [["step", *SMALL, "h200-sxm"], ["step", *SMALL, "--weights", "fp8", "--weights", "bf16"]],
    "explanation": [["explain", *SMALL], ["explain", *MOE, "--phase", "train", "--layout", "dp=8,ep=8,pp=2"]],
    "picture": [["plot", "batch", *SMALL], ["plot", "breakdown", *SMALL], ["plot", "memory", *SMALL]],
    "solve-crossover": [
        ["solve", "crossover", *SMALL],
        ["solve", "crossover", *SMALL, "--over", "context"],
        ["solve", "crossover", *BARE],
        ["solve", "crossover", "gpt-oss-20b", "b200-sxm", "--between", "memory,interconnect", "--layout", "tp=4"],
        ["solve", "crossover", "deepseek-v3", "gb200-nvl72", "--layout", "tp=2,dp=2"],
        ["solve", "crossover", *SMALL, "--context", "100", "--range", "memory_bandwidth=2TB/s..4TB/s"],
    ],
    "crossover-of-machines": [["solve", "crossover", *SMALL, "--between", "h100-sxm,h200-sxm"]],
    "solve-batch": [
        ["solve", "batch", *SMALL],
        ["solve", "batch", *SMALL, "--max-step-time", "20ms", "--limit", "batch<=512"],
        ["solve", "batch", *SMALL, "--efficiency", "ideal", "--minimise", "latency"],
        ["solve", "batch", *SMALL, "--range", "context=4k..8k"],
        ["solve", "batch", "llama-3.1-8b", BARE[1], "--layout", "tp=1", "--limit", "batch<=512"],
        ["solve", "batch", *BARE, "--limit", "batch<=512"],
        ["solve", "batch", *SMALL, "--context", "100", "--minimise", "energy", "--set", "memory_capacity=10TB"],
    ],
    "solve-layout": [
        ["solve", "layout", *SMALL, "--chips", "1,2", "--batch", "8,64"],
        ["solve", "layout", *SMALL, "h200-sxm", "--chips", "2", "--max-ttft", "1s", "--weights", "any"],
        ["solve", "layout", *SMALL, "--chips", "2", "--batch", "8,64", "--engine", "vllm"],
        ["solve", "layout", *SMALL, "--phase", "train", "--chips", "8", "--batch", "16"],
        ["solve", "layout", *SMALL, "--chips", "1", "--batch", "8", "--efficiency", "ideal"],
        ["solve", "layout", "llama-3.1-8b", BARE[1], "--chips", "1,2", "--batch", "8", "--minimise", "latency"],
    ],
    "solve-machine": [
        ["solve", "machine", "llama-3.1-8b", "--prices", MARKET, "--budget", "3000000"],
        ["solve", "machine", "llama-3.1-8b", "--prices", MARKET, "--budget", "3000000", "--batch", "64",
         "--layout", "tp=2", "--minimise", "cost"],
        ["solve", "machine", "llama-3.1-8b", "--prices", "market-parts", "--budget", "3000000", "--batch", "64"],
    ],
    "resources": [["solve", "machine", "llama-3.1-8b", "--from", "h100-sxm"],
                  ["solve", "machine", "llama-3.1-8b", "--from", "h100-sxm", "--prices", MARKET, "--batch", "64"],
                  ["solve", "machine", "llama-3.1-8b", "--from", "h200-sxm", "--prices", "market-parts"]],
    "earners": [
        ["solve", "machine", "deepseek-v3", "--from", "gb200-nvl72", "--prices", PARTS, "--layout", "dp=72,ep=72",
         "--context", "1000,32k"],
    ],
    "solve-cache": [
        ["solve", "cache", *SMALL],
        ["solve", "cache", *SMALL, "--tiers", TIERS, "--reuse", "exponential mean=10min", "--hold", "20min"],
    ],
    "solve-for": [
        ["solve", "for", "parameters", "--in", "optimal-batch", "--set", "ridge=300", "--set", "active_parameters=37e9",
         "--set", "optimal_batch=2000"],
        ["solve", "for", "active_parameters", "--in", "optimal-batch", "--set", "ridge=300", "--set",
         "parameters=671e9", "--set", "optimal_batch=2000", "--range", "ridge=200..400"],
    ],
    "solve-fleet": [["solve", "fleet", str(EXAMPLES / "fleets" / name)] for name in ("batch.toml", "chat.toml")]
    + [["solve", "fleet", str(Path(__file__).with_name("apart.toml"))]],
    "sweep": [["sweep", str(EXAMPLES / "sweeps" / "lecture.toml")],
              ["sweep", str(Path(__file__).with_name("kinds_of_price.toml"))]],
    "sweep-plan": [["sweep", str(EXAMPLES / "sweeps" / "lecture.toml"), "--dry-run"]],
    "catalog": [
        ["catalog", "models"],
        ["catalog", "hardware"],
        ["catalog", "models", "deepseek-v3"],
        ["catalog", "models", "llama-3.1-8b"],
        ["catalog", "hardware", "gb200-nvl72"],
        ["catalog", "hardware", "h100-sxm"],
        ["catalog", "quantities", "bandwidth"],
        ["catalog", "sources"],
    ],
    "derivations": [["derive"]],
    "derivation": [["derive", "ridge"], ["derive", "optimal-batch"], ["derive", "bubble-1f1b"]],
    "claims": [["derive", "--claims"]],
    "validate": [["validate"], ["validate", "--efficiency", "ideal"]],
    "compare": [["compare", str(Path(__file__).with_name("other_tools.csv"))]],
    "calibrate": [["calibrate"], ["calibrate", str(Path(__file__).with_name("few_steps.csv"))]],
}  # fmt: skip
"""What is asked of each."""

SLOW = {"calibrate", "claims", "derivations", "validate"}
"""What takes a minute: asked for a schema, and where its own tests ask it anyway."""

OPEN = {
    "quantities", "missing", "infeasible", "best_of", "sensitivities", "sensitivity_intervals", "ranges", "sources",
    "figures", "prices", "summary", "ours", "singles", "utilisation", "duals", "duals.", "kv_bytes_by_context",
    "inputs", "each_alone", "spend", "spend_share", "watts", "watt_share", "tokens_at_optimum", "term_prices",
    "shadow_prices", "slack", "times", "values",
    "estimate.terms", "relaxed_estimate.terms", "evidence.models", "evidence.machines", "estimate_terms", "longer_by",
    "decode_terms", "resources", "factors", "peak_flops", "chips_of",
    "held.costs",
}  # fmt: skip
"""Objects whose keys are names of quantities, terms, machines, classes or limits: any may stand there."""

OPAQUE = {
    "machines[]",
    "best.step", "relaxation", "bound", "crossover-of-machines!.estimate", "at_bound", "at_estimate", "bound_answer",
    "calibrate!.*", "tools[].*",
}  # fmt: skip
"""Objects that have the keys of another schema, or of the object that they stand in, where they are not null."""


def paths(node: Any, at: str = "") -> Iterator[str]:
    """Every key that a schema knows, as step.terms.memory, and what may stand there."""
    if not isinstance(node, dict):
        return
    kinds = node.get("type", "any")
    if at:
        yield f"{at}: {kinds if isinstance(kinds, str) else '|'.join(kinds)}"
    for name, one in node.get("properties", {}).items():
        yield from paths(one, f"{at}.{name}" if at else name)
    for part, mark in (("items", "[]"), ("additionalProperties", ".*")):
        if part in node:
            yield from paths(node[part], at + mark)
