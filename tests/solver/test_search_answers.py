"""What a search over layouts answers: as a step says it, of the machine and in the formats that were asked for."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from questions import TRAINED, search_of

import steptime as st
from steptime.model import symbols as q
from steptime.model.catalog.hardware import load_hardware
from steptime.model.errors import NotSolved, UserError
from steptime.model.solver.layouts import work
from steptime.model.solver.layouts.points import Answer
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.solver.recheck import FIGURES, recheck
from steptime.model.step.build import build_case

BY_HAND = {
    q.kv_bytes: 1e5, q.kv_written: 3e4, q.kv_read: 1e9, q.parameters: 9e9, q.active_parameters: 7e9, q.micro_batch: 4.0,
    q.parameters_read: 6e9, q.attention_flops: 1e5, q.unembedding_parameters: 1e8, q.scale_up_bytes: 1e5,
    q.scale_out_bytes: 1e5, q.compute_shards: 2.0, q.weight_shards: 2.0, q.kv_shards: 2.0, q.bytes_per_weight: 1.5,
    q.router_weight_bytes: 4.0, q.expert_load: 2.0, q.bytes_per_kv: 1.5,
}  # fmt: skip


def file_of(name: str, path: Path, **others: float) -> str:
    """A machine of the catalogue written as a file of one's own, some figures changed."""
    machine = load_hardware(name)
    figures = {key: figure.value for key, figure in machine.figures.items()} | others
    peaks = ", ".join(f"{key} = {figure.value!r}" for key, figure in machine.peaks.items())
    lines = [f"name = '{name}'", f"peak_flops = {{{peaks}}}", f"topology = '{machine.topology}'"]
    lines += [f"in_switch_reduction = {str(machine.in_switch_reduction).lower()}"]
    path.write_text("\n".join([*lines, *(f"{key} = {value!r}" for key, value in figures.items())]), "utf-8")
    return str(path)


@pytest.mark.parametrize("phase", ["decode", "prefill", "train"])
@pytest.mark.parametrize("model", ["llama-3.1-8b", "gpt-oss-20b"])
@pytest.mark.parametrize("quantity", [symbol.name for symbol in BY_HAND])
def test_what_is_set_by_hand_is_honoured_or_refused_as_by_a_step(quantity: str, model: str, phase: str) -> None:
    """The recheck builds the best point, the next one and the best on each machine as steps, and compares them."""
    value = next(value for symbol, value in BY_HAND.items() if symbol.name == quantity)
    batch = {"batch": 16} if phase == "train" else {}
    try:
        found = st.search(model, "mi300x", 4, phase=phase, **batch, **{quantity: value})
    except UserError as error:
        with pytest.raises(UserError) as refused:
            st.step(model, "mi300x", phase=phase, layout="tp=4", **batch, **{quantity: value})
        assert str(refused.value) == str(error)
    else:
        assert max(found.to_dict()["residuals"].values()) < 1e-9


@pytest.mark.parametrize("batch", [16, "16,32"])
def test_a_batch_that_is_named_is_the_only_one(batch: object) -> None:
    assert st.search("llama-3.1-8b", "h100-sxm", 4, batch).best.batch <= 32


def test_a_file_is_as_good_as_a_catalogue_entry(tmp_path: Path) -> None:
    """Same figures, same answer; another price, another cost, even where the name is the catalogue's."""
    asked = {"chips": [2, 4], "context": 8000, "efficiency": "ideal"}  # the file is of no family that was measured
    catalogue = st.search("llama-3.1-8b", "h100-sxm", **asked).to_dict()
    same = st.search("llama-3.1-8b", file_of("h100-sxm", tmp_path / "h100-sxm.toml"), **asked).to_dict()
    for key in ("points", "feasible", "infeasible", "least_cost", "within_one_percent", "pareto", "best_of"):
        assert same[key] == catalogue[key], key
    dear = st.search("llama-3.1-8b", file_of("h100-sxm", tmp_path / "dear.toml", chip_hour_price=34.9), **asked)
    assert dear.best.cost == pytest.approx(10 * catalogue["best"]["cost"], rel=1e-12)
    assert dear.to_dict()["best"]["step"]["dollars_per_million_tokens"] == pytest.approx(1e6 * dear.best.cost)


