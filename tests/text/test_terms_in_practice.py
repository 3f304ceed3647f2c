"""What the terms of an estimate are made of, MFU and energy in practice: in numbers, and in words."""

import pytest
from conftest import case_of

import steptime as st
from steptime.model import symbols as q
from steptime.model.catalog.coefficients import shipped
from steptime.model.estimate.terms import DECODE, PREFILL
from steptime.model.estimate.training import TRAINING
from steptime.model.step.estimate import estimated
from steptime.model.step.estimate_parts import parts_of_estimate
from steptime.model.text.format import si
from steptime.model.text.practice_terms import MEANING, longer_by

CASES = {
    "dense": ("llama-3.1-70b", "h200-sxm", {"layout": "tp=4"}),
    "experts": ("deepseek-v3", "gb200-nvl72", {}),
    "prefill": ("llama-3.1-8b", "h100-sxm", {"phase": "prefill"}),
    "serving": ("mixtral-8x7b", "h200-sxm", {"layout": "dp=4,ep=4", "scope": "serving", "output": 300, "prompt": 1000}),
    "training": ("llama-3.1-8b", "h100-sxm", {"phase": "train", "layout": "tp=2,pp=2,dp=4", "zero": 1}),
    "training experts": ("mixtral-8x7b", "h100-sxm", {"phase": "train", "layout": "dp=8,ep=8,pp=2"}),
}


@pytest.mark.parametrize("name", CASES)
def test_they_are_the_terms_of_the_estimate(name: str) -> None:
    model, hardware, options = CASES[name]
    case = case_of(model, hardware, **options)
    parts, found = parts_of_estimate(case), estimated(case)
    assert {name: part.seconds for name, part in parts.items()} == pytest.approx(dict(found.terms), rel=1e-12)
    for part in parts.values():
        assert 0 <= part.ideal <= part.seconds * (1 + 1e-12)
        assert part.longer_by or part.seconds == pytest.approx(part.ideal, rel=1e-12)
    if name in ("dense", "experts", "prefill"):  # elsewhere links are hidden, or prefills ride along
        assert sum(part.ideal for part in parts.values()) >= case.number(q.step_time) * (1 - 1e-9)


def test_shares_divide_and_starts_add() -> None:
    """A term is its ideal over the share that decides it, or so many starts of so long."""
    parts = parts_of_estimate(case_of(*CASES["dense"][:2], layout="tp=4"))
    cache, kernels = parts["cache"], parts["kernels"]
    assert set(cache.longer_by) == {"cache_streaming", "cache_waves"}
    waves = cache.longer_by["cache_waves"]
    assert cache.seconds == pytest.approx(cache.ideal * waves / cache.longer_by["cache_streaming"], rel=1e-12)
    assert kernels.ideal == 0
    assert kernels.seconds == pytest.approx(kernels.longer_by["kernel_time"] * kernels.longer_by["kernels"], rel=1e-12)


def test_only_what_decides_is_named() -> None:
    """Weights of a small batch are read, not multiplied: the share of the peak decides nothing; of many it does."""
    few, many = (parts_of_estimate(case_of("llama-3.1-8b", "h100-sxm", batch=batch, context=64))["weights"]
                 for batch in (8, 4096))  # fmt: skip
    assert set(few.longer_by) == {"dense_streaming", "weight_waves"}
    assert set(many.longer_by) == {"product_share", "product_waves"}


def test_the_ideal_and_quantities_have_none() -> None:
    assert parts_of_estimate(case_of("llama-3.1-8b", "h100-sxm", efficiency="ideal")) == {}
    assert "estimate_terms" not in st.step("llama-3.1-8b", "h100-sxm", efficiency="ideal").to_dict()


def test_every_term_is_explained() -> None:
    assert {*DECODE, *PREFILL, *TRAINING, "prefills"} == set(MEANING)


def test_words_of_what_makes_longer() -> None:
    found = {"head_padding": 2.0, "kernel_time": 1e-5, "launches": 7.0}
    assert longer_by(found) == "head_padding 2, 7 launches of 10 µs"
    assert longer_by({"tensor_exposed": 0.598, **found}) == "tensor_exposed 60%, head_padding 2 and 1 more"


