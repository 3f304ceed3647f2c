"""What follows from the bound and what from the estimate, of one step: days and dollars, first tokens, rates, words."""

from collections.abc import Callable
from pathlib import Path

import pytest

import steptime as st
from steptime.model.catalog.coefficients import read_coefficients
from steptime.model.catalog.files import packaged
from steptime.model.text.format import si

RUN = {"phase": "train", "layout": "tp=8,pp=2,dp=2", "batch": 64, "tokens": "15T"}


def words_of(step: st.Step) -> str:
    return " ".join(step.unfolded().split())


def test_a_run_takes_its_tokens_over_the_tokens_per_second_of_the_estimate() -> None:
    step = st.step("llama-3.1-70b", "h100-sxm", **RUN)
    found = step.to_dict()
    practice, bound = found["estimate"], found["training"]
    assert practice["days"] == pytest.approx(15e12 / practice["tokens_per_second"] / 86_400, rel=1e-9)
    assert practice["dollars"] == pytest.approx(15e6 * practice["dollars_per_million_tokens"], rel=1e-9)
    assert practice["days"] > bound["days"] and practice["dollars"] > bound["dollars"]
    assert f"15 T tokens in {practice['days']:,.0f} days, ${practice['dollars']:,.0f}" in words_of(step)


def test_without_tokens_there_are_neither_days_nor_dollars() -> None:
    step = st.step("llama-3.1-70b", "h100-sxm", **{**RUN, "tokens": None})
    assert not {"tokens", "days", "dollars"} & step.to_dict()["estimate"].keys()
    assert " days" not in words_of(step)


def test_without_a_price_a_run_has_days_alone(tmp_path) -> None:
    path = tmp_path / "chip.toml"
    path.write_text('peak_flops = "1 PFLOP/s"\nmemory_bandwidth = "3 TB/s"\nscale_up_bandwidth = "450 GB/s"\n'
                    'scale_up_domain = 8\nscale_out_bandwidth = "50 GB/s"\n', "utf-8")  # fmt: skip
    practice = st.step("llama-3.1-8b", path, **{**RUN, "layout": "tp=8"}).to_dict()["estimate"]
    assert practice["days"] > 0 and practice["dollars"] is None


def test_an_estimated_price_is_not_the_estimate_of_a_step() -> None:
    step = st.step("deepseek-v3", "gb200-nvl72", basis="estimate")
    assert step.price_basis == "estimate"
    assert "per million tokens (estimated price)" in words_of(step) and "(estimate)" not in words_of(step)


# --- first tokens and requests ---------------------------------------------------------------------------------------
SERVING = {"scope": "serving", "prompt": 3000, "output": 400}


@pytest.mark.parametrize("words", [{"context": 3000}, SERVING, {"context": 3000, "drafts": 3, "acceptance": 0.7}],
                         ids=["decode", "serving", "drafts"])  # fmt: skip
def test_a_first_token_in_practice_is_the_estimate_of_its_prefill_alone(words: dict[str, object]) -> None:
    step = st.step("llama-3.1-8b", "h100-sxm", layout="tp=2", **words)
    alone = st.step("llama-3.1-8b", "h100-sxm", layout="tp=2", phase="prefill", batch=1, prompt=3000)
    found = step.to_dict()
    assert found["time_to_first_token_estimate"] == pytest.approx(alone.estimate.step_time, rel=1e-12)
    assert found["time_to_first_token_estimate"] > found["time_to_first_token"] == pytest.approx(alone.time, rel=1e-12)
    assert "alone after at least" in words_of(step) and "in practice)" in words_of(step)


def test_a_request_is_at_least_its_bound() -> None:
    step = st.step("llama-3.1-8b", "h100-sxm", layout="tp=2", phase="prefill", output=400)
    found, shown = step.to_dict(), words_of(step)
    assert found["time_to_first_token_estimate"] == step.estimate.step_time
    assert f"request at the bound {si(found['request']['time'], 's')}" in shown
    assert f"(about {si(step.estimate.step_time, 's')}), then 399 decode steps" in shown


def test_without_an_estimate_a_first_token_has_its_bound_alone() -> None:
    step = st.step("llama-3.1-8b", "h100-sxm", efficiency="ideal")
    assert step.to_dict()["time_to_first_token_estimate"] is None and "in practice" not in words_of(step)
    assert "alone after at least" in words_of(step)
    assert "time_to_first_token_estimate" in st.step("llama-3.1-8b", "h100-sxm", context=1).to_dict()


# --- which rows are the bound's --------------------------------------------------------------------------------------
@pytest.mark.parametrize("words", [{}, SERVING, {"phase": "prefill", "output": 400}, RUN, {"overlap": "none"}],
                         ids=["decode", "serving", "prefill", "train", "no overlap"])  # fmt: skip
def test_every_row_of_the_bound_is_called_so(words: dict[str, object]) -> None:
    step = st.step("llama-3.1-8b", "h100-sxm", **{"layout": "tp=2", **words})
    shown, found = words_of(step), step.to_dict()
    where = "with nothing overlapped" if "overlap" in words else "at the bound"
    assert f" step time {si(step.time, 's')} {where} " in shown
    for row in ("tokens/s", "cost", "energy", "utilisation"):
        assert f" {row} {where} " in shown
    assert "mean_step_time" not in found or f" mean step {si(found['mean_step_time'], 's')} at the bound " in shown
    assert "tokens" not in words or " run at the bound 15 T tokens in" in shown




# --- coefficients of a user's own without those of training ----------------------------------------------------------
@pytest.fixture
def of_decoding_alone(tmp_path: Path) -> Path:
    """The shipped set as it is before its part on training."""
    path = tmp_path / "mine.toml"
    path.write_text(packaged("coefficients.toml").split("\n[training]", 1)[0] + "\n", "utf-8")
    assert read_coefficients(path).training is None
    return path


def test_that_a_file_has_no_coefficients_of_training_is_said(of_decoding_alone: Path) -> None:
    step = st.step("llama-3.1-70b", "h100-sxm", **RUN, efficiency=str(of_decoding_alone))
    why = f"{of_decoding_alone} has no coefficients of training"
    assert step.estimate is None and step.to_dict()["no_estimate"] == why
    # a path may be longer than a line, which then ends inside of it
    assert f"no estimate: {why}".replace(" ", "") in words_of(step).replace(" ", "")


def test_a_search_says_so_too(of_decoding_alone: Path) -> None:
    asked = {"phase": "train", "chips": 2, "batch": 4, "sequence": 512}
    found = st.search("gpt2", "a100-sxm-40gb", **asked, efficiency=str(of_decoding_alone))
    why = f"{of_decoding_alone} has no coefficients of training"
    assert found.to_dict()["no_estimate"] == why and found.best.estimate is None
    assert f"no estimate: {why}".replace(" ", "") in "".join(str(found).split())
    usual = st.search("gpt2", "a100-sxm-40gb", **asked)
    assert "no_estimate" not in usual.to_dict() and "no estimate" not in str(usual)


@pytest.mark.parametrize("words", [
    lambda path: {"efficiency": str(path), "layout": "tp=8"}, lambda path: RUN,
    lambda path: {**RUN, "efficiency": "ideal"},
], ids=["a decode step has one", "the shipped set has them", "none was asked for"])  # fmt: skip
def test_else_nothing_is_said(words: Callable[[Path], dict[str, object]], of_decoding_alone: Path) -> None:
    step = st.step("llama-3.1-70b", "h100-sxm", **words(of_decoding_alone))
    assert "no_estimate" not in step.to_dict() and "no estimate" not in words_of(step)