def test_two_machines_of_one_name_are_two(tmp_path: Path) -> None:
    path = file_of("h100-sxm", tmp_path / "mine.toml", chip_hour_price=1.0)
    found = st.search("llama-3.1-8b", ["h100-sxm", path, "h100-sxm"], 2, context=8000)
    assert list(found.best_of) == ["h100-sxm (model/catalog/hardware.toml)", f"h100-sxm ({path})"]
    dear, cheap = found.best_of.values()
    assert dear.cost == pytest.approx(3.49 * cheap.cost, rel=1e-12) and found.best == cheap


def answer() -> Answer:
    return search_layouts(search_of("llama-3.1-8b", ("h100-sxm", "h200-sxm"), (2,), context="9000", whole=True))


@pytest.mark.parametrize("figure", [*FIGURES, "cost"])
@pytest.mark.parametrize("which", ["best", "runner_up", "best_of"])
def test_every_figure_is_compared_with_a_step(which: str, figure: str) -> None:
    """One part in 100,000 off, in any point that is reported with its case, is no answer."""
    good = answer()
    recheck(good)
    point = {"best": good.best, "runner_up": good.runner_up, "best_of": next(iter(good.best_of.values()))}[which]
    assert point is not None
    wrong = replace(point, **{figure: getattr(point, figure) * (1 + 1e-5)})
    candidates = tuple(wrong if one == point else one for one in good.candidates)
    best_of = {name: wrong if one == point else one for name, one in good.best_of.items()}
    with pytest.raises(NotSolved, match=figure):
        recheck(replace(good, candidates=candidates, best_of=best_of))


@pytest.mark.parametrize(("limit", "match"), [
    ({"max_step_time": 1e-3}, "primal=[1-9]"), ({"limits": ("batch<=5",)}, "primal=[1-9]"),
    ({"limits": ("tokens_per_second>=1e9",)}, "primal=[1-9]"), ({"max_ttft": 1e-3}, "primal"),
])  # fmt: skip
def test_every_limit_is_asked_again(limit: dict[str, Any], match: str) -> None:
    asked = search_of("llama-3.1-8b", "h100-sxm", (2,), **limit)
    with pytest.raises(NotSolved, match=match):
        recheck(replace(answer(), search=asked))


def test_formats_are_the_models_own_unless_any_is_asked_for() -> None:
    """Nothing stated: as `step` takes them; each of the three is freed by itself."""
    asked = {"chips": 2, "batch": [1, 64], "minimise": "latency"}
    own = st.search("llama-3.1-8b", "gb200-nvl72", **asked)
    assert {(one.inputs.weights, one.inputs.kv, one.inputs.activations) for one in own.answer.questions} == {
        (None, None, None)
    }
    assert own.to_dict()["best"]["precision"] == {"weights": "bf16", "activations": "bf16", "kv": "bf16"}
    assert "the model's own" in own.to_dict()["formats"] and "weights any" in own.to_dict()["formats"]
    for name in ("weights", "kv", "activations"):
        free = st.search("llama-3.1-8b", "gb200-nvl72", **asked, **{name: "any"})
        tried = {tuple(getattr(one.inputs, n) or "own" for n in ("weights", "kv", "activations"))
                 for one in free.answer.questions}  # fmt: skip
        assert len(tried) == len(free.answer.questions) > 1
        assert free.best.cost <= own.best.cost
        held = {"weights", "kv", "activations"} - {name}
        assert all(one[place] == "own" for one in tried for place, n in enumerate(("weights", "kv", "activations"))
                   if n in held)  # fmt: skip
    stated = st.search("llama-3.1-8b", "gb200-nvl72", **asked, weights="fp8", kv="fp8")
    assert stated.to_dict()["best"]["precision"]["weights"] == "fp8"


