"""The command line that a page names asks for the page's own numbers: in Markdown, without a script, and with one."""

import html
import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pages import model_of, node

import steptime as st

sys.path.append(str(Path(__file__).parents[1] / "metamorphic"))
from scenes import scene

Json = Callable[..., dict[str, Any]]
LLAMA, DEEPSEEK = ("llama-3.1-70b", "h100-sxm"), ("deepseek-v3", "h100-sxm")
BASES = Path(st.__file__).parent / "tests" / "view"
STATED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "formats": (*LLAMA, {"layout": "tp=8", "weights": "fp8", "kv": "fp8", "activations": "bf16"}),
    "how tokens are copied": (*DEEPSEEK, {"layout": "tp=2,dp=16,ep=32,copies=per-expert", "batch": 512}),
    "dense blocks over the stage": (*DEEPSEEK, {"layout": "dp=16,ep=16,ffn=all", "weights": "fp8"}),
    "experts, no overlap": (*DEEPSEEK, {"layout": "dp=16,ep=16", "experts": "all", "overlap": "none"}),
    "drafts": (*LLAMA, {"layout": "tp=8", "drafts": 3, "acceptance": 0.7}),
    "prices and power": (*LLAMA, {"layout": "tp=8", "basis": "list", "chip_hour_price": 2.5, "power": 900}),
    "no estimate": (*LLAMA, {"layout": "tp=8", "efficiency": "ideal", "scale_up_latency": "2us"}),
    "memory": (*LLAMA, {"layout": "tp=8", "usable_memory": 0.8, "workspace": 1e9}),
    "in-flight": (*LLAMA, {"layout": "tp=8", "scope": "serving", "output": 300, "prompt": 5000, "own_prefill": 0.5}),
    "training": (*LLAMA, {"layout": "tp=8,dp=4", "phase": "train", "batch": 256, "recompute": "selective", "dropout":
                          True, "sequence_parallel": False, "attention": "full", "schedule": "zb-h1",
                          "tokens": "1T", "gradient_bytes": 2}),
    "a prefill": (*LLAMA, {"layout": "tp=8", "phase": "prefill", "prompt": 9000, "cached": 1000, "chunk": 512,
                           "output": 20}),
    "files": (str(BASES / "bare_model.toml"), str(BASES / "bare_machine.toml"), {}),
}  # fmt: skip


def numbers(found: dict[str, Any]) -> dict[str, Any]:
    estimate = found["estimate"] or {}
    keys = ("step_time", "tokens_per_second", "dollars_per_million_tokens", "joules_per_token", "memory_per_chip",
            "terms", "bounds", "layout", "precision", "fits")  # fmt: skip
    return {**{key: found[key] for key in keys}, "estimate": estimate.get("step_time")}


def of_markdown(step: st.Step) -> str:
    return step.report("md").partition("The same on the command line:")[2].strip()


def of_page(step: st.Step) -> str:
    found = re.search(r'<code id="command">(.*?)</code>', step.report(), re.S)
    assert found is not None
    return html.unescape(found[1])


@pytest.mark.parametrize("name", STATED)
@pytest.mark.parametrize("shown", [of_markdown, of_page])
def test_the_command_of_stated_options_answers_as_the_page(
    name: str, shown: Callable[[st.Step], str], run_json: Json
) -> None:
    model, hardware, words = STATED[name]
    step = st.step(model, hardware, **words)
    assert numbers(run_json(*shlex.split(shown(step))[1:])) == numbers(step.to_dict())


@pytest.mark.parametrize("number", range(24))
def test_the_command_of_random_scenarios_answers_as_the_page(number: int, run_json: Json) -> None:
    found = scene(20261130, number)
    there = numbers(run_json(*shlex.split(of_markdown(found.step))[1:]))
    assert there == numbers(found.step.to_dict()), found.name


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize("name", [name for name in STATED if name != "files"])
def test_the_command_of_a_live_page_answers_as_the_page(name: str, run_json: Json) -> None:
    model, hardware, words = STATED[name]
    step = st.step(model, hardware, **words)
    command = node(f"{model_of(step)}\nconsole.log(JSON.stringify(command(beginning())));")
    found, known = numbers(run_json(*shlex.split(command)[1:])), numbers(step.to_dict())
    assert json.dumps(found["layout"]) == json.dumps(known["layout"])
    assert found["step_time"] == pytest.approx(known["step_time"], rel=1e-12)
    assert found["estimate"] == (None if known["estimate"] is None else pytest.approx(known["estimate"], rel=1e-12))
    assert found["dollars_per_million_tokens"] == pytest.approx(known["dollars_per_million_tokens"], rel=1e-12)


def test_the_command_of_the_code_is_of_the_whole_scenario(run: Callable[..., tuple[int, str, str]]) -> None:
    step = st.step(*LLAMA, layout="tp=8", weights="fp8", kv="fp8", memory_bandwidth="4TB/s")
    found = re.search(r"code of them: <code>(.*?)</code>", step.report(), re.S)
    assert found is not None
    code, text, _ = run(*shlex.split(html.unescape(found[1]))[1:])
    space: dict[str, Any] = {}
    exec(text, space)  # our own export, never a user's text
    assert code == 0 and space["step"]()["step_time"] == pytest.approx(step.time, rel=1e-12)
