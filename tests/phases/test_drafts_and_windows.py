"""Drafts that are checked in one pass, and windows: what a prefill attends to."""

import pytest
from conftest import case_of
from sympy import Integer

from steptime.model import symbols as q
from steptime.model.architecture.attended import attended
from steptime.model.architecture.attention import Indexer, LatentAttention


def test_drafts_are_checked_in_one_pass() -> None:
    sets = ("drafts=3", "acceptance=0.8")
    case = case_of("llama-3.1-8b", "h100-sxm", sets=sets, layout="tp=1", batch="8", context="1000")
    kept = 1 + 0.8 + 0.64 + 0.512
    assert case.scenario.evaluate(q.tokens_per_second) == pytest.approx(8 * kept / case.scenario.evaluate(q.step_time))
    plain = case_of("llama-3.1-8b", "h100-sxm", layout="tp=1", batch="8", context="1000")
    weights = 2 * plain.scenario.evaluate(q.active_parameters)
    pairs_of_four = 4 * 1000 + 6
    expected = 8 * (4 * weights + 524_288 * pairs_of_four) / 989e12
    assert case.times["compute"] == pytest.approx(expected, rel=1e-12)
    assert case.times["memory"] == pytest.approx(plain.times["memory"] + 8 * 3 * 131_072 / 3.35e12, rel=1e-12)


def test_a_window_caps_what_prefill_attends_to() -> None:
    case = case_of("mistral-7b-v0.1", "h100-sxm", phase="prefill", prompt="32768", batch="1", layout="tp=1")
    inside = 4096 * 4095 // 2 + 4096 * (32768 - 4096)
    found = case.scenario.evaluate(q.attention_flops) * case.scenario.evaluate(case.phase.pairs)
    assert found == pytest.approx(32 * 4 * 32 * 128 * inside, rel=1e-12)
    assert case.scenario.evaluate(q.kv_written) == 32 * 2 * 8 * 128 * 2 * 4096


def test_attended_is_capped_by_window_and_by_selection() -> None:
    sparse = LatentAttention(8, 16, 8, 16, 32, indexer=Indexer(4, 8, 100))
    assert attended(sparse, Integer(70)) == 70 and attended(sparse, Integer(170)) == 100
