"""Answers are values that show themselves: they do not change, are short in a line, and safe in a notebook."""

import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
import sympy

import steptime as st

MARKET = str(Path(__file__).parents[2] / "examples" / "prices-market.toml")
STEP = st.step("llama-3.1-8b", "h100-sxm", layout="tp=2", context=200)

ANSWERS: dict[str, Callable[[], Any]] = {
    "step": lambda: STEP,
    "ranges": lambda: STEP.ranges(memory_efficiency=(0.6, 0.9)),
    "crossover": lambda: STEP.crossover(),
    "best batch": lambda: STEP.best_batch(),
    "earnings": lambda: STEP.who_earns(),
    "found": lambda: st.search("gpt2", "h100-sxm", 1, 8, weights="bf16"),
    "machine": lambda: st.machine("llama-3.1-8b", MARKET, budget="10M$"),
    "cache": lambda: st.cache("llama-3.1-8b", "h100-sxm"),
    "catalogue": lambda: st.catalogue("hardware", "h100-sxm"),
    "derivation": lambda: st.derivation("ridge"),
    "inverse": lambda: st.solve_for("ridge", "ridge", bytes_per_weight=1, peak_flops=1e15, memory_bandwidth=1e12),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_an_immutable_value_that_shows_itself(name: str) -> None:
    answer = ANSWERS[name]()
    for attribute in (*vars(answer), "anything"):
        with pytest.raises((FrozenInstanceError, TypeError)):
            setattr(answer, attribute, 1)
    assert len(repr(answer)) < 200 and "\n" not in repr(answer) and repr(answer)[0].isupper()
    html = answer._repr_html_()
    assert html.startswith("<pre") and re.sub("<[^>]*>", "", html).count("\n") > 3
    assert all(len(line.rstrip()) <= 120 for line in str(answer).splitlines())


def test_replace_leaves_the_original_and_keeps_the_layout() -> None:
    step = st.step("deepseek-v3", "h100-sxm", batch=256)
    before = step.to_dict()
    faster = step.replace(memory_bandwidth="6.7TB/s", batch=512)
    assert step.to_dict() == before and faster.layout == step.layout
    assert faster.quantities["batch"] == 512 and faster.time != step.time
    assert step.replace(batch=None, layout=None, chips=None, model=None).layout == step.layout
    assert step.replace(hardware="h200-sxm").layout == step.layout


def test_replace_takes_a_layout_or_chips() -> None:
    step = st.step("llama-3.1-8b", "h100-sxm", chips=4)
    assert step.replace(layout="tp=2").layout.chips == 2 and step.replace(chips=8).layout.chips == 8
    assert step.replace(layout="tp=2,dp=4", chips=8).layout.dp == 4
    with pytest.raises(st.UserError, match="conflicts"):
        step.replace(layout="tp=2", chips=8)


EVIL = '"<script>alert(1)</script>"'
FILES = {
    "model": f'name = {EVIL}\nparameters = 30e9\nkv_bytes = "100 kB"\n',
    "hardware": f'name = {EVIL}\npeak_flops = "1 PFLOP/s"\nmemory_bandwidth = "1 TB/s"\nmemory_capacity = "99 GB"\n',
}


@pytest.mark.parametrize("kind", FILES)
def test_a_name_from_a_file_is_text_in_a_page(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(FILES[kind])
    step = st.step(**{"model": "gpt2", "hardware": "h100-sxm", kind: path}, chips=1)
    for answer in (step, step.crossover(), step.best_batch("chip-seconds"), step.ranges(memory_efficiency=(0.6, 0.9))):
        html = answer._repr_html_()
        assert "<script" not in html
    assert "&lt;script&gt;" in step._repr_html_()


PHASES = {"decode": {}, "prefill": {"phase": "prefill"}, "train": {"phase": "train", "batch": 64}}


@pytest.mark.parametrize("words", PHASES.values(), ids=PHASES)
@pytest.mark.parametrize("model", ["llama-3.1-8b", "mixtral-8x7b"])
def test_mathematics_is_in_the_letters_of_the_field(model: str, words: dict[str, Any]) -> None:
    step = st.step(model, "h100-sxm", layout="tp=8", **words)
    texts = [step._repr_latex_(), *(term._repr_latex_() for term in step.terms)]
    for text in texts:
        assert text.startswith("$") and text.endswith("$")
        assert not re.search(r"(?<![\\a-z])[a-z]{4,}_", text), text
    assert r"\beta" in step.terms.memory.latex
    for term in step.terms:
        assert isinstance(term.formula, sympy.Expr)
        names = {symbol.name for symbol in term.formula.free_symbols}
        assert names <= {one.name for one in st.quantities()}


def test_a_formula_gives_the_seconds_beside_it() -> None:
    for term in st.step("deepseek-v3", "gb200-nvl72", batch=256).terms:
        numbers = {one.symbol: value for one in st.quantities() if (value := DEEP.quantities.get(one.name)) is not None}
        assert float(term.formula.subs(numbers)) == pytest.approx(term.seconds, rel=1e-12)


DEEP = st.step("deepseek-v3", "gb200-nvl72", batch=256)


def test_what_has_no_closed_form_shows_no_empty_equation() -> None:
    step = st.step("deepseek-v3", "h100-sxm", context=100)
    for crossing in (step.crossover(), STEP.crossover()):
        assert (crossing._repr_latex_() is None) == (crossing.formula is None)


def test_diff_names_what_differs_and_by_what_ratio() -> None:
    """Both values of each key, so that their ratio is that of the change."""
    slow = st.step("llama-3.1-8b", "h100-sxm", memory_bandwidth="1TB/s", layout="tp=2")
    fast = slow.replace(memory_bandwidth="2TB/s")
    changed = slow.diff(fast)
    for key in ("terms.memory", "step_time"):
        before, after = changed[key]
        assert before / after == pytest.approx(2, rel=1e-12)
    assert changed["quantities.memory_bandwidth"] == (1e12, 2e12)
    assert slow.diff(slow.replace()) == {} and not {"terms.compute", "batch", "layout.tp"} & changed.keys()
    assert {key: pair[::-1] for key, pair in changed.items()} == fast.diff(slow)
    with pytest.raises(st.UserError, match="another answer"):
        slow.diff(3)


def test_differences_show_themselves_as_a_table() -> None:
    one, other = (st.step("llama-3.1-70b", machine, layout="tp=8") for machine in ("h200-sxm", "h100-sxm"))
    found = one.diff(other)
    shown = repr(found)
    assert isinstance(found, dict) and found["hardware"] == ("h200-sxm", "h100-sxm")
    assert shown == str(found) and "{" not in shown and max(map(len, shown.splitlines())) <= 80
    memory = next(line.split() for line in shown.splitlines() if line.startswith("terms.memory"))
    first, second = (f"{step.terms.memory.seconds * 1e3:.4g}" for step in (one, other))
    ratio = other.terms.memory.seconds / one.terms.memory.seconds
    assert memory == ["terms.memory", first, "ms", second, "ms", f"{ratio:.3g}"]
    assert re.search(r"dollars_per_million_tokens +\$", shown) and re.search(r"memory_per_chip.capacity .* GB ", shown)
    assert "terms.memory" in found._repr_html_() and found._repr_html_().startswith("<pre")
    assert repr(one.diff(one)) == "nothing differs"


def test_a_long_difference_is_cut_and_counted() -> None:
    found = st.step("llama-3.1-70b", "h200-sxm").diff(st.step("deepseek-v3", "gb200-nvl72", context="32k"))
    lines = repr(found).splitlines()
    assert len(found) > 60 and lines[-1].startswith("and ") and lines[-1].endswith("more keys")
    assert "mbu" not in [line.split()[0] for line in lines]  # both read all the time, but for rounding