def words(run, *asked: str) -> str:
    code, out, err = run(*asked)
    assert code == 0, err
    return " ".join(out.split())


def test_details_and_plain_sentences_say_what_takes_longer(run, run_json) -> None:
    asked = ("llama-3.1-70b", "h200-sxm", "--layout", "tp=4")
    found = run_json("step", *asked)["estimate_terms"]
    kernels = found["kernels"]["longer_by"]["kernels"]
    said = words(run, "step", *asked, "-v")
    each = si(shipped().values[q.kernel_time], "s", 3)
    assert f"{kernels:,.0f} kernels of {each}" in said and "cache_streaming 85%" in said
    assert "kernels: starts of kernels, one after another" in said
    more = max(found, key=lambda name: found[name]["time"] - found[name]["ideal"])
    assert f"; in practice {more} take " in words(run, "explain", *asked)


@pytest.mark.parametrize("name", CASES)
def test_utilisation_and_energy_in_practice(name: str) -> None:
    """What is done of the peak falls as the step takes longer; joules of a token rise so, and tokens of a megawatt are
    a million over them."""
    model, hardware, options = CASES[name]
    found = st.step(model, hardware, **options).to_dict()
    practice = found["estimate"]
    for one in (found, practice):
        assert one["tokens_per_second_per_megawatt"] == pytest.approx(1e6 / one["joules_per_token"], rel=1e-12)
    watts = found["quantities"]["power"] * found["quantities"]["chips"]
    assert practice["tokens_per_second_per_megawatt"] == pytest.approx(1e6 * practice["tokens_per_second"] / watts)
    assert practice["mfu"] / found["mfu"] == pytest.approx(found["step_time"] / practice["step_time"], rel=0.02)
    assert practice["mbu"] / found["mbu"] == pytest.approx(found["step_time"] / practice["step_time"], rel=1e-12)


def test_mfu_in_practice_is_the_work_over_what_the_chips_could_do(run) -> None:
    step = st.step("llama-3.1-8b", "h100-sxm", phase="train", layout="tp=2,dp=4")
    found = step.to_dict()
    could = 8 * found["quantities"]["peak_flops"] * found["estimate"]["step_time"]
    assert found["estimate"]["mfu"] == pytest.approx(found["training"]["model_flops"] / could, rel=1e-9)
    said = words(run, "step", "llama-3.1-8b", "h100-sxm", "--phase", "train", "--layout", "tp=2,dp=4")
    at_bound, practice = (f"{one['mfu']:.1%}" for one in (found, found["estimate"]))
    assert f"MFU at the bound {at_bound} of peak FLOP/s; about {practice} in practice" in said


def test_a_megawatt_says_whose_watts(run) -> None:
    said = words(run, "step", "deepseek-v3", "gb200-nvl72", "-v")
    assert "tokens/s per MW" in said and "watts that are counted: chip, 1.2 kW; system 1.87 kW" in said
    by_hand = words(run, "step", "deepseek-v3", "gb200-nvl72", "-v", "--set", "power=2kW")
    assert "watts that are counted: power set by hand, 2 kW" in by_hand


def test_a_cache_is_said_of_a_sequence_and_of_a_token(run, run_json) -> None:
    """Llama 3.1 70B: 80 layers of 8 heads of 128, keys and values in bf16."""
    found = run_json("step", "llama-3.1-70b", "h200-sxm", "--layout", "tp=4,dp=2")
    assert found["kv_bytes_per_sequence"] == 2 * 80 * 8 * 128 * 2 * 4096
    said = words(run, "step", "llama-3.1-70b", "h200-sxm", "--layout", "tp=4,dp=2")
    assert "KV cache 1.342 GB a sequence of 4,096 tokens, 327.7 kB a token" in said
    assert run_json("step", "llama-3.1-8b", "h100-sxm", "--phase", "train")["kv_bytes_per_sequence"] is None
    whole = run_json("step", "gemma-3-27b", "h200-sxm", "--context", "32k", "--layout", "tp=1", "--batch", "1")
    assert whole["kv_bytes_per_sequence"] == pytest.approx(whole["memory_per_chip"]["kv"], rel=1e-12)
