"""Our answer in pieces adds up to our answer, and the slopes of a changed one are those of its times."""

import numpy as np
import pytest
from conftest import asked
from hypothesis import given, settings
from hypothesis import strategies as st

from steptime.model import symbols as q
from steptime.model.architecture.transformer import DenseFeedForward, GroupedAttention, Layer, Transformer
from steptime.model.choices import Overlap
from steptime.model.errors import UserError
from steptime.model.estimate.groups import kernels_of
from steptime.model.solver.compared.changes import changes_of, overlaps
from steptime.model.solver.compared.pieces import MATRICES, STREAM, Pieces, joined, pieces_of, sheets_of
from steptime.model.solver.compared.predicted import predicted
from steptime.model.step.build import build_case
from steptime.model.step.inputs import Question

LAYOUTS = ("tp=8", "tp=4,pp=2", "tp=2,dp=4,ep=8", "tp=1", "tp=16", "tp=2,dp=16,ep=32")
MODELS = ("llama-3.1-8b", "mixtral-8x7b", "deepseek-v3", "qwen3-32b")


def pieces(*questions: Question) -> Pieces:
    return pieces_of(*sheets_of(questions), len(questions))


@settings(max_examples=40)
@given(st.sampled_from(MODELS), st.sampled_from(LAYOUTS), st.integers(1, 512), st.integers(2, 60_000), st.booleans())
def test_pieces_add_up_to_the_bound(model: str, layout: str, batch: int, length: int, prefill: bool) -> None:
    """In each overlap."""
    how = {"phase": "prefill", "prompt": length} if prefill else {"context": length}
    try:
        question = asked(model, "h100-sxm", batch=batch, layout=layout, **how)
        case = build_case(question)
    except UserError:
        return  # a layout that this model cannot have
    found = pieces(question)
    full = found.seconds.sum(axis=1).max(axis=1)
    assert full == pytest.approx(case.number(q.step_time), rel=1e-9) and found.bound == pytest.approx(full, rel=1e-9)
    for change in overlaps():
        if change.overlap != Overlap.NONE or case.layout.pp == 1:  # else the fullest stage has more layers
            times, _ = predicted(found, [change], [])
            assert times == pytest.approx(case.number(case.bounds[change.overlap]), rel=1e-9), change.term


def test_pieces_of_many_are_those_of_each() -> None:
    several = [asked("mixtral-8x7b", "h100-sxm", batch=batch, context=2000, layout="tp=4,dp=2,ep=8", weights="fp8",
                     activations="fp8", kv="fp8") for batch in (1, 7, 300)]  # fmt: skip
    together, apart = pieces(*several), joined([pieces(question) for question in several])
    assert together.seconds == pytest.approx(apart.seconds, rel=1e-12)
    for part in ("added", "each", "ratios"):
        for name, values in getattr(together, part).items():
            assert values == pytest.approx(getattr(apart, part)[name], rel=1e-12), name
    kept = together.at([2, 0]).acting()
    assert kept.bound == pytest.approx(together.bound[[2, 0]]) and len(kept.operations) < len(together.operations)
    assert kept.seconds.sum() == pytest.approx(together.seconds[[2, 0]].sum())


def test_what_is_not_in_the_bound_by_hand() -> None:
    """A toy of two layers, 8 heads, width 64 and a vocabulary of 1,000, on two chips: 3 sequences behind 100 tokens."""
    layer = Layer(GroupedAttention(8, 4, 16, 16), (DenseFeedForward(128),))
    toy = Transformer("toy", 64, 1000, False, (layer, layer), precision="bf16")
    question = asked("llama-3.1-8b", "h100-sxm", batch=3, context=100, layout="tp=2")
    found = pieces(Question(toy, question.hardware, question.inputs))
    bandwidth = question.hardware.figures["memory_bandwidth"].value
    assert found.added["input embedding"] == pytest.approx(1000 * 64 * 2 / bandwidth)
    assert found.added[STREAM] == pytest.approx(2 * 64 * 3 * 2 / bandwidth)
    assert found.added[MATRICES] == pytest.approx(2 * 8 * 101 * 3 / 2 * 2 / bandwidth, rel=0.02)
    assert (found.each["collective"], found.each["layer"], found.each["kernel"]) == (4, 2, kernels_of(toy))
    assert found.rates["memory"] == pytest.approx(bandwidth)


def test_slopes_are_those_of_the_times() -> None:
    """Every change alone and in each overlap, against differences: away from kinks these agree."""
    form = {"layout": "tp=8", "weights": "fp8", "activations": "fp8", "kv": "fp8"}
    decodes = (asked("llama-3.1-70b", "h100-sxm", batch=batch, context=context, **form)
               for batch, context in ((1, 1000), (64, 3000), (300, 500)))  # fmt: skip
    prefill = asked("llama-3.1-70b", "h100-sxm", phase="prefill", prompt=3000, **form)  # where compute hides bytes
    found = joined([pieces(*decodes), pieces(prefill)]).acting()
    free = [change for change in changes_of(found) if change.is_free]
    assert len(free) > 10
    for ways in ([], [overlaps()[0]], [overlaps()[1]]):
        for first, second in zip(free, [*free[1:], free[0]], strict=True):
            changes = [*ways, first, second]
            at = np.array([change.limits[0] ** 0.4 * change.limits[1] ** 0.6 for change in (first, second)])
            _, slopes = predicted(found, changes, at)
            for place in range(2):
                step = np.where(np.arange(2) == place, 1e-6, 0.0)
                (above, _), (below, _) = (predicted(found, changes, at * np.exp(sign * step)) for sign in (1, -1))
                assert (np.log(above / below) / 2e-6) == pytest.approx(slopes[:, place], abs=1e-5), (
                    first.term, second.term)  # fmt: skip
