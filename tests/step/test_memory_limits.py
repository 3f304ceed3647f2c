"""What fits: a share of the memory, a workspace beside what is held, and the same limit wherever capacity is one."""

from pathlib import Path

import pytest
from conftest import case_of

import steptime as st
from steptime.model import symbols as q

GIB = 2**30
SMALL = ("llama-3.1-8b", "h100-sxm")
SOURCE = "llm-d-benchmark, config_explorer/empirical-vllm-memory-results.md"
MEASURED = {
    # model, options, GiB of weights that the engine printed, GiB that it had left for KV, how near we come
    f"Llama-3.3-70B in 8 bits does not start on one H100 ({SOURCE})":
        ("llama-3.3-70b", {"attention_weight_bytes": 1, "dense_weight_bytes": 1}, 67.72, -1.44, 1.05),
    f"Llama-3.1-8B ({SOURCE})": ("llama-3.1-8b", {}, 14.99, 51.38, 1.25),
    f"Qwen3-32B ({SOURCE})": ("qwen3-32b", {}, 61.03, 4.45, 0.4),
}  # fmt: skip


@pytest.mark.parametrize("name", MEASURED)
def test_what_an_engine_had_left_for_its_cache(name: str) -> None:
    """On one H100 that reports 79.18 GiB, filled to 90 % with 16,000 tokens: ours by the defaults, theirs as printed.
    Our workspace counts buffers of collectives too, of which one chip has none."""
    model, options, weights, left, near = MEASURED[name]
    words = {"memory_capacity": "79.18GiB", "batch": 1, "context": 16_000, "layout": "tp=1"}
    found = st.step(model, "h100-sxm", **words, **options).to_dict()
    memory = found["memory_per_chip"]
    assert memory["weights"] / GIB == pytest.approx(weights, abs=0.2)
    ours = (memory["usable"] - memory["workspace"] - memory["weights"]) / GIB
    assert 0 < left - ours < near
    assert found["fits"] is (left > 0) and (found["kv_room_tokens"] > 0) is (left > 0)


def test_gpt_oss_120b_on_one_h100() -> None:
    """Its 116.8 B weights are 60.8 GiB as published (OpenAI, gpt-oss model card), and vLLM left 1.71 GiB of 95 % for KV
    (its issue 27508), after padding them to 65.97 (its issue 23278). With those we leave less than it did, by less than
    1.1 GiB; padding is not modelled."""
    words = {"memory_capacity": "79.18GiB", "batch": 1, "context": 131_072, "layout": "tp=1"}
    full = st.step("gpt-oss-120b", "h100-sxm", usable_memory="95%", **words)
    memory = full.to_dict()["memory_per_chip"]
    assert memory["weights"] / GIB == pytest.approx(60.8, abs=0.2)
    padded = (memory["usable"] - memory["workspace"]) / GIB - 65.97
    assert 0 < 1.71 - padded < 1.1
    assert full.largest_concurrency == 1 and not st.step("gpt-oss-120b", "h100-sxm", **words).fits


def test_the_bound_fills_the_memory() -> None:
    """Weights and cache to the last byte: all of the memory is used and nothing is taken beside them."""
    case = case_of("llama-3.1-8b", "h100-sxm", layout="tp=1")
    held = case.number(q.memory_per_chip)
    brim = {"memory_capacity": held, "usable_memory": "100%", "workspace": 0}
    assert st.step("llama-3.1-8b", "h100-sxm", layout="tp=1", **brim).fits
    for less in ({"usable_memory": "99.99%"}, {"workspace": "1MB"}):
        assert not st.step("llama-3.1-8b", "h100-sxm", layout="tp=1", **{**brim, **less}).fits


@pytest.mark.parametrize(("model", "words", "workspace"), [
    ("llama-3.1-8b", {}, 6.1), ("gpt-oss-20b", {}, 8.6), ("llama-3.1-8b", {"phase": "train"}, 0.6),
    ("llama-3.1-8b", {"memory_capacity": "40GiB"}, 3.05), ("llama-3.1-8b", {"memory_capacity": "160GiB"}, 6.1),
    ("llama-3.1-8b", {"workspace": "2GiB"}, 2.0),
])  # fmt: skip
def test_the_workspace_by_default(model: str, words: dict[str, str], workspace: float) -> None:
    """Less with less memory than it was measured on; what is stated wins, and is no default then."""
    found = st.step(model, "h100-sxm", layout="tp=1", batch=1, **words)
    memory, said = found.to_dict()["memory_per_chip"], " ".join(found.defaults)
    assert memory["workspace"] / GIB == pytest.approx(workspace)
    assert memory["usable"] == pytest.approx(0.9 * memory["capacity"])
    assert ("workspace" in said) is ("workspace" not in words) and "usable_memory 90% of the capacity" in said


