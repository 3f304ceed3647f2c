"""The layout that a step takes by itself: the fastest, ties decided by what less overlap costs, in bounded work."""

from pathlib import Path
from typing import Any

import pytest
from conftest import asked

from steptime.model import symbols as q
from steptime.model.catalog.files import packaged
from steptime.model.catalog.huggingface.reader import read_config
from steptime.model.layout.enumeration import layout_of
from steptime.model.layout.layout import Layout
from steptime.model.phases import memory
from steptime.model.phases.memory import Room, footprints
from steptime.model.step.build import build_case, cases_at, many_steps, prepare
from steptime.model.step.case import Case
from steptime.model.step.default_layout import default_layout
from steptime.model.step.estimate import estimated
from steptime.model.step.prepared import Prepared

QUESTIONS = {
    "decode on one domain": ("deepseek-v3", "gb200-nvl72", {"chips": 8, "batch": 256}),
    "a perfect split": ("llama-3.1-8b", "h100-sxm", {"chips": 2, "phase": "prefill", "batch": 2}),
    "prefill": ("deepseek-v3", "h100-sxm", {"chips": 16, "phase": "prefill", "batch": 64}),
    "training": ("llama-3.1-70b", "h100-sxm", {"chips": 64, "phase": "train", "batch": 256, "recompute": "selective"}),
    "no overlap": ("mixtral-8x7b", "h100-sxm", {"chips": 8, "overlap": "none", "batch": 32}),
    "in flight": ("qwen3-235b-a22b", "h200-sxm", {"chips": 8, "scope": "serving", "output": 300, "batch": 128}),
    "drafts": ("llama-3.1-70b", "h100-sxm", {"chips": 8, "drafts": 3, "acceptance": 0.8, "batch": 64}),
}


def preference(case: Case) -> tuple[object, ...]:
    """Less is better: the bound by operation, the one without overlap, fewer degrees, larger ep."""
    bounds = [float(f"{case.number(case.bounds[overlap]):.11g}") for overlap in ("per-operation", "none")]
    one = case.layout
    return *bounds, sum(degree != 1 for degree in (one.tp, one.cp, one.dp, one.pp, one.replicas)), -one.ep


def every_case(prepared: Prepared, words: dict[str, Any]) -> list[Case]:
    """Each layout on so many chips as a case of its own: those that fit, where any does."""
    columns = prepared.accounts.layouts(words["chips"])
    cases = []
    for row in range(len(columns["tp"])):
        layout = layout_of(columns, row)
        if words.get("phase") != "train" or words["batch"] % (layout.dp * layout.replicas) == 0:
            cases.append(cases_at(prepared, layout)[0])
    return [case for case in cases if case.fits] or cases


def known_cases(prepared: Prepared, words: dict[str, Any]) -> list[Case]:
    """Those without a pipeline, where the estimate decides and no row of decoding or of a prefill had one."""
    cases = every_case(prepared, words)
    decides = prepared.inputs.efficiency != "ideal" and words.get("phase") != "train"
    return [case for case in cases if case.layout.pp == 1 or not decides] or cases


@pytest.mark.parametrize("efficiency", ["ideal", "calibrated"])
@pytest.mark.parametrize(("model", "hardware", "words"), QUESTIONS.values(), ids=QUESTIONS)
def test_of_ties_the_one_that_loses_least_with_less_overlap(
    model: str, hardware: str, words: dict[str, Any], efficiency: str
) -> None:
    """Those within one per cent of the fastest are ties: by the estimate, which is worked out for each layout alone
    here; by the bound where the ideal is asked for."""
    question = asked(model, hardware, **words, efficiency=efficiency)
    prepared = prepare(question)
    cases = known_cases(prepared, words)
    found = [estimated(case) for case in cases]
    assert all((one is None) == (efficiency == "ideal") for one in found)
    times = [case.number(q.step_time) if one is None else one.step_time for case, one in zip(cases, found, strict=True)]
    ties = [case for case, time in zip(cases, times, strict=True) if time <= min(times) * 1.01]
    chosen, number = default_layout(many_steps(question, prepared))
    assert number == len(ties)
    taken = [case for case in ties if str(case.layout) == str(chosen)]
    assert len(taken) == 1 and preference(taken[0]) == min(map(preference, ties))