@pytest.mark.parametrize("scope", ["steps", "serving"])
def test_first_token_and_step_time_are_limited_together(scope: str) -> None:
    """One prompt alone on the layout, and the step: of a request's own prompt where requests are served."""
    words = {"context": 6000} if scope == "steps" else {"scope": "serving", "prompt": 6000, "output": 200}
    asked = {"chips": [2, 4], **words}
    loose = st.search("llama-3.1-70b", "h200-sxm", **asked)
    tight = st.search("llama-3.1-70b", "h200-sxm", **asked, max_step_time="40ms", max_ttft="260ms", efficiency="ideal")
    point, found = tight.best, tight.to_dict()
    alone = build_case(replace(point.question, inputs=point.question.inputs.prompt_alone(6000.0)))
    assert point.time_to_first_token == pytest.approx(alone.number(q.step_time), rel=1e-12)
    assert point.time_to_first_token <= 0.26 and point.step_time <= 0.04
    assert found["best"]["time_to_first_token"] == point.time_to_first_token and found["infeasible"]["max_ttft"] > 0
    assert loose.best.cost <= point.cost
    prefill = st.step("llama-3.1-70b", "h200-sxm", phase="prefill", prompt=6000, batch=1, layout=point.layout)
    assert prefill.time == pytest.approx(point.time_to_first_token, rel=1e-12)


@pytest.mark.parametrize("minimise", ["cost", "latency", "energy", "chip-seconds"])
def test_the_front_holds_the_best_and_each_machine_has_a_row(minimise: str) -> None:
    """Dollars stand beside tokens per chip: price over an hour's tokens of a chip."""
    found = st.search("mixtral-8x7b", ["h100-sxm", "h200-sxm", "mi300x"], [2, 4], minimise=minimise, context=5000)
    assert found.pareto.count(found.best) == 1 and list(found.best_of) == ["h100-sxm", "h200-sxm", "mi300x"]
    assert found.best in found.best_of.values()
    for point in (*found.pareto, *found.best_of.values()):
        price = point.question.hardware.figures["chip_hour_price"].value
        assert point.dollars_per_million_tokens == pytest.approx(price / 3600 / point.per_chip * 1e6, rel=1e-12)
    rows = list(csv.DictReader(io.StringIO(found.csv())))
    assert [row["what"] for row in rows] == ["best"] + 3 * ["machine"] + ["pareto"] * len(found.pareto)
    marked = [row for row in str_table(found).splitlines() if row.rstrip().endswith("  best")]
    assert len(marked) == 1


def str_table(found: Any) -> str:
    from rich.console import Console

    console = Console(width=150, file=io.StringIO())
    console.print(found.table())
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_ties_of_training_are_decided_by_what_less_overlap_costs() -> None:
    """Llama-70B on 512 chips: hundreds of layouts are equal where all overlaps, tp=2 with cp=8 among them, which
    without overlap takes 1.9 times as long (5.57 s) as the one that is taken (2.89 s)."""
    search = search_of("llama-3.1-70b", "h100-sxm", (512,), (512,), free=TRAINED, phase="train", efficiency="ideal")
    found = search_layouts(search)
    assert found.ties > 1000 and found.best.cost <= found.least * 1.01
    best = build_case(found.best.question)
    for point in found.candidates[1 : found.tied]:
        other = build_case(point.question)
        one, two = ([case.number(case.bounds[overlap]) * point.cost / case.number(q.step_time) for overlap in
                     ("per-operation", "none")] for case, point in ((best, found.best), (other, point)))  # fmt: skip
        assert [float(f"{value:.10g}") for value in one] <= [float(f"{value:.10g}") for value in two]
    fastest = search_layouts(replace(search, within=0.0))
    assert fastest.best.cost <= found.least * (1 + 1e-11) and fastest.ties < found.ties


def test_progress_goes_forward_within_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many pieces, many shares: nothing that takes long is silent."""
    monkeypatch.setattr(work, "BLOCK", 2**14)
    shares: list[float] = []
    st.search("deepseek-v3", ["h100-sxm", "h200-sxm"], [64, 128], progress=shares.append)
    assert len(shares) > 5 and shares[-1] == 1.0 and np.all(np.diff(shares) >= 0)
