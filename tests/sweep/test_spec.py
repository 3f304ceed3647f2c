"""What a spec may say, and what is said of everything else: one line, with its place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import steptime as st
from steptime.model.api.sweep_spec import spec_of

BASE = {"model": "llama-3.1-8b", "hardware": "h100-sxm", "layout": "tp=1"}
KEEP = [{"best": "step_time"}]

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no base": ({}, "spec: base is missing"),
    "no model": ({"base": {"hardware": "h100-sxm"}}, "[base] model: is missing"),
    "no machine": ({"base": {"model": "llama-3.1-8b"}}, "[base] hardware: is missing"),
    "unknown key": ({"base": BASE, "outputz": []}, "unknown key 'outputz'; did you mean outputs?"),
    "unknown model": ({"base": {**BASE, "model": "llama-3.1-8"}}, "unknown model 'llama-3.1-8'"),
    "unknown output": ({"base": BASE, "outputs": ["step_tim"]}, "unknown output 'step_tim'; did you mean step_time, "),
    "unknown word": ({"base": {**BASE, "weigths": "fp8"}}, "unknown quantity or argument 'weigths'"),
    "unknown quantity": ({"base": BASE, "over": {"batc": {"values": [1]}}}, "unknown quantity 'batc'"),
    "an expression": ({"base": BASE, "limits": ["step_time*2<=1s"]}, "write NAME<=VALUE"),
    "code": ({"base": BASE, "outputs": ["__import__('os').system('true')"]}, "unknown output"),
    "a wrong unit": ({"base": BASE, "limits": ["step_time<=30GB"]}, "is in B, expected s"),
    "an axis that is a result": ({"base": BASE, "over": {"step_time": {"values": [1]}}}, "step_time is no axis"),
    "an axis that is a degree": ({"base": BASE, "over": {"tensor_parallel": {"values": [1]}}}, "is no axis"),
    "an axis of another phase": ({"base": BASE, "over": {"prompt": {"values": [100]}}, "keep": KEEP},
                                 "nothing of the sweep can be run: `prompt` says nothing in `phase` decode"),
    "an axis that moves nothing": ({"base": BASE, "over": {"hold_time": {"values": [1, 2]}}, "keep": KEEP},
                                   "`hold_time`: no formula of this step contains it"),
    "an axis stated twice": ({"base": {**BASE, "batch": 4}, "over": {"batch": {"values": [1]}}}, "stated twice"),
    "two ways": ({"base": BASE, "over": {"batch": {"values": [1], "log": [1, 2, 3]}}}, "give one of values"),
    "no values": ({"base": BASE, "over": {"batch": {"values": []}}}, "give at least one value"),
    "turned ends": ({"base": BASE, "over": {"batch": {"log": [8, 1, 3]}}}, "must be positive and below"),
    "too many values": ({"base": BASE, "over": {"batch": {"log": [1, 8, 1e9]}}}, "must be a whole number from 2"),
    "half a sequence": ({"base": BASE, "over": {"batch": {"values": [1.5]}}}, "must be a whole number"),
    "ends without a design": ({"base": BASE, "over": {"batch": {"between": [1, 8]}}}, "[design]: is missing"),
    "a design without ends": ({"base": BASE, "design": {"sobol": 8}}, "quantities between two ends"),
    "an uneven sequence": ({"base": BASE, "over": {"batch": {"between": [1, 8]}}, "design": {"sobol": 9}},
                           "powers of two"),
    "a design too large": ({"base": BASE, "over": {"batch": {"between": [1, 8]}}, "design": {"latin": 2**31}},
                           "from 2 to 1,073,741,824"),
    "a list of quantities": ({"base": {**BASE, "batch": [1, 2]}}, "stand in [over.batch]"),
    "a list of layouts": ({"base": {**BASE, "layout": ["tp=1"]}}, "stand in [layouts] list"),
    "both layouts": ({"base": BASE, "layouts": {"chips": [8], "list": ["tp=1"]}}, "give chips, or a list"),
    "a strange degree": ({"base": BASE, "layouts": {"chips": [8], "hold": "tq=1"}}, "'tq=1' is not one of"),
    "keep nothing known": ({"base": BASE, "keep": [{"worst": "step_time"}]}, "unknown key 'worst'"),
    "keep two at once": ({"base": BASE, "keep": [{"best": "step_time", "counts": "bottleneck"}]}, "give one of best"),
    "a key of another": ({"base": BASE, "keep": [{"counts": "bottleneck", "at": [0.5]}]}, "says nothing of counts"),
    "by what does not vary": ({"base": BASE, "keep": [{"best": "step_time", "by": ["batch"]}]}, "'batch' is no word"),
    "no sense": ({"base": BASE, "keep": [{"front": ["step_time", "context"]}]}, "say whether less or more is better"),
    "one output": ({"base": BASE, "keep": [{"front": ["step_time"]}]}, "two or three outputs"),
    "best of a word": ({"base": BASE, "keep": [{"best": "bottleneck"}]}, "bottleneck is no number"),
    "shares": ({"base": BASE, "keep": [{"quantiles": "step_time", "at": [0.0]}]}, "shares above 0"),
    "an error too small": ({"base": BASE, "keep": [{"quantiles": "step_time", "error": 1e-9}]}, "from 1e-6"),
    "falling edges": ({"base": BASE, "keep": [{"histogram": "step_time", "edges": [2, 1]}]}, "rising numbers"),
    "broken without rows": ({"base": BASE, "outputs": ["broken"]}, 'listed with rows = "all"'),
    "a layout that cannot run": ({"base": {**BASE, "layout": "tp=7"}, "keep": KEEP}, "nothing of the sweep can be run"),
    "a limit on an estimate that is not asked for": (
        {"base": {**BASE, "efficiency": "ideal"}, "limits": ["estimate<=30ms"], "keep": KEEP},
        "limits: estimate: efficiency ideal in [base] asks for no estimate; leave it out, or ask for step_time"),
    "the best of such": ({"base": {**BASE, "efficiency": ["ideal", "calibrated"]},
                          "keep": [{"best": "estimate.tokens_per_second"}]}, "or ask for tokens_per_second, the bound"),
    "such an output": ({"base": {**BASE, "efficiency": "ideal"}, "outputs": ["estimate"], "keep": KEEP}, "no estimate"),
    "nothing kept": ({"base": BASE}, "keeps nothing of its points"),
    "a file of a pipe": ({"base": {**BASE, "model": "/dev/zero/x.toml"}}, "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_one_line(case: str) -> None:
    data, said = WRONG[case]
    with pytest.raises(st.UserError) as raised:
        st.sweep(data)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_whole_numbers_are_spaced_once_each() -> None:
    spec = spec_of({"base": BASE, "over": {"batch": {"log": [1, 16, 30]}}, "keep": KEEP})
    assert spec.over[0].given[:5] == (1.0, 2.0, 3.0, 4.0, 5.0)
    assert len(set(spec.over[0].given)) == len(spec.over[0].given)


def test_machines_are_compared_at_one_kind_of_price() -> None:
    """h100-sxm rents, gb200-nvl72 is estimated first: what both have is ownership."""
    spec = spec_of({"base": {**BASE, "hardware": ["gb200-nvl72", "h100-sxm"]}, "keep": KEEP})
    assert {scene.question.inputs.basis for scene in spec.scenes} == {"ownership"}


def test_some_scenes_cannot_run_and_are_counted() -> None:
    """h100 has no fp4 peak; mistral has no layout of three chips."""
    found = st.sweep({
        "base": {**BASE, "hardware": ["h100-sxm", "b200-sxm"], "activations": ["fp8", "fp4"]},
        "over": {"batch": {"values": [1, 2, 3]}}, "keep": KEEP,
    })  # fmt: skip
    refused = found.to_dict()["refused"]
    assert list(refused.values()) == [3]
    assert "no peak_flops.fp4" in next(iter(refused))
    assert (found.points, found.feasible) == (12, 9)


def test_a_layout_that_a_model_refuses_is_counted() -> None:
    found = st.sweep({"base": {"model": "llama-3.1-8b", "hardware": "h100-sxm"}, "keep": KEEP,
                      "layouts": {"list": ["tp=1", "tp=7", "tp=2,pp=64"]}})  # fmt: skip
    assert sorted(found.to_dict()["refused"].values()) == [1, 1]
    assert any("tp=7 does not divide" in why for why in found.to_dict()["refused"])


def test_a_price_that_is_not_there_is_missing_not_guessed() -> None:
    found = st.sweep({"base": {**BASE, "hardware": ["h100-sxm", "wse-3"], "weights": "fp16"},
                      "keep": [{"best": "dollars_per_million_tokens"}, {"best": "step_time"}]})  # fmt: skip
    said = found.to_dict()["missing"]
    assert all("wse-3" in what and "chip_hour_price" in what for what in said) and len(said) == 1
    assert found.kept("best dollars_per_million_tokens")[0]["rows"][0]["hardware"] == "h100-sxm"


def test_from_the_command_line(tmp_path: Path, run: Callable[..., Any], run_json: Callable[..., Any]) -> None:
    path = tmp_path / "spec.toml"
    path.write_text('keep = [{ best = "step_time", by = ["batch"] }]\n[base]\nmodel = "llama-3.1-8b"\n'
                    'hardware = "h100-sxm"\nlayout = "tp=1"\n[over.batch]\nvalues = [1, 8]\n')  # fmt: skip
    found = run_json("sweep", str(path), "-o", str(tmp_path / "out.csv"))
    assert [group["by"] for group in found["kept"][0]["groups"]] == [{"batch": 1.0}, {"batch": 8.0}]
    header, *rows = (tmp_path / "out.csv").read_text().splitlines()
    assert header == "kept,place,model,hardware,layout,chips,batch,step_time,estimate,bottleneck"
    assert len(rows) == 2
    planned = run_json("sweep", str(path), "--dry-run")
    assert (planned["points"], planned["blocks"], planned["bytes"]) == (2, 1, None)
    code, out, _ = run("sweep", str(path))
    assert code == 0
    assert "2 points in 1 block," in out
    for arguments, said in (
        (["-o", "x.txt"], "-o 'x.txt': a name that ends in"), (["--resume"], "--resume goes on"),
        (["--scheduler", "tcp://x:1", "--workers", "2"], "--workers are processes"),
    ):  # fmt: skip
        code, out, err = run("sweep", str(path), *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1), err
        assert said in err
