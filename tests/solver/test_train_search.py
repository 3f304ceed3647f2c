"""The search over training executions: equal to a loop over every one, built as a case of its own."""

import json
from itertools import product

import pytest
from conftest import asked
from one_by_one import divisors, executions
from questions import TRAINED, search_of

from steptime.model import symbols as q
from steptime.model.errors import UserError
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.step.build import build_case
from steptime.model.step.inputs import Question


def every_execution(question: Question, chips: int, batch: int) -> list[tuple[float, bool]]:
    """Step time, and whether it fits, of every way to train on so many chips."""
    cases = executions(question, chips, batch)
    return [(case.scenario.evaluate(q.step_time), bool(case.fits)) for case in cases]


@pytest.mark.parametrize(("model", "hardware", "chips", "batch", "sequence"), [
    ("gpt2", "a100-sxm-40gb", 2, 2, "32768"),
    ("deepseek-v2-lite", "h200-sxm", 2, 2, "4096"),
])  # fmt: skip
def test_the_best_execution_is_that_of_a_loop(model: str, hardware: str, chips: int, batch: int, sequence: str) -> None:
    words = {"phase": "train", "sequence": sequence, "usable_memory": "100%"}  # so few chips are full to the brim
    executions = every_execution(asked(model, hardware, **words), chips, batch)
    search = search_of(model, hardware, (chips,), (batch,), "latency", free=TRAINED, efficiency="ideal", **words)
    found = search_layouts(search)
    assert found.points == len(executions)
    assert found.infeasible["memory_capacity"] == sum(not fits for _, fits in executions)
    least = min((time for time, fits in executions if fits), default=None)
    assert found.best.step_time == pytest.approx(least, rel=1e-12)
    again = build_case(found.best.question)
    assert again.fits and again.scenario.evaluate(q.step_time) == pytest.approx(least, rel=1e-12)


def test_gpt3_on_64_chips_has_the_executions_that_it_has() -> None:
    """tp x pp x dp x micro-batch x interleaving x recomputation x ZeRO x sequence parallelism, contexts whole."""
    found = search_layouts(search_of("gpt3-175b", "a100-sxm-80gb", (64,), (64,), "latency", free=TRAINED, phase="train",
                                     sequence="2048", dropout=True, layout="cp=1,replicas=1,ffn=tp"))  # fmt: skip
    expected = 0
    for tp, pp in product(divisors(64), repeat=2):
        if 64 % (tp * pp) or 96 % tp:
            continue
        dp = 64 // tp // pp
        chunks = [v for v in divisors(96) if v == 1 or (pp > 1 and 96 % (pp * v) == 0)]
        kinds = 3 * (4 if dp > 1 else 1) * (2 if tp > 1 else 1)
        expected += len(divisors(64 // dp)) * len(chunks) * kinds
    assert found.points == expected == 12_333
    assert found.best.step_time < 13.75  # as published with selective recomputation and sequence parallelism


def test_choices_that_are_stated_are_held() -> None:
    free = TRAINED - {"recompute", "microbatch"}
    found = search_layouts(search_of("llama-3.1-8b", "h100-sxm", (8,), (16,), "latency", free=free, phase="train",
                                     recompute="full", zero=1, microbatch="2"))  # fmt: skip
    best = found.best.question.inputs
    assert (best.training.recompute, best.given[q.microbatch]) == ("full", 2)
    with pytest.raises(UserError, match="memory_capacity by"):
        search_layouts(search_of("llama-3.1-405b", "h100-sxm", (8,), (8,), "latency", free=TRAINED, phase="train"))


@pytest.mark.parametrize("choice", [("--sequence-parallel",), ("--zero", "1"), ("--schedule", "zb-h1")], ids=str)
def test_a_stated_choice_that_changes_nothing_drops_no_layout(run, choice: tuple[str, ...]) -> None:
    """One chip splits nothing, shares nothing and has no bubble: what is asked for then holds of itself."""
    asked = ["solve", "layout", "gpt2", "h100-sxm", "--phase", "train", "--chips", "1", "--batch", "1", "--json"]
    code, out, _ = run(*asked, *choice)
    assert code == 0 and json.loads(out)["feasible"] > 0
