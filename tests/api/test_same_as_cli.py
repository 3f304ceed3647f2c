"""Every answer's dictionary is the object that the command line prints: one interface, two skins."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import steptime as st

EXAMPLES = Path(__file__).parents[2] / "examples"
MARKET, TIERS = str(EXAMPLES / "prices-market.toml"), str(EXAMPLES / "tiers.toml")
SMALL = ("llama-3.1-8b", "h100-sxm")
HELD = {"weights": "bf16", "kv": "bf16", "activations": "bf16"}


def asked(**words: Any) -> st.Step:
    return st.step(*SMALL, **words)


ANSWERS: dict[str, tuple[Callable[[], Any], list[str]]] = {
    "decode": (lambda: st.step("deepseek-v3", "h100-sxm"), ["step", "deepseek-v3", "h100-sxm"]),
    "decode with figures by hand": (
        lambda: asked(batch=64, context="32k", layout=st.Layout(tp=2), memory_bandwidth="10TB/s", overlap="none"),
        ["step", *SMALL, "--batch", "64", "--context", "32k", "--layout", "tp=2", "--set", "memory_bandwidth=10TB/s",
         "--overlap", "none"]),
    "prefill of a whole request": (
        lambda: asked(phase="prefill", prompt=2000, cached=500, output=100),
        ["step", *SMALL, "--phase", "prefill", "--prompt", "2000", "--cached", "500", "--output", "100"]),
    "training": (
        lambda: asked(phase="train", layout="tp=8", zero=1, recompute="selective", dropout=True, tokens="1T"),
        ["step", *SMALL, "--phase", "train", "--layout", "tp=8", "--zero", "1", "--recompute", "selective", "--dropout",
         "--tokens", "1T"]),
    "a step in ranges": (
        lambda: asked().ranges(memory_efficiency=(0.6, 0.9)),
        ["step", *SMALL, "--range", "memory_efficiency=0.6..0.9"]),
    "crossover": (
        lambda: asked(layout="tp=2", context=200).crossover("memory", "compute", over="batch"),
        ["solve", "crossover", *SMALL, "--layout", "tp=2", "--context", "200"]),
    "best batch": (
        lambda: asked(layout="tp=2").best_batch("cost", "20ms", ["batch<=200"]),
        ["solve", "batch", *SMALL, "--layout", "tp=2", "--minimise", "cost", "--max-step-time", "20ms", "--limit",
         "batch<=200"]),
    "layouts": (
        lambda: st.search("llama-3.1-8b", ["h100-sxm", "h200-sxm"], chips=[1, 2], batch=[1, 64], **HELD),
        ["solve", "layout", "llama-3.1-8b", "h100-sxm", "h200-sxm", "--chips", "1,2", "--batch", "1,64",
         *(word for name, value in HELD.items() for word in (f"--{name}", value))]),
    "machine": (
        lambda: st.machine("llama-3.1-70b", MARKET, budget="10M$", batch=64),
        ["solve", "machine", "llama-3.1-70b", "--prices", MARKET, "--budget", "10M$", "--batch", "64"]),
    "who earns": (
        lambda: st.step("llama-3.1-70b", "h100-sxm").who_earns(MARKET),
        ["solve", "machine", "llama-3.1-70b", "--from", "h100-sxm", "--prices", MARKET]),
    "cache": (
        lambda: st.cache("deepseek-v3", "h100-sxm", TIERS, "exponential mean=10min", context="32k"),
        ["solve", "cache", "deepseek-v3", "h100-sxm", "--tiers", TIERS, "--reuse", "exponential mean=10min",
         "--context", "32k"]),
    "any formula": (
        lambda: st.solve_for("ridge", "ridge", {"memory_bandwidth": ("1TB/s", "3TB/s")}, bytes_per_weight=1,
                             peak_flops=1e15),
        ["solve", "for", "ridge", "--in", "ridge", "--set", "bytes_per_weight=1", "--set", "peak_flops=1e15", "--range",
         "memory_bandwidth=1TB/s..3TB/s"]),
    "machines known": (lambda: st.catalogue("hardware"), ["catalog", "hardware"]),
    "one model": (lambda: st.catalogue("models", "deepseek-v3"), ["catalog", "models", "deepseek-v3"]),
    "one derivation": (lambda: st.derivation("optimal-batch"), ["derive", "optimal-batch"]),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_the_dictionary_is_the_json_of_the_command_line(run_json: Callable[..., dict[str, Any]], name: str) -> None:
    ask, arguments = ANSWERS[name]
    printed, found = run_json(*arguments), ask().to_dict()
    for clock in ("seconds",):  # how long a search took
        printed.pop(clock, None), found.pop(clock, None)
    assert found == printed


@pytest.mark.parametrize("name", ["decode", "crossover", "best batch", "machine", "cache", "one derivation"])
def test_the_text_of_an_answer_is_its_table(run: Callable[..., tuple[int, str, str]], name: str) -> None:
    """Of notebook and terminal, but for the words for arguments and options."""
    ask, arguments = ANSWERS[name]
    shown, printed = str(ask()).splitlines(), run(*arguments)[1].splitlines()
    assert [line.rstrip() for line in shown if "`" not in line][:5] == [line.rstrip() for line in printed][:5]
