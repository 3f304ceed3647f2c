"""The peak of attention beside that of products: in 16 bits one peak, beside narrower products the listed one."""

from pathlib import Path

import pytest

import steptime as st
from steptime.model import symbols as q
from steptime.model.catalog.coefficients import shipped
from steptime.model.catalog.hardware import load_hardware
from steptime.model.step.wide_peak import wide_peak_of
from steptime.model.text.format import si

LONG = {"phase": "prefill", "layout": "tp=1", "batch": 1, "prompt": "100k"}
H100 = 'memory_bandwidth = "3.35TB/s"\nmemory_capacity = "80GB"\nscale_up_domain = 8\nprocessors = 132\n'
KINDS = {
    "decode": {"layout": "tp=2", "batch": 512, "context": 100}, "prefill": {"phase": "prefill", "layout": "tp=2"},
    "train": {"phase": "train", "layout": "tp=2,dp=2", "batch": 16},
    "serving": {"scope": "serving", "layout": "tp=2", "prompt": 2000, "output": 100, "batch": 64},
}  # fmt: skip
FORMATS = {"bf16": {}, "fp8": {"weights": "fp8", "activations": "fp8"}}
PEAKS = [1e14, 5e14, 1.5e15, 4e15]
"""Below the 16-bit peak of an H100, 989 TFLOP/s, between that and the one of fp8, and beyond."""


def seconds(hardware: object = "h100-sxm", **words: object) -> dict:
    found = st.step("llama-3.1-8b", hardware, **words).estimate
    assert found is not None
    return {**found.terms, "step": found.step_time}


def test_attention_by_hand() -> None:
    """4 FLOP for each of 32 layers, 4,096 channels and T(T - 1)/2 pairs of 100,000 tokens, at the fitted share of the
    peak."""
    flops, share = 4 * 32 * 4096 * 1e5 * (1e5 - 1) / 2, shipped().of_family("hopper")[q.prefill_score_share]
    for peak in (1e14, 1.978e15):
        found = seconds(**LONG, peak_flops=peak)["attention"]
        assert found * peak == pytest.approx(flops / share, rel=1e-3)
    assert seconds(**LONG, peak_flops=1e14)["step"] > 26.2


@pytest.mark.parametrize("kind", KINDS)
def test_a_peak_set_by_hand_is_that_of_a_machine(kind: str, tmp_path: Path) -> None:
    """Twice the one peak that a machine's file states, in 16 bits, or half of it."""
    for peak in ("494.5 TFLOP/s", "1978 TFLOP/s"):
        machines = []
        for name, stated in (("own", "989 TFLOP/s"), ("other", peak)):
            machines.append(str(tmp_path / f"{name}.toml"))
            Path(machines[-1]).write_text(f'peak_flops = "{stated}"\n{H100}scale_up_bandwidth = "450GB/s"\n')
        by_hand, own = seconds(machines[0], **KINDS[kind], peak_flops=peak), seconds(machines[1], **KINDS[kind])
        assert by_hand == pytest.approx(own, rel=1e-12)


def test_beside_narrower_products() -> None:
    """Attention keeps the listed 989 TFLOP/s, or has the peak of the products where that is less."""
    words = {**LONG, **FORMATS["fp8"]}
    listed = seconds(**words)["attention"]
    for peak, share in ((1e14, 1e14 / 989e12), (989e12, 1), (3.958e15, 1)):
        assert seconds(**words, peak_flops=peak)["attention"] * share == pytest.approx(listed)
    h100 = load_hardware("h100-sxm")
    assert [wide_peak_of(h100, form, 4e15) for form in ("fp8", "bf16", "fp32")] == [989e12, 4e15, 4e15]


def test_what_twice_the_peak_would_bring(run) -> None:
    words = ("step", "llama-3.1-8b", "h100-sxm", "--phase", "prefill", "--layout", "tp=1", "--prompt", "100k")
    _, out, _ = run(*words)
    in_practice = si(seconds(**LONG, peak_flops=2 * 989e12)["step"], "s")
    assert f"twice the FLOP/s: 2.031 s at the bound, about {in_practice} in practice" in " ".join(out.split())


@pytest.mark.parametrize("axis", ["peak_flops", "memory_bandwidth", "scale_up_bandwidth", "scale_out_bandwidth"])
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_grid_of_rates(kind: str, form: str, axis: str) -> None:
    words = {**KINDS[kind], **FORMATS[form]}
    values = PEAKS if axis == "peak_flops" else [1e11, 1e12, 1e13]
    grid = st.step("llama-3.1-8b", "h100-sxm", **words).over(**{axis: values})
    found = [st.step("llama-3.1-8b", "h100-sxm", **words, **{axis: value}).estimate for value in values]
    assert grid.estimate == pytest.approx([one.step_time for one in found], rel=1e-9)
    assert grid.mean_estimate == pytest.approx([one.mean_time for one in found], rel=1e-9)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_sweep_and_exported_code(kind: str, form: str) -> None:
    words = {**KINDS[kind], **FORMATS[form]}
    swept = st.sweep({"base": {"model": "llama-3.1-8b", "hardware": "h100-sxm", **words}, "outputs": ["estimate"],
                      "memory": "ignored", "over": {"peak_flops": {"values": PEAKS}},
                      "keep": [{"best": "estimate", "count": 4}]})  # fmt: skip
    room: dict = {}
    exec(st.step("llama-3.1-8b", "h100-sxm", **words).export("python"), room)
    for row in swept.kept("best estimate")[0]["rows"]:
        alone = seconds(**words, peak_flops=row["peak_flops"])["step"]
        assert row["estimate"] == pytest.approx(alone, rel=1e-9)
        assert room["step"](peak_flops=row["peak_flops"])["estimate"] == pytest.approx(alone, rel=1e-9)


def test_the_price_of_a_peak(run_json) -> None:
    """A prompt's time but for starts of kernels goes with the one peak: no more is left at another."""
    found = run_json("solve", "batch", "llama-3.1-8b", "h100-sxm", "--layout", "tp=1", "--phase", "prefill", "--prompt",
                     "50k")["sensitivities"]  # fmt: skip
    assert found["peak_flops"] == pytest.approx(-1, abs=1e-3) and "wide_peak" not in found
