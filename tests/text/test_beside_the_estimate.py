"""What follows from the bound and what from the estimate, of one step: days and dollars, first tokens, rates, words."""

import pytest

import steptime as st

RUN = {"phase": "train", "layout": "tp=8,pp=2,dp=2", "batch": 64, "tokens": "15T"}


def words_of(step: st.Step) -> str:
    return " ".join(str(step).split())


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
