"""Whatever a notebook user passes: an answer, or one line of ``UserError`` that names what is wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as some

import steptime as st
from steptime.model.economics.reuse import Reuse

MARKET = str(Path(__file__).parents[2] / "examples" / "prices-market.toml")
STEP = st.step("llama-3.1-8b", "h100-sxm", layout="tp=2")
BEST = {"batch": 8, "weights": "bf16", "kv": "bf16", "activations": "bf16"}

ODD: dict[str, Any] = {
    "nothing": None, "NaN": float("nan"), "infinite": float("inf"), "negative": -3, "zero": 0, "half": 2.5,
    "huge": 10**400, "true": True, "list": [1, 2], "tuple": (64,), "empty text": "", "empty list": [], "mapping": {},
    "unknown key": {"x": 1}, "array": np.array([1, 2]), "array of one value": np.array(64), "NumPy's truth": np.True_,
    "complex": 1j, "bytes": b"64", "object": object(), "symbol": sympy.Symbol("x"), "function": len, "set": {1},
    "wide digits": "６４", "a rocket": "🚀", "two lines": "6\n4", "path": Path("nowhere.toml"),
    "a long text": "x" * 5000, "text with a null": "\0",
}  # fmt: skip

QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "model": lambda odd: st.step(odd, "h100-sxm"),
    "hardware": lambda odd: st.step("gpt2", odd),
    **{
        name: lambda odd, name=name: STEP.replace(**{name: odd})
        for name in ("batch", "scale_up_latency", "memory_efficiency", "layout", "chips", "weights", "overlap", "phase")
    },
    **{
        name: lambda odd, name=name: st.step("gpt2", "h100-sxm", phase="train", layout="tp=1", **{name: odd})
        for name in ("zero", "recompute", "dropout", "tokens")
    },
    "degree": lambda odd: STEP.replace(layout={"tp": odd}),
    "degree of a layout": lambda odd: STEP.replace(layout=st.Layout(tp=odd)),
    "copies": lambda odd: STEP.replace(layout={"copies": odd}),
    "first term": lambda odd: STEP.crossover(odd),
    "over": lambda odd: STEP.crossover(over=odd),
    "minimise": lambda odd: STEP.best_batch(odd),
    "max_step_time": lambda odd: STEP.best_batch("cost", odd),
    "limits": lambda odd: STEP.best_batch("cost", limits=odd),
    "one limit": lambda odd: STEP.best_batch("cost", limits=[odd]),
    "start": lambda odd: STEP.best_batch("cost", start=odd),
    "range": lambda odd: STEP.ranges(context=odd),
    "range of a crossover": lambda odd: STEP.replace(context=9).crossover().ranges(memory_bandwidth=odd),
    "prices": lambda odd: STEP.who_earns(odd),
    "axis": lambda odd: STEP.over(batch=odd).step_time,
    "value of an axis": lambda odd: STEP.over(batch=[odd]).step_time,
    "layouts of an axis": lambda odd: STEP.over(odd).step_time,
    "term of a grid": lambda odd: STEP.over(batch=[1]).term(odd),
    "searched machines": lambda odd: st.search("gpt2", odd, 1, **BEST),
    "searched machine": lambda odd: st.search("gpt2", [odd], 1, **BEST),
    "searched chips": lambda odd: st.search("gpt2", "h100-sxm", odd, **BEST),
    "searched batches": lambda odd: st.search("gpt2", "h100-sxm", 1, **{**BEST, "batch": odd}),
    "searched layouts": lambda odd: st.search("gpt2", "h100-sxm", 1, layout=odd, **BEST),
    "searched limit": lambda odd: st.search("gpt2", "h100-sxm", 1, max_step_time=odd, **BEST),
    **{
        name: lambda odd, name=name: st.machine("gpt2", **{"prices": MARKET, "budget": "10M$", name: odd})
        for name in ("prices", "budget", "power", "minimise", "workloads", "batch")
    },
    "workload": lambda odd: st.machine("gpt2", MARKET, "10M$", workloads=[odd]),
    "context of a cache": lambda odd: st.cache("gpt2", "h100-sxm", context=odd),
    "tiers": lambda odd: st.cache("gpt2", "h100-sxm", odd),
    "tier": lambda odd: st.cache("gpt2", "h100-sxm", [odd]),
    "reuse": lambda odd: st.cache("gpt2", "h100-sxm", reuse=odd),
    "hold time": lambda odd: st.cache("gpt2", "h100-sxm").at(odd),
    "quantity": lambda odd: st.solve_for(odd, "ridge"),
    "formula": lambda odd: st.solve_for("ridge", odd),
    "value": lambda odd: st.solve_for("ridge", "ridge", bytes_per_weight=odd, peak_flops=1e15, memory_bandwidth=1e12),
    "ranges": lambda odd: st.solve_for("ridge", "ridge", odd, peak_flops=1e15, memory_bandwidth=1e12),
    "derivation": st.derivation,
    "exported": st.latex,
    "form": lambda odd: st.latex("ridge", form=odd),
    "machine by name": st.hardware,
    "model by name": st.architecture,
    "kind": st.catalogue,
    "entry": lambda odd: st.catalogue("models", odd).to_dict(),
    "text": st.quantities,
    "another answer": STEP.diff,
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_answer_or_one_line(question: str) -> None:
    for kind, odd in ODD.items():
        try:
            QUESTIONS[question](odd)
        except st.UserError as error:
            assert "\n" not in str(error) and str(error).strip(), (kind, str(error))
        except Exception as error:
            pytest.fail(f"{question}, {kind}: {type(error).__name__}: {error}")


NEVER_ANSWERED = ("NaN", "infinite", "negative", "huge", "true", "bytes", "object", "complex", "function", "set",
                  "a rocket", "wide digits", "two lines")  # fmt: skip


@pytest.mark.parametrize("kind", NEVER_ANSWERED)
@pytest.mark.parametrize("question", sorted(set(QUESTIONS) - {"text", "dropout", "axis", "searched machines"}))
def test_what_means_nothing_has_no_answer(question: str, kind: str) -> None:
    if kind == "set" and question in ("searched batches", "searched chips", "batch"):
        return  # a list of one
    with pytest.raises(st.UserError):
        QUESTIONS[question](ODD[kind])


@settings(max_examples=60)
@given(some.text(max_size=30) | some.floats() | some.integers() | some.binary(max_size=4))
def test_no_value_of_a_quantity_ends_in_a_traceback(odd: Any) -> None:
    for name in ("batch", "memory_bandwidth", "scale_up_latency", "layout"):
        try:
            step = STEP.replace(**{name: odd})
        except st.UserError as error:
            assert "\n" not in str(error)
        else:
            assert step.time > 0


@pytest.mark.parametrize(("ask", "named"), [
    (lambda: st.step("deepsek-v3", "h100-sxm"), "did you mean deepseek-v3"),
    (lambda: st.step("gpt2", "h10-sxm"), "did you mean h100-sxm"),
    (lambda: st.step("gpt2", "h100-sxm", memory_bandwith=1e12), "memory_bandwidth"),
    (lambda: st.step("gpt2", "h100-sxm", weights="fp_8"), "did you mean fp8"),
    (lambda: st.step("gpt2", "h100-sxm", phase="decoding"), "did you mean decode"),
    (lambda: STEP.crossover(over="memory_bandwith"), "memory_bandwidth"),
    (lambda: STEP.best_batch("costs"), "did you mean cost"),
    (lambda: st.derivation("rige"), "ridge"),
    (lambda: st.solve_for("ridge", "rige"), "ridge"),
    (lambda: st.step("gpt2", "nowhere/own.toml"), "cannot be read"),
    (lambda: st.step("gpt2", "h100-sxm", phase="train", dropout="no"), "True or False"),
    (lambda: st.step("gpt2", "h100-sxm", phase="prefill", output=3, answer=4), "twice"),
    (lambda: STEP.ranges(), "at least one"),
    (lambda: STEP.ranges(context=(1, 2, 3)), "lo..hi"),
    (lambda: STEP.best_batch("cost", "20"), None),
    (lambda: STEP.best_batch("cost", 0), "`max_step_time`"),
    (lambda: STEP.crossover("memory", "memory"), "not two different terms"),
    (lambda: STEP.crossover("memory", "cache"), "not a term"),
    (lambda: st.search("gpt2", [], 1, **BEST), "at least one machine"),
    (lambda: st.search("gpt2", "h100-sxm", 1, tensor_parallel=1, **BEST), "hold one with `layout`"),
    (lambda: st.search("gpt2", "h100-sxm", 1, **BEST).step("best"), "a point that was found"),
    (lambda: st.cache("gpt2", "h100-sxm", phase="train"), "says nothing here"),
    (lambda: st.cache("gpt2", "h100-sxm", layout="tp=2"), "says nothing here"),
    (lambda: st.cache("gpt2", "h100-sxm", reuse=Reuse("weibull", 60.0, 2.0)), "at most 1"),
    (lambda: st.latex("ridge", form="pyhton"), "latex, markdown, python, c or js"),
    (lambda: st.machine("gpt2", MARKET, "10M$", workloads="phase=decode context=32k batch=2048"), None),
])  # fmt: skip
def test_what_is_wrong_is_named(ask: Callable[[], Any], named: str | None) -> None:
    if named is None:
        assert ask()
        return
    with pytest.raises(st.UserError, match=named) as error:
        ask()
    assert "\n" not in str(error.value) and len(str(error.value)) < 400
