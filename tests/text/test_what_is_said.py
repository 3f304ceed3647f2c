"""Sentences beside numbers: a request's steps, chips that idle, tokens that select."""

import pytest
from conftest import case_of

from steptime.model.text.omitted import not_modelled


def test_a_request_names_its_decode_steps(run) -> None:
    """The prefill gives the first of 20 tokens: 19 steps are left."""
    code, out, _ = run("step", "llama-3.1-70b", "h100-sxm", "--layout", "tp=8", "--phase", "prefill", "--prompt", "1k",
                       "--output", "20")  # fmt: skip
    assert code == 0 and " 19 decode steps" in " ".join(out.split())


IDLE = {
    "eight sequences for eight ranks": ("dp=8,ep=8", {"batch": "8"}, False),
    "seven sequences for eight ranks": ("dp=8,ep=8", {"batch": "7"}, True),
    "as many tokens as chips that share them": ("dp=2,cp=4,ep=8", {"batch": "8"}, False),
    "fewer tokens than chips that share them": ("dp=2,cp=4,ep=8", {"batch": "4"}, True),
    "a prefill has tokens for all": ("dp=2,cp=4,ep=8", {"batch": "4", "phase": "prefill", "prompt": "8"}, False),
}


@pytest.mark.parametrize("name", IDLE)
def test_chips_that_idle_are_said_to(name: str) -> None:
    layout, asked, idle = IDLE[name]
    case = case_of("deepseek-v3", "h100-sxm", layout=layout, **asked)
    assert any("idle chips" in one for one in not_modelled(case)) is idle


@pytest.mark.parametrize(("model", "asked", "said"), [
    ("deepseek-v3.2", {"phase": "prefill"}, True), ("deepseek-v3.2", {}, False),
    ("deepseek-v3", {"phase": "prefill"}, False),
])  # fmt: skip
def test_that_tokens_select_is_said_where_several_of_them_do(model: str, asked: dict[str, str], said: bool) -> None:
    case = case_of(model, "h200", layout="dp=8,ep=8", batch="8", **asked)
    assert any("may select different tokens" in one for one in not_modelled(case)) is said
