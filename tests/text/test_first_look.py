"""What is seen first of a step: what is said of it is so, and what is folded away is counted."""

import re

import pytest
from rich.console import Group

import steptime as st
from steptime.model.text.first_look import RATES, changes, doubled, read
from steptime.model.text.fitting import Fitting
from steptime.model.text.screen import Fold, Screen, unfolded
from steptime.model.text.step_json import step_json

CASES = {
    "dense": ("llama-3.1-70b", "h100-sxm", {"layout": "tp=8"}),
    "experts": ("deepseek-v3", "gb200-nvl72", {"layout": "dp=8,ep=8", "context": "200k"}),
    "drafts": ("llama-3.1-8b", "h100-sxm", {"drafts": 3, "acceptance": 0.7}),
    "serving": ("qwen3-235b-a22b", "h100-sxm", {"scope": "serving", "output": 300}),
    "prefill": ("llama-3.1-70b", "h100-sxm", {"phase": "prefill", "layout": "tp=8", "cached": 1024}),
    "recurrent": ("qwen3-next-80b-a3b", "h200-sxm", {}),
    "training": ("gpt3-175b", "a100-sxm-80gb", {"phase": "train", "layout": "tp=8,pp=8", "batch": 64}),
}  # fmt: skip


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", CASES)
def test_what_memory_reads_adds_up_to_its_term(name: str) -> None:
    model, hardware, more = CASES[name]
    step = st.step(model, hardware, **more)
    parts = read(step.case)
    assert len(parts) == 2 and "weights" in parts
    assert sum(parts.values()) == pytest.approx(step.terms.memory.seconds, rel=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_twice_a_rate_is_a_step_with_it(name: str) -> None:
    model, hardware, more = CASES[name]
    step = st.step(model, hardware, **more)
    data = step_json(step.case)
    found = doubled(step.case, data)
    helps, idle = changes(data, found)
    assert helps and {*helps, *idle} == {*found}
    for words_of_rate, (time, practice) in found.items():
        rate = next(symbol.name for symbol, said in RATES.values() if said == words_of_rate)
        then = step.replace(**{rate: 2 * step.quantities[rate]})
        assert time == pytest.approx(then.time, rel=1e-12)
        assert practice is None or practice == pytest.approx(then.estimate.step_time, rel=1e-9)
        assert (then.time < step.time * 0.999) == (words_of_rate in helps)
        assert f"twice the {words_of_rate}" in words(str(step)) or f"or {words_of_rate}" in words(str(step))


@pytest.mark.parametrize("name", CASES)
def test_the_last_line_counts_what_is_folded(name: str) -> None:
    model, hardware, more = CASES[name]
    step = st.step(model, hardware, **more)
    found, seen, everything = step.to_dict(), words(str(step)), words(step.unfolded())
    last = str(step).splitlines()[-1]
    for key, thing in (("defaults", "default"), ("doubtful", "doubtful figure"), ("not_modelled", "thing")):
        number = len(found[key])
        assert not number or f"{number} {thing}{'s' * (number != 1)}" in last
    assert last.endswith("`unfolded`") and "unfolded" not in everything
    for text in (*found["defaults"], *found["doubtful"], *found["not_modelled"]):
        assert words(text) in everything and f": {words(text)}" not in seen


def test_the_answer_names_what_binds_and_what_to_change(run) -> None:
    code, out, _ = run("step", "deepseek-v3", "gb200-nvl72", "--context", "200k")
    assert code == 0
    assert out.startswith("deepseek-v3 on gb200-nvl72 · decode · batch 64 · context 200,000 · dp=16")
    for piece in ("memory binds: what it reads is 48% weights and 52% KV cache", "← binds", "next:", "weights", "KV"):
        assert piece in words(out), piece
    assert out.rstrip().endswith(": -v") and "defaults taken" not in out
    assert len(out.splitlines()) <= 30


def test_a_step_that_does_not_fit_says_so_at_once(run) -> None:
    out = run("step", "llama-3.1-405b", "h100-sxm", "--layout", "tp=8")[1]
    assert "tp=8 · DOES NOT FIT" in words(out) and "memory     DOES NOT FIT" in out


def test_money_is_a_price_tag(run) -> None:
    for context in ("1k", "32k"):
        out = run("step", "llama-3.1-8b", "h100-sxm", "--context", context, "-v")[1]
        assert re.search(r"\$0\.\d{3} per million", words(out)) or re.search(r"\$\d+\.\d\d per million", words(out))
        assert not re.search(r"\d m\$|\$\d+(\.\d+)? ?[mkM]\b", out)


def test_what_is_folded_opens_at_its_place() -> None:
    screen = Screen("a", Fold(("b", "c"), "2 letters"), Group("d", Screen(Fold(("e",), "1 more"))))
    assert list(screen.renderables[:2]) == ["a", "d"] and str(screen.renderables[2]) == "2 letters, 1 more: `unfolded`"
    assert list(unfolded(screen).renderables) == ["a", "b", "c", "d", "e"]
    assert list(unfolded(Group("a")).renderables) == ["a"]


@pytest.mark.parametrize("width", range(24, 60, 3))
def test_columns_go_in_their_order_and_no_word_is_broken(width: int) -> None:
    from rich.console import Console

    rows = [("memory_bandwidth", "1,234", "share of the bandwidth that is reached"), ("kv_bytes", "7", "of a token")]
    made = Fitting(("name", ">value", "meaning"), rows, ("meaning", ">value"), ("meaning",))
    console = Console(width=width, highlight=False)
    with console.capture() as caught:
        console.print(made)
    out = caught.get()
    assert max(map(len, out.splitlines())) <= width and "memory_bandwidth" in out
    whole = {word for row in rows for cell in row for word in cell.split()}
    beside = re.findall(r"\S+", "name value meaning left out for want of width: meaning,")
    assert {*out.split()} <= whole | {*beside}
    assert ("1,234" in out) or "meaning" in out.split("width:")[1]
