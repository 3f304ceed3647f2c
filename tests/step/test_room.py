"""What a machine has room for beside a decode step: agrees with the memory check, and with a prefill of its own."""

import pytest

import steptime as st
from steptime.model.errors import UserError

CASES = {
    "dense, tensor parallel": ("llama-3.1-70b", "h100-sxm", {"layout": "tp=8", "context": 8192}),
    "ranks and replicas hold whole sequences": ("llama-3.1-8b", "h100-sxm", {"layout": "tp=2,dp=2,replicas=3"}),
    "stages of a pipeline": ("llama-3.1-70b", "h100-sxm", {"layout": "tp=4,pp=4", "context": 30_000}),
    "context parallel": ("llama-3.1-70b", "h100-sxm", {"layout": "tp=4,cp=4", "context": "128k"}),
    "experts, uneven": ("deepseek-v3", "h100-sxm", {"layout": "dp=24,ep=24", "weights": "fp8"}),
    "windows": ("gemma-3-27b", "h100-sxm", {"layout": "tp=2", "context": "100k"}),
    "recurrent states": ("qwen3-next-80b-a3b", "h100-sxm", {"layout": "tp=4", "context": "200k"}),
    "nothing fits": ("llama-3.1-70b", "h100-sxm", {"layout": "tp=1"}),
    "weights fit, no sequence does": ("llama-3.1-8b", "h100-sxm", {"layout": "tp=1", "context": 600_000}),
    "prefills ride along": (
        "llama-3.1-8b", "h100-sxm", {"layout": "tp=2", "scope": "serving", "prompt": 3000, "output": 400}),
}  # fmt: skip


def step_of(name: str) -> st.Step:
    model, hardware, words = CASES[name]
    return st.step(model, hardware, **words)


@pytest.mark.parametrize("name", CASES)
def test_largest_concurrency_fits_and_one_more_does_not(name: str) -> None:
    found = step_of(name)
    most = found.largest_concurrency
    assert most is not None and found.to_dict()["largest_concurrency"] == most
    assert most == 0 or found.replace(batch=most).fits is True
    assert found.replace(batch=most + 1).fits is False


@pytest.mark.parametrize("name", CASES)
def test_kv_room_holds_the_largest_concurrency_and_less_than_one_more_a_rank(name: str) -> None:
    found = step_of(name)
    room, most, context = found.kv_room_tokens, found.largest_concurrency, found.quantities["context"]
    ranks = found.layout.replicas * found.layout.dp
    assert room is not None and most is not None
    assert most * context <= room * (1 + 1e-12)
    assert room < (most + ranks) * context * 1.01  # activations of one more are below 1 %


def test_kv_room_is_what_the_weights_leave() -> None:
    """By hand: Llama-3.1-70B in bf16 on 8 H100 of 80 GiB, of which 90 % are used, 6.1 GiB for workspace. KV of a token
    2·80·8·128·2 B = 327,680 B over 8 chips; the weights are 141.1 GB over 8, less what the first and the last stage do
    not share; activations below 0.1 %."""
    found = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8", context=8192)
    weights = found.to_dict()["memory_per_chip"]["weights"]
    left = ((0.9 * 80 - 6.1) * 2**30 - weights) / (2 * 80 * 8 * 128 * 2 / 8)
    assert found.kv_room_tokens == pytest.approx(left, rel=1e-3)
    assert found.largest_concurrency == int(left * 0.999) // 8192


@pytest.mark.parametrize("layout", ["tp=8", "tp=4,dp=2,ep=8", "tp=4,pp=2"])
def test_first_token_is_a_prefill_of_the_context_alone(layout: str) -> None:
    found = st.step("gpt-oss-120b", "h100-sxm", layout=layout, batch=96, context="16k")
    alone = st.step("gpt-oss-120b", "h100-sxm", layout=layout, phase="prefill", batch=1, prompt="16k")
    assert found.time_to_first_token == pytest.approx(alone.time, rel=1e-12)
    assert alone.time_to_first_token == alone.time
    assert found.to_dict()["time_to_first_token"] == found.time_to_first_token
    assert found.replace(overlap="none").time_to_first_token == alone.replace(overlap="none").time


def test_first_token_in_serving_is_of_the_prompt() -> None:
    found = step_of("prefills ride along")
    alone = st.step("llama-3.1-8b", "h100-sxm", layout="tp=2", phase="prefill", batch=1, prompt=3000)
    assert found.time_to_first_token == pytest.approx(alone.time, rel=1e-12)


def test_what_is_set_by_hand_for_the_step_does_not_stop_the_first_token() -> None:
    drafted = st.step("llama-3.1-8b", "h100-sxm", drafts=3, acceptance=0.7, batch=8)
    usual = st.step("llama-3.1-8b", "h100-sxm")
    assert drafted.time_to_first_token == pytest.approx(usual.time_to_first_token)
    slower = st.step("llama-3.1-8b", "h100-sxm", compute_efficiency=0.5)
    assert slower.time_to_first_token == pytest.approx(2 * usual.time_to_first_token)


def test_a_context_of_one_token_is_no_prefill() -> None:
    assert st.step("llama-3.1-8b", "h100-sxm", context=1).time_to_first_token is None


def test_other_phases_have_no_room_of_their_own() -> None:
    data = st.step("llama-3.1-8b", "h100-sxm", phase="prefill").to_dict()
    assert "largest_concurrency" not in data and "kv_room_tokens" not in data
    assert st.step("llama-3.1-8b", "h100-sxm", phase="train", layout="dp=8", batch=8).time_to_first_token is None


def test_unknown_capacity_leaves_the_room_unknown(tmp_path) -> None:
    path = tmp_path / "chip.toml"
    path.write_text('peak_flops = "1 PFLOP/s"\nmemory_bandwidth = "1 TB/s"\n', "utf-8")
    found = st.step("llama-3.1-8b", path, layout="tp=1")
    assert found.kv_room_tokens is None and found.largest_concurrency is None and found.time_to_first_token
    assert "no limit known" in found.unfolded()


def test_quantities_without_an_architecture_have_room_too(tmp_path) -> None:
    """30e9 weights of 2 B on 4 chips, of whose 80 GiB 90 % are used and 6.1 GiB are workspace; 100 kB a token."""
    path = tmp_path / "toy.toml"
    path.write_text('name = "toy"\nparameters = 30e9\nkv_bytes = "100 kB"\n', "utf-8")
    found = st.step(path, "h100-sxm", layout="tp=4", context=1000)
    left = (4 * (0.9 * 80 - 6.1) * 2**30 - 60e9) / 100e3
    assert found.kv_room_tokens == pytest.approx(left) and found.largest_concurrency == int(left) // 1000
    every_byte = found.replace(usable_memory="100%", workspace=0)
    assert every_byte.kv_room_tokens == pytest.approx((4 * 80 * 2**30 - 60e9) / 100e3)


def test_the_table_says_it() -> None:
    shown = " ".join(st.step("llama-3.1-70b", "h100-sxm", layout="tp=8", context=8192).unfolded().split())
    assert "KV room 1.297 M tokens, 158 sequences of 8,192 tokens first token of a request alone after" in shown
    assert "not one sequence of 600,000" in " ".join(step_of("weights fit, no sequence does").unfolded().split())


def test_an_answer_as_a_whole_is_still_refused_where_it_was() -> None:
    with pytest.raises(UserError, match="says nothing in `phase` decode"):
        st.step("llama-3.1-8b", "h100-sxm", prompt=2000)
