"""Scenarios at random over the catalogue: models, machines, layouts, phases and numbers, as words of the interface.

Scene n of a seed is always the same, so that a violation is looked at again by its number.
"""

import random
from dataclasses import dataclass, field
from typing import Any

import steptime as st

MODELS = ("llama-3.1-8b", "llama-3.1-70b", "mixtral-8x7b", "deepseek-v3", "deepseek-v2-lite", "gpt-oss-20b",
          "gemma-2-27b", "gemma-3-27b", "qwen3-30b-a3b", "qwen3-next-80b-a3b", "mistral-7b-v0.1", "minimax-m1", "gpt2",
          "nemotron-3-nano-30b-a3b")  # fmt: skip
HARDWARE = ("h100-sxm", "h200-sxm", "gb200-nvl72", "b200-sxm", "mi300x", "mi355x", "tpuv5p", "a100-sxm-80gb",
            "trainium2", "gaudi3", "h20")  # fmt: skip
RATES = ("peak_flops", "memory_bandwidth", "scale_up_bandwidth", "scale_out_bandwidth")
ATTEMPTS = 200


@dataclass(frozen=True)
class Scene:
    """A step that exists, the words that ask for it, and a source of further draws."""

    name: str
    model: str
    hardware: str
    words: dict[str, Any]
    step: st.Step = field(repr=False)
    draw: random.Random = field(repr=False)

    @property
    def layout(self) -> st.Layout:
        return self.step.layout

    def again(self, hardware: str | None = None, model: str | None = None, **changes: Any) -> st.Step:
        """The step asked for anew with other words, at the same layout unless that is among them."""
        words = {name: value for name, value in {**self.words, **changes}.items() if value is not None}
        return st.step(model or self.model, hardware or self.hardware, **words)


def length(draw: random.Random, least: int, most: int) -> int:
    """A whole number, as likely small as large."""
    return round(least * (most / least) ** draw.random())


def layout(draw: random.Random) -> dict[str, Any]:
    """Degrees whose product is at most 128."""
    degrees = {name: draw.choice([1, 1, 1, 2, 4, 8]) for name in ("tp", "dp", "cp", "pp")}
    degrees["cp"] = draw.choice([1, 1, 1, degrees["cp"]])
    degrees["replicas"] = draw.choice([1, 1, 1, 2])
    stage = degrees["tp"] * degrees["dp"] * degrees["cp"]
    degrees["ep"] = draw.choice([1, stage, stage, max(1, stage // 2)])
    return {name: degree for name, degree in degrees.items() if degree > 1}


def words(draw: random.Random) -> dict[str, Any]:
    """A phase with its numbers, and some choices."""
    phase = draw.choice(["decode", "decode", "decode", "prefill", "serving", "train"])
    ranks = draw.choice([1, 2, 8, 64])
    found: dict[str, Any] = {"batch": length(draw, 1, 64) * ranks, "layout": layout(draw)}
    if phase == "train":
        found |= {"phase": "train", "sequence": length(draw, 64, 8192), "zero": draw.randint(0, 3)}
        found |= {"recompute": draw.choice(["none", "selective", "full"]), "microbatch": draw.choice([1, 1, 2])}
    elif phase == "prefill":
        found |= {"phase": "prefill", "prompt": length(draw, 300, 50_000)}
        found |= draw.choice([{}, {}, {"cached": length(draw, 1, 200)}, {"chunk": length(draw, 32, 256)}])
    elif phase == "serving":
        found |= {"scope": "serving", "prompt": length(draw, 2, 50_000), "output": length(draw, 2, 4000)}
    else:
        found["context"] = length(draw, 1, 200_000)
    if phase != "train":
        found |= draw.choice([{}, {"weights": "fp8", "kv": "fp8"}, {"weights": "bf16"}, {"experts": "all"}])
    found["overlap"] = draw.choice(["full", "full", "per-operation", "none"])
    if draw.random() < 0.3:
        found |= {"memory_efficiency": 0.5 + draw.random() / 2, "compute_efficiency": 0.3 + draw.random() / 2}
    return found


def scene(seed: int, number: int) -> Scene:
    """Scene ``number`` of a seed: the first of many draws that is possible."""
    draw = random.Random(f"{seed}/{number}")
    for _ in range(ATTEMPTS):
        model, hardware, asked = draw.choice(MODELS), draw.choice(HARDWARE), words(draw)
        try:
            found = st.step(model, hardware, **asked)
        except st.UserError:
            continue
        if found.time is not None:
            name = f"seed {seed} number {number}: {model} on {hardware}, {asked}"
            return Scene(name, model, hardware, asked, found, draw)
    raise AssertionError(f"none of {ATTEMPTS} draws is possible: seed {seed} number {number}")