def test_every_solver_keeps_to_the_same_limit() -> None:
    """With half of the memory, the best batch, the search and the default layout leave the other half free."""
    words = {"usable_memory": "50%", "workspace": "1GB"}
    most = 0.5 * 80 * GIB - 1e9
    step = st.step("llama-3.1-8b", "h100-sxm", layout="tp=1", context=16_000, **words)
    found = step.best_batch("cost")
    (held,) = step.case.relaxed.changed({q.batch: found.batch}).footprints
    assert step.case.relaxed.changed({q.batch: found.batch}).number(held.total) == pytest.approx(most, rel=1e-6)
    assert found.to_dict()["limits"]["memory_capacity"] == "memory_per_chip + workspace <= 42.95 GB"
    searched = st.search("llama-3.1-8b", "h100-sxm", chips=1, context=16_000, **words)
    held = searched.step().to_dict()["memory_per_chip"]["total"]
    assert most * 0.9 < held <= most and searched.step().fits
    assert st.step("llama-3.1-70b", "h100-sxm", batch=1).layout.chips == 4  # 141 GB of 2 x 77.3 - 2 x 6.5
    assert st.step("llama-3.1-70b", "h100-sxm", batch=1, **words).layout.chips == 4
    assert st.step("llama-3.1-70b", "h100-sxm", batch=1, usable_memory="100%", workspace=0).layout.chips == 2


def test_a_chip_whose_workspace_takes_all_fits_nothing(run) -> None:
    code, out, _ = run("step", *SMALL, "--layout", "tp=1", "--set", "workspace=80GB", "-v")
    assert code == 0 and "DOES NOT FIT" in out and "not one sequence" in out
    code, out, err = run("solve", "batch", *SMALL, "--set", "workspace=80GB", "--layout", "tp=1")
    assert (code, out) == (2, "") and "memory_capacity is exceeded" in err


def test_the_option_and_the_table(run) -> None:
    code, out, _ = run("step", *SMALL, "--layout", "tp=1", "--batch", "1", "-v")
    shown = " ".join(out.split())
    assert code == 0 and "16.6 GB + 6.55 GB workspace of 77.31 GB usable (90% of 85.9 GB): fits" in shown
    assert "usable_memory 90% of the capacity; workspace 6.55 GB a chip" in shown
    code, out, _ = run("step", *SMALL, "--layout", "tp=1", "--batch", "1", "--usable-memory", "100%", "-v")
    assert code == 0 and "+ 6.55 GB workspace of 85.9 GB: fits" in " ".join(out.split())
    code, out, err = run("step", *SMALL, "--usable-memory", "101%")
    assert (code, out) == (2, "") and err.count("\n") == 1 and "'101%' is outside the sane range" in err


def test_a_cache_is_priced_by_the_whole_chip(run) -> None:
    """What a byte of a chip costs to hold follows from all that it has: a share to fill would say nothing there."""
    code, out, err = run("solve", "cache", "llama-3.1-8b", "h100-sxm", "--set", "usable_memory=0.5")
    assert (code, out, err.count("\n")) == (2, "", 1) and "usable_memory says nothing here" in err


def test_gradients_may_take_no_bytes(tmp_path: Path) -> None:
    """Where each gradient is used as it comes, weights and optimizer state stay alone."""
    words = {"phase": "train", "layout": "tp=8", "batch": 8}
    kept, used = (st.step("llama-3.1-8b", "h100-sxm", **words, **more) for more in ({}, {"gradient_bytes": 0}))
    parts = [one.to_dict()["memory_per_chip"] for one in (kept, used)]
    assert parts[0]["gradients"] == pytest.approx(2 * parts[0]["weights"]) and parts[1].get("gradients", 0.0) == 0.0
    assert parts[0]["total"] - parts[1]["total"] == pytest.approx(parts[0]["gradients"])
