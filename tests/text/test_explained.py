"""Five plain sentences: whatever the scenario, there are five, and their numbers are those of the step."""

import re

import pytest

import steptime as st

CASES = {
    "dense": ("llama-3.1-70b", "h100-sxm", {"layout": "tp=8"}),
    "experts": ("deepseek-v3", "gb200-nvl72", {"layout": "dp=8,ep=8", "context": "200k"}),
    "links": ("llama-3.1-70b", "h100-sxm", {"layout": "tp=64", "context": 1, "batch": 4096}),
    "drafts": ("llama-3.1-8b", "h100-sxm", {"drafts": 3, "acceptance": 0.7}),
    "prefill": ("llama-3.1-70b", "h100-sxm", {"phase": "prefill", "layout": "tp=8", "cached": 1024}),
    "training": ("gpt3-175b", "a100-sxm-80gb", {"phase": "train", "layout": "tp=8,pp=8", "batch": 64}),
    "no room": ("llama-3.1-405b", "h100-sxm", {"layout": "tp=8"}),
    "no price": ("llama-3.1-8b", "tpu7x", {"layout": "tp=2"}),
    "no figure": ("llama-3.1-70b", "rtx4090", {"layout": "pp=8"}),
    "no estimate": ("llama-3.1-8b", "h100-sxm", {"efficiency": "ideal", "overlap": "none"}),
}  # fmt: skip
SAID = {
    "dense": ["Memory binds", "reads 17.38 GB of weights (62%) and 10.74 GB of KV cache (38%) at 3.35 TB/s"],
    "links": ["The links bind: a chip sends", "over scale-out at 50 GB/s"],
    "drafts": ["2.533 tokens for 64 sequences"],
    "prefill": ["over 1 sequence of 4,096 tokens (1,024 of them cached)", "Compute binds", "at 989 TFLOP/s a chip"],
    "training": ["One optimizer step", "of optimizer state"],
    "no room": ["it does not fit."],
    "no price": ["what a token costs is unknown"],
    "no figure": ["no time can be given without model/catalog/hardware.toml: [rtx4090] scale_out_bandwidth."],
    "no estimate": ["with nothing overlapped; the bound alone was asked for, without an estimate"],
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_there_are_five_sentences_and_each_is_one(name: str) -> None:
    model, hardware, more = CASES[name]
    found = st.step(model, hardware, **more).explain()
    assert len(found.sentences) == 5 == len(found.to_dict()["sentences"])
    for text in found.sentences:
        assert text[0].isupper() and text.endswith(".") and not re.search(r"[a-z]\. [A-Z]", text), text
        assert "None" not in text and " — " not in text and "`" not in text
    for said in SAID.get(name, []):
        assert said in " ".join(found.sentences), found.sentences


@pytest.mark.parametrize("name", [name for name in CASES if name != "no figure"])
def test_their_numbers_are_those_of_the_step(name: str) -> None:
    model, hardware, more = CASES[name]
    step = st.step(model, hardware, **more)
    first, second, third, fourth, _ = step.explain().sentences
    factor = 1.0 if step.time >= 1 else 1e3
    assert f" {step.time * factor:.4g} {'s' if factor == 1 else 'ms'} " in first
    binds = {"memory": "Memory", "compute": "Compute", "interconnect": "The links"}[step.bound_by]
    assert second.startswith(binds)
    shares = [int(share) / 100 for share in re.findall(r"(?:take|takes) (\d+)%", second)]
    times = step.to_dict()["terms"]
    others = sorted(time / times[step.bound_by] for name, time in times.items() if name != step.bound_by and time)
    assert sorted(shares) == pytest.approx(others, abs=0.00501)
    rates = [float(number.replace(",", "")) for number in re.findall(r"([\d.,]+) tokens/s", third)]
    assert rates[1] == pytest.approx(step.tokens_per_second, rel=1e-3)
    assert (step.fits is False) == ("does not fit" in fourth)


def test_the_command_says_the_same(run, run_json) -> None:
    found = st.step("llama-3.1-8b", "h100-sxm", batch=32).explain()
    code, out, err = run("explain", "llama-3.1-8b", "h100-sxm", "--batch", "32")
    assert (code, err) == (0, "") and " ".join(" ".join(found.sentences).split()) in " ".join(out.split())
    assert run_json("explain", "llama-3.1-8b", "h100-sxm", "--batch", "32") == found.to_dict()
    assert max(map(len, out.splitlines())) <= 80 and out.rstrip().endswith("not modelled: -v")
