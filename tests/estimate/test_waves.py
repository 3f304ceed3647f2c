"""Waves of tiles and of chunks of a cache: by hand, against a schedule played out, and where the number is missing."""

import numpy as np
import pytest
import sympy
from conftest import case_of
from hypothesis import given, settings
from hypothesis import strategies as st

import steptime
from steptime.derivations.practice import waves as derived
from steptime.derivations.practice.symbols import earlier_waves, piece_count, processor_reach
from steptime.model import symbols as q
from steptime.model.catalog.hardware import hardware_names, load_hardware
from steptime.model.estimate import symbols as e
from steptime.model.estimate.waves import WAVES, one_wave, waves
from steptime.model.scenario import Scenario
from steptime.model.step.estimate import asked_of_chip


def at(pieces: float, processors: int, of_share: float = 1.0, amount: float | None = None) -> float:
    found = waves(sympy.Float(pieces), sympy.Float(amount or pieces), sympy.Float(of_share))
    return float(Scenario({q.processors: float(processors)}).evaluate(found))


@pytest.mark.parametrize(
    ("pieces", "processors", "expected"), [(98, 108, 108 / 98), (109, 108, 216 / 109), (216, 108, 1.0), (1, 132, 132.0)]
)
def test_tiles_by_hand(pieces: int, processors: int, expected: float) -> None:
    """A product of 1792 x 1792 by tiles of 256 x 128 is 98 of them on the 108 multiprocessors of an A100: 0.91 busy."""
    assert at(pieces, processors) == pytest.approx(expected)


@settings(max_examples=200, deadline=None)
@given(pieces=st.integers(1, 2000), processors=st.integers(1, 400), reach=st.floats(1.0, 10.0))
def test_against_waves_played_out(pieces: int, processors: int, reach: float) -> None:
    """Wave after wave: all busy ones share the rate of the chip, none takes more than its reach."""
    time, left = 0.0, pieces
    while left:
        busy = min(left, processors)
        time += busy / min(1.0, busy * reach / processors)
        left -= busy
    assert at(pieces, processors, reach) == pytest.approx(time / pieces, rel=1e-9)


@settings(max_examples=200, deadline=None)
@given(pieces=st.integers(1, 2000), processors=st.integers(1, 400), reach=st.floats(1.0, 10.0))
def test_never_less_than_full_waves_nor_more_than_one_processor_s(pieces: int, processors: int, reach: float) -> None:
    found = at(pieces, processors, reach)
    assert 1.0 <= found <= at(pieces, processors) <= processors + 1e-9


@pytest.mark.parametrize(("pieces", "reach"), [(150, 4.6), (20, 4.6), (132, 1.0), (400, 2.3)])
def test_the_derived_form_is_the_model_s(pieces: int, reach: float) -> None:
    values = {q.processors: 132.0, piece_count: float(pieces), earlier_waves: float(-(-pieces // 132) - 1),
              processor_reach: reach}  # fmt: skip
    assert at(pieces, 132, reach) == pytest.approx(float(Scenario(values).evaluate(derived.ratio.result.rhs)))


@pytest.mark.parametrize(("pieces", "reach"), [(20, 4.6), (5, 1.0), (132, 1.0), (500, 1.0)])
def test_one_wave_is_the_derived_form_and_that_of_all_waves_where_there_is_one(pieces: int, reach: float) -> None:
    values = {q.processors: 132.0, piece_count: float(pieces), processor_reach: reach}
    found = float(Scenario(values).evaluate(one_wave(sympy.Integer(pieces), sympy.Float(reach))))
    assert found == pytest.approx(float(Scenario(values).evaluate(derived.single.result.rhs)))
    assert found == (pytest.approx(at(pieces, 132, reach)) if pieces <= 132 else 1.0)


def asked(model: str, hardware: str = "h100-sxm", **words: str) -> dict:
    return asked_of_chip(case_of(model, hardware, **words))


def test_a_cache_of_few_sequences_starves_the_bandwidth() -> None:
    """Llama 3.1 8B on one H100 and a context of 1,024: 8 heads by 8 chunks are 64 pieces of 132 processors, each of
    which draws 4.6 times its share: nothing is lost. On eight chips a sequence has 8 pieces: 132/(8 x 4.6)."""
    assert asked("llama-3.1-8b", layout="tp=1", batch="1", context="1024")[e.cache_waves] == 1.0
    one = asked("llama-3.1-8b", layout="tp=8", batch="1", context="1024")[e.cache_waves]
    assert one == pytest.approx(3.35e12 / (8 * 117.12e9))
    assert asked("llama-3.1-8b", layout="tp=8", batch="64", context="1024")[e.cache_waves] == 1.0


def test_a_longer_context_or_a_larger_batch_never_takes_less_time() -> None:
    """But for the token that a step writes: of few it is more."""
    for name, values in ((q.batch, np.arange(1.0, 400.0)), (q.context, np.arange(65.0, 4000.0))):
        for model, layout in (("llama-3.1-8b", "tp=4"), ("deepseek-v3", "tp=8")):
            case = case_of(model, "h200-sxm", layout=layout, batch="2", context="100").changed({name: values})
            found = asked_of_chip(case)
            for amount, wave in ((e.cache_bytes, e.cache_waves), (e.dense_flops, e.product_waves)):
                time = np.broadcast_to(found[amount] * found[wave], values.shape)
                assert (np.diff(time) >= -1e-3 * time[1:]).all(), (name, model, wave)


def test_where_the_machine_does_not_say_how_many_waves_are_full() -> None:
    """A TPU's entry states no processors: one everywhere; the answer names the key. Set by hand they count."""
    assert [asked("llama-3.1-8b", "tpuv5p", layout="tp=4")[wave] for wave in WAVES] == [1.0, 1.0, 1.0]
    step = steptime.step("llama-3.1-8b", "tpuv5p", layout="tp=4")
    where = "model/catalog/hardware.toml: [tpuv5p]"
    assert step.to_dict()["missing"]["estimate.waves"] == f"{where} processor_bandwidth, {where} processors"
    known = steptime.step("llama-3.1-8b", "tpuv5p", layout="tp=4", processors=400, processor_bandwidth="10GB/s")
    assert "estimate.waves" not in known.to_dict()["missing"]
    assert known.estimate.step_time > step.estimate.step_time and known.time == step.time


def test_processors_set_by_hand_move_the_estimate_alone(run_json) -> None:
    words = ("step", "llama-3.1-8b", "h100-sxm", "--layout", "tp=8", "--batch", "1")
    usual = run_json(*words)
    few, many = (run_json(*words, "--set", f"processors={number}") for number in (1, 4000))
    assert usual["step_time"] == few["step_time"] == many["step_time"]
    times = [data["estimate"]["terms"]["weights"] for data in (usual, few, many)]
    assert times[1] != times[0] != times[2] and usual["quantities"]["processors"] == 132


def test_each_number_of_processors_has_a_source() -> None:
    stated = [load_hardware(name) for name in hardware_names()]
    figures = {one.name: one.figures["processors"] for one in stated if "processors" in one.figures}
    assert all(one.source and one.grade in "ABD" and one.value == int(one.value) for one in figures.values())
    known = {"a100-sxm-80gb": 108, "h100-sxm": 132, "h200-sxm": 132, "b200-sxm": 148, "mi300x": 304, "mi355x": 256}
    assert {name: figures[name].value for name in known} == known