APART = {
    "a run as GPT-3's": ("gpt-3", "a100-80gb", {"phase": "train", "chips": 1024, "batch": 1536, "sequence": 2048}),
    "a large batch on two nodes": ("llama-3.1-70b", "h100-sxm", {"chips": 16, "batch": 1024, "context": 1000}),
}  # fmt: skip


@pytest.mark.parametrize(("model", "hardware", "words"), APART.values(), ids=APART)
def test_it_takes_the_least_time_in_practice_of_what_fits(model: str, hardware: str, words: dict[str, Any]) -> None:
    """The bound alone would take a layout that is slower in practice; and the line says which."""
    prepared = prepare(asked(model, hardware, **words))
    chosen = build_case(asked(model, hardware, **words))
    least = min(estimated(case).step_time for case in known_cases(prepared, words))
    ideal = build_case(asked(model, hardware, **words, efficiency="ideal"))
    assert chosen.fits and ideal.fits and ideal.layout != chosen.layout
    there = build_case(asked(model, hardware, **words, layout=ideal.layout))
    assert estimated(chosen).step_time <= 1.01 * least < estimated(there).step_time
    assert ideal.number(q.step_time) <= chosen.number(q.step_time)
    said = {one.quantity: one.reason for one in chosen.defaults}["layout"]
    assert said.endswith("the least time in practice")
    assert not {one.quantity: one.reason for one in ideal.defaults}["layout"].endswith("in practice")


def test_a_pipeline_is_no_default_of_decoding_where_no_row_of_the_fit_had_one(tmp_path: Path) -> None:
    """DeepSeek-V3 at 200,000 tokens on 16 chips: by the estimate a pipeline would be the fastest."""
    words = {"chips": 16, "context": 200_000}
    chosen = build_case(asked("deepseek-v3", "gb200-nvl72", **words))
    prepared = prepare(asked("deepseek-v3", "gb200-nvl72", **words))
    least = {1: 1e9, 2: 1e9}
    for case in every_case(prepared, words):
        several = min(case.layout.pp, 2)
        least[several] = min(least[several], estimated(case).step_time)
    assert chosen.layout.pp == 1 and estimated(chosen).step_time <= 1.01 * least[1] and least[2] < least[1]
    path = tmp_path / "silent.toml"
    path.write_text("".join(line for line in packaged("coefficients.toml").splitlines(True) if "stages" not in line))
    assert build_case(asked("deepseek-v3", "gb200-nvl72", **words, efficiency=str(path))).layout.pp > 1


def test_where_nothing_fits_on_so_many_chips_there_still_is_a_layout() -> None:
    found = build_case(asked("llama-3.1-70b", "h100-sxm", chips=1))
    assert found.fits is False and found.layout.chips == 1


def test_of_so_many_chips_one_that_fits_though_another_is_simpler() -> None:
    """Copies of the weights on every rank send nothing, and have no room."""
    words = {"chips": 8, "batch": 4096, "context": 128}
    chosen = build_case(asked("llama-3.1-70b", "h100-sxm", **words))
    roomy = build_case(asked("llama-3.1-70b", "h100-sxm", **words, memory_capacity="10TB"))
    assert chosen.fits and roomy.layout != chosen.layout
    assert not build_case(asked("llama-3.1-70b", "h100-sxm", **words, layout=roomy.layout)).fits
    assert roomy.layout.dp == 8 and preference(roomy) < preference(chosen)


def test_equal_stages_are_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """10,000 layers on 4,096 stages: first, last, and at most four kinds between, not one footprint a stage."""
    model = read_config({
        "model_type": "llama", "hidden_size": 1024, "num_hidden_layers": 10_000, "num_attention_heads": 8,
        "intermediate_size": 4096, "vocab_size": 32_000,
    }, "config.json")  # fmt: skip
    written: list[object] = []
    whole = Room.footprint
    monkeypatch.setattr(memory.Room, "footprint", lambda room, stage, w: written.append(stage) or whole(room, stage, w))
    found = footprints(model, Layout(pp=4096), whole_sequences=True)
    assert 3 <= len(found) <= len(written) <= 6
