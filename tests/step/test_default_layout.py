"""The layout that a step takes by itself: the fastest, ties decided by what less overlap costs, in bounded work."""

from typing import Any

import pytest
from conftest import asked

from steptime.model import symbols as q
from steptime.model.catalog.huggingface.reader import read_config
from steptime.model.layout.enumeration import layout_of
from steptime.model.layout.layout import Layout
from steptime.model.phases import memory
from steptime.model.phases.memory import Room, footprints
from steptime.model.step.build import cases_at, prepare
from steptime.model.step.case import Case
from steptime.model.step.default_layout import default_layout

QUESTIONS = {
    "decode on one domain": ("deepseek-v3", "gb200-nvl72", {"chips": 8, "batch": 256}),
    "a perfect split": ("llama-3.1-8b", "h100-sxm", {"chips": 2, "phase": "prefill", "batch": 2}),
    "prefill": ("deepseek-v3", "h100-sxm", {"chips": 16, "phase": "prefill", "batch": 64}),
    "training": ("llama-3.1-70b", "h100-sxm", {"chips": 64, "phase": "train", "batch": 256, "recompute": "selective"}),
    "no overlap": ("mixtral-8x7b", "h100-sxm", {"chips": 8, "overlap": "none", "batch": 32}),
}


def preference(case: Case) -> tuple[object, ...]:
    """Less is better: the bound by operation, the one without overlap, fewer degrees, larger ep."""
    bounds = [float(f"{case.number(case.bounds[overlap]):.11g}") for overlap in ("per-operation", "none")]
    one = case.layout
    return *bounds, sum(degree != 1 for degree in (one.tp, one.cp, one.dp, one.pp, one.replicas)), -one.ep


@pytest.mark.parametrize(("model", "hardware", "words"), QUESTIONS.values(), ids=QUESTIONS)
def test_of_ties_the_one_that_loses_least_with_less_overlap(model: str, hardware: str, words: dict[str, Any]) -> None:
    """Each layout on so many chips as a case of its own; those within one per cent of the fastest are ties."""
    prepared = prepare(asked(model, hardware, **words))
    columns = prepared.accounts.layouts(words["chips"])
    cases = []
    for row in range(len(columns["tp"])):
        layout = layout_of(columns, row)
        if words.get("phase") != "train" or words["batch"] % (layout.dp * layout.replicas) == 0:
            cases.append(cases_at(prepared, layout)[0])
    times = [case.number(q.step_time) for case in cases]
    ties = [case for case, time in zip(cases, times, strict=True) if time <= min(times) * 1.01]
    chosen, number = default_layout(prepared.accounts, prepared.values, prepared.plan, prepared.phase,
                                    prepared.inputs.overlap, words["chips"], hardware)  # fmt: skip
    assert number == len(ties)
    taken = [case for case in ties if str(case.layout) == str(chosen)]
    assert len(ties) > 1 and len(taken) == 1 and preference(taken[0]) == min(map(preference, ties))


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
