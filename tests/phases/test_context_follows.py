"""A context that nobody states is the mean over the decode steps of a request, and moves with prompt and output."""

from typing import Any

import numpy as np
import pytest

import steptime as st

SERVED: dict[str, Any] = {"layout": "tp=1", "scope": "serving", "prompt": 1000, "output": 4000, "batch": 32}
FIRST, LAST = 1000, 30_000


@pytest.fixture(scope="module")
def step() -> st.Step:
    return st.step("llama-3.1-8b", "h100-sxm", **SERVED)


def test_it_is_the_mean_of_what_lies_before_each_token(step: st.Step) -> None:
    """The first decode step works behind the prompt, the last of output - 1 behind prompt + output - 2."""
    assert step.quantities["context"] == np.mean(np.arange(1000, 1000 + 3999))


def test_an_interval_over_the_prompt_has_the_ends_of_steps_of_their_own(step: st.Step) -> None:
    """Memory binds at both: 131,072 bytes (2 * 32 layers * 8 heads * 128 * 2 bytes) a token of context of 32 sequences,
    and as many written for each token of the prompts that ride along, (1 - 1/32)/3999 a sequence, over 3.35 TB/s."""
    more = 32 * 131_072 * (LAST - FIRST) * (1 + (1 - 1 / 32) / 3999) / 3.35e12
    ends = [step.replace(prompt=prompt).time or 0 for prompt in (FIRST, LAST)]
    assert ends[1] - ends[0] == pytest.approx(more, rel=1e-9)
    found = step.ranges(prompt=(FIRST, LAST)).spread.intervals["step_time"]
    assert (found.low, found.high) == pytest.approx(ends, rel=1e-3)


@pytest.mark.parametrize(("name", "values"), [("prompt", [1000, 30_000]), ("output", [50, 4000]),
                                              ("context", [2000, 9000])])  # fmt: skip
def test_a_grid_has_the_steps_of_its_points(step: st.Step, name: str, values: list[int]) -> None:
    grid, alone = step.over(**{name: values}), [step.replace(**{name: value}) for value in values]
    assert grid.step_time == pytest.approx([one.time for one in alone], rel=1e-12)
    assert grid.estimate == pytest.approx([one.to_dict()["estimate"]["step_time"] for one in alone], rel=1e-9)


QWEN = ("qwen3-next-80b-a3b", "tpuv5p", {"layout": "tp=2", "prompt": 2000, "output": 200, "batch": 256})
LLAMA = ("llama-3.1-70b", "h100-sxm", {"layout": "tp=8", "prompt": 2000, "output": 200, "batch": 256,
                                       "scale_up_latency": "60us", "memory_bandwidth": "68TB/s"})  # fmt: skip


@pytest.mark.parametrize(("asked", "between"), [(QWEN, ("memory", "interconnect")),
                                                (LLAMA, ("compute", "interconnect"))])  # fmt: skip
def test_a_crossing_over_the_prompt_lies_between_steps_on_its_two_sides(asked: Any, between: tuple[str, str]) -> None:
    """Also where the numerator of the difference is a polynomial of a higher degree than two, which has roots too."""
    case = st.step(asked[0], asked[1], scope="serving", **asked[2])
    found = case.crossover(*between, over="prompt").value
    assert found is not None
    times = [case.replace(prompt=prompt).to_dict()["terms"] for prompt in (int(found), int(found) + 1)]
    assert len({time[between[0]] > time[between[1]] for time in times}) == 2


def test_what_a_longer_prompt_costs_at_the_best_batch_counts_the_context(step: st.Step) -> None:
    """At a batch that is held the cost follows the step: d ln t / d ln T_in by steps on both sides."""
    held = {"limits": ["batch<=32"], "efficiency": "ideal"}
    found = step.best_batch(**held).to_dict()["sensitivities"]
    assert "context" not in found
    low, high = (step.replace(prompt=prompt).best_batch(**held).answer.bound_cost for prompt in (990, 1010))
    assert found["prompt"] == pytest.approx(np.log(high / low) / np.log(1010 / 990), rel=1e-3)
    practice = step.best_batch(limits=["batch<=32"])
    low, high = (step.replace(prompt=prompt).best_batch(limits=["batch<=32"]).answer.solution.cost
                 for prompt in (990, 1010))  # fmt: skip
    known = np.log(high / low) / np.log(1010 / 990)
    assert practice.to_dict()["sensitivities"]["prompt"] == pytest.approx(known, rel=1e-2)


def test_code_of_a_step_has_the_context_as_a_line(step: st.Step, run: Any) -> None:
    words = [f"--{key}={value}" for key, value in SERVED.items()]
    _, said, _ = run("latex", "step", "llama-3.1-8b", "h100-sxm", *words, "--format", "python")
    there: dict[str, Any] = {}
    exec(said, there)  # our own export, never a user's text
    assert there["step"](prompt=30_000)["step_time"] == pytest.approx(step.replace(prompt=30_000).time, rel=1e-9)
