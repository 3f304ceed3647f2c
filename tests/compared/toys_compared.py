"""Cases, and tools made by known distortions of our own answers: each worked out by putting other inputs into the
model, or by adding times by hand, and never through the code that has to find them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from conftest import case_of

from steptime.model import symbols as q
from steptime.model.catalog.transformers import load_transformer
from steptime.model.choices import Overlap

HEADER = "case,tool,phase,model,hardware,chips,weights,activations,kv,batch,prompt,context,tp,quantity,value,unit"
COLLECTIVES = {"llama-3.1-70b": 160, "llama-3.1-8b": 64}
"""All-reduces of a step: two a layer."""


@dataclass(frozen=True)
class Case:
    """One case of a file."""

    model: str
    tp: int
    batch: int
    context: int = 0
    prompt: int = 0
    form: str = "bf16"

    @property
    def name(self) -> str:
        length = f"p{self.prompt}" if self.prompt else f"c{self.context}"
        return f"{self.model}-{self.form}-tp{self.tp}-b{self.batch}-{length}"

    def line(self, tool: str, seconds: float) -> str:
        phase = "prefill" if self.prompt else "decode"
        lengths = f"{self.prompt or ''},{self.context or ''}"
        return (f"{self.name},{tool},{phase},{self.model},h100-sxm,{self.tp},{self.form},{self.form},{self.form},"
                f"{self.batch},{lengths},{self.tp},step_time,{seconds!r},s")


DECODES = tuple(
    Case(model, tp, batch, context, form=form)
    for model, tp, form in (("llama-3.1-70b", 8, "bf16"), ("llama-3.1-70b", 8, "fp8"), ("llama-3.1-8b", 2, "bf16"))
    for batch, context in ((1, 1024), (1, 8192), (32, 8192), (256, 1024), (256, 8192))
)
PREFILLS = (Case("llama-3.1-70b", 8, 1, prompt=4096), Case("llama-3.1-70b", 8, 1, prompt=4096, form="fp8"),
            Case("llama-3.1-8b", 2, 2, prompt=2048))
CASES = DECODES + PREFILLS


def ours(case: Case, overlap: Overlap = Overlap.FULL, **sets: Any) -> float:
    """Our step time, with some quantities set by hand."""
    return _ours(case, overlap, tuple(sorted(sets.items())))


@cache
def _ours(case: Case, overlap: Overlap, sets: tuple[tuple[str, Any], ...]) -> float:
    how: dict[str, Any] = {"prompt": case.prompt} if case.prompt else {"context": case.context}
    found = case_of(case.model, "h100-sxm", phase="prefill" if case.prompt else "decode", batch=case.batch, **how,
                    layout=f"tp={case.tp}", weights=case.form, activations=case.form, kv=case.form,
                    overlap=str(overlap), **dict(sets))
    time = found.number(q.step_time)
    assert time is not None
    return time


BANDWIDTH = 3.35e12
LINK = 450e9


@dataclass(frozen=True)
class Distortion:
    """Inputs set by hand, at a case; seconds that are added; and what overlaps."""

    sets: Callable[[Case], Mapping[str, float]] = lambda case: {}
    adds: Callable[[Case], float] = lambda case: 0.0
    overlap: Overlap | None = None


def of_cache(factor: float) -> Distortion:
    """The cache billed so many times: its elements take other bytes."""
    size = {"bf16": 2.0, "fp8": 1.0}
    return Distortion(lambda case: {"bytes_per_kv": factor * size[case.form]})


def of_memory(factor: float) -> Distortion:
    return Distortion(lambda case: {"memory_bandwidth": BANDWIDTH / factor})


def of_links(factor: float) -> Distortion:
    return Distortion(lambda case: {"scale_up_bandwidth": LINK / factor})


def of_compute(factor: float) -> Distortion:
    return Distortion(lambda case: {"compute_efficiency": 1 / factor})


NO_NETWORK = Distortion(lambda case: {"scale_up_bandwidth": 1e22})


def per_collective(seconds: float) -> Distortion:
    return Distortion(adds=lambda case: seconds * COLLECTIVES[case.model] * (case.tp > 1))


def per_step(seconds: float) -> Distortion:
    return Distortion(adds=lambda case: seconds)


def whole_embedding() -> Distortion:
    """The input embedding in bf16, which a quantised checkpoint keeps so, read whole on each chip."""
    return Distortion(adds=lambda case: 2 * load_transformer(case.model).embedding / BANDWIDTH)


def in_overlap(overlap: Overlap) -> Distortion:
    return Distortion(overlap=overlap)


def tool(
    *distortions: Distortion, noise: float = 0.0, seed: int = 0, cases: tuple[Case, ...] = CASES
) -> dict[Case, float]:
    """The answers of a tool that is so distorted, with noise of so much relative deviation."""
    drawn = np.random.default_rng(seed).normal(0.0, 1.0, len(cases))
    overlap = next((one.overlap for one in distortions if one.overlap is not None), Overlap.FULL)
    found = {}
    for case, error in zip(cases, drawn, strict=True):
        sets = {name: value for one in distortions for name, value in one.sets(case).items()}
        time = ours(case, overlap, **sets) + sum(one.adds(case) for one in distortions)
        found[case] = float(time * np.exp(noise * error))
    return found


def written(path: Path, tools: Mapping[str, Mapping[Case, float]]) -> Path:
    """A file of tools' answers."""
    lines = [case.line(name, seconds) for name, answers in tools.items() for case, seconds in answers.items()]
    path.write_text("\n".join((HEADER, *lines)) + "\n")
    return path
