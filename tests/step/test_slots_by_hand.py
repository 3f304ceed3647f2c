"""A slot of the ledger set by hand: at its own value nothing changes, at another what follows from the slot alone."""

from typing import Any

import pytest

import steptime as st
from steptime.model import symbols as q
from steptime.model.phases.by_hand import OF_PASS, SLOTS

CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "decode": ("llama-3.1-70b", "h100-sxm", {"layout": "tp=8"}),
    "one chip": ("llama-3.1-8b", "h100-sxm", {"layout": "tp=1", "batch": 33}),
    "experts": ("deepseek-v3", "h200-sxm", {"layout": "dp=16,ep=16,copies=per-domain", "batch": 512}),
    "windows, a rank that is fuller": ("gpt-oss-120b", "b200", {"layout": "tp=2,dp=2,ep=4", "batch": 33}),
    "drafts": ("llama-3.1-70b", "h100-sxm", {"layout": "tp=2,pp=3", "batch": 33, "drafts": 3, "acceptance": 0.7}),
    "prefill": ("gpt-oss-120b", "b200", {"layout": "tp=2,dp=2,ep=4", "phase": "prefill", "batch": 3, "chunk": 700}),
    "a state": ("nemotron-3-nano-30b-a3b", "h100-sxm", {"layout": "tp=2", "batch": 33}),
    "in-flight batching": ("gpt-oss-120b", "b200", {"layout": "tp=4", "scope": "serving", "output": 300}),
    "training": ("llama-3.1-70b", "h100-sxm", {"layout": "tp=8,dp=2,pp=2", "phase": "train", "batch": 64, "zero": 1}),
}


def answered(step: st.Step) -> list[float]:
    """Seconds and bytes that a step says, at the bound, operation by operation, serial, and in practice."""
    assert step.estimate is not None
    return [*step.band.values(), step.estimate.low, step.estimate.step_time, step.estimate.mean_time,
            step.case.number(q.memory_per_chip)]  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_at_its_own_value_nothing_changes(name: str) -> None:
    """The definition of a derived quantity: set to what it is, it is what it was."""
    model, hardware, words = CASES[name]
    usual = st.step(model, hardware, **words)
    slots = sorted((symbol for symbol in SLOTS if symbol.name in usual.quantities), key=str)
    assert len(slots) >= 12
    for slot in slots:
        same = st.step(model, hardware, **words, **{slot.name: usual.quantities[slot.name]})
        assert answered(same) == pytest.approx(answered(usual), rel=1e-9), slot


def test_a_smaller_cache_is_read_in_less_time_and_all_else_stays() -> None:
    """320,000 for 327,680 bytes a token: the cache's term shrinks by that ratio, of 4,096 tokens read and one written,
    and no other term moves; so does the cache that is held."""
    usual, less = (st.step("llama-3.1-70b", "h100-sxm", layout="tp=8", **one) for one in ({}, {"kv_bytes": 320e3}))
    terms, fewer = usual.estimate.terms, less.estimate.terms
    ratio = (320e3 * 4096 + 327680) / (327680 * 4097)
    assert less.time == pytest.approx(8.318e-3, rel=1e-4)
    assert fewer["cache"] == pytest.approx(ratio * terms["cache"], rel=1e-12)
    assert {name: time for name, time in fewer.items() if name != "cache"} == pytest.approx(
        {name: time for name, time in terms.items() if name != "cache"}, rel=1e-12)  # fmt: skip
    kept = [one.case.number(one.case.fullest_stage.kv) for one in (usual, less)]
    assert kept[1] / kept[0] == pytest.approx(320 / 327.68, rel=1e-12)


@pytest.mark.parametrize(("name", "term", "lines"), [
    ("active_parameters", "compute", {"attention over the KV cache": False, "attention projections": True}),
    ("attention_flops", "compute", {"attention over the KV cache": True, "attention projections": False}),
])  # fmt: skip
def test_lines_follow_their_slot_and_add_up_to_the_term(name: str, term: str, lines: dict[str, bool]) -> None:
    """Twice the weights multiplied, or twice the FLOP of attention: these lines double, the others stay."""
    usual = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8")
    twice = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8", **{name: 2 * usual.quantities[name]})
    flops = [{str(line.name): one.case.number(line.flops) for line in one.case.operations} for one in (usual, twice)]
    for line, grows in lines.items():
        assert flops[1][line] == pytest.approx((2 if grows else 1) * flops[0][line], rel=1e-9)
    rate = twice.quantities["peak_flops"]
    assert sum(flops[1].values()) / rate == pytest.approx(twice.case.times[term], rel=1e-9)


def test_what_a_layout_has_none_of_is_a_line_of_its_own() -> None:
    """One chip sends nothing; told to send 9 MB a token and sequence, it sends 33 times as much on its link."""
    step = st.step("llama-3.1-8b", "h100-sxm", layout="tp=1", batch=33, scale_up_bytes=9e6)
    sent = sum(step.case.number(line.traffic.scale_up) for line in step.case.operations)
    assert sent == pytest.approx(33 * 9e6)
    assert step.estimate.terms["links"] > 33 * 9e6 / step.quantities["scale_up_bandwidth"]


def test_what_only_a_pass_has_is_said_to_be_left_out_of_in_flight_batching() -> None:
    words = {"layout": "tp=8", "scope": "serving", "output": 300}
    usual, step = (st.step("llama-3.1-70b", "h100-sxm", **words, **one) for one in ({}, {"compute_shards": 7}))
    assert q.compute_shards in OF_PASS and q.kv_bytes not in OF_PASS
    assert "compute_shards as set: each pass of the estimate has its own" in step.estimate.outside
    assert step.estimate.terms == pytest.approx(usual.estimate.terms)
    fewer = st.step("llama-3.1-70b", "h100-sxm", **words, kv_bytes=1e5)
    assert fewer.estimate.terms["cache"] < usual.estimate.terms["cache"]
    assert not any("as set" in one for one in fewer.estimate.outside)


@pytest.mark.parametrize("phase", [{"batch": 4096, "context": 1}, {"phase": "prefill"}], ids=["decode", "prefill"])
@pytest.mark.parametrize("slot", sorted(symbol.name for symbol in SLOTS))
def test_no_answer_beats_the_peaks_without_saying_so(slot: str, phase: dict[str, Any]) -> None:
    """Half, twice and a thousand times a slot: MFU and MBU of the bound stay at one, the estimate does not fall below
    it; or what was set is said to be faster than the chips can be."""
    words = {"layout": "tp=2", **phase}
    value = st.step("llama-3.1-8b", "h100-sxm", **words).quantities.get(slot)
    for factor in (0.5, 2, 1000) if value else ():
        try:
            step = st.step("llama-3.1-8b", "h100-sxm", **words, **{slot: round(factor * value)})
        except st.UserError:
            continue
        found = step.to_dict()
        beaten = max(found["mfu"], found["mbu"]) > 1 + 1e-9 or step.estimate.step_time < step.time
        said = f"{slot} as set is more ways than the 2 chips of a stage: faster than they can be"
        assert beaten <= any(str(one) == said for one in step.case.notices), (slot, factor)
