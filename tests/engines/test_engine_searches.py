"""Searches that keep what an engine can run: counts add up, what is kept has a command, the best is the best of these;
and the command line that asks for it."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from questions import search_of

import steptime
from steptime.model.choices import EngineName
from steptime.model.engines.command import launch
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import layout_of, layouts
from steptime.model.phases.accounts import accounts_of
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.step.build import build_case

Run = Callable[..., tuple[int, str, str]]
RunJson = Callable[..., dict[str, Any]]
SERVED = search_of("qwen3-30b-a3b", ("h200-sxm", "h100-sxm"), (6, 8), (8, 256), "chip-seconds", efficiency="ideal")


@pytest.mark.parametrize("engine", [EngineName.VLLM, EngineName.SGLANG, EngineName.TRTLLM])
def test_what_is_kept_is_what_has_a_command(engine: EngineName) -> None:
    """Every layout asked alone; refused points are those without a command, and the best is the best of the others."""
    every, found = search_layouts(SERVED), search_layouts(replace(SERVED, engine=engine))
    model = accounts_of(SERVED.model).model
    question, runs, least = found.best.question, 0, float("inf")
    for number in SERVED.chips:
        columns = layouts(model, [number])
        for row in range(len(columns["tp"])):
            layout = layout_of(columns, row)
            case = build_case(question.but({}, layout=layout))
            if launch(case, engine).lines is None:
                continue
            runs += 1
            held = {name: getattr(layout, name) for name in ("tp", "cp", "dp", "ep", "pp", "replicas")}
            try:
                alone = search_layouts(replace(SERVED, chips=(number,), held={**held, "ffn": layout.ffn}))
            except UserError:  # too small, or too few sequences
                continue
            least = min(least, alone.best.cost)
    points = len(SERVED.batches) * len(SERVED.hardware)
    assert found.points == every.points == every.layouts * points
    assert found.infeasible[engine] == (every.layouts - runs) * points > 0
    assert found.best.cost == pytest.approx(least, rel=1e-12)
    assert found.feasible < every.feasible
    for point in found.pareto:
        assert launch(build_case(point.question), engine).lines is not None


def test_formats_that_an_engine_has_not_are_refused_too() -> None:
    """Of bf16 and fp8, vLLM has both; of an engine without one all points in it are refused."""
    free = replace(SERVED, free=frozenset({"kv"}), hardware=SERVED.hardware[:1])
    both = search_layouts(replace(free, engine=EngineName.VLLM))
    assert {question.inputs.kv for question in both.questions} == {"bf16", "fp8"}
    with pytest.raises(UserError, match="a KV cache in int8"):
        held = replace(free, free=frozenset(), inputs=replace(free.inputs, kv="int8"))
        search_layouts(replace(held, engine=EngineName.VLLM))


def test_training_on_megatron() -> None:
    """Refused executions are counted as those that are looked at: what is the same as another is none of them."""
    asked = search_of("mixtral-8x7b", "h100-sxm", (64,), (64,), "chip-seconds", phase="train", efficiency="ideal",
                      free=frozenset({"zero", "sequence_parallel", "interleave"}))  # fmt: skip
    every, found = search_layouts(asked), search_layouts(replace(asked, engine=EngineName.MEGATRON))
    assert found.points == every.points
    assert 0 < found.infeasible["megatron"] < found.points
    for point in (found.best, *found.candidates):
        assert launch(build_case(point.question), EngineName.MEGATRON).lines is not None
    with pytest.raises(UserError, match="`engine` vllm: vLLM serves"):
        search_layouts(replace(asked, engine=EngineName.VLLM))


def test_nothing_runs() -> None:
    held = replace(SERVED, held={"cp": 2}, engine=EngineName.VLLM)
    with pytest.raises(UserError, match=r"vllm runs none of the \d+ layouts; of most because cp=2: its context"):
        search_layouts(held)


def test_step_prints_the_command_whole(run: Run, run_json: RunJson, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line of the script as it is, at any width; the same lines as in JSON and in Python."""
    words = ("step", "deepseek-v3", "h200-sxm", "--layout", "dp=8,ep=8", "--engine", "sglang")
    told = run_json(*words)
    assert (told["engine"], told["engine_refuses"]) == ("sglang", None)
    assert told["step_time"] > 0
    for width in ("30", "80", "120"):
        monkeypatch.setenv("COLUMNS", width)
        code, out, err = run(*words)
        assert (code, err) == (0, "")
        assert "\n".join(told["command"]) in out
    step = steptime.step("deepseek-v3", "h200-sxm", layout="dp=8,ep=8")
    assert list(step.command("sglang").lines or ()) == told["command"]
    assert step.command("sglang").to_dict()["engine_notes"] == told["engine_notes"]


def test_step_says_why_there_is_none(run: Run, run_json: RunJson) -> None:
    words = ("step", "deepseek-v3", "h200-sxm", "--layout", "dp=8,ep=4", "--engine", "vllm")
    told = run_json(*words)
    assert told["command"] is None and "ep=4 of 8 chips" in told["engine_refuses"]
    code, out, _ = run(*words)
    assert code == 0 and "vLLM cannot run this layout: ep=4 of 8 chips" in out


def test_a_hub_name_is_the_checkpoint(run_json: RunJson) -> None:
    told = run_json("step", "Qwen/Qwen3-32B", "h200-sxm", "--engine", "vllm")
    assert told["command"][0] == "vllm serve Qwen/Qwen3-32B \\"
    step = steptime.step("qwen3-32b", "h200-sxm")
    long = "weights/" + "folder/" * 30
    assert f"vllm serve {long} \\\n" in str(step.command("vllm", long))
    assert "'a b; rm'" in (step.command("vllm", "a b; rm").lines or ("",))[0]
    with pytest.raises(UserError, match="one line"):
        step.command("vllm", "a\nb")
    with pytest.raises(UserError, match="engine"):
        step.command("vlm")


def test_layouts_of_an_engine(run: Run, run_json: RunJson) -> None:
    words = ("solve", "layout", "qwen3-30b-a3b", "h200-sxm", "--chips", "8", "--batch", "64,512", "--engine", "trtllm")
    told = run_json(*words)
    assert told["infeasible"]["trtllm"] > 0 and told["engine"] == "trtllm"
    assert any("trtllm-serve" in line for line in told["command"])
    assert "engine" not in run_json(*words[:-2])
    code, out, _ = run(*words, "-v")
    assert code == 0 and "\n".join(told["command"]) in out and f"trtllm {told['infeasible']['trtllm']:,}" in out


def test_one_question_at_a_time(run: Run) -> None:
    words = ("step", "llama-3.1-8b", "h100-sxm", "--engine", "vllm")
    for other in (("--measured", "9ms"), ("--range", "batch=1..2")):
        code, out, err = run(*words, *other)
        assert (code, out) == (2, "") and "different questions" in err
    code, _, err = run("solve", "layout", "llama-3.1-8b", "h100-sxm", "--chips", "8", "--engine", "megatron")
    assert code == 2 and "--engine megatron: Megatron-LM trains" in err and "Traceback" not in err
    assert json.dumps(err).count("\\n") == 1
