"""A time at another overlap than the full one is called no bound, wherever it is said."""

import pytest

import steptime as st
from steptime.model.choices import Overlap
from steptime.model.plot.scenes import bound_name

SCENE = ("llama-3.1-70b", "h100-sxm")
WORDS = {"none": "with nothing overlapped", "per-operation": "overlapped inside operations alone"}
FORBIDDEN = ("at the bound", "at best", "at least 9", "at least 8")
COMMANDS = {
    "step": ["step", *SCENE, "--layout", "tp=8"],
    "details": ["step", *SCENE, "--layout", "tp=8", "-v"],
    "explain": ["explain", *SCENE, "--layout", "tp=8"],
    "report": ["report", *SCENE, "--layout", "tp=8", "--format", "md"],
    "page": ["report", *SCENE, "--layout", "tp=8", "--format", "html"],
    "prefill": ["step", *SCENE, "--layout", "tp=8", "--phase", "prefill", "--output", "100"],
    "training": ["step", *SCENE, "--layout", "tp=8", "--phase", "train", "--tokens", "1e12", "-v"],
}


@pytest.mark.parametrize("overlap", WORDS)
@pytest.mark.parametrize("name", COMMANDS)
def test_it_is_called_by_what_is_overlapped(name: str, overlap: str, run, tmp_path) -> None:
    """Nothing is faster than with all overlapped: 8.393 ms; 9.978 ms with nothing overlapped is no bound."""
    out = tmp_path / "out"
    to = ["-o", str(out)] if COMMANDS[name][0] == "report" else []
    code, text, err = run(*COMMANDS[name], "--overlap", overlap, *to)
    assert code == 0, err
    text = " ".join((out.read_text("utf-8") if to else text).split())
    answer = text.partition("<script")[0] if name == "page" else text
    assert WORDS[overlap] in answer and f"at overlap {overlap}" not in answer
    assert not [one for one in FORBIDDEN if one in answer]


@pytest.mark.parametrize("overlap", Overlap)
def test_plots_name_it_too(overlap: Overlap) -> None:
    step = st.step(*SCENE, layout="tp=8", overlap=overlap)
    said = "bound" if overlap == Overlap.FULL else f"time {WORDS[overlap]}"
    assert bound_name(step.case) == said
    assert f"whole step {overlap.said}" in {one.name for one in step.chart("roofline").points}


def test_the_full_overlap_is_the_bound(run) -> None:
    _, text, _ = run(*COMMANDS["step"])
    assert "8.393 ms at the bound" in text and "tokens/s at the bound 119.1" in " ".join(text.split())


def test_why_there_is_no_estimate_is_said(run) -> None:
    """189 rows are of this family of machine: the estimate was switched off, and not unmeasured."""
    _, text, _ = run(*COMMANDS["explain"], "--efficiency", "ideal")
    said = "takes 8.393 ms at best; the bound alone was asked for, without an estimate of how long it takes in practice"
    assert f"{said}." in " ".join(text.split()) and "no measurements" not in text
