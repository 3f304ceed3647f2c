"""What a command takes, it uses: an option of one value is given once, and what its help says it adds is there."""

import csv
import html
import io
from collections.abc import Callable

import pytest

import steptime as st

Run = Callable[..., tuple[int, str, str]]
STEP = ("step", "llama-3.1-8b", "h100-sxm")
TRAINED = {"phase": "train", "tokens": "1T", "layout": "tp=8"}
REQUEST = {"phase": "prefill", "prompt": 3000, "output": 100, "layout": "tp=1"}
TWICE = {
    "--batch": (*STEP, "--batch", "3", "--batch", "4"),
    "--phase": (*STEP, "--phase", "decode", "--phase=train"),
    "--hold": ("solve", "cache", "llama-3.1-8b", "h100-sxm", "--hold", "5min", "--hold", "1h"),
    "--reuse": ("solve", "cache", "llama-3.1-8b", "h100-sxm", "--reuse", "5min", "--reuse", "1h"),
    "--max-step-time": ("solve", "batch", *STEP[1:], "--max-step-time", "9ms", "--max-step-time", "99ms"),
    "--layout": ("report", *STEP[1:], "--layout", "tp=1", "--layout", "tp=2"),
    "--format": ("latex", "ridge", "--format", "latex", "--format", "latex"),
    "--workers": ("sweep", "none.toml", "--workers", "1", "--workers", "2"),
    "--sequence-parallel/--no-sequence-parallel": (*STEP, "--phase", "train", "--sequence-parallel",
                                                   "--no-sequence-parallel"),
}  # fmt: skip


@pytest.mark.parametrize("option", TWICE)
def test_an_option_of_one_value_is_given_once(option: str, run: Run) -> None:
    code, out, error = run(*TWICE[option])
    assert (code, out, error) == (2, "", f"error: {option} is given twice\n")


def test_options_that_may_be_repeated_and_flags_stay(run: Run) -> None:
    words = ("--set", "workspace=0", "--set", "power=700", "--kv", "fp8", "--kv", "bf16", "-v", "-v")
    assert run(*STEP, *words)[0] == 0


def test_a_page_has_the_whole_run_and_the_whole_request() -> None:
    """Days: 1e12 tokens over the tokens of a second and the seconds of a day; a request: the prefill, and 99 steps."""
    step = st.step("llama-3.1-8b", "h100-sxm", **TRAINED)
    days = 1e12 / step.tokens_per_second / 86_400
    for page in (step.report("md").replace("\\", ""), html.unescape(step.report())):
        assert f"whole run at the bound 1 T tokens in {days:.4g} days, $47,820 (rent); about 18" in page
    step = st.step("llama-3.1-8b", "h100-sxm", **REQUEST)
    time = step.to_dict()["request"]["time"]
    for page in (step.report("md"), html.unescape(step.report())):
        assert f"whole request at the bound {1e3 * time:.4g} ms" in page and "then 99 decode steps" in page
    assert "whole re" not in st.step("llama-3.1-8b", "h100-sxm", phase="prefill").report()


@pytest.mark.parametrize("words", [TRAINED, REQUEST], ids=["run", "request"])
def test_steps_side_by_side_have_them_too(words: dict[str, object]) -> None:
    found = st.side_by_side("llama-3.1-8b", ["h100-sxm", "h200-sxm"], **words)
    text, rows = str(found), list(csv.DictReader(io.StringIO(found.csv())))
    for step, row in zip(found, rows, strict=True):
        data = step.to_dict()
        if "request" in data:
            assert f"≥ {1e3 * data['request']['time']:.3g} ms" in text and "request" in text
            assert float(row["request_time"]) == data["request"]["time"]
        else:
            assert f"{data['estimate']['days']:.4g}" in text and f"${data['estimate']['dollars']:,.0f}" in text
            assert float(row["days"]) == data["training"]["days"]
    alone = st.side_by_side("llama-3.1-8b", ["h100-sxm", "h200-sxm"], layout="tp=1")
    assert "days" not in str(alone) + alone.csv() and "request" not in str(alone) + alone.csv()


def test_of_a_single_token_of_context_no_first_token_is_told(run: Run) -> None:
    """One token is no prefill, so that there is none to wait for."""
    out = run(*STEP, "--layout", "tp=1", "--context", "1", "-v")[1]
    assert "first token" not in out and "sequences of 1 token\n" in out
    assert "first token of a request alone after at least" in " ".join(run(*STEP, "--context", "2", "-v")[1].split())
