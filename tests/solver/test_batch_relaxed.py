"""The continuous best batch says that it is of a relaxed problem wherever whole steps take longer."""

from typing import Any

import pytest

import steptime as st
from steptime.model import symbols as q
from steptime.model.step.coefficients import coefficients_for
from steptime.model.step.estimate import estimated_time

CASES: dict[str, tuple[str, str, dict[str, Any], bool]] = {
    "waves": ("llama-3.1-70b", "h100-sxm", {"layout": "tp=8"}, True),
    "waves of a prefill": ("llama-3.1-8b", "h100-sxm", {"layout": "tp=2", "phase": "prefill", "prompt": 40}, True),
    "mean load": ("llama-3.1-8b", "tpuv5p", {"layout": "dp=4"}, True),
    "no waves known, one rank": ("llama-3.1-8b", "tpuv5p", {"layout": "tp=1"}, False),
    "training, one rank": ("llama-3.1-8b", "h100-sxm", {"layout": "tp=8", "phase": "train"}, False),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_relaxed_exactly_where_whole_steps_take_longer(name: str) -> None:
    model, hardware, words, relaxed = CASES[name]
    found = st.step(model, hardware, **words).best_batch(limits=["batch<=500"])
    answer = found.answer
    assert (bool(found.relaxed), found.to_dict()["relaxed"]) == (relaxed, relaxed)
    chosen = coefficients_for(answer.whole.inputs)
    batches = [float(batch) for batch in range(1, 500, 12)]
    there = [sum(answer.practice.times(batch).values()) for batch in batches]
    whole = [estimated_time(answer.whole.changed({q.batch: batch}), chosen) for batch in batches]
    assert (there == pytest.approx(whole, rel=1e-9)) is not relaxed


def test_the_whole_batch_leads_where_the_other_is_relaxed() -> None:
    """A step of as many whole sequences takes more than the limit that the continuous batch is said to meet. The bound
    alone, of one rank, has the same formulas for both."""
    step = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8", context=1000)
    found = step.best_batch(max_step_time="40ms")
    lines = str(found).splitlines()
    assert lines[3].startswith(f"batch {found.whole['batch']}   step time about 39.9")
    word, continuous = lines[4].split(":")[0].split()
    assert word == "continuous" and float(continuous) > found.whole["batch"] + 20
    assert step.replace(batch=int(float(continuous))).to_dict()["estimate"]["step_time"] > 0.042
    assert "relaxed: tiles that fill the processors" in " ".join(lines[4:7])
    assert repr(found).endswith(f"relaxed; whole {found.whole['batch']})")
    ideal = step.best_batch(max_step_time="40ms", efficiency="ideal")
    assert not ideal.relaxed and str(ideal).splitlines()[3].startswith("batch 916.")
